//! What goes wrong between a client's TLS and the server's: clean ends, counted
//! and said.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::process::{Command, Stdio};
use std::time::Duration;

use gateway_tests::artifacts;
use gateway_tests::client::Client;
use gateway_tests::gate::{Form, Gate};
use gateway_tests::server::{Server, command};
use gateway_tests::skip;
use gateway_tests::tls::{Certificates, TlsStream};
use gateway_tests::trace::Traced;
use gateway_tests::wait::settled;
use rustls::version::TLS13;

use super::{get, has_openssl, serve};
use crate::engines::{Engine, on_every_engine};

on_every_engine! {
    conn_08_a_request_without_tls_is_told_to_speak_it => conn_08_a_request_without_tls_is_told_to_speak_it,
    conn_09_an_end_is_announced_and_need_not_be => conn_09_an_end_is_announced_and_need_not_be,
    what_is_no_tls_ends_the_connection => what_is_no_tls_ends_the_connection,
    a_handshake_has_the_time_of_a_head => a_handshake_has_the_time_of_a_head,
    a_client_that_takes_nothing_is_left => a_client_that_takes_nothing_is_left,
}

/// So does one that has more to say than is read.
fn conn_08_a_request_without_tls_is_told_to_speak_it(engine: Engine) {
    if !has_openssl("conn_08_a_request_without_tls_is_told_to_speak_it") {
        return;
    }
    let (server, _certificates) = serve(engine, "probe:app", &[]);
    let upload = ["POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n", &"x".repeat(1_000_000)].concat();
    for request in [get("/"), upload] {
        let mut client = Client::new(server.connect());
        // What is not read any more may be refused, or not.
        let _ = client.send(request.as_bytes());
        let response = client.response("GET").expect("an answer that can be read");
        assert_eq!((response.status, response.header("connection")), (400, Some("close")));
        assert_eq!(response.text(), "400 Bad Request: this port speaks TLS: use https://\n");
    }
    let log = server.stop();
    assert!(log.contains("faults: 2 x this port speaks TLS: use https://"), "{log}");
}

/// A client may close as it likes: with a word, of which its answer does not suffer,
/// or without, also in the midst of a record. The server says it.
fn conn_09_an_end_is_announced_and_need_not_be(engine: Engine) {
    if !has_openssl("conn_09_an_end_is_announced_and_need_not_be") {
        return;
    }
    let (server, certificates) = serve(engine, "probe:app", &[]);
    let ends: [&dyn Fn(&mut TlsStream); 3] =
        [&|client| client.finish().unwrap(), &|client| client.socket.shutdown(Shutdown::Write).unwrap(), &|client| {
            client.connection.writer().write_all(get("/").as_bytes()).unwrap();
            let bytes = client.outgoing().unwrap();
            client.socket.write_all(&bytes[..bytes.len() / 2]).unwrap();
            client.socket.shutdown(Shutdown::Write).unwrap();
        }];
    for end in ends {
        let mut client = certificates.connect(&server);
        client.send(get("/").as_bytes()).unwrap();
        end(client.way());
        assert_eq!(client.response("GET").unwrap().status, 200);
        assert!(client.at_end().expect("an end that was said"));
    }
    let log = server.stop();
    assert!(!log.contains("faults"), "{log}");
}

/// Before the handshake, in it, and after it. The client is told what it has done
/// where it can be told.
fn what_is_no_tls_ends_the_connection(engine: Engine) {
    if !has_openssl("what_is_no_tls_ends_the_connection") {
        return;
    }
    let (server, certificates) = serve(engine, "probe:app", &[]);
    let zeroes = [0; 100];
    for bytes in [&zeroes[..], b"\x16\x03\x01\x00\x05nonse", b"\x16\x03\x01\xff\xff", b"\x15\x03\x03\x00\x02\x02\x28"] {
        let mut client = server.connect();
        client.write_all(bytes).unwrap();
        ends(client);
    }
    let mut client = certificates.connect(&server);
    client.send(get("/").as_bytes()).unwrap();
    assert_eq!(client.response("GET").unwrap().status, 200);
    // A record of the right length that nobody has encrypted.
    let record = [&[0x17, 3, 3, 0, 100][..], &[7; 100]].concat();
    client.way().socket.write_all(&record).unwrap();
    let error = client.rest().expect_err("it is told");
    assert!(error.to_string().contains("BadRecordMac"), "{error}");
    // Nobody who only looks whether somebody is here is a fault.
    drop(server.connect());
    let log = server.stop();
    assert!(log.contains("127.0.0.1: TLS failed: "), "{log}");
    assert!(log.contains("faults: 5 x TLS with a client failed\n"), "{log}");
}

/// Whatever comes, it comes to an end.
fn ends(mut client: TcpStream) {
    client.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let mut rest = Vec::new();
    match client.read_to_end(&mut rest) {
        Ok(_) => {}
        Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset),
    }
}

