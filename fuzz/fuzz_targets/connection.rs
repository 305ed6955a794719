//! A connection: whatever comes in whatever pieces, the app sees the requests
//! that a strict reader sees, the client gets whole responses in order, and no
//! more memory is taken than one request may need.
#![no_main]

use gateway_server::exchange::Bodies;
use gateway_tests::client::Client;
use gateway_tests::fixtures::After;
use gateway_tests::script::{self, Body, Outcome};
use gateway_tests::strict::{self, End, Reading};
use libfuzzer_sys::fuzz_target;

/// Head, small body, and a read: what a receive buffer holds at most, doubled
/// by its growth.
const ROOM: usize = 2 * (32 + 64 + 16) * 1024;

fuzz_target!(|input: (u8, u16, &[u8])| {
    let (mode, at, bytes) = input;
    let bodies = if mode & 1 == 0 { Bodies::Live } else { Bodies::Collected };
    let body = if mode & 2 == 0 { Body::Read } else { Body::Left };
    let strict = strict::read(bytes);
    let pieces = if mode & 4 == 0 { bytes.chunks(1).collect() } else { split(bytes, at) };
    let outcome = script::serve(pieces, body, bodies);
    assert!(outcome.room <= ROOM, "{} bytes of room", outcome.room);
    check_output(&outcome, bytes);
    match body {
        Body::Read => check_requests(&outcome, &strict),
        Body::Left => check_order(&outcome, &strict, bytes),
    }
});

fn split(bytes: &[u8], at: u16) -> Vec<&[u8]> {
    let (first, rest) = bytes.split_at(usize::from(at) % (bytes.len() + 1));
    [first, rest].into_iter().filter(|piece| !piece.is_empty()).collect()
}

/// An app that reads sees exactly the whole requests.
fn check_requests(outcome: &Outcome, strict: &Reading) {
    let seen: Vec<_> = outcome.seen.iter().map(|it| (&it.method, &it.target, it.body.digest().0)).collect();
    let whole: Vec<_> = strict.requests.iter().map(|it| (&it.method, &it.target, it.body.len())).collect();
    assert_eq!(seen, whole);
    assert_eq!(outcome.after == After::Stays, strict.end == End::Waits);
}

/// An app that leaves bodies sees no more than that and the open request, and
/// not less where nothing closes the connection early.
fn check_order(outcome: &Outcome, strict: &Reading, bytes: &[u8]) {
    let mut strict = strict.requests.iter().chain(&strict.open);
    for seen in &outcome.seen {
        let known = strict.next().expect("a request that is none");
        assert_eq!((&seen.method, &seen.target), (&known.method, &known.target));
    }
    let may_close = bytes.len() > 60_000 || bytes.to_ascii_lowercase().windows(6).any(|part| part == b"expect");
    assert!(may_close || strict.filter(|it| it.end > 0).count() == 0, "a request that was not answered");
}

/// One whole response for each request, in order, and perhaps one that refuses.
fn check_output(outcome: &Outcome, bytes: &[u8]) {
    let mut client = Client::replay(&outcome.output);
    for request in &outcome.seen {
        let response = client.response(&request.method).expect("a response");
        assert!(response.complete && response.status == 200, "{response:?}");
    }
    if !client.at_end().expect("memory can be read") {
        let response = client.response("GET").expect("a response");
        // What begins with HEAD is refused by a head alone.
        let is_head = response.body.is_empty() && bytes.windows(5).any(|part| part == b"HEAD ");
        assert!((response.complete || is_head) && response.status >= 400, "{response:?}");
        assert_eq!(response.header("connection"), Some("close"));
        assert!(client.at_end().expect("memory can be read"), "bytes behind the last response");
    }
}
