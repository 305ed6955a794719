//! The packets of `tests/fixtures/fronts`, by an exchange: whole, in two pieces at
//! every place, and byte by byte.

use gateway_server::exchange::Bodies;
use gateway_server::net::Scheme;
use gateway_tests::fixtures::{After, Request};
use gateway_tests::fronts::{self, Packets};
use gateway_tests::packets;
use gateway_tests::script::{self, Body, Outcome};

#[test]
fn packets_by_an_exchange_that_reads_bodies_live() {
    fronts::all().iter().for_each(|packets| check(packets, Bodies::Live));
}

#[test]
fn packets_by_an_exchange_that_collects_bodies() {
    fronts::all().iter().for_each(|packets| check(packets, Bodies::Collected));
}

fn check(fixture: &Packets, bodies: Bodies) {
    let bytes = &*fixture.bytes;
    let halves = (1..bytes.len()).map(|at| vec![&bytes[..at], &bytes[at..]]);
    let mut whole = None;
    for pieces in [vec![bytes], bytes.chunks(1).collect()].into_iter().chain(halves) {
        let context = format!("{} in {} pieces, first of {}", fixture.name, pieces.len(), pieces[0].len());
        let outcome = script::serve_as(fixture.scheme, pieces, Body::Read, bodies);
        match &fixture.meaning {
            Some(meaning) => {
                // An app is not told whether the connection stays.
                let meant: Vec<_> =
                    meaning.requests.iter().cloned().map(|it| Request { keep_alive: true, ..it }).collect();
                assert_eq!((&outcome.seen, outcome.after), (&meant, meaning.after), "{context}");
                assert_eq!(answers(fixture, &outcome), meant.len(), "{context}");
            }
            None => {
                assert_eq!((outcome.seen.len(), outcome.after), (0, After::Closes), "{context}");
                is_refused(fixture, &outcome, &context);
            }
        }
        let output = outcome.output.escape_ascii().to_string();
        let whole = whole.get_or_insert_with(|| output.clone());
        assert_eq!(output, *whole, "{context}");
    }
}

/// How many responses end: by a record, or with the connection.
fn answers(fixture: &Packets, outcome: &Outcome) -> usize {
    match fixture.scheme {
        // An empty record of the response, and then its end; what is answered at
        // once has no such record.
        Scheme::FastCgi => {
            let kinds = packets::kinds(&outcome.output);
            kinds.windows(2).filter(|pair| matches!(pair, [(one, 6), (other, 3)] if one == other)).count()
        }
        _ => String::from_utf8_lossy(&outcome.output).matches("seen").count(),
    }
}

/// What is no request of the protocol gets no answer, what is none that HTTP would take
/// gets that of HTTP.
fn is_refused(fixture: &Packets, outcome: &Outcome, context: &str) {
    let output = String::from_utf8_lossy(&outcome.output);
    let begin = match (fixture.rule.id, fixture.scheme) {
        ("FRONT-01", _) => "HTTP/1.1 400 ",
        ("FRONT-05" | "FRONT-09", Scheme::Uwsgi) => "HTTP/1.1 ",
        ("FRONT-05" | "FRONT-09", Scheme::Scgi) => "Status: ",
        // In a record of the first request.
        ("FRONT-05" | "FRONT-09", _) => {
            assert_eq!(packets::kinds(&outcome.output).last(), Some(&(1, 3)), "{context}: {output:?}");
            "Status: "
        }
        _ => return assert_eq!(output, "", "{context}"),
    };
    let is_fault = |rest: &str| begin.ends_with("400 ") || rest.starts_with(['4', '5']);
    assert!(output.split(begin).nth(1).is_some_and(is_fault), "{context}: {output:?}");
}
