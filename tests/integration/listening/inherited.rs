//! Sockets that a server is handed: by number, and as systemd does.

use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::process::{Command, Stdio};

use gateway_tests::artifacts;
use gateway_tests::client::Client;
use gateway_tests::server::{Server, run};
use gateway_tests::skip;
use gateway_tests::tls::{Certificates, TlsStream};
use rustix::net::{AddressFamily, SocketType, socket, sockopt};

use super::unix::{answers, place};
use super::{refused, target};
use crate::engines::{Engine, on_every_engine};

on_every_engine! {
    a_socket_that_is_handed_over_outlives_its_server => a_socket_that_is_handed_over_outlives_its_server,
    a_handshake_waits_for_room => a_handshake_waits_for_room,
}

/// A server that a shell starts, which has a socket on descriptor 0 and does
/// this with it before.
fn handed(socket: impl Into<OwnedFd>, before: &str, arguments: &[&str]) -> Command {
    let mut shell = Command::new("sh");
    let script = format!("{before}; exec \"$0\" \"$@\" </dev/null");
    shell.args(["-c", &script]).arg(artifacts::server()).args(arguments).arg(target());
    shell.env("GATEWAY_LOG", "debug").stdin(Stdio::from(socket.into()));
    shell
}

/// As 3, and by systemd's rules.
const BY_NUMBER: &str = "exec 3<&0";
const BY_SYSTEMD: &str = "exec 3<&0; export LISTEN_PID=$$ LISTEN_FDS=1";

fn tcp() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

fn get(mut client: Client) {
    client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    assert_eq!(client.response("GET").unwrap().text(), "This is the probe.\n");
}

fn connect(address: SocketAddr) -> Client {
    Client::new(TcpStream::connect(address).unwrap())
}

/// Who comes between two servers waits for the second.
fn a_socket_that_is_handed_over_outlives_its_server(engine: Engine) {
    let (listener, address) = tcp();
    let arguments = [engine.flags, &["--bind", "fd://3"]].concat();
    let start = || Server::spawn(handed(listener.try_clone().unwrap(), BY_NUMBER, &arguments), 1);
    let server = start();
    assert_eq!(server.places(), [format!("http://{address}")]);
    get(connect(address));
    server.stop();
    let between = connect(address);
    let server = start();
    get(between);
    server.stop();
}

/// Where there is a certificate, also those that nobody has written a scheme for.
#[test]
fn a_socket_that_is_handed_over_speaks_tls() {
    if !skip::has("a_socket_that_is_handed_over_speaks_tls", "openssl") {
        return;
    }
    let certificates = Certificates::new();
    let (listener, address) = tcp();
    for (how, bind) in [(BY_NUMBER, "fd://3"), (BY_SYSTEMD, "systemd")] {
        let socket = listener.try_clone().unwrap();
        let server = Server::spawn(handed(socket, how, &certificates.flags(&["--bind", bind])), 1);
        assert_eq!(server.places(), [format!("https://{address}")]);
        let mut client = certificates.connect(&server);
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
        assert_eq!(client.response("GET").unwrap().text(), "This is the probe.\n");
        drop(client);
        server.stop();
    }
}

/// A chain of certificates that is longer than what such sockets hold. They have
/// their size from the one that listens.
fn a_handshake_waits_for_room(engine: Engine) {
    if !skip::has("a_handshake_waits_for_room", "openssl") {
        return;
    }
    let certificates = Certificates::new();
    let [mut chain, issuer] = ["cert.pem", "ca.pem"].map(|name| std::fs::read(certificates.path(name)).unwrap());
    chain.extend(issuer.repeat(120));
    std::fs::write(certificates.path("cert.pem"), chain).unwrap();
    let (listener, _) = tcp();
    sockopt::set_socket_send_buffer_size(&listener, 4096).unwrap();
    let arguments = certificates.flags(&[engine.flags, &["--bind", "fd://3"]].concat());
    let server = Server::spawn(handed(listener, BY_NUMBER, &arguments), 1);
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let socket = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
        sockopt::set_socket_recv_buffer_size(&socket, 2048).unwrap();
        rustix::net::connect(&socket, &server.address()).unwrap();
        let tls = TlsStream::new(certificates.client(&[version]), socket.into(), std::iter::empty());
        let mut client = Client::over(tls);
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
        assert_eq!(client.response("GET").unwrap().text(), "This is the probe.\n");
    }
    server.stop();
}

#[test]
fn a_unix_socket_is_taken_too_and_its_file_left() {
    let (_folder, path, bind) = place();
    let listener = UnixListener::bind(&path).unwrap();
    for (how, address) in [(BY_NUMBER, "fd://3"), (BY_SYSTEMD, "systemd")] {
        let server = Server::spawn(handed(listener.try_clone().unwrap(), how, &["--bind", address]), 1);
        assert_eq!(server.places(), [&*bind]);
        assert!(answers(&path));
        server.stop();
        assert!(path.exists());
    }
}

