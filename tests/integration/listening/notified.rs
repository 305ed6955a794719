//! What a service manager is told, by a socket that stands for systemd's.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::process::Command;
use std::time::Duration;

use gateway_tests::artifacts;
use gateway_tests::gate::{Form, Gate};
use gateway_tests::server::{Server, command};

use super::target;
use crate::engines::{Engine, on_every_engine};

on_every_engine! {
    a_manager_is_told_of_both_ends => |engine: Engine| told_of_both_ends(engine, &["--no-master"]),
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

/// A server with a master that tells this manager, with more variables.
fn watched(name: String, variables: &[(&str, &str)], mut command: Command) -> Server {
    command
        .args(["--workers", "1", "--bind", "127.0.0.1:0"])
        .env("NOTIFY_SOCKET", name)
        .envs(variables.iter().copied());
    Server::spawn(command, 1)
}

#[test]
fn a_manager_is_told_of_a_reload() {
    let (manager, name) = manager("reloads");
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().join("libapp.so");
    std::fs::copy(artifacts::module("hello"), &place).unwrap();
    let server = watched(name, &[], command(&[place.to_str().unwrap()]));
    assert_eq!(message(&manager), "READY=1");
    for is_there in [true, false] {
        if !is_there {
            std::fs::remove_file(&place).unwrap();
        }
        server.signal("HUP");
        let begun = message(&manager);
        let time = begun.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").and_then(|time| time.parse::<u64>().ok());
        assert!(time.is_some_and(|time| time > 0), "{begun}");
        // Also where the old workers serve on.
        assert_eq!(message(&manager), "READY=1");
    }
    server.stop();
    assert_eq!(message(&manager), "STOPPING=1");
}

/// A sign of life comes for as long as a loop comes round.
#[test]
fn a_watchdog_is_fed_by_workers_that_live() {
    let (manager, name) = manager("watches");
    let gate = Gate::new();
    let own = std::process::id().to_string();
    for (variables, is_fed) in [
        (&[("WATCHDOG_USEC", "3000000")][..], true),
        (&[], false),
        // Another process's.
        (&[("WATCHDOG_USEC", "3000000"), ("WATCHDOG_PID", &*own)], false),
    ] {
        let flags = ["--engine", "epoll", "--worker-timeout", "2s"];
        let mut gated = gate.command(Form::Concurrent, &[&flags[..], &["--workers", "1"]].concat());
        gated.env("NOTIFY_SOCKET", &name).envs(variables.iter().copied());
        let server = Server::spawn(gated, 1);
        assert_eq!(message(&manager), "READY=1");
        if is_fed {
            for _ in 0..2 {
                assert_eq!(message(&manager), "WATCHDOG=1");
            }
        }
        // The only worker does not come round, and is killed for that.
        let mut client = TcpStream::connect(server.address()).unwrap();
        client.write_all(b"GET /hold HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
        let _held = gate.next();
        server.wait_for_log("and is killed");
        server.stop();
        let rest: Vec<String> =
            std::iter::repeat_with(|| message(&manager)).take_while(|text| text != "STOPPING=1").collect();
        assert!(rest.iter().all(|text| is_fed && text == "WATCHDOG=1"), "{rest:?}");
    }
}

/// Who takes over is the manager's process from then on.
#[test]
fn a_manager_is_told_of_an_upgrade() {
    let (manager, name) = manager("upgrades");
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("pid");
    let server = watched(name, &[], command(&["--pidfile", file.to_str().unwrap(), &target()]));
    assert_eq!(message(&manager), "READY=1");
    let told = gateway_tests::server::run(&["upgrade", file.to_str().unwrap()]);
    assert!(told.status.success(), "{told:?}");
    // Which of both speaks first is not certain.
    let mut said = [message(&manager), message(&manager)];
    said.sort();
    let new = std::fs::read_to_string(&file).unwrap();
    assert_eq!(said, [format!("MAINPID={}", new.trim()), "READY=1".to_owned()]);
    let stopped = gateway_tests::server::run(&["stop", file.to_str().unwrap()]);
    assert!(stopped.status.success(), "{stopped:?}");
    assert_eq!(message(&manager), "STOPPING=1");
    drop(server);
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
