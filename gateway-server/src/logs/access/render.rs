//! One answer as a line.

use rustix::process::getpid;

use super::clock::Clock;
use super::format::{Format, Kind, Piece, Text, Token};
use super::line::{Line, Place};
use super::object;
use super::parts::{Known, Parts, named};
use super::sheets::Sheet;
use super::user;
use crate::stats::{Asked, Record, Took};

impl Format {
    /// Writes the line of an answer.
    #[inline]
    pub(super) fn write(&self, record: &Record<'_>, sheet: &mut Sheet) {
        match &self.0 {
            Kind::Json => object::write(record, sheet),
            Kind::Combined(format) => combined(format, record, sheet),
            Kind::Text(format) => text(format, record, sheet),
        }
    }
}

/// `%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i"`, without a walk over its pieces.
#[inline(never)]
fn combined(format: &Text, record: &Record<'_>, sheet: &mut Sheet) {
    let Some(known) = Known::of(record) else { return text(format, record, sheet) };
    let Sheet { lines, clock, room } = sheet;
    let mut line = Line::new(room, lines);
    address(record, &mut line);
    match user::name(record, known.authorization) {
        None => line.fixed(b" - - "),
        Some(name) => {
            line.fixed(b" - ");
            line.put(name.as_bytes());
            line.fixed(b" ");
        }
    }
    line.fixed(clock.common(record.at));
    line.fixed(b" \"");
    first_line(record, Place::Quoted, &mut line);
    line.fixed(b"\" ");
    line.number(record.sample.status.into());
    line.fixed(b" ");
    bytes_if_any(record, &mut line);
    line.fixed(b" \"");
    sent(known.referer.unwrap_or_default(), Place::Quoted, &mut line);
    line.fixed(b"\" \"");
    sent(known.user_agent.unwrap_or_default(), Place::Quoted, &mut line);
    line.fixed(b"\"\n");
    line.end();
}

/// A format of one's own.
fn text(Text { pieces, stops }: &Text, record: &Record<'_>, Sheet { lines, clock, room }: &mut Sheet) {
    let mut line = Line::new(room, lines);
    for Piece { plain, token, is_quoted } in pieces {
        line.short(plain);
        let place = if *is_quoted { Place::Quoted } else { Place::Bare(stops) };
        value(token, place, record, clock, &mut line);
    }
    line.end();
}

/// Apart from the loop, or what only some tokens need would be made ready for all lines.
#[inline(never)]
fn value(token: &Token, place: Place<'_>, record: &Record<'_>, clock: &mut Clock, line: &mut Line<'_>) {
    let (asked, took) = (|| Parts::of(record), || record.sample.took);
    match token {
        Token::Nothing => {}
        Token::Address => address(record, line),
        Token::User => match user::name(record, named(record, b"Authorization").next()) {
            Some(name) => line.put(name.as_bytes()),
            None => none(line),
        },
        Token::Time => line.fixed(clock.common(record.at)),
        Token::Line => first_line(record, place, line),
        Token::Method => sent(asked().method, place, line),
        Token::Path => sent(asked().path_and_query().0, place, line),
        // None is no field of its own: it stands behind the path.
        Token::Query => line.sent(asked().path_and_query().1, place),
        Token::Protocol => sent(asked().protocol, place, line),
        Token::Status => line.number(record.sample.status.into()),
        Token::Bytes => line.number(record.sample.bytes),
        Token::BytesIfAny => bytes_if_any(record, line),
        Token::Seconds => duration(took(), |took| took.total / 1_000_000_000, line),
        Token::Milliseconds => duration(took(), |took| took.total / 1_000_000, line),
        Token::Microseconds => duration(took(), |took| took.total / 1000, line),
        Token::Queued => duration(took(), |took| took.queued / 1000, line),
        Token::Process => line.number(getpid().as_raw_nonzero().get().unsigned_abs().into()),
        Token::Request => line.shown(record.id),
        Token::Header(name) => header(named(record, name.as_bytes()), place, line),
        Token::Variable(name) => sent(asked().variable(name.as_bytes()), place, line),
    }
}

/// The server's own text of it, or an address that a web server has said: nothing else is
/// taken for one.
#[inline(always)]
fn address(record: &Record<'_>, line: &mut Line<'_>) {
    match record.client.0 {
        b"" => none(line),
        address => line.put(address),
    }
}

#[inline(always)]
fn bytes_if_any(record: &Record<'_>, line: &mut Line<'_>) {
    match record.sample.bytes {
        0 => none(line),
        bytes => line.number(bytes),
    }
}

/// What stands for nothing.
#[inline(always)]
fn none(line: &mut Line<'_>) {
    line.fixed(b"-");
}

/// A value that may not be there.
#[inline(always)]
fn sent(value: &[u8], place: Place<'_>, line: &mut Line<'_>) {
    match value {
        b"" => none(line),
        value => line.sent(value, place),
    }
}

/// The values of a header as one.
#[inline(always)]
fn header<'a>(mut values: impl Iterator<Item = &'a [u8]>, place: Place<'_>, line: &mut Line<'_>) {
    sent(values.next().unwrap_or_default(), place, line);
    for value in values {
        line.sent(b", ", place);
        line.sent(value, place);
    }
}

/// The request's first line, as it is or as it would be.
#[inline(always)]
fn first_line(record: &Record<'_>, place: Place<'_>, line: &mut Line<'_>) {
    match record.asked {
        Asked::Line(text) => sent(text, place, line),
        // Methods are tokens, and protocols letters, digits, dots and slashes: no quote is
        // in them.
        Asked::Request { method, target, protocol, .. } if matches!(place, Place::Quoted) => {
            line.put(method);
            line.fixed(b" ");
            line.sent(target, place);
            line.fixed(b" ");
            line.put(protocol);
        }
        Asked::Request { method, target, protocol, .. } => bare_line([method, target, protocol], place, line),
    }
}

#[cold]
fn bare_line([method, target, protocol]: [&[u8]; 3], place: Place<'_>, line: &mut Line<'_>) {
    line.sent(method, place);
    line.fixed(b"\\x20");
    line.sent(target, place);
    line.fixed(b"\\x20");
    line.sent(protocol, place);
}

fn duration(took: Option<Took>, part: impl Fn(&Took) -> u64, line: &mut Line<'_>) {
    match took {
        Some(took) => line.number(part(&took)),
        None => none(line),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use gateway_spec::Header;

    use super::*;
    use crate::stats::{Asked, RequestId, Sample, Took};

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
        Asked::Request { method: b"GET", target, protocol: b"HTTP/1.1", user: b"", headers, variables: VARIABLES }
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
}
