//! Every fixture over sockets, against `probe` on every engine: whole, at
//! random splits, and with bytes behind it. All engines answer alike.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use gateway_tests::client::{Client, Random, Response};
use gateway_tests::fixtures::{self, After, Fixture, Meaning, Request};
use gateway_tests::server::Server;
use serde_json::{Value, json};

use crate::engines::{Engine, on_every_engine};

/// What follows a fixture, to see whether it is answered.
const NEXT: &[u8] = b"GET /next HTTP/1.1\r\nHost: next\r\n\r\n";

/// The seed of the random splits.
const SEED: u64 = 9112;

on_every_engine! { fixtures_on_every_engine => all_fixtures }

fn all_fixtures(engine: Engine) {
    let server = Server::start("probe:app", engine.flags);
    let mut random = Random::new(SEED);
    for fixture in fixtures::all() {
        run(&server, &fixture, &fixture.bytes, &[], engine.name);
        for _ in 0..2 {
            let lengths: Vec<usize> = (0..=random.below(6)).map(|_| random.below(fixture.bytes.len())).collect();
            run(&server, &fixture, &fixture.bytes, &lengths, engine.name);
        }
        if !fixture.is_truncated() {
            run(&server, &fixture, &[&fixture.bytes, NEXT].concat(), &[], engine.name);
        }
    }
    server.stop();
}

/// Sends `bytes`, the fixture's or more, in pieces of these lengths.
fn run(server: &Server, fixture: &Fixture, bytes: &[u8], lengths: &[usize], engine: &str) {
    let context = format!("{} on {engine} in pieces of {lengths:?} (seed {SEED})", fixture.name);
    let mut client = Client::new(server.connect());
    let sent = client.send_split(bytes, lengths);
    let has_next = bytes.len() > fixture.bytes.len();
    let responses = match &fixture.meaning {
        Some(meaning) => {
            sent.unwrap_or_else(|error| panic!("{context}: {error}"));
            answered(&mut client, meaning, has_next, &context)
        }
        // The server may have closed before all was sent.
        None => refused(&mut client, fixture, &context),
    };
    let normal: Vec<String> = responses.iter().map(Response::normal).collect();
    agree(&format!("{}, followed: {has_next}", fixture.name), normal, &context);
}

fn answered(client: &mut Client, meaning: &Meaning, has_next: bool, context: &str) -> Vec<Response> {
    let mut responses = Vec::new();
    for request in &meaning.requests {
        let response = client.response(&request.method).unwrap_or_else(|error| panic!("{context}: {error}"));
        check(&response, request, context);
        responses.push(response);
    }
    if meaning.after == After::Stays {
        if has_next {
            let response = client.response("GET").unwrap_or_else(|error| panic!("{context}: {error}"));
            assert!(response.text().contains("\"path\":\"/next\""), "{context}: {response:?}");
            responses.push(response);
        }
        client.finish();
    }
    assert!(client.at_end().is_ok_and(|end| end), "{context}: the connection does not end well");
    responses
}

/// Holds that `probe` saw what the fixture says.
fn check(response: &Response, request: &Request, context: &str) {
    let closes = response.header("connection") == Some("close");
    assert_eq!(closes, !request.keep_alive, "{context}: {response:?}");
    if request.path == "/" {
        assert_eq!(response.status, 200, "{context}: {response:?}");
        return;
    }
    assert_eq!(response.status, 404, "{context}: {}", response.text());
    if request.method == "HEAD" {
        return;
    }
    let seen: Value = serde_json::from_slice(&response.body).unwrap_or_else(|error| panic!("{context}: {error}"));
    let headers: Vec<_> = request.headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect();
    let (length, hash) = request.body.digest();
    for (key, expected) in [
        ("method", json!(request.method)),
        ("path", json!(request.path)),
        ("query", json!(request.query)),
        ("version", json!(request.version)),
        ("host", json!(request.host)),
        ("headers", json!(headers)),
        ("body_len", json!(length)),
        ("body_sha256", json!(hash)),
    ] {
        assert_eq!(seen[key], expected, "{context}: {key}");
    }
}

/// Reads up to the end: whole requests before the refused one are answered.
fn refused(client: &mut Client, fixture: &Fixture, context: &str) -> Vec<Response> {
    if fixture.is_truncated() {
        client.finish();
    }
    let mut responses = Vec::new();
    while !client.at_end().unwrap_or_else(|error| panic!("{context}: {error}")) {
        responses.push(client.response("GET").unwrap_or_else(|error| panic!("{context}: {error}")));
    }
    let (last, before) = responses.split_last().unwrap_or_else(|| panic!("{context}: no answer"));
    assert_eq!((last.status, last.header("connection")), (fixture.status(), Some("close")), "{context}: {last:?}");
    assert!(before.iter().all(|response| response.status == 404), "{context}: {before:?}");
    responses
}

/// Holds that a fixture is answered alike, whichever engine comes first.
fn agree(key: &str, normal: Vec<String>, context: &str) {
    static FIRST: Mutex<Option<HashMap<String, Vec<String>>>> = Mutex::new(None);
    let mut first = FIRST.lock().unwrap_or_else(PoisonError::into_inner);
    let known = first.get_or_insert_default().entry(key.to_owned()).or_insert_with(|| normal.clone());
    let same = *known == normal;
    let text = format!("{known:#?}\n{normal:#?}");
    drop(first);
    assert!(same, "{context} differs from what another engine, or another split, gave:\n{text}");
}
