//! What the engines owe: what they say of themselves, how they end, who waits
//! for whom.

mod coroutine;
mod fork;

use std::time::Duration;

use gateway_server::engine::ENGINES;
use gateway_tests::client::Client;
use gateway_tests::server::Server;
use serde_json::Value;

use crate::engines::{Engine, on_every_engine};

on_every_engine! {
    flags_are_true => flags_are_true,
    stop_finishes_what_runs => stop_finishes_what_runs,
    stop_gives_up_in_time => stop_gives_up_in_time,
    slow_bodies_hold_nobody_up => slow_bodies_hold_nobody_up,
    half_closed_clients_get_their_answer => half_closed_clients_get_their_answer,
    hundred_comes_first => hundred_comes_first,
    early_answers_survive => early_answers_survive,
    every_kind_of_body_arrives => every_kind_of_body_arrives,
    long_bodies_reach_a_slow_reader => long_bodies_reach_a_slow_reader,
    an_app_is_told_that_its_client_has_left => an_app_is_told_that_its_client_has_left,
    stop_in_the_middle_of_a_response => stop_in_the_middle_of_a_response,
    lingering_is_not_running => lingering_is_not_running,
    a_slow_client_of_an_exclusive_app_holds_nobody_up => a_slow_client_of_an_exclusive_app_holds_nobody_up,
}

fn start(engine: Engine, flags: &[&str]) -> Server {
    Server::start("probe:app", &[engine.flags, flags].concat())
}

