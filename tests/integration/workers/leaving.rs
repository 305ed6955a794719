//! `--pre-stop-delay`: balancers hear of the end before it comes.

use std::io::ErrorKind;
use std::net::TcpStream;
use std::time::Duration;

use gateway_tests::client::Client;
use gateway_tests::gate::{Form, Gate};
use gateway_tests::wait::until;

use super::{asks, kill, workers};
use crate::engines::{Engine, on_every_engine};

const HELLO: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";

on_every_engine! {
    all_are_served_while_balancers_hear_of_it => |engine: Engine| {
        let server = engine.serve("hello:app", &["--workers", "2", "--pre-stop-delay", "1h"]);
        let mut kept = Client::new(server.connect());
        asks(&mut kept, HELLO, None);
        server.signal("TERM");
        server.wait_for_log("stopping");
        let all = workers(&server);
        // A worker may hear of it a moment later than the log says.
        let mut last = 0;
        while last < 20 {
            let mut client = Client::new(server.connect());
            client.send(HELLO).unwrap();
            let response = client.response("GET").unwrap();
            assert_eq!(response.status, 200);
            last = if response.header("connection") == Some("close") { last + 1 } else { 0 };
        }
        // Who was there before too, but where one client makes room for another.
        if engine.name != "single" {
            asks(&mut kept, HELLO, Some("close"));
        }
        assert_eq!(workers(&server), all);
        // Told again, nobody waits.
        server.signal("TERM");
        let (status, log) = server.wait();
        assert!(status.success(), "{log}");
    },
}

on_every_engine! {
    nobody_is_let_in_who_would_wait_for_none => |engine: Engine| {
        let gate = Gate::new();
        let server = gate.serve(Form::Concurrent, &[engine.flags, &["--workers", "2"]].concat());
        let mut client = Client::new(server.connect());
        client.send(b"GET /hold HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
        let held = gate.next();
        server.signal("TERM");
        // Not taken to wait until the last call is over.
        let outcome = || TcpStream::connect(server.address()).err().map(|error| error.kind());
        until("clients are refused", outcome, |error| *error == Some(ErrorKind::ConnectionRefused));
        held.release();
        assert_eq!(client.response("GET").unwrap().status, 200);
        let (status, log) = server.wait();
        assert!(status.success(), "{log}");
    },
}

/// One worker that is told to end ends alone.
#[test]
fn one_worker_closes_no_door() {
    let server = gateway_tests::server::Server::start("hello:app", &["--workers", "2"]);
    let old = workers(&server);
    kill(old[0], "TERM");
    server.wait_for_log("worker 1 has ended; another takes its place");
    until("two workers", || workers(&server).len(), |count| *count == 2);
    for _ in 0..10 {
        asks(&mut Client::new(server.connect()), HELLO, None);
    }
    assert_eq!(server.stop().matches("ERROR").count(), 0);
}

#[test]
fn it_comes_by_itself() {
    let server = gateway_tests::server::Server::start("hello:app", &["--workers", "1", "--pre-stop-delay", "1s"]);
    let start = std::time::Instant::now();
    kill(server.id(), "TERM");
    let (status, log) = server.wait();
    // It has waited; how long it may take is nobody's to say.
    assert!(status.success() && start.elapsed() >= Duration::from_secs(1), "{log}");
}
