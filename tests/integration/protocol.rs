//! Every fixture without a socket: by the parts of the protocol, and by an
//! exchange; whole, byte by byte, at every split, and with bytes behind it.

use gateway_server::exchange::Bodies;
use gateway_tests::client::{Client, Random, Response};
use gateway_tests::fixtures::{self, After, Content, Fixture, Request};
use gateway_tests::reader::{self, End};
use gateway_tests::script::{self, Body};

/// What follows a fixture, to see whether it is answered.
const NEXT: &[u8] = b"GET /next HTTP/1.1\r\nHost: next\r\n\r\n";

fn next() -> Request {
    let text = |text: &str| text.to_owned();
    Request {
        method: text("GET"),
        target: text("/next"),
        path: text("/next"),
        query: text(""),
        version: text("HTTP/1.1"),
        host: Some(text("next")),
        headers: vec![(text("Host"), text("next"))],
        body: Content::of(b""),
        keep_alive: true,
    }
}

/// The bytes whole, byte by byte, and at every split; of long ones at some, and
/// where something follows them at its beginning.
fn pieces<'b>(fixture: &Fixture, bytes: &'b [u8]) -> Vec<Vec<&'b [u8]>> {
    // The largest take too long by single bytes.
    let least = if bytes.len() < 10_000 { 1 } else { 61 };
    let mut scripts = vec![vec![bytes], bytes.chunks(least).collect()];
    if bytes.len() > fixture.bytes.len() {
        let (first, next) = bytes.split_at(fixture.bytes.len());
        scripts.push(vec![first, next]);
        return scripts;
    }
    let mut random = Random::new(bytes.len() as u64);
    let some: Vec<usize> = (0..20).map(|_| random.below(bytes.len())).collect();
    let splits = if bytes.len() <= 600 { (1..bytes.len()).collect() } else { some };
    scripts.extend(splits.into_iter().map(|at| vec![&bytes[..at], &bytes[at..]]));
    scripts
}

/// Runs `act` for each fixture: its bytes, what they mean with what follows
/// them, and what becomes of the connection.
fn each_fixture(act: impl Fn(&Fixture, &[u8], Option<(&[Request], After)>)) {
    for fixture in fixtures::all() {
        let meaning = fixture.meaning.as_ref().map(|meaning| (&*meaning.requests, meaning.after));
        act(&fixture, &fixture.bytes, meaning);
        if fixture.is_truncated() {
            continue;
        }
        let longer = [&fixture.bytes, NEXT].concat();
        match meaning {
            Some((requests, After::Stays)) => {
                act(&fixture, &longer, Some((&[requests, &[next()]].concat(), After::Stays)));
            }
            other => act(&fixture, &longer, other),
        }
    }
}

// ----- the parts of the protocol -----------------------------------------------

#[test]
fn fixtures_by_the_parts_of_the_protocol() {
    each_fixture(|fixture, bytes, meaning| {
        let mut whole = None;
        for pieces in pieces(fixture, bytes) {
            let outcome = reader::read(pieces.iter().copied());
            match (meaning, fixture.rule.refusal) {
                (Some((requests, after)), _) => {
                    let end = if after == After::Stays { End::Stays } else { End::Closes };
                    assert_eq!(outcome, (requests.to_vec(), end), "{}", fixture.name);
                }
                (None, Some(refusal)) => assert_eq!(outcome.1, End::Refused(refusal), "{}", fixture.name),
                (None, None) => unreachable!("an invalid fixture names a rule that refuses"),
            }
            let whole = whole.get_or_insert_with(|| outcome.clone());
            assert_eq!(outcome, *whole, "{} in {} pieces", fixture.name, pieces.len());
        }
    });
}

// ----- an exchange ---------------------------------------------------------------

/// The responses in `output`, one for each method and, if there is more, one
/// that refuses.
fn responses(output: &[u8], methods: &[&str], context: &str) -> Vec<Response> {
    let mut client = Client::replay(output);
    let mut responses = Vec::new();
    for method in methods.iter().chain(&["GET"]) {
        if client.at_end().unwrap() {
            break;
        }
        let response = client.response(method).unwrap_or_else(|error| panic!("{context}: {error}"));
        assert!(response.complete, "{context}: {response:?}");
        responses.push(response);
    }
    assert!(client.at_end().unwrap(), "{context}: more answers than requests");
    responses
}

#[test]
fn fixtures_by_an_exchange_that_reads_bodies_live() {
    fixtures_by_an_exchange(Bodies::Live);
}

#[test]
fn fixtures_by_an_exchange_that_collects_bodies() {
    fixtures_by_an_exchange(Bodies::Collected);
}

fn fixtures_by_an_exchange(bodies: Bodies) {
    each_fixture(|fixture, bytes, meaning| {
        let mut whole = None;
        for pieces in pieces(fixture, bytes) {
            let context = format!("{} in {} pieces, first of {}", fixture.name, pieces.len(), pieces[0].len());
            let outcome = script::serve(pieces, Body::Read, bodies);
            let methods: Vec<&str> = outcome.seen.iter().map(|request| &*request.method).collect();
            let responses = responses(&outcome.output, &methods, &context);
            if let Some((requests, after)) = meaning {
                // An app is not told whether the connection stays.
                let expected: Vec<_> = requests.iter().cloned().map(|it| Request { keep_alive: true, ..it }).collect();
                assert_eq!((&outcome.seen, outcome.after), (&expected, after), "{context}");
                assert_eq!(responses.len(), expected.len(), "{context}");
            } else {
                let last = responses.last().unwrap_or_else(|| panic!("{context}: no answer"));
                assert_eq!(responses.len(), outcome.seen.len() + 1, "{context}");
                assert_eq!((last.status, last.header("connection")), (fixture.status(), Some("close")), "{context}");
                assert_eq!(outcome.after, After::Closes, "{context}");
            }
            let normal: Vec<String> = responses.iter().map(Response::normal).collect();
            let whole = whole.get_or_insert_with(|| normal.clone());
            assert_eq!(normal, *whole, "{context}");
        }
    });
}