fn get(server: &Server, path: &str) -> String {
    let mut client = Client::new(server.connect());
    client.send(format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").as_bytes()).unwrap();
    client.response("GET").unwrap_or_else(|error| panic!("{path}: {error}\n{}", server.log())).text()
}

/// `gateway.multithread`, `gateway.multiprocess` and `gateway.run_once`.
fn flags_are_true(engine: Engine) {
    let model = ENGINES.iter().find(|model| model.name == engine.name).unwrap();
    let (threads, processes) = (["leader", "thread"].contains(&engine.name), engine.name == "fork");
    assert_eq!((model.multithread, model.multiprocess), (threads, processes));
    for once in ["0", "1"] {
        let server = Server::start("environ:app", &[engine.flags, &["--keep-alive-requests", once]].concat());
        let page = get(&server, "/");
        let shown = |key: &str| {
            let rest = page.split(key).nth(1).unwrap_or_else(|| panic!("no {key} in {page}"));
            rest.chars().find(char::is_ascii_digit).unwrap()
        };
        let truth = |set: bool| if set { '1' } else { '0' };
        assert_eq!(shown("gateway.multithread"), truth(model.multithread));
        assert_eq!(shown("gateway.multiprocess"), truth(model.multiprocess));
        assert_eq!(shown("gateway.run_once"), truth(model.multiprocess && once == "1"));
    }
}

/// TERM lets no one in, closes what is idle, and finishes what runs.
fn stop_finishes_what_runs(engine: Engine) {
    let server = start(engine, &[]);
    // Where one is served at a time, an idle client keeps nobody waiting.
    let mut idle = (engine.name != "single").then(|| {
        let mut idle = Client::new(server.connect());
        idle.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
        assert_eq!(idle.response("GET").unwrap().status, 200);
        idle
    });
    let mut busy = Client::new(server.connect());
    busy.send(b"POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n").unwrap();
    assert_eq!(busy.head().unwrap().0, 100);
    server.signal("TERM");
    if let Some(idle) = &mut idle {
        assert!(idle.at_end().unwrap(), "an idle connection is closed");
    }
    while std::net::TcpStream::connect(server.address()).is_ok() {
        std::thread::yield_now();
    }
    busy.send(b"3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n").unwrap();
    let response = busy.response("POST").unwrap();
    assert_eq!((&*response.text(), response.header("connection")), ("abcdef", Some("close")));
    assert!(busy.at_end().unwrap());
    // A server reads on for a while after its end of a connection.
    drop((busy, idle));
    let (status, log) = server.wait();
    assert!(status.success() && log.contains("stopped"), "{status}\n{log}");
}

/// A request that never ends is left when the graceful time is over: 1.
fn stop_gives_up_in_time(engine: Engine) {
    let server = start(engine, &["--graceful-timeout", "50ms"]);
    let mut busy = Client::new(server.connect());
    busy.send(b"POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n").unwrap();
    assert_eq!(busy.head().unwrap().0, 100);
    server.signal("TERM");
    let (status, log) = server.wait();
    assert_eq!(status.code(), Some(1), "{log}");
    assert!(log.contains("connections that did not end in time: 1"), "{log}");
}

/// A body that comes slowly keeps only its own client waiting.
fn slow_bodies_hold_nobody_up(engine: Engine) {
    if engine.name == "single" {
        return;
    }
    let server = start(engine, &[]);
    let mut slow = Vec::new();
    for framing in ["Content-Length: 10", "Content-Length: 200000", "Transfer-Encoding: chunked"] {
        let mut client = Client::new(server.connect());
        client.send(format!("POST /inspect HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\n1").as_bytes()).unwrap();
        slow.push(client);
    }
    assert_eq!(get(&server, "/"), "This is the probe.\n");
    let rest = ["x".repeat(9), "x".repeat(199_999), "\r\nx\r\n0\r\n\r\n".to_owned()];
    for ((mut client, rest), length) in slow.into_iter().zip(rest).zip([10, 200_000, 1]) {
        client.send(rest.as_bytes()).unwrap();
        let json: Value = serde_json::from_slice(&client.response("POST").unwrap().body).unwrap();
        assert_eq!(json["body_len"], length);
    }
}

fn half_closed_clients_get_their_answer(engine: Engine) {
    let server = start(engine, &[]);
    for path in ["/stream?n=1000&size=1000", "/sleep?ms=1", "/"] {
        let mut client = Client::new(server.connect());
        client.send(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes()).unwrap();
        client.finish();
        let response = client.response("GET").unwrap();
        assert!(response.status == 200 && response.complete, "{path}");
        assert!(client.at_end().unwrap(), "{path}");
    }
}

/// The 100 comes before the body, when somebody is going to read that.
fn hundred_comes_first(engine: Engine) {
    let server = start(engine, &[]);
    for framing in ["Content-Length: 5", "Content-Length: 100000", "Transfer-Encoding: chunked"] {
        let mut client = Client::new(server.connect());
        let head = format!("POST /inspect HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n{framing}\r\n\r\n");
        client.send(head.as_bytes()).unwrap();
        assert_eq!(client.head().unwrap().0, 100, "{framing}");
        let body = match framing {
            "Content-Length: 5" => "hello".to_owned(),
            "Content-Length: 100000" => "x".repeat(100_000),
            _ => "5\r\nhello\r\n0\r\n\r\n".to_owned(),
        };
        client.send(body.as_bytes()).unwrap();
        // Once: nothing else comes before the answer.
        assert_eq!(client.head().unwrap().0, 200, "{framing}");
    }
}

/// An answer to a client that is still sending is not lost in a reset.
fn early_answers_survive(engine: Engine) {
    let server = start(engine, &["--max-body", "1MiB"]);
    let mut client = Client::new(server.connect());
    client.send(b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3000000\r\n\r\n").unwrap();
    client.send(&vec![b'x'; 3_000_000]).unwrap();
    assert_eq!(client.response("POST").unwrap().status, 413);
    assert!(client.at_end().unwrap());
}

/// What an app can answer with, in Rust and in C, kept alive and pipelined.
fn every_kind_of_body_arrives(engine: Engine) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "0123456789").unwrap();
    let set = format!("file={}", file.display());
    let rust = gateway_tests::artifacts::module("conformance");
    let c = gateway_tests::artifacts::c_module("tests/plugins/conformance.c", "conformance", &[]);
    for module in [rust, c] {
        let server = Server::start_target(&module.display().to_string(), &[engine.flags, &["--set", &set]].concat());
        let mut client = Client::new(server.connect());
        for (path, body) in [
            ("/empty", ""),
            ("/bytes", "static bytes\n"),
            ("/owned", "owned bytes\n"),
            ("/borrowed", "/borrowed"),
            ("/parts", "one, two, three\n"),
            ("/stream", "chunk 0\nchunk 1\nchunk 2\nchunk 3\n"),
            ("/stream-length", "chunk 0\nchunk 1\nchunk 2\nchunk 3\n"),
            ("/file", "23456"),
            ("/write", "first, second, third\n"),
            ("/sleep", "0"),
        ] {
            let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\nHEAD {path} HTTP/1.1\r\nHost: a\r\n\r\n");
            client.send(request.as_bytes()).unwrap();
            let response = client.response("GET").unwrap_or_else(|error| panic!("{path}: {error}\n{}", server.log()));
            assert!(response.complete && response.text() == body, "{path}: {}", response.text());
            assert_eq!(client.response("HEAD").unwrap().body, b"", "{path}");
        }
    }
}

