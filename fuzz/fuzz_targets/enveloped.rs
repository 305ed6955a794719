//! A connection of a web server, by uwsgi, SCGI or FastCGI: whatever comes in whatever
//! pieces, the app sees the same requests and the web server gets the same bytes, in
//! the form of its protocol, and no more memory is taken than one request may need.
#![no_main]

use gateway_server::exchange::Bodies;
use gateway_server::net::Scheme;
use gateway_tests::packets;
use gateway_tests::script::{self, Body, Outcome};
use libfuzzer_sys::fuzz_target;

const SCHEMES: [Scheme; 3] = [Scheme::Uwsgi, Scheme::Scgi, Scheme::FastCgi];
const REFUSED: &[u8] = b"HTTP/1.1 400 Bad Request";
/// As for a connection of HTTP.
const ROOM: usize = 2 * (32 + 64 + 16) * 1024;

fuzz_target!(|input: (u8, u8, u16, &[u8])| {
    let (scheme, mode, at, bytes) = input;
    let scheme = SCHEMES[usize::from(scheme) % SCHEMES.len()];
    let bodies = if mode & 1 == 0 { Bodies::Live } else { Bodies::Collected };
    let body = if mode & 2 == 0 { Body::Read } else { Body::Left };
    let serve = |pieces: Vec<&[u8]>| script::serve_as(scheme, pieces, body, bodies);
    let whole = serve(vec![bytes]);
    check(scheme, &whole);
    let at = usize::from(at) % (bytes.len() + 1);
    let split = serve([&bytes[..at], &bytes[at..]].into_iter().filter(|piece| !piece.is_empty()).collect());
    check_same(&split, &whole, body);
    // Each byte is a turn: of long inputs it is the beginning that matters.
    if bytes.len() <= 1024 {
        check_same(&serve(bytes.chunks(1).collect()), &whole, body);
    }
});

fn check(scheme: Scheme, outcome: &Outcome) {
    assert!(outcome.room <= ROOM, "{} bytes of room", outcome.room);
    let output = &*outcome.output;
    // Who goes on in HTTP is told so in HTTP, behind what was answered before.
    let told = output.windows(REFUSED.len()).position(|part| part == REFUSED).unwrap_or(output.len());
    match scheme {
        Scheme::FastCgi => drop(packets::kinds(&output[..told])),
        // One request for each connection.
        _ => assert!(outcome.seen.len() <= 1, "{outcome:?}"),
    }
}

/// A connection that an app ends whose body it left may end sooner or later.
fn check_same(one: &Outcome, other: &Outcome, body: Body) {
    assert_eq!(one.seen, other.seen);
    if body == Body::Read {
        assert_eq!(one.output.escape_ascii().to_string(), other.output.escape_ascii().to_string());
        assert_eq!(one.after, other.after);
    }
}
