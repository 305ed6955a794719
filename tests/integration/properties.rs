//! What holds for all bytes: a reading undoes a writing, pieces do not matter,
//! and the server finds exactly the requests that a strict reader finds.
//!
//! What fails here becomes a fixture.

mod fronts;
mod proxies;
mod ranges;

use std::sync::LazyLock;

use gateway_server::exchange::Bodies;
use gateway_server::protocol::http1::{Decoder, Found, Framing, Scanner, Version, head};
use gateway_server::protocol::{Limits, UnderscoreHeaders};
use gateway_spec::Header;
use gateway_tests::fixtures::{self, After};
use gateway_tests::reader;
use gateway_tests::script::{self, Body};
use gateway_tests::strict::{self, End};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::Config;

/// 256 cases, or `PROPTEST_CASES`.
fn config() -> Config {
    Config { failure_persistence: None, ..Config::default() }
}

// ----- what is generated -----------------------------------------------------------

fn token() -> impl Strategy<Value = String> {
    "[!#$%&'*+.^`|~0-9A-Za-z-]{1,20}"
}

/// A field that the server does nothing about.
fn field() -> impl Strategy<Value = (String, Vec<u8>)> {
    let value = vec(prop_oneof![Just(b'\t'), 0x20..0x7f_u8, 0x80..=0xff_u8], 0..40);
    (token(), value).prop_map(|(name, value)| (format!("X-{name}"), value.trim_ascii().to_vec()))
}

/// Bytes of a body, in chunks, each with its extension.
fn chunks() -> impl Strategy<Value = Vec<(Vec<u8>, String)>> {
    vec((vec(any::<u8>(), 1..60), "(;[ -~]{0,30})?"), 0..6)
}

/// Some fixtures one behind the other, with a few changes.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    static FIXTURES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
        let all = fixtures::all().into_iter().map(|fixture| fixture.bytes);
        all.filter(|bytes| bytes.len() < 2000).collect()
    });
    let base = vec(select(&**FIXTURES), 1..4).prop_map(|parts| parts.concat());
    (base, vec(change(), 0..4)).prop_map(|(mut bytes, changes)| {
        changes.iter().for_each(|change| change.apply(&mut bytes));
        bytes
    })
}

/// A head of which each line may end otherwise than it should.
fn loose_head() -> impl Strategy<Value = Vec<u8>> {
    let line_end = || prop_oneof![9 => Just("\r\n"), 1 => Just("\n"), 1 => select(vec!["\r", "\r\r\n", ""])];
    let line = (select(vec!["GET / HTTP/1.1", "OPTIONS * HTTP/1.0", "GET /%41?b HTTP/1.0"]), line_end());
    let field = (select(vec!["Host: a", "A_b:", "X: b", "X:", "Connection: \t close "]), line_end());
    let ends = (line_end(), line_end(), select(vec!["", "abc", "GET / HTTP/1.1\r\n\r\n"]));
    (line_end(), line, vec(field, 0..4), ends).prop_map(|(before, line, fields, (end, blank, rest))| {
        let before = if before == "\r\n" { "" } else { before };
        let fields = fields.iter().flat_map(|(field, end)| [*field, *end]);
        let parts = [before, line.0, line.1].into_iter().chain(fields).chain([end, blank, rest]);
        parts.flat_map(str::bytes).collect()
    })
}

/// Limits that heads of a few lines reach.
fn limits() -> impl Strategy<Value = Limits> {
    use UnderscoreHeaders::{Allow, Drop, Refuse};
    let underscore = select(vec![Drop, Refuse, Allow]);
    (12..22_usize, 16..80_usize, 0..6_usize, underscore).prop_map(|(line, head, fields, underscore)| Limits {
        line,
        head,
        fields,
        underscore,
        ..Limits::default()
    })
}

/// What is read of the head behind an empty line: from the bytes up to where
/// the scanner finds its end, and from all bytes.
fn readings(bytes: &[u8], limits: &Limits) -> [Option<String>; 2] {
    let read = |bytes: &[u8]| {
        let (mut room, mut scratch) = (head::Room::default(), Vec::new());
        let head = head::parse(bytes, limits, &mut room, &mut scratch).ok()?;
        Some(format!("{head:?} {:?}", room.headers))
    };
    match Scanner::default().scan(bytes, limits) {
        Ok(Found::Head { start, end }) => [read(&bytes[start..end]), read(&bytes[start..])],
        _ => [None, read(bytes)],
    }
}

