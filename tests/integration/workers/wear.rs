//! Workers that are replaced though they serve, and what is told of those that
//! cannot go on.

use gateway_tests::client::Client;
use gateway_tests::gate::{Form, Gate};
use gateway_tests::server::Server;
use gateway_tests::wait::until;

use super::{answers, asks, gone, kill, replaced, workers};
use crate::engines::{Engine, on_every_engine};

const HELLO: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";

on_every_engine! {
    a_worker_with_many_requests_is_replaced => |engine: Engine| {
        let more = ["--workers", "1", "--max-requests", "50", "--max-requests-jitter", "0"];
        let server = engine.serve("hello:app", &more);
        let (old, mut client) = (workers(&server), Client::new(server.connect()));
        for _ in 0..50 {
            asks(&mut client, HELLO, None);
        }
        // By one that is ready, and its client goes over.
        replaced(&server, &old);
        server.wait_for_log("worker 1 has had 50 requests; another takes its place");
        gone(&server, &old);
        asks(&mut client, HELLO, None);
        server.stop();
    },

    what_runs_in_a_worker_that_crashes_is_told => |engine: Engine| {
        let server = engine.serve("faulty:app", &["--workers", "1"]);
        let mut client = Client::new(server.connect());
        client.send(b"GET /abort?why HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
        assert!(client.at_end().unwrap_or(true));
        server.wait_for_log("running: GET /abort?why");
        until("a worker", || workers(&server).len(), |count| *count == 1);
        server.stop();
    },
}

#[test]
fn a_worker_that_is_old_is_replaced() {
    let server = Server::start("hello:app", &["--workers", "2", "--max-worker-age", "1s"]);
    let old = workers(&server);
    server.wait_for_log("worker 1 is old; another takes its place");
    gone(&server, &old);
    answers(&server);
    server.stop();
}

#[test]
fn a_worker_that_holds_much_is_replaced() {
    let server = Server::start("hello:app", &["--workers", "1", "--max-worker-rss", "1MiB"]);
    let old = workers(&server);
    server.wait_for_log("MiB of memory; another takes its place");
    gone(&server, &old);
    answers(&server);
    server.stop();
}

/// Who does not come round is killed: what is in its place answers.
#[test]
fn a_worker_that_is_stuck_is_killed() {
    for engine in ["single", "nonblocking", "select", "poll", "epoll", "coroutine"] {
        let gate = Gate::new();
        let server = gate.serve(Form::Concurrent, &["--workers", "1", "--engine", engine, "--worker-timeout", "1s"]);
        let old = workers(&server);
        let mut client = Client::new(server.connect());
        client.send(b"GET /hold HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
        let _held = gate.next();
        assert!(client.at_end().unwrap_or(true), "{engine}: no answer comes");
        gone(&server, &old);
        server.wait_for_log("and is killed");
        server.wait_for_log("worker 1 is gone; running: GET /hold");
        answers(&server);
        server.stop();
    }
}

/// Calls that hold nobody up, and a worker that has nothing to do, are no reason.
#[test]
fn a_worker_whose_loops_turn_is_left_alone() {
    for engine in ["leader", "thread", "fork", "epoll", "single"] {
        let gate = Gate::new();
        let server = gate.serve(Form::Concurrent, &["--workers", "1", "--engine", engine, "--worker-timeout", "1s"]);
        let old = workers(&server);
        let mut held = None;
        if !["epoll", "single"].contains(&engine) {
            let mut client = Client::new(server.connect());
            client.send(b"GET /hold HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
            held = Some((gate.next(), client));
        }
        // Another is killed for it meanwhile: time has passed.
        let other = Gate::new();
        let stuck = other.serve(Form::Concurrent, &["--workers", "1", "--engine", "epoll", "--worker-timeout", "2s"]);
        let mut client = Client::new(stuck.connect());
        client.send(b"GET /hold HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
        let _held = other.next();
        stuck.wait_for_log("and is killed");
        assert_eq!(workers(&server), old, "{engine}: {}", server.log());
        if let Some((call, mut client)) = held {
            call.release();
            assert_eq!(client.response("GET").unwrap().status, 200);
        }
        server.stop();
    }
}

/// Calls that do not return cost their worker its place, once there are enough.
#[test]
fn a_worker_with_late_calls_is_replaced() {
    let gate = Gate::new();
    let flags = ["--workers", "1", "--threads", "4", "--request-timeout", "100ms", "--max-late-calls", "2"];
    let server = gate.serve(Form::Concurrent, &[&flags[..], &["--graceful-timeout", "1s"]].concat());
    let old = workers(&server);
    let mut held = Vec::new();
    for _ in 0..2 {
        assert_eq!(workers(&server), old);
        let mut client = Client::new(server.connect());
        client.send(b"GET /hold HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
        held.push(gate.next());
        assert_eq!(client.response("GET").unwrap().status, 504);
        answers(&server);
    }
    server.wait_for_log("worker 1 has 2 calls that do not return; another takes its place");
    replaced(&server, &old);
    answers(&server);
    gone(&server, &old);
    server.stop();
}

/// One that returns after all counts no more.
#[test]
fn a_late_call_that_returns_is_forgiven() {
    let gate = Gate::new();
    let flags = ["--workers", "1", "--threads", "4", "--request-timeout", "100ms", "--max-late-calls", "2"];
    let server = gate.serve(Form::Concurrent, &flags);
    let old = workers(&server);
    for _ in 0..4 {
        let mut client = Client::new(server.connect());
        client.send(b"GET /hold HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
        let held = gate.next();
        assert_eq!(client.response("GET").unwrap().status, 504);
        held.release();
    }
    // A look of its master's later.
    kill(server.id(), "TTIN");
    until("two workers", || workers(&server).len(), |count| *count == 2);
    assert!(workers(&server).contains(&old[0]) && !server.log().contains("do not return"), "{}", server.log());
    server.stop();
}
