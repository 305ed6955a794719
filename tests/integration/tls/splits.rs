//! Ciphertext in pieces, and more of it than a socket takes.

use std::io::Read as _;

use gateway_tests::client::Client;
use gateway_tests::gate::{Form, Gate};
use gateway_tests::tls::{Certificates, TlsStream};
use rustls::version::{TLS12, TLS13};
use sha2::{Digest as _, Sha256};

use super::{get, has_openssl, serve};
use crate::engines::{Engine, on_every_engine};
use crate::peers::bytes;

on_every_engine! {
    a_client_that_sends_byte_by_byte_is_served => a_client_that_sends_byte_by_byte_is_served,
    pieces_of_any_length_are_put_together => pieces_of_any_length_are_put_together,
    what_lies_behind_a_body_is_not_left => what_lies_behind_a_body_is_not_left,
    more_requests_than_a_buffer_holds_are_answered => more_requests_than_a_buffer_holds_are_answered,
    answers_wait_for_a_client_that_reads_late => answers_wait_for_a_client_that_reads_late,
    a_stream_without_a_length_ends_with_close_notify => a_stream_without_a_length_ends_with_close_notify,
    a_stream_that_is_cut_ends_without => a_stream_that_is_cut_ends_without,
}

/// Handshake, requests and all: of both versions.
fn a_client_that_sends_byte_by_byte_is_served(engine: Engine) {
    if !has_openssl("a_client_that_sends_byte_by_byte_is_served") {
        return;
    }
    let (server, certificates) = serve(engine, "probe:app", &[]);
    for version in [&TLS12, &TLS13] {
        let mut client = certificates.connect_by(&server, &[version], std::iter::repeat(1));
        posts(&mut client, &bytes(300));
        posts(&mut client, b"");
    }
    server.stop();
}

/// Bodies that are complete before the call, and those that are not.
fn pieces_of_any_length_are_put_together(engine: Engine) {
    if !has_openssl("pieces_of_any_length_are_put_together") {
        return;
    }
    let (server, certificates) = serve(engine, "probe:app", &[]);
    for seed in 1..4_u32 {
        let mut state = seed;
        let lengths = std::iter::repeat_with(move || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 16) as usize % [7, 700, 40_000][seed as usize - 1]
        });
        let mut client = certificates.connect_by(&server, rustls::ALL_VERSIONS, lengths);
        for length in [10, 5_000, 100_000] {
            posts(&mut client, &bytes(length * seed as usize));
        }
    }
    server.stop();
}

/// A body goes up, and its hash comes back.
fn posts(client: &mut Client<TlsStream>, body: &[u8]) {
    let head = format!("POST /inspect HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n", body.len());
    client.send(&[head.as_bytes(), body].concat()).expect("the server reads");
    let response = client.response("POST").expect("the server answers");
    let hash: String = Sha256::digest(body).iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(response.status == 200 && response.text().contains(&hash), "{}", response.text());
}

/// The last record of a body has the next request in it: who reads a body live does
/// not read that, and no socket tells of it.
fn what_lies_behind_a_body_is_not_left(engine: Engine) {
    if !has_openssl("what_lies_behind_a_body_is_not_left") {
        return;
    }
    let (server, certificates) = serve(engine, "probe:app", &[]);
    let mut client = certificates.connect(&server);
    for length in [70_000, 150_000] {
        is_followed(&mut client, "/inspect", length, || ());
    }
    server.stop();
}

/// The same of an app that asks for that.
#[test]
fn what_lies_behind_a_live_body_is_not_left() {
    if !has_openssl("what_lies_behind_a_live_body_is_not_left") {
        return;
    }
    for hand_over in ["auto", "always"] {
        let (gate, certificates) = (Gate::new(), Certificates::new());
        let more = ["--engine", "leader", "--hand-over", hand_over];
        let server = gate.serve(Form::Streams, &certificates.flags(&more));
        let mut client = certificates.connect(&server);
        for length in [70_000, 150_000] {
            is_followed(&mut client, "/upload", length, || gate.next().release());
        }
        drop(client);
        server.stop();
    }
}

/// A body and another request, sent at once.
fn is_followed(client: &mut Client<TlsStream>, path: &str, length: usize, then: impl FnOnce()) {
    let head = format!("POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n");
    client.send(&[head.as_bytes(), &bytes(length), get("/").as_bytes()].concat()).unwrap();
    then();
    let response = client.response("POST").expect("the first is answered");
    assert!(response.status == 200 && response.text().contains(&length.to_string()), "{}", response.text());
    assert_eq!(client.response("GET").expect("the second is answered").status, 200);
}

/// Of what was decrypted a part is left each time.
fn more_requests_than_a_buffer_holds_are_answered(engine: Engine) {
    if !has_openssl("more_requests_than_a_buffer_holds_are_answered") {
        return;
    }
    let (server, certificates) = serve(engine, "probe:app", &[]);
    let mut client = certificates.connect(&server);
    for count in [1, 1500, 3] {
        client.send(get("/").repeat(count).as_bytes()).unwrap();
        for _ in 0..count {
            assert_eq!(client.response("GET").expect("all are answered").text(), "This is the probe.\n");
        }
    }
    server.stop();
}

/// So many answers, of 64 KiB each, are more than the sockets between them hold.
const ANSWERS: usize = 300;

/// Nothing is lost, doubled or out of order where a socket has taken a part; nor of
/// a file.
fn answers_wait_for_a_client_that_reads_late(engine: Engine) {
    if !has_openssl("answers_wait_for_a_client_that_reads_late") {
        return;
    }
    let (server, certificates) = serve(engine, "bench:app", &[]);
    for path in ["/bytes64k", "/file64k"] {
        let mut alone = certificates.connect(&server);
        alone.send(get(path).as_bytes()).unwrap();
        let expected = alone.response("GET").unwrap();
        assert_eq!((expected.status, expected.body.len()), (200, 65536), "{path}");
        drop(alone);
        let mut client = certificates.connect(&server);
        client.send(get(path).repeat(ANSWERS).as_bytes()).unwrap();
        for _ in 0..ANSWERS {
            let response = client.response("GET").expect("all are answered");
            assert!(response.body == expected.body, "{path}: another body");
        }
    }
    server.stop();
}

/// Of HTTP/1.0 the end of the body is that of the connection, which must be told
/// from a cut.
fn a_stream_without_a_length_ends_with_close_notify(engine: Engine) {
    if !has_openssl("a_stream_without_a_length_ends_with_close_notify") {
        return;
    }
    let (server, certificates) = serve(engine, "probe:app", &[]);
    let mut client = certificates.connect(&server);
    client.send(b"GET /stream HTTP/1.0\r\n\r\n").unwrap();
    let mut text = String::new();
    client.way().read_to_string(&mut text).expect("an end that was said");
    assert!(text.starts_with("HTTP/1.1 200 OK\r\n"), "{text}");
    server.stop();
}

fn a_stream_that_is_cut_ends_without(engine: Engine) {
    if !has_openssl("a_stream_that_is_cut_ends_without") {
        return;
    }
    let (server, certificates) = serve(engine, "faulty:app", &[]);
    let mut client = certificates.connect(&server);
    client.send(b"GET /error_in_stream HTTP/1.0\r\n\r\n").unwrap();
    let mut bytes = Vec::new();
    let error = client.way().read_to_end(&mut bytes).expect_err("without a length nothing else tells of it");
    assert_eq!(error.kind(), std::io::ErrorKind::UnexpectedEof);
    assert!(bytes.ends_with(b"\r\n\r\none\n"), "{}", bytes.escape_ascii());
    server.stop();
}
