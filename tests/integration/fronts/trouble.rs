//! Behind nginx when something goes wrong, or is large; by each protocol.

use std::fs;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;

use gateway_tests::client::{Client, Response};
use gateway_tests::server::Server;
use gateway_tests::skip;
use gateway_tests::wait::until;

use super::front_with;
use crate::engines::{Engine, on_every_engine};
use crate::proxies::peers::Running;

on_every_engine! {
    front_10_a_call_that_nginx_does_not_wait_for => a_call_that_nginx_does_not_wait_for,
    front_10_clients_that_leave_in_an_upload => clients_that_leave_in_an_upload,
    front_10_large_and_empty_answers => large_and_empty_answers,
    front_10_what_breaks_off_is_not_whole => what_breaks_off_is_not_whole,
    front_05_who_says_too_much_is_told_so => who_says_too_much_is_told_so,
}

const PROTOCOLS: [&str; 4] = ["uwsgi", "scgi", "fastcgi", "proxy"];

/// Has `act` ask nginx, with these lines about it, by each protocol. The server is
/// the one of all.
fn by_each(engine: Engine, flags: &[&str], lines: impl Fn(&str) -> String, act: impl Fn(&str, &Running)) -> Server {
    serving("probe:app", engine, flags, lines, act)
}

fn serving(
    app: &str,
    engine: Engine,
    flags: &[&str],
    lines: impl Fn(&str) -> String,
    act: impl Fn(&str, &Running),
) -> Server {
    let mut binds = Vec::new();
    for protocol in PROTOCOLS {
        let scheme = if protocol == "proxy" { "http" } else { protocol };
        binds.extend(["--bind".to_owned(), format!("{scheme}://127.0.0.1:0")]);
    }
    let binds: Vec<&str> = binds.iter().map(String::as_str).collect();
    let server = engine.serve(app, &[&binds, flags].concat());
    for (protocol, place) in PROTOCOLS.iter().zip(server.places()) {
        act(protocol, &front_with(protocol, place, &lines(protocol)));
    }
    server
}

fn has_nginx() -> bool {
    skip::has("fronts::trouble", "nginx")
}

fn asked(nginx: &Running, method: &str, target: &str, headers: &str) -> Response {
    let mut client = Client::new(TcpStream::connect(nginx.address).unwrap());
    let request = format!("{method} {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{headers}\r\n");
    client.send(request.as_bytes()).unwrap();
    client.response(method).unwrap()
}

/// nginx says so to its client, and the server serves on when the call is over.
fn a_call_that_nginx_does_not_wait_for(engine: Engine) {
    if !has_nginx() {
        return;
    }
    let lines = |protocol: &str| format!("{protocol}_read_timeout 1s;\n");
    let server = by_each(engine, &[], lines, |protocol, nginx| {
        assert_eq!(asked(nginx, "GET", "/sleep?ms=2500", "").status, 504, "{protocol}");
        // An engine that serves one after the other is in that call still.
        until(protocol, || asked(nginx, "GET", "/", "").status, |status| *status == 200);
    });
    assert!(!server.stop().contains("panicked"));
}

/// Neither for a client of nginx, nor for one that speaks HTTP/1.0: both cannot tell
/// by the content that some of it is missing.
fn what_breaks_off_is_not_whole(engine: Engine) {
    if !has_nginx() {
        return;
    }
    let server = serving(
        "faulty:app",
        engine,
        &[],
        |_| String::new(),
        |protocol, nginx| {
            for target in ["/error_in_stream", "/panic_in_stream"] {
                let mut client = Client::new(TcpStream::connect(nginx.address).unwrap());
                client.send(format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes()).unwrap();
                let answer = client.response("GET").unwrap();
                assert!(!answer.complete || answer.status == 502, "{protocol} {answer:?}");
            }
        },
    );
    let plain = server.places().last().unwrap().replace("http://", "");
    let mut old = TcpStream::connect(plain).unwrap();
    old.write_all(b"GET /error_in_stream HTTP/1.0\r\n\r\n").unwrap();
    let ended = old.read_to_end(&mut Vec::new());
    assert_eq!(ended.map_err(|error| error.kind()), Err(ErrorKind::ConnectionReset));
    server.stop();
}

/// nginx would take a server that just closes for broken, and turn to the next.
fn who_says_too_much_is_told_so(engine: Engine) {
    if !has_nginx() {
        return;
    }
    by_each(
        engine,
        &[],
        |_| String::new(),
        |protocol, nginx| {
            for much in ["A: b\r\n".repeat(995), format!("A: {}\r\n", "x".repeat(7000)).repeat(3)] {
                let status = asked(nginx, "GET", "/", &much).status;
                let most = if much.len() < 10_000 { 431 } else { 200 };
                assert_eq!(status, most, "{protocol}, {} bytes", much.len());
            }
            assert_eq!(asked(nginx, "GET", "/", "").status, 200, "{protocol}");
        },
    )
    .stop();
}

/// nginx is told to pass on what it has at once: the server sees half a body, and then
/// the end.
fn clients_that_leave_in_an_upload(engine: Engine) {
    if !has_nginx() {
        return;
    }
    let lines = |protocol: &str| format!("{protocol}_request_buffering off;\n");
    let server = by_each(engine, &[], lines, |protocol, nginx| {
        for sent in [0, 1000, 200_000] {
            let mut client = Client::new(TcpStream::connect(nginx.address).unwrap());
            client.send(b"POST /inspect HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n").unwrap();
            client.send(&vec![b'x'; sent]).unwrap();
        }
        let answer = asked(nginx, "POST", "/echo", "Content-Length: 0\r\n");
        assert_eq!((answer.status, answer.text()), (200, String::new()), "{protocol}");
    });
    let log = server.stop();
    assert!(!log.contains("panicked") && !log.contains("did not end"), "{log}");
}

fn large_and_empty_answers(engine: Engine) {
    if !has_nginx() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let bytes: Vec<u8> = (0..20_000_000_u32).map(|number| (number % 251) as u8).collect();
    fs::write(folder.path().join("large"), &bytes).unwrap();
    let flags = ["--static", &format!("/files={}", folder.path().display())];
    let streamed: Vec<u8> = (0..20_000_u32).flat_map(|at| [b'a' + (at % 26) as u8; 1000]).collect();
    by_each(
        engine,
        &flags,
        |_| String::new(),
        |protocol, nginx| {
            let file = asked(nginx, "GET", "/files/large", "");
            assert!(file.complete && file.body == bytes, "{protocol}: {} bytes", file.body.len());
            let stream = asked(nginx, "GET", "/stream?n=20000&size=1000", "");
            assert!(stream.complete && stream.body == streamed, "{protocol}: {}", stream.body.len());
            let head = asked(nginx, "HEAD", "/files/large", "");
            assert_eq!((head.status, head.header("content-length")), (200, Some("20000000")), "{protocol}");
            let tag = head.header("etag").unwrap_or_default();
            let known = asked(nginx, "GET", "/files/large", &format!("If-None-Match: {tag}\r\n"));
            assert_eq!((known.status, known.body.len(), known.header("etag")), (304, 0, Some(tag)), "{protocol}");
            let part = asked(nginx, "GET", "/files/large", "Range: bytes=250-252\r\n");
            assert_eq!((part.status, &*part.body), (206, &[250, 0, 1][..]), "{protocol}");
        },
    );
}
