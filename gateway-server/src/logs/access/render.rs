//! One answer as a line.

use std::io::Write as _;

use gateway_spec::Header;
use rustix::process::getpid;

use super::super::json::Object;
use super::escape::{Stops, escape};
use super::format::{Format, Kind, Piece, Token};
use super::sheets::Sheet;
use super::user;
use crate::stats::{Asked, Record, Took};

impl Format {
    /// Writes the line of an answer.
    pub(super) fn write(&self, record: &Record<'_>, sheet: &mut Sheet) {
        let (pieces, stops) = match &self.0 {
            Kind::Json => return json(record, sheet),
            Kind::Text { pieces, stops } => (pieces, stops),
        };
        let asked = Parts::of(record);
        for piece in pieces {
            match piece {
                Piece::Plain(bytes) => sheet.lines.extend_from_slice(bytes),
                Piece::Value(token, is_quoted) => value(token, (record, &asked), sheet, (!is_quoted).then_some(stops)),
            }
        }
    }
}

fn value(token: &Token, (record, asked): (&Record<'_>, &Parts<'_>), sheet: &mut Sheet, stops: Option<&Stops>) {
    let Sheet { lines: out, clock } = sheet;
    let took = record.sample.took;
    let mut text = |bytes: &[u8]| if bytes.is_empty() { out.push(b'-') } else { escape(out, bytes, stops) };
    match token {
        // The server's own text of it, or an address that a web server has said: nothing
        // else is taken for one.
        Token::Address if !record.client.0.is_empty() => out.extend_from_slice(record.client.0),
        Token::Address => out.push(b'-'),
        Token::Method => text(asked.method),
        Token::Path => text(asked.path_and_query().0),
        // None is no field of its own: it stands behind the path.
        Token::Query => escape(out, asked.path_and_query().1, stops),
        Token::Protocol => text(asked.protocol),
        Token::Line => line(out, record, stops),
        Token::Time => out.extend_from_slice(clock.common(record.at).as_bytes()),
        Token::Status => number(out, record.sample.status.into()),
        Token::BytesIfAny if record.sample.bytes == 0 => out.push(b'-'),
        Token::Bytes | Token::BytesIfAny => number(out, record.sample.bytes),
        Token::Seconds => duration(out, took, |took| took.total / 1_000_000_000),
        Token::Milliseconds => duration(out, took, |took| took.total / 1_000_000),
        Token::Microseconds => duration(out, took, |took| took.total / 1000),
        Token::Queued => duration(out, took, |took| took.queued / 1000),
        Token::Process => number(out, getpid().as_raw_nonzero().get().unsigned_abs().into()),
        // Writing to memory cannot fail.
        Token::Request => drop(write!(out, "{}", record.id)),
        Token::User => {
            if !named(asked.headers, b"Authorization").next().is_some_and(|field| user::write(out, field)) {
                out.push(b'-');
            }
        }
        Token::Header(name) => all(out, named(asked.headers, name.as_bytes()), stops),
        Token::Variable(name) => {
            let is_it = |entry: &&Header<'_>| entry.name() == name.as_bytes();
            text(asked.variables.iter().find(is_it).map_or(&[][..], Header::value));
        }
    }
}

/// What was asked for, where it was understood.
#[derive(Clone, Copy, Default)]
struct Parts<'a> {
    method: &'a [u8],
    target: &'a [u8],
    protocol: &'a [u8],
    headers: &'a [Header<'a>],
    variables: &'a [Header<'a>],
}

impl<'a> Parts<'a> {
    #[inline]
    fn of(record: &Record<'a>) -> Self {
        match record.asked {
            Asked::Request { method, target, protocol, headers, variables } => {
                Self { method, target, protocol, headers, variables }
            }
            Asked::Line(_) => Self::default(),
        }
    }

    /// The target up to the question mark, and from there on.
    fn path_and_query(&self) -> (&'a [u8], &'a [u8]) {
        let end = memchr::memchr(b'?', self.target).unwrap_or(self.target.len());
        self.target.split_at(end)
    }
}

/// The request's first line, as it is or as it would be.
fn line(out: &mut Vec<u8>, record: &Record<'_>, stops: Option<&Stops>) {
    match record.asked {
        Asked::Line(b"") => out.push(b'-'),
        Asked::Line(line) => escape(out, line, stops),
        // Methods are tokens, and protocols letters, digits, dots and slashes: no quote is
        // in them.
        Asked::Request { method, target, protocol, .. } if stops.is_none() => {
            out.extend_from_slice(method);
            out.push(b' ');
            escape(out, target, None);
            out.push(b' ');
            out.extend_from_slice(protocol);
        }
        Asked::Request { method, target, protocol, .. } => {
            escape(out, method, stops);
            out.extend_from_slice(b"\\x20");
            escape(out, target, stops);
            out.extend_from_slice(b"\\x20");
            escape(out, protocol, stops);
        }
    }
}