/// 64 KiB from memory and by sendfile, many times over one connection whose
/// client reads nothing until all is asked for.
fn long_bodies_reach_a_slow_reader(engine: Engine) {
    let server = Server::start("bench:app", engine.flags);
    for path in ["/bytes64k", "/file64k", "/cached64k"] {
        let mut client = Client::new(server.connect());
        client.send(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n").repeat(300).as_bytes()).unwrap();
        for count in 0..300 {
            let body = client.response("GET").unwrap_or_else(|error| panic!("{path}: {count}: {error}")).body;
            let right = body.iter().enumerate().all(|(at, byte)| *byte == b'a' + (at % 26) as u8);
            assert!(body.len() == 65_536 && right, "{path}: {count}");
        }
    }
}

/// By a reset, while it runs: it asks `is_disconnected`.
fn an_app_is_told_that_its_client_has_left(engine: Engine) {
    let module = gateway_tests::artifacts::c_module("tests/plugins/engines.c", "until_gone", &["UNTIL_GONE"]);
    let server = Server::start_target(&module.display().to_string(), engine.flags);
    let stream = server.connect();
    rustix::net::sockopt::set_socket_linger(&stream, Some(Duration::ZERO)).unwrap();
    let mut client = Client::new(stream);
    client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    assert_eq!(client.head().unwrap().0, 200);
    drop(client);
    server.wait_for_log("disconnected");
    server.stop();
}

/// TERM while a response that promised to keep the connection goes out: the
/// client gets all of it, and the server does not wait for another request.
fn stop_in_the_middle_of_a_response(engine: Engine) {
    let server = start(engine, &[]);
    let mut client = Client::new(server.connect());
    // More than the sockets hold.
    client.send(b"GET /stream?n=20000&size=1000 HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    let (status, _) = client.head().unwrap();
    assert_eq!(status, 200);
    server.signal("TERM");
    while std::net::TcpStream::connect(server.address()).is_ok() {
        std::thread::yield_now();
    }
    let rest = client.rest().unwrap();
    assert!(rest.ends_with(b"\r\n0\r\n\r\n"), "{} bytes", rest.len());
    drop(client);
    let (status, log) = server.wait();
    assert!(status.success(), "{status}\n{log}");
}

/// A client that has its answer and keeps the connection open all the same is
/// nobody who did not end in time.
fn lingering_is_not_running(engine: Engine) {
    let server = start(engine, &["--graceful-timeout", "100ms"]);
    let mut client = Client::new(server.connect());
    // More than its last request: its close is waited for.
    client.send(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\nGET").unwrap();
    assert_eq!(client.response("GET").unwrap().status, 200);
    assert!(client.at_end().unwrap());
    server.signal("TERM");
    let (status, log) = server.wait();
    assert!(status.success(), "{status}\n{log}");
}

/// An app that takes one call at a time does not wait for a body in its turn,
/// where others wait for theirs.
fn a_slow_client_of_an_exclusive_app_holds_nobody_up(engine: Engine) {
    if engine.name == "single" {
        return;
    }
    let server = Server::start_target(&one_at_a_time(), engine.flags);
    let mut slow = Client::new(server.connect());
    slow.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\na").unwrap();
    assert_eq!(get(&server, "/"), "1 at a time\n");
    slow.send(b"bc\r\n0\r\n\r\n").unwrap();
    assert_eq!(slow.response("POST").unwrap().text(), "1 at a time\n");
}

fn one_at_a_time() -> String {
    let module = gateway_tests::artifacts::c_module("tests/plugins/engines.c", "one_at_a_time", &["ONE_AT_A_TIME"]);
    module.display().to_string()
}

// ----- of no engine in particular -------------------------------------------

/// One that hangs in its app does not keep a server from ending.
#[test]
fn a_hanging_app_is_abandoned_when_the_graceful_time_is_over() {
    use gateway_spec::prelude::*;
    // A library in a process with threads cannot fork: `fork` kills its
    // children, see `stop_gives_up_in_time`.
    for engine in ENGINES.iter().filter(|engine| engine.name != "fork") {
        let (entered, inside) = std::sync::mpsc::channel();
        let app = app_fn(move |_, _| {
            entered.send(()).unwrap();
            loop {
                std::thread::park();
            }
        });
        let mut server = gateway_server::Server::new(app).bind("127.0.0.1:0").unwrap().engine(engine.name).unwrap();
        server = server.graceful(Duration::ZERO);
        let (address, stopper) = (server.addresses()[0].tcp().unwrap(), server.stopper().unwrap());
        let run = std::thread::spawn(move || server.run());
        let mut client = Client::new(std::net::TcpStream::connect(address).unwrap());
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
        inside.recv().unwrap();
        stopper.stop();
        assert_eq!(run.join().unwrap().unwrap().abandoned, 1, "{}", engine.name);
    }
}

#[test]
fn flags_of_one_engine_are_refused_by_others() {
    let target = format!("{}:app", gateway_tests::artifacts::module("hello").display());
    for (arguments, text) in [
        (&["--engine", "poll", "--trigger", "edge"][..], "--trigger belongs to --engine epoll"),
        (&["--stack-size", "64KiB"], "--stack-size belongs to --engine coroutine"),
        (&["--engine", "epoll", "--fork-create", "child"], "--fork-create belongs to --engine fork"),
        (&["--engine", "single", "--connections", "2"], "one connection at a time"),
        (&["--engine", "coroutine", "--stack-size", "1KiB"], "from 64KiB"),
        (&["--connections", "0"], "--connections"),
        (&["--max-body", "12 parsecs"], "64KiB"),
        (&["--max-fields", "257"], "256"),
        (&["--head-timeout", "10"], "10s"),
        (&["--head-timeout", "0s"], "lets nobody in"),
        (&["--spool-dir", "/no/such/dir"], "/no/such/dir"),
        (&["--underscore-headers", "maybe"], "drop, refuse, allow"),
    ] {
        let output = gateway_tests::server::run(&[arguments, &[&target]].concat());
        let log = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && log.contains(text), "{arguments:?}: {log}");
    }
}

#[test]
fn engines_lists_them_all() {
    let output = gateway_tests::server::run(&["--engines"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success());
    for (engine, line) in ENGINES.iter().zip(text.lines()) {
        assert!(line.starts_with(engine.name) && line.ends_with(engine.about), "{line}");
    }
    assert_eq!(text.lines().count(), ENGINES.len());
}
