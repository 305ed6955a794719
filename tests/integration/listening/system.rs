//! What of listening is the system's: both families, the queue, descriptors.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::path::Path;

use gateway_tests::artifacts;
use gateway_tests::client::Client;
use gateway_tests::server::Server;
use gateway_tests::wait::until;
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};

use super::refused;
use super::unix::place;

/// What the app sees of a request to this address.
fn told(address: SocketAddr) -> String {
    let mut client = Client::new(TcpStream::connect(address).unwrap());
    client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    client.response("GET").unwrap().text()
}

fn has_ipv6() -> bool {
    TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok()
}

#[test]
fn all_addresses_of_ipv6_are_those_of_ipv4_too() {
    if !has_ipv6() {
        return;
    }
    let server = Server::start("environ:app", &["--lint", "--bind", "[::]:0"]);
    let port = server.address().port();
    let ends = |ip: &str| ["SERVER_NAME", "REMOTE_ADDR"].map(|name| format!("<th>{name}</th><td>{ip}</td>"));
    for (address, ip) in [
        (SocketAddr::from((Ipv4Addr::LOCALHOST, port)), "127.0.0.1"),
        (SocketAddr::from((Ipv6Addr::LOCALHOST, port)), "::1"),
    ] {
        let page = told(address);
        for end in ends(ip) {
            assert!(page.contains(&end), "{address}: no {end} in {page}");
        }
    }
    for bind in [format!(":{port}"), format!("[::]:{port}")] {
        refused(&["--bind", &bind], 1, &[":", "[::] takes the IPv4 addresses too"]);
    }
    server.stop();
}

#[test]
fn one_address_of_ipv6_is_one() {
    if !has_ipv6() {
        return;
    }
    let server = Server::start("environ:app", &["--bind", "[::1]:0"]);
    assert!(told(server.address()).contains("<th>REMOTE_ADDR</th><td>::1</td>"));
    assert!(TcpStream::connect((Ipv4Addr::LOCALHOST, server.address().port())).is_err());
}

/// Connects without waiting; `None` when the queue is full.
fn queued(path: &Path) -> Option<OwnedFd> {
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None).unwrap();
    match connect(&socket, &SocketAddrUnix::new(path).unwrap()) {
        Ok(()) => Some(socket),
        Err(Errno::AGAIN) => None,
        Err(error) => panic!("{error}"),
    }
}

/// Of a Unix socket the queue shows: a server that stands still accepts nobody.
#[test]
fn as_many_clients_wait_as_the_backlog_says() {
    for backlog in [1, 7] {
        let (_folder, path, bind) = place();
        let more = ["--engine", "single", "--backlog", &backlog.to_string()];
        let server = Server::start("probe:app", &[&["--bind", &bind], &more[..]].concat());
        server.signal("STOP");
        let stat = || std::fs::read_to_string(format!("/proc/{}/stat", server.id())).unwrap();
        until("it stands still", stat, |stat| stat.contains(") T "));
        let waiting: Vec<_> = std::iter::from_fn(|| queued(&path)).collect();
        // unix(7) does not say so, but the queue is full when it is longer.
        assert_eq!(waiting.len(), backlog + 1);
    }
    for backlog in ["0", "65536", "many"] {
        refused(&["--backlog", backlog], 2, &["--backlog"]);
    }
}

/// Each connection takes one, and the soft limit is for others' sake.
#[test]
fn the_limit_of_descriptors_is_raised_and_said() {
    let target = format!("{}:app", artifacts::module("probe").display());
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", "ulimit -Sn 100; ulimit -Hn 500; exec \"$0\" \"$@\""]);
    shell.arg(artifacts::server()).args(["--bind", "127.0.0.1:0", &target]).env_remove("GATEWAY_LOG");
    let server = Server::spawn(shell, 1);
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", server.id())).unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    assert_eq!(line.split_whitespace().nth(3), Some("500"), "{line}");
    server.wait_for_log("descriptors (nofile): 500");
}
