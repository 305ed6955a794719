//! What an app may do to its process: where each connection has one of its
//! own, nothing to the others.

use gateway_tests::client::Client;
use gateway_tests::process::{children, threads};
use gateway_tests::server::Server;
use gateway_tests::wait::until;

use super::{ask, serves};

/// Children that have ended are reaped, in a storm and after it.
#[test]
fn fork_leaves_no_children_behind() {
    let server = Server::start("faulty:app", &["--engine", "fork"]);
    for _ in 0..5 {
        let mut storm: Vec<_> = (0..100).map(|_| Client::new(server.connect())).collect();
        for client in &mut storm {
            client.send(b"GET /good HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
        }
        for client in &mut storm {
            assert_eq!(client.response("GET").unwrap().text(), "good\n");
        }
    }
    until("children", || children(server.id()).len(), |count| *count == 0);
    assert_eq!(threads(server.id()), 1, "one that forks has one thread");
    server.stop();
}

/// A child that crashes takes its own client with it.
#[test]
fn a_child_that_crashes_harms_nobody() {
    let server = Server::start("faulty:app", &["--engine", "fork"]);
    let mut other = Client::new(server.connect());
    assert_eq!(ask(&mut other, "/good").unwrap().status, 200);
    for path in ["/abort", "/exit", "/overflow"] {
        for _ in 0..10 {
            assert!(ask(&mut Client::new(server.connect()), path).is_err(), "{path} answers");
        }
        assert_eq!(ask(&mut other, "/good").unwrap().status, 200, "another client after {path}");
        serves(&server, "/good");
    }
    drop(other);
    until("children", || children(server.id()).len(), |count| *count == 0);
    let log = server.stop();
    assert!(log.contains("signal 6"), "the log does not tell of the crash:\n{log}");
    assert!(log.contains("30 x a process crashed"), "the crashes are not counted:\n{log}");
}

/// A coroutine's stack is small, and its end is guarded: the process ends there
/// instead of writing into another's memory, and says what to do about it.
#[test]
fn a_coroutine_that_overflows_its_stack_names_the_flag() {
    let server = Server::start("faulty:app", &["--engine", "coroutine", "--stack-size", "64KiB"]);
    serves(&server, "/good");
    assert!(ask(&mut Client::new(server.connect()), "/overflow").is_err());
    let (status, log) = server.wait();
    assert!(!status.success(), "{status}");
    assert!(log.contains("--stack-size"), "the log does not name the flag:\n{log}");
}