/// A client's first bytes, and how many of them.
fn hello(certificates: &Certificates, server: &Server, part: usize) -> TcpStream {
    let mut client = TlsStream::new(certificates.client(&[&TLS13]), server.connect(), std::iter::empty());
    let bytes = client.outgoing().unwrap();
    client.socket.write_all(&bytes[..bytes.len() * part / 100]).unwrap();
    client.socket
}

/// Who stops in the midst of it, and who never says that it is done.
fn a_handshake_has_the_time_of_a_head(engine: Engine) {
    if !has_openssl("a_handshake_has_the_time_of_a_head") {
        return;
    }
    let (server, certificates) = serve(engine, "probe:app", &["--head-timeout", "1s"]);
    for part in [50, 100] {
        ends(hello(&certificates, &server, part));
    }
    // Gone is gone, before the time is over.
    drop(hello(&certificates, &server, 50));
    server.wait_for_log("TLS failed: the handshake was not finished");
    let log = server.stop();
    assert!(log.contains(" x TLS with a client failed\n"), "{log}");
}

/// Of a response that is encrypted as of any other.
fn a_client_that_takes_nothing_is_left(engine: Engine) {
    if !has_openssl("a_client_that_takes_nothing_is_left") {
        return;
    }
    let (server, certificates) = serve(engine, "bench:app", &["--write-timeout", "1s"]);
    let mut client = certificates.connect(&server);
    client.send(get("/bytes64k").repeat(300).as_bytes()).unwrap();
    server.wait_for_log("the client took nothing of its response for too long");
    // What was sent before is there, and no end that was said.
    client.rest().expect_err("a cut");
    server.stop();
}

/// Whoever waits for a handshake, of which the half has come, only waits.
#[test]
fn a_stalled_handshake_costs_nothing() {
    let test = "a_stalled_handshake_costs_nothing";
    if !skip::has(test, "strace") || !has_openssl(test) {
        return;
    }
    let target = format!("{}:app", artifacts::module("probe").display());
    // All but the one that asks without rest.
    for engine in ["leader", "single", "thread", "select", "poll", "epoll", "coroutine"] {
        let certificates = Certificates::new();
        let more = ["--engine", engine, "--no-master", "--bind", "127.0.0.1:0", "--head-timeout", "10m", &target];
        let traced = Traced::spawn(&command(&certificates.flags(&more)), "!futex");
        let stalled = [50, 100].map(|part| {
            let client = hello(&certificates, &traced.server, part);
            // While it is looked at a hundred times there are none.
            settled("system calls", || traced.calls("monitor").total());
            client
        });
        drop(stalled);
    }
}

/// The loop speaks by the TLS of a connection whose call is inside.
#[test]
fn a_late_call_is_answered_by_its_loop() {
    if !has_openssl("a_late_call_is_answered_by_its_loop") {
        return;
    }
    for hand_over in ["auto", "always"] {
        let (gate, certificates) = (Gate::new(), Certificates::new());
        let more = ["--engine", "leader", "--threads", "4", "--request-timeout", "1s", "--hand-over", hand_over];
        let server = gate.serve(Form::Concurrent, &certificates.flags(&more));
        let mut late = certificates.connect(&server);
        late.send(get("/hold").as_bytes()).unwrap();
        let stuck = gate.next();
        let response = late.response("GET").unwrap();
        assert_eq!((response.status, response.header("connection")), (504, Some("close")));
        assert!(late.at_end().expect("an end that was said"));
        let mut other = certificates.connect(&server);
        other.send(get("/").as_bytes()).unwrap();
        assert_eq!(other.response("GET").unwrap().status, 200);
        stuck.release();
        drop((late, other));
        server.stop();
    }
}

/// What TLS 1.2 had for that is refused, and others are served on.
#[test]
fn nobody_negotiates_anew() {
    if !has_openssl("nobody_negotiates_anew") {
        return;
    }
    let certificates = Certificates::new();
    let server = Server::start("probe:app", &certificates.flags(&[]));
    let (connect, ca) = (server.address().to_string(), certificates.file("ca.pem"));
    let mut client = Command::new("timeout");
    client.args(["60", "openssl", "s_client", "-connect", &connect, "-tls1_2", "-CAfile", &ca]);
    let mut client = client.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // Open until it ends by itself, which it does when it is refused.
    let mut commands = client.stdin.take().unwrap();
    commands.write_all(b"R\n").unwrap();
    let output = client.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    drop(commands);
    assert!(told.contains("RENEGOTIATING") && told.contains("no renegotiation"), "{told}");
    let mut client = certificates.connect(&server);
    client.send(get("/").as_bytes()).unwrap();
    assert_eq!(client.response("GET").unwrap().status, 200);
    drop(client);
    server.stop();
}