#[test]
fn systemd_hands_several_over() {
    let (listener, address) = tcp();
    let before = "exec 3<&0 4<&0; export LISTEN_PID=$$ LISTEN_FDS=2 LISTEN_FDNAMES=a:b";
    let server = Server::spawn(handed(listener, before, &["--bind", "systemd", "--bind", "127.0.0.1:0"]), 3);
    assert_eq!(server.addresses()[..2], [address, address]);
    get(connect(address));
    get(connect(server.addresses()[2]));
    server.stop();
}

/// systemd's own way of trying that.
#[test]
fn systemd_socket_activate_starts_it() {
    if !skip::has("systemd_socket_activate_starts_it", "systemd-socket-activate") {
        return;
    }
    let (_folder, path, bind) = place();
    let mut activate = Command::new("systemd-socket-activate");
    activate.arg("--listen").arg(&path).arg(artifacts::server());
    activate.args(["--bind", "systemd", &target()]).stdin(Stdio::null());
    // It starts the server when somebody connects, and becomes it.
    let client = std::thread::spawn(move || {
        gateway_tests::wait::until("it listens", || path.exists(), |there| *there);
        answers(&path)
    });
    let server = Server::spawn(activate, 1);
    assert_eq!(server.places(), [&*bind]);
    assert!(client.join().unwrap());
    server.stop();
}

#[test]
fn programs_that_the_server_starts_get_none_of_it() {
    let (listener, _) = tcp();
    let server = Server::spawn(handed(listener, BY_SYSTEMD, &["--bind", "systemd"]), 1);
    let info = std::fs::read_to_string(format!("/proc/{}/fdinfo/3", server.id())).unwrap();
    let flags = info.lines().find_map(|line| line.strip_prefix("flags:")).unwrap().trim();
    // O_CLOEXEC
    assert_ne!(u32::from_str_radix(flags, 8).unwrap() & 0o2_000_000, 0, "{info}");
    // Nor does a module see the variables.
    let variables = artifacts::c_module("tests/plugins/variables.c", "variables", &[]);
    for (bind, closes) in [("systemd", true), ("127.0.0.1:0", false)] {
        let mut shell = Command::new("sh");
        let script = "exec 3<&0; export LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=a; exec \"$0\" \"$@\" </dev/null";
        shell.args(["-c", script]).arg(artifacts::server()).args(["--no-master", "--bind", bind]).arg(&variables);
        shell.stdin(Stdio::from(OwnedFd::from(tcp().0)));
        let said = String::from_utf8(shell.output().unwrap().stderr).unwrap();
        for name in ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"] {
            assert!(said.contains(&format!("{name} is away")), "{said}");
        }
        // Not even one that it starts while it is loaded gets what is served.
        assert_eq!(said.contains("3 closes at exec"), closes, "{said}");
    }
}

/// Holds that what is on descriptor 0 is refused as 3.
fn unfit(socket: impl Into<OwnedFd>, text: &str) {
    let output = handed(socket, BY_NUMBER, &["--bind", "fd://3"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("fd://3") && said.contains(text), "no {text:?} in: {said}");
}

#[test]
fn a_descriptor_that_cannot_be_served_is_said() {
    let (listener, address) = tcp();
    unfit(UdpSocket::bind("127.0.0.1:0").unwrap(), "ListenStream=");
    unfit(TcpStream::connect(address).unwrap(), "Accept=no");
    unfit(std::fs::File::open("/dev/null").unwrap(), "no socket");
    drop(listener);
    refused(&["--bind", "fd://999"], 1, &["fd://999", "not open"]);
    refused(&["--bind", "fd://1"], 1, &["standard"]);
    refused(&["--bind", "fd://x"], 2, &["fd://3"]);
    refused(&["--bind", "fd://3", "--bind", "fd://3"], 2, &["is given twice"]);
    refused(&["--bind", "systemd"], 2, &["systemd", "not set"]);
}

/// The listener that was bound before is one of these.
#[test]
fn a_descriptor_of_the_servers_own_is_not_taken() {
    let said = (3..16).map(|number| {
        let output = run(&["--bind", "127.0.0.1:0", "--bind", &format!("fd://{number}"), &target()]);
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8_lossy(&output.stderr).into_owned()
    });
    let said = said.collect::<String>();
    assert!(said.contains("opened by this server itself"), "{said}");
}

#[test]
fn sockets_of_another_process_are_not_taken() {
    let (listener, _) = tcp();
    let before = "exec 3<&0; export LISTEN_PID=1 LISTEN_FDS=1";
    let output = handed(listener, before, &["--bind", "systemd"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(2) && said.contains("LISTEN_PID is 1"), "{said}");
}
