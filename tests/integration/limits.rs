//! Limits and time limits, each by its flag, on every engine.

use gateway_tests::client::Client;
use gateway_tests::server::Server;

use crate::engines::{Engine, on_every_engine};

on_every_engine! {
    request_limits => request_limits,
    body_limits => body_limits,
    keep_alive_requests => keep_alive_requests,
    head_timeout => head_timeout,
    body_timeout => body_timeout,
    keep_alive_timeout => keep_alive_timeout,
    write_timeout => write_timeout,
    no_keep_alive => no_keep_alive,
    underscores => underscores,
    faults_are_counted => faults_are_counted,
}

fn start(engine: Engine, flags: &[&str]) -> Server {
    Server::start("probe:app", &[engine.flags, flags].concat())
}

/// One request over a connection of its own.
fn status(server: &Server, request: &str) -> u16 {
    let mut client = Client::new(server.connect());
    client.send(request.as_bytes()).unwrap();
    let status = client.response("GET").unwrap_or_else(|error| panic!("{error}\n{}", server.log())).status;
    if status >= 400 {
        assert!(client.at_end().unwrap());
    }
    status
}

fn request_limits(engine: Engine) {
    let server = start(engine, &["--max-line", "100B", "--max-head", "300B", "--max-fields", "3"]);
    let long = |length: usize| "x".repeat(length);
    let fits = format!("GET /status/299?{} HTTP/1.1\r\nHost: a\r\n\r\n", long(70));
    assert_eq!(status(&server, &fits), 299);
    assert_eq!(status(&server, &format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", long(100))), 414);
    assert_eq!(status(&server, &format!("GET / HTTP/1.1\r\nHost: a\r\nA: {}\r\n\r\n", long(300))), 431);
    assert_eq!(status(&server, "GET / HTTP/1.1\r\nHost: a\r\nA: b\r\nC: d\r\nE: f\r\n\r\n"), 431);
}

/// A body beyond the limit, announced or found out, is 413; on engines that
/// keep bodies the same holds for what they keep.
fn body_limits(engine: Engine) {
    let server = start(engine, &["--max-body", "100KiB"]);
    assert_eq!(status(&server, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 102401\r\n\r\n"), 413);
    let chunks = |size: usize| format!("{size:x}\r\n{}\r\n0\r\n\r\n", "x".repeat(size));
    let chunked =
        |size| format!("POST /inspect HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{}", chunks(size));
    assert_eq!(status(&server, &chunked(102_400)), 200);
    assert_eq!(status(&server, &chunked(102_401)), 413);
    let spooling = start(engine, &["--max-spool", "100KiB"]);
    let kept = if engine.collects() { 413 } else { 200 };
    assert_eq!(status(&spooling, &chunked(102_401)), kept);
    let plain = format!("POST /inspect HTTP/1.1\r\nHost: a\r\nContent-Length: 102401\r\n\r\n{}", "x".repeat(102_401));
    assert_eq!(status(&spooling, &plain), kept);
}

fn keep_alive_requests(engine: Engine) {
    let server = start(engine, &["--keep-alive-requests", "2"]);
    let mut client = Client::new(server.connect());
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(3).as_bytes()).unwrap();
    assert_eq!(client.response("GET").unwrap().header("connection"), None);
    assert_eq!(client.response("GET").unwrap().header("connection"), Some("close"));
    assert!(client.at_end().unwrap());
}

fn no_keep_alive(engine: Engine) {
    let server = start(engine, &["--keep-alive-timeout", "0s"]);
    let mut client = Client::new(server.connect());
    client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    assert_eq!(client.response("GET").unwrap().header("connection"), Some("close"));
    assert!(client.at_end().unwrap());
}

fn head_timeout(engine: Engine) {
    let server = start(engine, &["--head-timeout", "50ms"]);
    assert_eq!(status(&server, "GET / HTTP/1.1\r\nHo"), 408);
    // Nothing at all is no request: there is nobody to answer.
    assert!(Client::new(server.connect()).at_end().unwrap());
}

/// A body that stops, small or large, before the call or in it.
fn body_timeout(engine: Engine) {
    let server = start(engine, &["--body-timeout", "50ms", "--body-rate", "1GiB"]);
    for framing in ["Content-Length: 10", "Content-Length: 100000", "Transfer-Encoding: chunked"] {
        assert_eq!(
            status(&server, &format!("POST /echo HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\n3\r\na")),
            408,
            "{framing}"
        );
    }
}

fn keep_alive_timeout(engine: Engine) {
    let server = start(engine, &["--keep-alive-timeout", "50ms"]);
    let mut client = Client::new(server.connect());
    client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    assert_eq!(client.response("GET").unwrap().header("connection"), None);
    assert!(client.at_end().unwrap());
}

/// A client that takes nothing of a stream, or of a long body, is cut.
fn write_timeout(engine: Engine) {
    let server = start(engine, &["--write-timeout", "50ms"]);
    let mut client = Client::new(server.connect());
    client.send(b"GET /stream?n=100000&size=1000 HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    // The connection ends by itself: everything that was buffered can be read,
    // and it is not everything.
    server.wait_for_log("took nothing of its response");
    let read = client.rest().map_or(0, |rest| rest.len());
    assert!(read < 100_000_000, "{read}");
}

fn underscores(engine: Engine) {
    let request = "GET /inspect HTTP/1.1\r\nHost: a\r\nX_A: 1\r\n\r\n";
    assert_eq!(status(&start(engine, &["--underscore-headers", "refuse"]), request), 400);
    for (policy, shown) in [("drop", false), ("allow", true)] {
        let server = start(engine, &["--underscore-headers", policy]);
        let mut client = Client::new(server.connect());
        client.send(request.as_bytes()).unwrap();
        assert_eq!(client.response("GET").unwrap().text().contains("x_a"), shown, "{policy}");
    }
}

/// What the server answers itself is counted by kind, in all its processes.
fn faults_are_counted(engine: Engine) {
    let server = start(engine, &[]);
    for _ in 0..3 {
        assert_eq!(status(&server, "GET / HTTP/1.1\r\n\r\n"), 400);
    }
    assert_eq!(status(&server, "GET /set-header?v=%0a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"), 500);
    let log = server.stop();
    assert!(log.contains("faults: 3 x the Host header is missing, 1 x the app failed"), "{log}");
}

/// A spool that cannot grow: the client is told, and the server lives on.
#[test]
fn a_full_disk_under_the_spool_is_507() {
    let target = format!("{}:app", gateway_tests::artifacts::module("probe").display());
    let mut command = std::process::Command::new("sh");
    // A file that grows beyond 256 KiB is an error, as on a full disk.
    command.args(["-c", "trap '' XFSZ; ulimit -f 256; exec \"$0\" \"$@\""]).arg(gateway_tests::artifacts::server());
    command.args(["--bind", "127.0.0.1:0", "--engine", "epoll", &target]);
    let server = Server::spawn(command, 1);
    let body = "x".repeat(2_000_000);
    let request = format!("POST /inspect HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let mut client = Client::new(server.connect());
    client.send(request.as_bytes()).unwrap();
    let response = client.response("POST").unwrap();
    assert_eq!(response.status, 507, "{}", response.text());
    drop(client);
    assert_eq!(status(&server, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"), 200);
    let log = server.stop();
    assert!(log.contains("cannot be stored"), "{log}");
}
