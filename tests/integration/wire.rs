//! Raw requests against `probe`, on every engine: whole, and at random splits.

use gateway_tests::client::{Client, Random};
use gateway_tests::server::Server;

use crate::engines::{Engine, on_every_engine};

/// A script of requests, and what each is answered.
struct Case {
    name: &'static str,
    input: &'static str,
    expected: Expected,
}

enum Expected {
    /// Method, status, and a part of the body, for each response; and whether
    /// the server closes after them.
    Answers(&'static [(&'static str, u16, &'static str)], After),
    /// One answer with this status and text, and the end of the connection.
    Refused(u16, &'static str),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum After {
    Stays,
    Closes,
}

use After::{Closes, Stays};

const fn answered(
    name: &'static str,
    input: &'static str,
    answers: &'static [(&'static str, u16, &'static str)],
    after: After,
) -> Case {
    Case { name, input, expected: Expected::Answers(answers, after) }
}

const fn refused(name: &'static str, input: &'static str, status: u16, text: &'static str) -> Case {
    Case { name, input, expected: Expected::Refused(status, text) }
}

const CASES: &[Case] = &[
    answered(
        "keep-alive",
        "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /nope HTTP/1.1\r\nHost: a\r\n\r\n",
        &[("GET", 200, "This is the probe."), ("GET", 404, "\"path\":\"/nope\"")],
        Stays,
    ),
    answered("close", "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", &[("GET", 200, "probe")], Closes),
    answered("http10", "GET /stream?n=2&size=3 HTTP/1.0\r\n\r\n", &[("GET", 200, "aaabbb")], Closes),
    answered(
        "http10-keep-alive",
        "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET / HTTP/1.0\r\n\r\n",
        &[("GET", 200, "probe"), ("GET", 200, "probe")],
        Closes,
    ),
    answered(
        "head",
        "HEAD / HTTP/1.1\r\nHost: a\r\n\r\nHEAD /stream HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        &[("HEAD", 200, ""), ("HEAD", 200, ""), ("GET", 200, "probe")],
        Stays,
    ),
    answered(
        "content-length",
        "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhelloGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        &[("POST", 200, "hello"), ("GET", 200, "probe")],
        Stays,
    ),
    answered(
        "chunked",
        "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
                5\r\nhello\r\n6;ext=\"x\"\r\n world\r\n0\r\nTrailer: x\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        &[("POST", 200, "hello world"), ("GET", 200, "probe")],
        Stays,
    ),
    answered(
        "chunked-both-ways",
        "POST /chunked-echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
                5\r\nhello\r\n6\r\n world\r\n0\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        &[("POST", 200, "hello world"), ("GET", 200, "probe")],
        Stays,
    ),
    answered(
        "body-ignored",
        "POST /ignore-body HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhelloGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        &[("POST", 200, ""), ("GET", 200, "probe")],
        Stays,
    ),
    answered(
        "no-body-statuses",
        "GET /status/204 HTTP/1.1\r\nHost: a\r\n\r\nGET /status/304 HTTP/1.1\r\nHost: a\r\n\r\n\
                GET /status/599 HTTP/1.1\r\nHost: a\r\n\r\n",
        &[("GET", 204, ""), ("GET", 304, ""), ("GET", 599, "")],
        Stays,
    ),
    answered(
        "expect-continue",
        "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello",
        &[("POST", 200, "hello")],
        Stays,
    ),
    answered(
        "path-is-decoded-once",
        "GET /inspect/a%20b%252F?x=%20 HTTP/1.1\r\nHost: a\r\n\r\n",
        &[("GET", 404, "\"path\":\"/inspect/a b%2F\"")],
        Stays,
    ),
    answered(
        "absolute-form",
        "GET http://b.example/inspect HTTP/1.1\r\nHost: a\r\n\r\n",
        &[("GET", 200, "\"host\":\"b.example\"")],
        Stays,
    ),
    answered(
        "response-splitting",
        "GET /set-header?v=a%0d%0aX-Evil:1 HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        &[("GET", 500, "500 Internal Server Error"), ("GET", 200, "probe")],
        Stays,
    ),
    answered("leading-empty-line", "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", &[("GET", 200, "probe")], Stays),
    refused("bare-lf", "GET / HTTP/1.1\nHost: a\n\n", 400, "CR LF"),
    refused("no-host", "GET / HTTP/1.1\r\n\r\n", 400, "Host"),
    refused("two-hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400, "Host"),
    refused("folded", "GET / HTTP/1.1\r\nHost: a\r\nA: b\r\n c\r\n\r\n", 400, "field"),
    refused("space-before-colon", "GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400, "field"),
    refused("bad-percent", "GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", 400, "percent"),
    refused("version", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505, "HTTP/1.1"),
    refused("http09", "GET /\r\n\r\n", 400, "not an HTTP"),
    refused("connect", "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", 501, "proxy"),
    refused("gzip-coding", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501, "coding"),
    refused(
        "both-lengths",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
        400,
        "both",
    ),
    refused("signed-length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\nabc", 400, "Content-Length"),
    refused("huge-length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999999999\r\n\r\n", 413, "too large"),
    refused("expectation", "POST / HTTP/1.1\r\nHost: a\r\nExpect: x\r\nContent-Length: 3\r\n\r\nabc", 417, "expect"),
    refused(
        "bad-chunk",
        "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloX\r\n0\r\n\r\n",
        400,
        "Bad Request",
    ),
];

/// Runs a case over one connection, sent in pieces of these lengths.
fn run(server: &Server, case: &Case, lengths: &[usize]) {
    let mut client = Client::new(server.connect());
    let context = format!("{} in pieces of {lengths:?}", case.name);
    let sent = client.send_split(case.input.as_bytes(), lengths);
    let mut answer = |method: &str, status: u16, text: &str| {
        let response = client.response(method).unwrap_or_else(|error| panic!("{context}: {error}\n{}", server.log()));
        assert_eq!(response.status, status, "{context}: {}", response.text());
        assert!(response.complete && response.text().contains(text), "{context}: {}", response.text());
        let has = |name: &str| response.header(name).is_some();
        assert!(has("date") && has("server"), "{context}: {:?}", response.headers);
        response
    };
    match case.expected {
        Expected::Answers(answers, after) => {
            sent.unwrap_or_else(|error| panic!("{context}: {error}"));
            for (method, status, text) in answers {
                answer(method, *status, text);
            }
            if after == Stays {
                client.finish();
            }
        }
        Expected::Refused(status, text) => {
            let response = answer("GET", status, text);
            assert_eq!(response.header("connection"), Some("close"), "{context}");
        }
    }
    assert!(client.at_end().is_ok_and(|end| end), "{context}: the connection does not end well");
}

on_every_engine! {
    cases => all_cases,
    answers_before_calls => an_answer_goes_out_before_the_next_call,
    headers => headers_arrive_in_order_and_without_underscores,
    pipeline => pipelined_requests_are_answered_in_order,
    expect => a_client_that_waits_for_100_gets_it_only_if_the_app_reads,
    uploads => conn_06_an_early_answer_survives_a_large_upload,
    limits => limits_have_their_statuses,
    connections => limit_07_more_connections_than_the_limit_wait,
}

/// Each case whole, and at random splits that the seed repeats.
fn all_cases(engine: Engine) {
    let server = Server::start("probe:app", engine.flags);
    let mut random = Random::new(7);
    for case in CASES {
        run(&server, case, &[]);
        for _ in 0..4 {
            let lengths: Vec<usize> = (0..random.below(6) + 1).map(|_| random.below(case.input.len())).collect();
            run(&server, case, &lengths);
        }
    }
    server.stop();
}

/// The server keeps every rule that lint checks, in every case.
#[test]
fn cases_under_lint_break_no_rule() {
    let server = Server::start("probe:app", &["--lint"]);
    // The app breaks a rule on purpose where it tries to split its response.
    for case in CASES.iter().filter(|case| case.name != "response-splitting") {
        run(&server, case, &[]);
    }
    let log = server.stop();
    let sections = gateway_spec::lint::SECTIONS.iter().map(|section| format!("{}-", section.key));
    for section in sections {
        let broken: Vec<&str> = log.lines().filter(|line| line.contains(&section)).collect();
        assert!(broken.is_empty(), "{broken:#?}");
    }
}

/// An answer is not held back by the request that follows it, where an app may
/// block; a loop that it would stall anyhow sends answers together.
fn an_answer_goes_out_before_the_next_call(engine: Engine) {
    if engine.collects() {
        return;
    }
    let server = Server::start("faulty:app", engine.flags);
    let mut client = Client::new(server.connect());
    client.send(b"GET /good HTTP/1.1\r\nHost: a\r\n\r\nGET /hang HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    assert_eq!(client.response("GET").unwrap().text(), "good\n");
}

/// Every header that a client sent is shown, in order, and names with an
/// underscore are dropped.
fn headers_arrive_in_order_and_without_underscores(engine: Engine) {
    let server = Server::start("probe:app", engine.flags);
    let mut client = Client::new(server.connect());
    client.send(b"GET /inspect HTTP/1.1\r\nHost: a\r\nB: 1\r\nX_A: 2\r\na: 3\r\nB: 4\r\n\r\n").unwrap();
    let json: serde_json::Value = serde_json::from_slice(&client.response("GET").unwrap().body).unwrap();
    assert_eq!(json["headers"], serde_json::json!([["host", "a"], ["b", "1"], ["a", "3"], ["b", "4"]]));
    assert_eq!(json["inspect"], 1);
}

/// A deep pipeline is answered in order.
fn pipelined_requests_are_answered_in_order(engine: Engine) {
    let server = Server::start("probe:app", engine.flags);
    let mut client = Client::new(server.connect());
    let requests: String =
        (0..500).map(|n| format!("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n{n:04}")).collect();
    client.send(requests.as_bytes()).unwrap();
    for n in 0..500 {
        assert_eq!(client.response("POST").unwrap().text(), format!("{n:04}"));
    }
}

/// The 100 comes before the body is sent, when the app reads; and not when it
/// does not, unless the body is collected before the app is asked.
fn a_client_that_waits_for_100_gets_it_only_if_the_app_reads(engine: Engine) {
    let server = Server::start("probe:app", engine.flags);
    let head =
        |path: &str| format!("POST {path} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
    let mut client = Client::new(server.connect());
    client.send(head("/echo").as_bytes()).unwrap();
    assert_eq!(client.head().unwrap().0, 100);
    client.send(b"hello").unwrap();
    assert_eq!(client.response("POST").unwrap().text(), "hello");
    let mut client = Client::new(server.connect());
    client.send(head("/ignore-body").as_bytes()).unwrap();
    let (status, headers) = client.head().unwrap();
    if engine.collects() {
        assert_eq!(status, 100);
        return;
    }
    assert_eq!(status, 200);
    assert!(headers.contains(&("Connection".to_owned(), "close".to_owned())), "{headers:?}");
}

/// An answer to a client that is still sending is not lost in a reset.
fn conn_06_an_early_answer_survives_a_large_upload(engine: Engine) {
    let server = Server::start("probe:app", engine.flags);
    let mut client = Client::new(server.connect());
    client.send(b"POST /ignore-body HTTP/1.1\r\nHost: a\r\nContent-Length: 3000000\r\n\r\n").unwrap();
    client.send(&vec![b'x'; 3_000_000]).unwrap();
    assert_eq!(client.response("POST").unwrap().status, 200);
    // Where the body was collected it is not in the way of the next request.
    assert!(engine.collects() || client.at_end().unwrap());
}

/// Limits: line, head, count, body; each with its own status.
fn limits_have_their_statuses(engine: Engine) {
    let server = Server::start("probe:app", engine.flags);
    let long = "x".repeat(9000);
    let fields = "A: b\r\n".repeat(150);
    let large = format!("A: {long}\r\n").repeat(4);
    for (request, status) in [
        (format!("GET /{long} HTTP/1.1\r\nHost: a\r\n\r\n"), 414),
        (format!("GET / HTTP/1.1\r\nHost: a\r\n{large}\r\n"), 431),
        (format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n"), 431),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1073741825\r\n\r\n".to_owned(), 413),
    ] {
        let mut client = Client::new(server.connect());
        client.send(request.as_bytes()).unwrap();
        assert_eq!(client.response("GET").unwrap().status, status);
        assert!(client.at_end().unwrap());
    }
}

/// A client beyond the limit is served as soon as another one leaves.
fn limit_07_more_connections_than_the_limit_wait(engine: Engine) {
    // `single` has no limit to choose: it serves one.
    if engine.name == "single" {
        return;
    }
    let flags = [engine.flags, &["--connections", "1"]].concat();
    let server = Server::start("probe:app", &flags);
    let get = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    let mut first = Client::new(server.connect());
    first.send(get).unwrap();
    assert_eq!(first.response("GET").unwrap().status, 200);
    let mut second = Client::new(server.connect());
    second.send(get).unwrap();
    for _ in 0..10 {
        first.send(get).unwrap();
        assert_eq!(first.response("GET").unwrap().status, 200);
    }
    assert!(!second.has_more(), "two are served at once");
    drop(first);
    assert_eq!(second.response("GET").unwrap().status, 200);
}
