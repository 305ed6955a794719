//! Connections of web servers that stay: passed on at a reload, closed at the end, and
//! what becomes of calls that take too long.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use gateway_tests::client::Client;
use gateway_tests::server::Server;

use crate::engines::{Engine, on_every_engine};
use crate::workers::{replaced, workers};

on_every_engine! {
    front_08_a_connection_that_stays_is_passed_on_at_a_reload => is_passed_on,
}

fn record(kind: u8, content: &[u8]) -> Vec<u8> {
    let [high, low] = (content.len() as u16).to_be_bytes();
    [&[1, kind, 0, 1, high, low, 0, 0][..], content].concat()
}

/// A request for this path, on a connection that stays.
fn request(path: &str) -> Vec<u8> {
    let pairs = [("REQUEST_METHOD", "GET"), ("PATH_INFO", path), ("REQUEST_URI", path)];
    let params =
        pairs.map(|(name, value)| [&[name.len() as u8, value.len() as u8], name.as_bytes(), value.as_bytes()].concat());
    let begin = record(1, &[0, 1, 1, 0, 0, 0, 0, 0]);
    [begin, record(4, &params.concat()), record(4, b""), record(5, b"")].concat()
}

/// What STDOUT had, to the end of the request; `None` where the connection ends first.
fn answer(stream: &mut TcpStream) -> Option<String> {
    let mut text = Vec::new();
    loop {
        let mut head = [0; 8];
        stream.read_exact(&mut head).ok()?;
        let mut content = vec![0; usize::from(u16::from_be_bytes([head[4], head[5]])) + usize::from(head[6])];
        stream.read_exact(&mut content).ok()?;
        match head[1] {
            6 => text.extend_from_slice(&content),
            3 => return Some(String::from_utf8_lossy(&text).into_owned()),
            _ => {}
        }
    }
}

fn is_passed_on(engine: Engine) {
    let flags = ["--bind", "fastcgi://127.0.0.1:0", "--workers", "1"];
    let server = engine.serve("probe:app", &flags);
    let before = workers(&server);
    let mut stream = server.connect();
    let mut ask = || {
        stream.write_all(&request("/")).unwrap();
        answer(&mut stream)
    };
    assert!(ask().is_some_and(|answer| answer.contains("This is the probe.")));
    server.signal("HUP");
    replaced(&server, &before);
    for _ in 0..3 {
        assert!(ask().is_some_and(|answer| answer.contains("This is the probe.")), "{}", server.log());
    }
    // It waits still, and holds nobody up.
    server.stop();
}

/// What is said at the end of the time is that of the protocol, and the figures and the
/// access log have it too.
#[test]
fn front_10_a_call_that_takes_too_long_is_answered_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("access").display().to_string();
    let flags = ["--bind", "127.0.0.1:0", "--bind", "scgi://127.0.0.1:0", "--request-timeout", "300ms"];
    let flags = [&flags[..], &["--access-log", &log, "--access-log-format", "%U %s"]].concat();
    let server = Server::start("probe:app", &flags);
    let mut client = Client::new(server.connect());
    client.send(b"GET /sleep?ms=1500 HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    assert_eq!(client.response("GET").unwrap().status, 504);
    let mut stream = TcpStream::connect(server.addresses()[1]).unwrap();
    let pairs = ["CONTENT_LENGTH", "0", "SCGI", "1", "REQUEST_METHOD", "GET", "REQUEST_URI", "/sleep?ms=1500"];
    let pairs: String = pairs
        .iter()
        .chain(&["PATH_INFO", "/sleep", "QUERY_STRING", "ms=1500"])
        .map(|text| format!("{text}\0"))
        .collect();
    write!(stream, "{}:{pairs},", pairs.len()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("Status: 504 Gateway Timeout\r\n"), "{answer}");
    server.stop();
    // Written when the call has returned, with what the client was told.
    assert_eq!(std::fs::read_to_string(log).unwrap(), "/sleep 504\n/sleep 504\n");
}
