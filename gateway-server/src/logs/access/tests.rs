//! What holds for lines of all answers, in all formats.

use std::time::Instant;

use gateway_spec::Header;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::format::{Format, Kind};
use super::sheets::Sheet;
use crate::stats::{Asked, Record, RequestId, Sample};

/// What a client sends and is answered.
#[derive(Clone, Debug)]
struct Answer {
    client: String,
    /// A request has a method.
    method: Option<String>,
    target: Vec<u8>,
    headers: Vec<(&'static str, Vec<u8>)>,
    status: u16,
    bytes: u64,
}

impl Answer {
    /// Its line.
    fn line(&self, format: &Format) -> Vec<u8> {
        let headers: Vec<Header<'_>> = self.headers.iter().map(|(name, value)| Header::new(*name, value)).collect();
        let asked = match &self.method {
            Some(method) => Asked::Request {
                method: method.as_bytes(),
                target: &self.target,
                protocol: b"HTTP/1.1",
                user: b"",
                headers: &headers,
                variables: &[],
            },
            None => Asked::Line(&self.target),
        };
        let (id, client) = (RequestId::of_exchange(), (self.client.as_bytes(), &b"1"[..]));
        let sample = Sample { status: self.status, bytes: self.bytes, took: None };
        let mut sheet = Sheet::default();
        format.write(&Record { id, at: Instant::now(), client, asked, sample }, &mut sheet);
        sheet.lines
    }

    /// What stands for a token, where bytes between fields are those of `between`.
    fn value(&self, token: &str, between: Option<&str>) -> String {
        let named = |name: &str| {
            let is_it = |(other, _): &&(&str, Vec<u8>)| self.method.is_some() && other.eq_ignore_ascii_case(name);
            let mut values: Vec<String> =
                self.headers.iter().filter(is_it).map(|(_, value)| escaped(value, between)).collect();
            match values.first_mut() {
                None => return "-".to_owned(),
                Some(first) if first.is_empty() => "-".clone_into(first),
                Some(_) => {}
            }
            values.join(&escaped(b", ", between))
        };
        match token {
            "%h" if self.client.is_empty() => "-".to_owned(),
            "%h" => self.client.clone(),
            "%m" => self.method.clone().unwrap_or_else(|| "-".to_owned()),
            "%r" => match &self.method {
                None if self.target.is_empty() => "-".to_owned(),
                None => escaped(&self.target, between),
                Some(method) => [method.as_bytes(), &self.target, b"HTTP/1.1"]
                    .map(|part| escaped(part, between))
                    .join(&escaped(b" ", between)),
            },
            "%s" => self.status.to_string(),
            "%B" => self.bytes.to_string(),
            "%{Referer}i" => named("Referer"),
            "%{User-Agent}i" => named("User-Agent"),
            _ => panic!("no {token} is tried"),
        }
    }
}

/// A value, byte by byte.
fn escaped(bytes: &[u8], between: Option<&str>) -> String {
    let stops = |char: char| between.is_some_and(|text| char == ' ' || text.contains(char));
    let is_plain = |byte: u8| matches!(byte, b' '..=b'~') && !b"\"\\".contains(&byte) && !stops(byte.into());
    let cut = &bytes[..bytes.len().min(8192)];
    let text: String = cut
        .iter()
        .map(|byte| if is_plain(*byte) { char::from(*byte).to_string() } else { format!("\\x{byte:02X}") })
        .collect();
    if bytes.len() > cut.len() { text + "..." } else { text }
}

fn value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        6 => "[a-z/.:;() -]{0,100}".prop_map(String::into_bytes),
        2 => vec(select(&b"ab \"\\|[]\n\x7f\xff"[..]), 0..40),
        1 => vec(any::<u8>(), 0..40),
        1 => (0..10_000_usize).prop_map(|length| vec![b'a'; length]),
    ]
}

fn answer() -> impl Strategy<Value = Answer> {
    let names = select(&["Referer", "referer", "User-Agent", "USER-AGENT", "Authorization", "Connection", "X"][..]);
    let bytes = prop_oneof![0..2000_u64, any::<u64>()];
    let headers = vec((names, value()), 0..5);
    ("[0-9.]{0,20}", prop::option::of("[A-Z]{1,9}"), value(), headers, 100..1000_u16, bytes).prop_map(
        |(client, method, target, headers, status, bytes)| Answer { client, method, target, headers, status, bytes },
    )
}

/// Tokens, and what stands before each of them.
fn format() -> impl Strategy<Value = Vec<(String, &'static str)>> {
    let tokens = select(&["%h", "%m", "%r", "%s", "%B", "%{Referer}i", "%{User-Agent}i"][..]);
    vec(("[a-z |\"\\[\\]]{0,20}", tokens), 1..6)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is written at once is what would be escaped byte by byte.
    #[test]
    fn a_line_is_its_pieces(answer in answer(), format in format()) {
        let text: String = format.iter().flat_map(|(plain, token)| [plain, *token]).collect();
        let between: String = format.iter().map(|(plain, _)| plain.replace(|char: char| char.is_ascii_alphanumeric(), "")).collect();
        let (mut expected, mut is_quoted) = (String::new(), false);
        for (plain, token) in &format {
            is_quoted ^= plain.matches('"').count() % 2 == 1;
            expected += plain;
            expected += &answer.value(token, (!is_quoted).then_some(&between));
        }
        let line = answer.line(&text.parse().expect("it is a format"));
        prop_assert_eq!(String::from_utf8(line).expect("it is ASCII"), expected + "\n", "{}", text);
    }

    /// The usual format is written without a walk over its pieces.
    #[test]
    fn combined_is_what_its_pieces_are(answer in answer()) {
        let Format(Kind::Combined(text)) = "combined".parse().expect("it is a format") else {
            panic!("the usual format has a way of its own");
        };
        let [at_once, by_pieces] = [Kind::Combined(text.clone()), Kind::Text(text)].map(|kind| answer.line(&Format(kind)));
        prop_assert!(by_pieces.iter().filter(|byte| **byte == b'"').count() == 6);
        // A second may have passed: the time is of that length always.
        let end = |line: Vec<u8>| String::from_utf8(line).map(|line| line.split("] \"").skip(1).collect::<String>());
        prop_assert_eq!(end(at_once), end(by_pieces));
    }
}