/// The values of fields of this name.
#[inline]
fn named<'a>(headers: &'a [Header<'a>], name: &[u8]) -> impl Iterator<Item = &'a [u8]> {
    let is_it = |header: &&Header<'_>| header.name().len() == name.len() && header.name().eq_ignore_ascii_case(name);
    headers.iter().filter(is_it).map(Header::value)
}

/// Values as one, as a header that is repeated has them.
fn all<'a>(out: &mut Vec<u8>, mut values: impl Iterator<Item = &'a [u8]>, stops: Option<&Stops>) {
    match values.next() {
        Some(value) if !value.is_empty() => escape(out, value, stops),
        _ => out.push(b'-'),
    }
    for value in values {
        escape(out, b", ", stops);
        escape(out, value, stops);
    }
}

fn duration(out: &mut Vec<u8>, took: Option<Took>, part: impl Fn(&Took) -> u64) {
    match took {
        Some(took) => number(out, part(&took)),
        None => out.push(b'-'),
    }
}

/// Nearly all numbers are short: those are written as one run of known length.
fn number(out: &mut Vec<u8>, number: u64) {
    let digit = |power: u64| b'0' + (number / power % 10) as u8;
    match number {
        0..10 => out.push(digit(1)),
        10..100 => out.extend_from_slice(&[digit(10), digit(1)]),
        100..1000 => out.extend_from_slice(&[digit(100), digit(10), digit(1)]),
        _ => long_number(out, number),
    }
}

fn long_number(out: &mut Vec<u8>, mut number: u64) {
    let (mut digits, mut start) = ([0; 20], 20);
    while number > 0 {
        start -= 1;
        digits[start] = b'0' + (number % 10) as u8;
        number /= 10;
    }
    out.extend_from_slice(&digits[start..]);
}