#[derive(Clone, Debug)]
enum Change {
    Insert(Index, Vec<u8>),
    Remove(Index, usize),
    Replace(Index, u8),
    Repeat(Index, usize),
}

fn change() -> impl Strategy<Value = Change> {
    const WORDS: &[&str] = &[
        "\r",
        "\n",
        "\r\n",
        "\r\n\r\n",
        " ",
        "\t",
        "\0",
        ":",
        ";",
        ",",
        "0",
        "5",
        "f",
        "-",
        "+",
        "0x",
        "%",
        "%00",
        "#",
        "\x0b",
        "\u{e9}",
        "Host: a\r\n",
        "Content-Length: 5\r\n",
        "Content-Length: 0\r\n",
        "Connection: close\r\n",
        "Transfer-Encoding: chunked\r\n",
        "Transfer-Encoding: identity\r\n",
        "Expect: 100-continue\r\n",
        "chunked",
        "HTTP/1.1",
        "HTTP/1.0",
        "GET / HTTP/1.1\r\n",
        "0\r\n\r\n",
        "5\r\nhello\r\n",
        "http://b",
        "*",
        "_",
        "[::1]",
    ];
    let word = select(WORDS).prop_map(|word| word.as_bytes().to_vec());
    prop_oneof![
        4 => (any::<Index>(), word).prop_map(|(at, word)| Change::Insert(at, word)),
        2 => (any::<Index>(), 1..8_usize).prop_map(|(at, count)| Change::Remove(at, count)),
        2 => (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Change::Replace(at, byte)),
        1 => (any::<Index>(), 1..40_usize).prop_map(|(at, count)| Change::Repeat(at, count)),
    ]
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        let range = |at: &Index, count: usize, length: usize| {
            let start = at.index(length);
            start..(start + count).min(length)
        };
        match self {
            Self::Insert(at, word) => {
                let at = at.index(bytes.len() + 1);
                bytes.splice(at..at, word.iter().copied());
            }
            Self::Remove(at, count) => drop(bytes.drain(range(at, *count, bytes.len()))),
            Self::Replace(at, byte) => {
                let at = at.index(bytes.len());
                bytes[at] = *byte;
            }
            Self::Repeat(at, count) => {
                let range = range(at, *count, bytes.len());
                let piece = bytes[range.clone()].to_vec();
                bytes.splice(range.end..range.end, piece);
            }
        }
    }
}

/// `bytes` in pieces that end at these places.
fn split<'b>(bytes: &'b [u8], ends: &[Index]) -> Vec<&'b [u8]> {
    let mut ends: Vec<usize> = ends.iter().map(|end| end.index(bytes.len() + 1)).chain([0, bytes.len()]).collect();
    ends.sort_unstable();
    ends.dedup();
    ends.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect()
}

