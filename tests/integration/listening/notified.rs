//! What a service manager is told, by a socket that stands for systemd's.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use gateway_tests::artifacts;
use gateway_tests::server::{Server, command};

use super::target;
use crate::engines::{Engine, on_every_engine};

on_every_engine! {
    a_manager_is_told_of_both_ends => |engine: Engine| told_of_both_ends(engine, &[]),
    a_manager_is_told_by_a_master => |engine: Engine| told_of_both_ends(engine, &["--workers", "2"]),
}

/// A manager on an abstract address, and what NOTIFY_SOCKET calls it.
fn manager(name: &str) -> (UnixDatagram, String) {
    let name = format!("gateway-{}-{name}", std::process::id());
    let manager = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
    // So that no test hangs.
    manager.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    (manager, format!("@{name}"))
}

fn message(manager: &UnixDatagram) -> String {
    let mut message = [0; 256];
    let count = manager.recv(&mut message).expect("the manager is told something");
    String::from_utf8_lossy(&message[..count]).into_owned()
}

fn told_of_both_ends(engine: Engine, more: &[&str]) {
    let (manager, name) = manager(&format!("{}-{}-{}", engine.name, engine.flags.len(), more.len()));
    let mut command = command(&[engine.flags, more, &["--bind", "127.0.0.1:0", &target()]].concat());
    let server = Server::spawn(
        {
            command.env("NOTIFY_SOCKET", name);
            command
        },
        1,
    );
    assert_eq!(message(&manager), "READY=1");
    let mut client = TcpStream::connect(server.address()).unwrap();
    client.write_all(b"POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n").unwrap();
    // The request is under way.
    client.read_exact(&mut [0; 25]).unwrap();
    server.signal("TERM");
    assert_eq!(message(&manager), "STOPPING=1");
    // That is the beginning of the end: what is under way goes on.
    client.write_all(b"abc").unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("abc"), "{answer}");
    assert!(server.wait().0.success());
    manager.set_nonblocking(true).unwrap();
    assert!(manager.recv(&mut [0; 1]).is_err(), "it is told more than that");
}

#[test]
fn a_server_that_cannot_start_is_never_ready() {
    let (manager, name) = manager("fails");
    let faulty = format!("{}:create_fails", artifacts::module("faulty").display());
    for arguments in [
        &["--bind", "127.0.0.1:0", &faulty][..],
        &["--bind", "192.0.2.1:1", &target()],
        &["--workers", "2", "--bind", "127.0.0.1:0", &faulty],
    ] {
        let output = command(arguments).env("NOTIFY_SOCKET", &name).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        manager.set_nonblocking(true).unwrap();
        assert!(manager.recv(&mut [0; 64]).is_err(), "a server that has ended was ready");
    }
}

#[test]
fn a_manager_that_cannot_be_told_stops_nobody() {
    for (name, text) in [("/no/such/socket", "was not told"), ("vsock:1:2", "NOTIFY_SOCKET is vsock:1:2")] {
        let mut command = command(&["--bind", "127.0.0.1:0", &target()]);
        command.env("NOTIFY_SOCKET", name);
        let log = Server::spawn(command, 1).stop();
        assert!(log.contains(text), "no {text:?} in {log}");
    }
}