/// What cannot be known is not there.
fn json(record: &Record<'_>, Sheet { lines, clock }: &mut Sheet) {
    let (asked, sample) = (Parts::of(record), record.sample);
    let (time, milliseconds) = clock.rfc3339(record.at);
    let mut object = Object::new(lines);
    object.bare("time", format_args!("\"{time}.{milliseconds:03}Z\""));
    object.bare("request_id", format_args!("\"{}\"", record.id));
    object.bare("pid", getpid().as_raw_nonzero());
    let mut text = |key: &str, value: &[u8]| {
        if !value.is_empty() {
            object.text(key, value);
        }
    };
    text("client", record.client.0);
    text("method", asked.method);
    text("target", asked.target);
    text("protocol", asked.protocol);
    if let Asked::Line(line) = record.asked {
        text("line", line);
    }
    let variable =
        |name: &[u8]| asked.variables.iter().find(|entry| entry.name() == name).map_or(&[][..], Header::value);
    text("scheme", variable(b"gateway.url_scheme"));
    let mut name = Vec::new();
    let field = named(asked.headers, b"Authorization").next();
    if field.is_some_and(|field| user::write(&mut name, field)) {
        text("user", &name);
    }
    for (key, header) in [("host", &b"Host"[..]), ("referer", b"Referer"), ("user_agent", b"User-Agent")] {
        text(key, named(asked.headers, header).next().unwrap_or_default());
    }
    object.bare("status", sample.status).bare("bytes", sample.bytes);
    if let Some(took) = sample.took {
        object.bare("took_us", took.total / 1000).bare("queued_us", took.queued / 1000);
    }
    object.end();
    lines.push(b'\n');
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::stats::{RequestId, Sample};

    fn rendered(format: &str, asked: Asked<'_>, client: &[u8]) -> String {
        let took = Some(Took { queued: 7000, total: 1_234_567_000 });
        let took = took.filter(|_| matches!(asked, Asked::Request { .. }));
        let sample = Sample { status: 200, bytes: 14, took };
        let id = RequestId::of_exchange().next();
        let mut sheet = Sheet::default();
        format
            .parse::<Format>()
            .unwrap()
            .write(&Record { id, at: Instant::now(), client: (client, b"5"), asked, sample }, &mut sheet);
        let line = String::from_utf8(sheet.lines).expect("lines are UTF-8");
        line.replace(&id.to_string(), "ID")
    }

    fn get<'a>(target: &'a [u8], headers: &'a [Header<'a>]) -> Asked<'a> {
        const VARIABLES: &[Header<'static>] = &[Header::from_static("gateway.url_scheme", "https")];
        Asked::Request { method: b"GET", target, protocol: b"HTTP/1.1", headers, variables: VARIABLES }
    }

    #[test]
    fn each_token_is_what_it_stands_for() {
        let headers = [
            Header::new("Host", "shop"),
            Header::new("user-agent", "x"),
            Header::new("Authorization", "Basic QWxhZGRpbjpvcGVu"),
            Header::new("X-A", "1"),
            Header::new("x-a", "2"),
        ];
        let pid = std::process::id().to_string();
        for (format, expected) in [
            ("%h %l %u", "10.0.0.1 - Aladdin"),
            ("%m %U%q %H", "GET /a?b=c HTTP/1.1"),
            ("\"%r\"", "\"GET /a?b=c HTTP/1.1\""),
            ("%r", "GET\\x20/a?b=c\\x20HTTP/1.1"),
            ("%s %>s %b %B", "200 200 14 14"),
            ("%T %M %D %Q", "1 1234 1234567 7"),
            ("%P %L", &*format!("{pid} ID")),
            ("\"%{User-Agent}i\" %{Host}i %{Referer}i", "\"x\" shop -"),
            ("\"%{X-A}i\" %{x-a}i", "\"1, 2\" 1,\\x202"),
            ("%{gateway.url_scheme}e %{nothing}e", "https -"),
        ] {
            assert_eq!(rendered(format, get(b"/a?b=c", &headers), b"10.0.0.1"), format!("{expected}\n"), "{format}");
        }
        let common = rendered("common", get(b"/", &headers), b"");
        assert!(common.starts_with("- - Aladdin [") && common.ends_with("] \"GET / HTTP/1.1\" 200 14\n"), "{common}");
        let combined = rendered("combined", get(b"/", &headers), b"::1");
        assert!(combined.starts_with("::1 - ") && combined.ends_with("\" 200 14 \"-\" \"x\"\n"), "{combined}");
        let json = rendered("json", get(b"/", &headers), b"::1");
        let rest = format!(
            r#"Z","request_id":"ID","pid":{pid},"client":"::1","method":"GET","target":"/","protocol":"HTTP/1.1","scheme":"https","user":"Aladdin","host":"shop","user_agent":"x","status":200,"bytes":14,"took_us":1234567,"queued_us":7}}"#
        );
        assert!(json.ends_with(&format!("{rest}\n")), "{json}");
    }

    #[test]
    fn a_request_that_was_none_has_a_line_only() {
        let line = rendered("%h %m %U%q %H %D \"%r\" %{Host}i", Asked::Line(b"G\x16\"\xff /"), b"::1");
        assert_eq!(line, "::1 - - - - \"G\\x16\\x22\\xFF /\" -\n");
        assert!(rendered("combined", Asked::Line(b""), b"::1").contains(" \"-\" 200 14 \"-\" \"-\"\n"));
        let json = rendered("json", Asked::Line(b"G\x16\"\xff /"), b"::1");
        assert!(json.contains("\"line\":\"G\\u0016\\\"\u{fffd} /\"") && !json.contains("took_us"), "{json}");
    }

    /// Whatever a client sends, there is one line, with as many fields as the format has.
    #[test]
    fn no_client_forges_a_line_or_a_field() {
        let long = vec![b'"'; 9000];
        for evil in [
            &b"/\" 500 1 \"http://x\" \"y\"\r\n10.0.0.9 - - [x] \"GET / HTTP/1.1\" 200 5"[..],
            b"/\x1b[2K\x1b[1A\x00\x07\x7f",
            b"/\\\" \\x22 \\",
            b"/%0d%0a%22",
            b"/\",\"status\":500,\"x\":\"",
            b"/\xff\xfe\xe2\x80\xa8\xc2\x85\xe2\x80\xae",
            "/\u{2028}\u{202e}".as_bytes(),
            b"| ] [ } { a|b",
            &long,
        ] {
            let headers = ["Referer", "User-Agent", "X", "Authorization"].map(|name| Header::new(name, evil));
            for asked in [get(evil, &headers), Asked::Line(evil)] {
                let combined = rendered("combined", asked, b"::1");
                assert_eq!(combined.bytes().filter(|byte| !(b' '..=b'~').contains(byte)).count(), 1, "{combined}");
                assert_eq!(combined.matches('"').count(), 6, "{combined}");
                assert_eq!(rendered("common", asked, b"::1").matches('"').count(), 2);
                let bare = rendered("%r|%{X}i|%m %U%q [%{User-Agent}i]", asked, b"::1");
                assert_eq!(
                    [b'|', b' ', b'[', b']'].map(|byte| bare.bytes().filter(|it| *it == byte).count()),
                    [2, 2, 1, 1]
                );
                assert!(bare.is_ascii() && bare.lines().count() == 1, "{bare}");
                let json = rendered("json", asked, b"::1");
                let body = json.strip_suffix('\n').unwrap();
                assert!(!body.chars().any(gateway_spec::is_unsafe), "{body}");
                assert_eq!(body.matches("\"status\":").count(), 1, "{body}");
            }
        }
    }

    #[test]
    fn numbers_are_decimal() {
        for (value, expected) in [
            (0, "0"),
            (7, "7"),
            (10, "10"),
            (99, "99"),
            (100, "100"),
            (999, "999"),
            (1000, "1000"),
            (u64::MAX, "18446744073709551615"),
        ] {
            let mut out = Vec::new();
            number(&mut out, value);
            assert_eq!(out, expected.as_bytes());
        }
    }
}