// ----- properties ------------------------------------------------------------------

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_head_is_read_as_it_was_written(
        method in token(), path in "(/[a-zA-Z0-9._~!$&'()*+,;=:@-]{0,9}){1,4}", query in "[ -~&&[^ #]]{0,20}",
        is_new: bool, fields in vec(field(), 0..8),
    ) {
        prop_assume!(method != "CONNECT");
        let version = if is_new { Version::Http11 } else { Version::Http10 };
        let mut bytes = format!("{method} {path}?{query} {}\r\nHost: a\r\n", version.as_str()).into_bytes();
        for (name, value) in &fields {
            bytes.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
        }
        bytes.extend(b"\r\n");
        let (mut room, mut scratch) = (head::Room::default(), Vec::new());
        let head = head::parse(&bytes, &Limits::default(), &mut room, &mut scratch).expect("a valid head");
        prop_assert_eq!(head.method, method.as_bytes());
        prop_assert_eq!((head.path, head.query, head.version), (path.as_bytes(), query.as_bytes(), version));
        prop_assert_eq!((head.framing, head.keep_alive), (Framing::None, is_new));
        let expected: Vec<_> =
            [("Host", &b"a"[..])].into_iter().chain(fields.iter().map(|(name, value)| (&**name, &**value))).collect();
        let expected: Vec<_> = expected.iter().map(|(name, value)| Header::new(name, value)).collect();
        prop_assert_eq!(room.headers, expected);
    }

    #[test]
    fn a_head_is_read_without_the_scanner_as_behind_it(
        bytes in prop_oneof![4 => loose_head(), 2 => mutated(), 1 => vec(any::<u8>(), 0..40)],
        limits in prop_oneof![Just(Limits::default()), limits()],
    ) {
        let [scanned, at_once] = readings(&bytes, &limits);
        prop_assert_eq!(at_once, scanned, "{}", bytes.escape_ascii());
    }

    #[test]
    fn a_chunked_body_is_read_as_it_was_written(
        chunks in chunks(), trailers in vec(field(), 0..3), ends in vec(any::<Index>(), 0..6),
    ) {
        let mut bytes = Vec::new();
        for (data, extension) in &chunks {
            bytes.extend(format!("{:x}{extension}\r\n", data.len()).as_bytes());
            bytes.extend([&**data, b"\r\n"].concat());
        }
        bytes.extend(b"0\r\n");
        for (name, value) in &trailers {
            bytes.extend([name.as_bytes(), b":", value, b"\r\n"].concat());
        }
        bytes.extend(b"\r\n");
        let (length, mut decoder, mut data, mut used) = (bytes.len(), Decoder::new(Framing::Chunked, 1000), vec![], 0);
        bytes.extend(b"next");
        for mut piece in split(&bytes, &ends) {
            while !piece.is_empty() && !decoder.is_done() {
                let step = decoder.decode(piece).expect("a valid body");
                data.extend_from_slice(&piece[step.data]);
                used += step.consumed;
                piece = &piece[step.consumed..];
            }
        }
        prop_assert_eq!((decoder.is_done(), used), (true, length));
        prop_assert_eq!(data, chunks.iter().flat_map(|(data, _)| data.clone()).collect::<Vec<_>>());
    }

    #[test]
    fn pieces_do_not_matter(bytes in mutated(), ends in vec(any::<Index>(), 0..6)) {
        let whole = reader::read([&*bytes]);
        prop_assert_eq!(&reader::read(split(&bytes, &ends)), &whole);
        prop_assert_eq!(&reader::read(bytes.chunks(1)), &whole);
    }

    #[test]
    fn the_server_finds_the_requests_that_a_strict_reader_finds(
        bytes in mutated(), ends in vec(any::<Index>(), 0..4), collects: bool,
    ) {
        let expected = strict::read(&bytes);
        let bodies = if collects { Bodies::Collected } else { Bodies::Live };
        let outcome = script::serve(split(&bytes, &ends), Body::Read, bodies);
        let found: Vec<_> = outcome.seen.iter().map(|it| (&it.method, &it.target, it.body.clone())).collect();
        let strict: Vec<_> =
            expected.requests.iter().map(|it| (&it.method, &it.target, fixtures::Content::of(&it.body))).collect();
        prop_assert_eq!(found, strict, "{}", bytes.escape_ascii());
        prop_assert_eq!(outcome.after == After::Stays, expected.end == End::Waits, "{}", bytes.escape_ascii());
    }
}

#[test]
fn every_fixture_is_read_without_the_scanner_as_behind_it() {
    for fixture in fixtures::all() {
        let [scanned, at_once] = readings(&fixture.bytes, &Limits::default());
        assert_eq!(at_once, scanned, "{}", fixture.name);
    }
}

#[test]
fn the_strict_reader_reads_every_fixture_as_it_is_meant() {
    for fixture in fixtures::all() {
        let reading = strict::read(&fixture.bytes);
        let Some(meaning) = fixture.meaning else {
            assert!(matches!(reading.end, End::Invalid | End::Incomplete), "{}: {reading:?}", fixture.name);
            continue;
        };
        let stays = meaning.after == After::Stays;
        assert_eq!(reading.end, if stays { End::Waits } else { End::Closes }, "{}", fixture.name);
        assert_eq!(reading.requests.len(), meaning.requests.len(), "{}", fixture.name);
        for (request, meant) in reading.requests.iter().zip(&meaning.requests) {
            assert_eq!((&request.method, &request.target), (&meant.method, &meant.target), "{}", fixture.name);
            assert_eq!(fixtures::Content::of(&request.body), meant.body, "{}", fixture.name);
        }
    }
}
