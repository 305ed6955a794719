//! Apps that go wrong: the client gets what the table of `faulty` says, the
//! server lives on, and every body is closed once.

use gateway_tests::client::{Client, Response};
use gateway_tests::server::Server;

use crate::engines::{Engine, on_every_engine};

/// What a fault gives: the status, the body, and whether it is whole.
const FAULTS: &[(&str, u16, &str, bool)] = &[
    ("panic_in_call", 500, "500 Internal Server Error\n", true),
    ("panic_after_start", 500, "500 Internal Server Error\n", true),
    ("panic_in_stream", 200, "one", false),
    ("panic_first_in_stream", 500, "500 Internal Server Error\n", true),
    ("panic_in_close", 200, "fine", true),
    ("panic_payload", 500, "500 Internal Server Error\n", true),
    ("panic_payload_in_stream", 200, "one", false),
    ("panic_with_body", 500, "500 Internal Server Error\n", true),
    ("start_never", 500, "500 Internal Server Error\n", true),
    ("start_twice", 500, "500 Internal Server Error\n", true),
    ("start_twice_with_error", 503, "replaced", true),
    ("start_too_late", 200, "one", false),
    ("header_crlf", 500, "500 Internal Server Error\n", true),
    ("header_hop_by_hop", 500, "500 Internal Server Error\n", true),
    ("header_name", 500, "500 Internal Server Error\n", true),
    ("status_99", 500, "500 Internal Server Error\n", true),
    ("short_bytes", 200, "", false),
    ("short_stream", 200, "", false),
    ("short_write", 200, "", false),
    ("long_bytes", 200, "", true),
    ("long_stream", 200, "", true),
    ("long_write", 200, "", true),
    ("error_before_start", 500, "500 Internal Server Error\n", true),
    ("error_after_start", 500, "500 Internal Server Error\n", true),
    ("error_first_in_stream", 500, "500 Internal Server Error\n", true),
    ("error_in_stream", 200, "one", false),
];

/// One request over a connection of its own.
fn get(server: &Server, method: &str, path: &str) -> Response {
    let mut client = Client::new(server.connect());
    client.send(format!("{method} /{path} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes()).unwrap();
    let response = client.response(method);
    response.unwrap_or_else(|error| panic!("{method} /{path}: {error}\n{}", server.log()))
}

/// The number that a counting app answers. Asked again until it is `expected`:
/// a body is closed after its last byte has gone, which the client cannot see.
fn count_becomes(server: &Server, path: &str, expected: &str) -> bool {
    (0..10_000).any(|_| {
        std::thread::yield_now();
        get(server, "GET", path).text().trim_end() == expected
    })
}

on_every_engine! { faults => faults }

fn faults(engine: Engine) {
    let server = Server::start("faulty:app", engine.flags);
    for (path, status, body, complete) in FAULTS {
        let response = get(&server, "GET", path);
        assert_eq!((response.status, response.complete), (*status, *complete), "{path}: {}", response.text());
        match *body {
            // Cut to, or short of, what was declared: the length is what counts.
            "" => assert!(response.body.len() <= 4, "{path}: {}", response.text()),
            body => assert_eq!(response.text().trim_end(), body.trim_end(), "{path}"),
        }
        assert_eq!(get(&server, "GET", "good").text(), "good\n", "after {path}");
    }
    if engine.name == "fork" {
        bodies_of_a_child_are_closed(&server);
    } else {
        let opened = get(&server, "GET", "opened").text().trim().to_owned();
        assert!(opened.parse::<usize>().unwrap() > FAULTS.len(), "{opened}");
        let closed = || get(&server, "GET", "closed").text();
        assert!(count_becomes(&server, "closed", &opened), "{opened} opened, {} closed", closed());
    }
    let log = server.stop();
    for (path, status, _, complete) in FAULTS {
        // A module that panics in close has nobody to return it to: it says so itself.
        let place = if *path == "panic_in_close" { " in close".to_owned() } else { format!("GET /{path}:") };
        let told = log.lines().any(|line| line.contains("ERROR") && line.contains(&place));
        let expected = *status == 500 || !complete || path.starts_with("long") || *path == "panic_in_close";
        assert!(told || !expected, "the log does not tell of {path}:\n{log}");
    }
}

/// Each process counts for itself: one connection sees its own.
fn bodies_of_a_child_are_closed(server: &Server) {
    let mut client = Client::new(server.connect());
    let mut ask = |path: &str| {
        client.send(format!("GET /{path} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes()).unwrap();
        client.response("GET").unwrap_or_else(|error| panic!("{path}: {error}")).text()
    };
    for path in ["good", "panic_first_in_stream", "error_first_in_stream", "good"] {
        ask(path);
    }
    assert_eq!((ask("opened").trim(), ask("closed").trim()), ("4", "4"));
}

/// HEAD never pulls or enforces, but faults in the call are the same.
#[test]
fn faults_with_head() {
    let server = Server::start("faulty:app", &[]);
    for path in ["panic_in_call", "start_never", "header_crlf"] {
        assert_eq!(get(&server, "HEAD", path).status, 500, "{path}");
    }
    for path in ["panic_in_stream", "short_bytes", "long_stream", "panic_in_close"] {
        assert_eq!(get(&server, "HEAD", path).status, 200, "{path}");
    }
}

/// Under lint, what breaks a rule is a 500 or a cut, and the log names the rule.
#[test]
fn faults_under_lint_name_their_rule() {
    let server = Server::start("faulty:app", &["--lint"]);
    for path in ["start_never", "start_twice", "header_crlf", "header_hop_by_hop", "short_bytes", "long_bytes"] {
        let response = get(&server, "GET", path);
        assert!(response.status == 500 || !response.complete, "{path}: {response:?}");
    }
    assert_eq!(get(&server, "GET", "good").text(), "good\n");
    let log = server.stop();
    for rule in ["START-", "BODY-"] {
        assert!(log.contains(rule), "{log}");
    }
}

/// An app that ends the process ends it: nothing of the server hides that.
#[test]
fn an_app_that_ends_the_process_ends_it() {
    for (path, code) in [("exit", Some(3)), ("abort", None)] {
        let server = Server::start("faulty:app", &[]);
        let mut client = Client::new(server.connect());
        client.send(format!("GET /{path} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes()).unwrap();
        let (status, _) = server.wait();
        assert_eq!(status.code(), code, "{path}");
        assert!(client.response("GET").is_err());
    }
}

/// What a client sends cannot look like a line of the log, by whatever way it
/// gets there: the server's report of a panic, or the module's own panic hook.
#[test]
fn a_panic_cannot_forge_a_line() {
    let server = Server::start("faulty:app", &[]);
    let mut client = Client::new(server.connect());
    let text = "x\n2026-01-01T00:00:00Z ERROR forged\u{1b}[31m";
    let request = format!("POST /panic_with_body HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{text}", text.len());
    client.send(request.as_bytes()).unwrap();
    assert_eq!(client.response("POST").unwrap().status, 500);
    let log = server.stop();
    assert!(!log.contains('\u{1b}') && !log.lines().any(|line| line.starts_with("2026-01-01")), "{log}");
    let told = log.lines().filter(|line| line.contains("x\\n2026-01-01T00:00:00Z ERROR forged")).count();
    assert_eq!(told, 2, "the module's hook and the server both tell of it:\n{log}");
}
