//! A process per connection: when it may fork, and how parent and children end.

use gateway_tests::client::Client;
use gateway_tests::process::children;
use gateway_tests::server::Server;

use super::get;

/// A service manager tells the whole group to end: what runs is finished.
#[test]
fn forked_children_outlive_a_term_of_their_own() {
    let server = Server::start("probe:app", &["--engine", "fork"]);
    let mut client = Client::new(server.connect());
    client.send(b"POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n").unwrap();
    assert_eq!(client.head().unwrap().0, 100);
    let child = children(server.id()).pop().expect("the connection has a process");
    for process in [child.to_string(), server.id().to_string()] {
        let status = std::process::Command::new("kill").args(["-s", "TERM", &process]).status();
        assert!(status.unwrap().success());
    }
    client.send(b"abc").unwrap();
    assert_eq!(client.response("POST").unwrap().text(), "abc");
    drop(client);
    let (status, log) = server.wait();
    assert!(status.success() && !log.contains("crashed"), "{status}\n{log}");
}

/// A process with a second thread cannot be forked: it says so and does not start.
#[test]
fn fork_refuses_a_process_with_threads() {
    let app = gateway_spec::app_fn(|_, _| Err(gateway_spec::Error::app("never called")));
    let server = gateway_server::Server::new(app).bind("127.0.0.1:0").unwrap().engine("fork").unwrap();
    let error = server.run().unwrap_err().to_string();
    assert!(error.contains("one thread") && error.contains("--fork-create child"), "{error}");
}

/// An app that starts a thread when it is created can be created in each child.
#[test]
fn fork_creates_in_the_child_when_told() {
    let module = gateway_tests::artifacts::c_module("tests/plugins/engines.c", "threaded", &["THREADED"]);
    let target = module.display().to_string();
    let output = gateway_tests::server::run(&["--engine", "fork", "--bind", "127.0.0.1:0", &target]);
    let log = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(1) && log.contains("--fork-create child"), "{log}");
    let server = Server::start_target(&target, &["--engine", "fork", "--fork-create", "child"]);
    for _ in 0..3 {
        assert_eq!(get(&server, "/"), "2 threads\n");
    }
    // Each app was destroyed by its own child.
    server.wait_for_log("the app is destroyed");
}

/// A parent that is killed takes its children with it.
#[test]
fn forked_children_end_with_their_parent() {
    let server = Server::start("probe:app", &["--engine", "fork"]);
    let mut client = Client::new(server.connect());
    client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    assert_eq!(client.response("GET").unwrap().status, 200);
    let child = children(server.id()).pop().expect("the connection has a process");
    server.signal("KILL");
    assert!(client.at_end().unwrap_or(true), "the child's end closes the connection");
    let gone = || std::fs::read_to_string(format!("/proc/{child}/stat")).map_or(true, |stat| stat.contains(") Z "));
    while !gone() {
        std::thread::yield_now();
    }
}
