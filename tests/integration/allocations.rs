//! What a request on a kept-alive connection allocates, in the whole process,
//! and what one that waits for the next holds.

use gateway_tests::artifacts;
use gateway_tests::client::Client;
use gateway_tests::mallocs::Mallocs;
use gateway_tests::server::{Server, command};
use gateway_tests::skip;

/// The requests that are counted at a time, and how many times.
const COUNTED: u64 = 100;
const TIMES: usize = 5;

/// Serves `package:app` on `engine`, and counts what a request for `path`
/// allocates once the connection is warm.
fn check(engine: &str, package: &str, path: &str, headers: &str, expected: u64) {
    check_with(engine, &[], package, path, headers, expected);
}

/// The same with more flags.
fn check_with(engine: &str, flags: &[&str], package: &str, path: &str, headers: &str, expected: u64) {
    let target = format!("{}:app", artifacts::module(package).display());
    check_served(engine, &[flags, &[&target]].concat(), path, headers, expected);
}

/// The same of whatever these flags serve.
fn check_served(engine: &str, flags: &[&str], path: &str, headers: &str, expected: u64) {
    if !skip::has(&format!("allocations of {flags:?} on {engine}"), "cc") {
        return;
    }
    let mallocs = Mallocs::new().expect("there is a C compiler");
    let plain = &["--engine", engine, "--no-master", "--bind", "127.0.0.1:0"];
    let mut command = command(&[plain, flags].concat());
    command.env("GATEWAY_LOG", "info");
    mallocs.watch(&mut command);
    let server = Server::spawn(command, 1);
    let mut client = Client::new(server.connect());
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n");
    let mut answered = |count: u64| {
        for _ in 0..count {
            client.send(request.as_bytes()).expect("the server reads");
            assert_eq!(client.response("GET").expect("the server answers").status, 200);
        }
        mallocs.counts().expect("the process counts").calls
    };
    let mut before = answered(10);
    assert!(before > 0, "a process that starts allocates: the count does not work");
    let mut during = [0; TIMES];
    for count in &mut during {
        let after = answered(COUNTED);
        *count = after - before;
        before = after;
    }
    // The thread that accepts makes a list of its listeners once it has handed
    // over a connection; on a busy machine that may be now. What all times have
    // in common is the requests' own.
    let least = during.iter().min().copied();
    assert_eq!(
        least,
        Some(expected * COUNTED),
        "{path} of {flags:?} on {engine}, of {COUNTED} requests each: {during:?}"
    );
    server.stop();
}

/// As many headers as a browser sends.
const TWELVE: &str = "User-Agent: Mozilla/5.0\r\nAccept: text/html\r\nAccept-Language: en\r\n\
    Accept-Encoding: gzip\r\nReferer: http://localhost/\r\nDNT: 1\r\nConnection: keep-alive\r\nCookie: a=b\r\n\
    Upgrade-Insecure-Requests: 1\r\nSec-Fetch-Mode: navigate\r\nCache-Control: max-age=0\r\n";

#[test]
fn hello_allocates_nothing_on_thread() {
    check("thread", "hello", "/", "", 0);
    check("thread", "hello", "/", TWELVE, 0);
}

#[test]
fn hello_allocates_nothing_on_single() {
    check("single", "hello", "/", TWELVE, 0);
}

/// Who is at the root pays for no router; who is mounted below pays for a changed
/// environ, for the request that a module gets then, and for what ends that with the body.
#[test]
fn what_a_mount_costs_is_paid_by_who_is_mounted() {
    let hello = artifacts::module("hello");
    let [root, below] = ["/", "/a"].map(|place| format!("--mount={place}={}:app", hello.display()));
    check_served("thread", &[&root], "/", TWELVE, 0);
    check_served("thread", &[&root, &below], "/", TWELVE, 0);
    check_served("thread", &[&root, &below], "/a/b", TWELVE, 3);
}

/// Nor does a proxy that tells of its client in each, or one whose word is not valid.
#[test]
fn a_client_that_headers_name_allocates_nothing() {
    let trusted = &["--trusted-proxies", "127.0.0.1"];
    let headers = "X-Forwarded-For: 2001:db8::1, 192.0.2.1, 127.0.0.1\r\nX-Forwarded-Proto: https\r\n";
    check_with("thread", trusted, "hello", "/", headers, 0);
    check_with("thread", trusted, "hello", "/", "X-Forwarded-For: rubbish\r\n", 0);
    let headers = "Forwarded: for=\"[2001:db8::1]:4711\";proto=https, for=127.0.0.1\r\n";
    check_with("thread", &[trusted, &["--forwarded", "forwarded"][..]].concat(), "hello", "/", headers, 0);
}

/// Nor does a line of the access log.
#[test]
fn a_line_of_the_access_log_allocates_nothing() {
    for format in ["combined", "json", "%h %t %D %P %L %{User-Agent}i %{SERVER_PORT}e"] {
        for engine in ["thread", "fork"] {
            let logged = &["--access-log", "/dev/null", "--access-log-format", format];
            check_with(engine, logged, "hello", "/", TWELVE, 0);
        }
    }
}

/// 64 KiB from memory are sent from where they lie.
#[test]
fn a_large_borrowed_body_allocates_nothing() {
    check("thread", "bench", "/bytes64k", "", 0);
}

/// A body in a `Vec` costs what the app allocates, and nothing more.
#[test]
fn an_owned_body_is_the_only_allocation() {
    check("thread", "bench", "/json", "", 1);
}

/// The clients that wait, and the most that one of them may cost. So many that
/// what each thread keeps for itself, some 20 KiB, does not count for much.
const IDLE: u64 = 1000;
const MOST: u64 = 600;

/// What a server holds for clients that have come, asked for something, and stay:
/// for each of them.
fn idle_cost(engine: &[&str]) -> u64 {
    let mallocs = Mallocs::new().expect("there is a C compiler");
    let target = format!("{}:app", artifacts::module("hello").display());
    let mut command = command(&[engine, &["--no-master", "--bind", "127.0.0.1:0", &target]].concat());
    mallocs.watch(&mut command);
    let server = Server::spawn(command, 1);
    let visit = || {
        let mut client = Client::new(server.connect());
        client.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("the server reads");
        assert_eq!(client.response("GET").expect("the server answers").status, 200);
        client
    };
    // The first one makes what is used again by the others.
    let first = visit();
    let before = mallocs.counts().expect("the process counts").held;
    let clients: Vec<Client> = (0..IDLE).map(|_| visit()).collect();
    let each = (mallocs.counts().expect("the process counts").held - before) / IDLE;
    assert!(each > 0, "the count does not work");
    drop((first, clients));
    server.stop();
    each
}

/// How the engines are chosen whose idle clients are many. On `leader` a busy
/// machine may bring threads in at any time, and those that block always do: here
/// they are six at most.
const LOOPS: [&[&str]; 6] = [
    &["--engine", "select"],
    &["--engine", "poll"],
    &["--engine", "epoll"],
    &["--engine", "nonblocking"],
    &["--engine", "leader", "--loops", "2", "--threads", "4"],
    &["--engine", "leader", "--loops", "2", "--threads", "4", "--hand-over", "always"],
];

#[test]
fn an_idle_connection_holds_no_buffers() {
    let name = "memory of idle connections";
    if !skip::has(name, "cc") || !skip::has_descriptors(name, 2 * IDLE) {
        return;
    }
    for engine in LOOPS {
        let each = idle_cost(engine);
        assert!(each <= MOST, "{engine:?}: {each} bytes for an idle connection");
    }
}
