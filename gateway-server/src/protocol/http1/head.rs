//! A request head: httparse splits the fields, our pass decides.
//!
//! httparse 1.10 accepts a bare LF where HTTP does not; the checks here do not.

use gateway_spec::Header;

use super::framing::{Fields, Framing};
use super::line::Line;
use super::{Version, target};
use crate::protocol::{Limits, Refusal, UnderscoreHeaders};

/// A request head, in terms of the bytes it came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head<'b> {
    /// Its bytes, the empty line at its end included.
    pub size: usize,
    /// The method, a token.
    pub method: &'b [u8],
    /// The target, exactly as received.
    pub target: &'b [u8],
    /// The path, percent-decoded once; empty for `OPTIONS *`.
    pub path: &'b [u8],
    /// What follows the `?`.
    pub query: &'b [u8],
    /// The version.
    pub version: Version,
    /// Where the body ends.
    pub framing: Framing,
    /// Whether the client wants the connection to stay.
    pub keep_alive: bool,
    /// Whether the client waits for 100 before it sends its body.
    pub expect_continue: bool,
}

/// What the fields of one head after the other are split into.
#[derive(Debug, Default)]
pub struct Room<'b> {
    /// As httparse has them; those beyond the last field are left over.
    parsed: Vec<httparse::Header<'b>>,
    /// Those that the app gets, in order.
    pub headers: Vec<Header<'b>>,
}

/// Parses the head that `bytes` begin with. The fields go to `room`; a path
/// with percent signs is decoded into `scratch`.
///
/// What this takes, the scanner finds: nearly every head comes whole and needs
/// no other look. What this refuses may be a head that is not complete, so only
/// the refusal of a head that the scanner has found is the client's answer.
///
/// # Errors
/// The first rule that the head breaks.
pub fn parse<'b, 's>(
    bytes: &'b [u8],
    limits: &Limits,
    room: &mut Room<'b>,
    scratch: &'s mut Vec<u8>,
) -> Result<Head<'s>, Refusal>
where
    'b: 's,
{
    let (line, rest) = Line::split(bytes)?;
    let most = limits.fields.min(Limits::MOST_FIELDS);
    if room.parsed.len() != most {
        room.parsed.resize(most, httparse::EMPTY_HEADER);
    }
    let (size, parsed) = match httparse::parse_headers(rest, &mut room.parsed) {
        Ok(httparse::Status::Complete((size, parsed))) => (size + bytes.len() - rest.len(), parsed),
        Err(httparse::Error::TooManyHeaders) => return Err(Refusal::TooManyFields),
        Ok(httparse::Status::Partial) | Err(_) => return Err(Refusal::Field),
    };
    check_lines(&bytes[..size], bytes.len() - rest.len(), parsed, limits)?;
    let Line { method, target, marks, version } = line;
    let headers = &mut room.headers;
    headers.clear();
    let mut fields = Fields::default();
    take_fields(parsed, version, limits, &mut fields, headers)?;
    let split = target::split(method, target, marks)?;
    check_host(&fields, split.authority, version, headers)?;
    let path = if split.has_percent && split.path.contains(&b'%') {
        target::decode(split.path, scratch)?;
        scratch
    } else {
        split.path
    };
    let framing = fields.framing()?;
    if matches!(framing, Framing::Length(length) if length > limits.body) {
        return Err(Refusal::BodyTooLarge);
    }
    Ok(Head {
        size,
        method,
        target,
        path,
        query: split.query,
        version,
        framing,
        keep_alive: fields.keeps_alive(version),
        expect_continue: fields.expect_continue && framing != Framing::None,
    })
}

/// Holds what the scanner holds: sizes within their limits, CR LF at the end of
/// every line. httparse takes LF nowhere but there, so what stands before each
/// name and at the end says it all. The first line ends before `fields_at`.
fn check_lines(head: &[u8], fields_at: usize, fields: &[httparse::Header<'_>], limits: &Limits) -> Result<(), Refusal> {
    for field in fields {
        let at = field.name.as_ptr().addr() - head.as_ptr().addr();
        if !head[..at].ends_with(b"\r\n") {
            return Err(Refusal::BareLf);
        }
    }
    if !head.ends_with(b"\r\n\r\n") {
        return Err(Refusal::BareLf);
    }
    if fields_at > limits.line + 2 {
        return Err(Refusal::LineTooLong);
    }
    if head.len() > limits.head { Err(Refusal::HeadTooLarge) } else { Ok(()) }
}

/// Takes what the server acts on, then lists what the app gets.
fn take_fields<'b>(
    parsed: &[httparse::Header<'b>],
    version: Version,
    limits: &Limits,
    fields: &mut Fields,
    headers: &mut Vec<Header<'b>>,
) -> Result<(), Refusal> {
    let mut drops = false;
    for field in parsed {
        let name = field.name.as_bytes();
        if !fields.take(name, field.value, version)? && has_underscore(name) {
            match limits.underscore {
                UnderscoreHeaders::Drop => drops = true,
                UnderscoreHeaders::Refuse => return Err(Refusal::Underscore),
                UnderscoreHeaders::Allow => {}
            }
        }
    }
    let header = |field: &httparse::Header<'b>| Header::new(field.name, field.value);
    if drops {
        headers.extend(parsed.iter().filter(|field| !has_underscore(field.name.as_bytes())).map(header));
    } else {
        headers.extend(parsed.iter().map(header));
    }
    Ok(())
}

/// Whether a name, which is ASCII, has an underscore. Names are short: eight
/// bytes at a time, the last eight with some of those before them again.
fn has_underscore(name: &[u8]) -> bool {
    const fn all(byte: u8) -> u64 {
        u64::from_ne_bytes([byte; 8])
    }
    // The sum reaches 128 for each byte that is none.
    let is_in = |word: &[u8; 8]| {
        let word = u64::from_ne_bytes(*word) ^ all(b'_');
        word.wrapping_add(all(127)) & all(128) != all(128)
    };
    match name.last_chunk() {
        Some(last) => is_in(last) || name.as_chunks().0.iter().any(is_in),
        None => name.contains(&b'_'),
    }
}

/// Host is there exactly once on 1.1; an absolute-form target overrides it
/// (RFC 9112, section 3.2.2).
fn check_host<'b>(
    fields: &Fields,
    authority: Option<&'b [u8]>,
    version: Version,
    headers: &mut Vec<Header<'b>>,
) -> Result<(), Refusal> {
    if !fields.has_host && version == Version::Http11 {
        return Err(Refusal::MissingHost);
    }
    let Some(authority) = authority else { return Ok(()) };
    match headers.iter_mut().find(|header| header.is("host")) {
        Some(host) => *host = Header::new("Host", authority),
        None => headers.insert(0, Header::new("Host", authority)),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(head: &str, expected: Result<&str, Refusal>) {
        let (mut room, mut scratch) = (Room::default(), Vec::new());
        let outcome = parse(head.as_bytes(), &Limits::default(), &mut room, &mut scratch).map(|head| {
            let text = |bytes: &[u8]| bytes.escape_ascii().to_string();
            format!(
                "{} {} ?{} {} {:?} keep={} 100={}",
                text(head.method),
                text(head.path),
                text(head.query),
                head.version.as_str(),
                head.framing,
                head.keep_alive,
                head.expect_continue
            )
        });
        assert_eq!(outcome, expected.map(str::to_owned), "{head:?}");
    }

    #[test]
    fn accepts() {
        check("GET /a%20b?c=%20 HTTP/1.1\r\nHost: a\r\n\r\n", Ok("GET /a b ?c=%20 HTTP/1.1 None keep=true 100=false"));
        check("GET / HTTP/1.0\r\n\r\n", Ok("GET / ? HTTP/1.0 None keep=false 100=false"));
        check("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", Ok("GET / ? HTTP/1.0 None keep=true 100=false"));
        check(
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-Continue\r\n\r\n",
            Ok("POST / ? HTTP/1.1 Length(5) keep=true 100=true"),
        );
        check(
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\nConnection: x, close\r\n\r\n",
            Ok("POST / ? HTTP/1.1 Chunked keep=false 100=false"),
        );
        check("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", Ok("OPTIONS  ? HTTP/1.1 None keep=true 100=false"));
    }

    #[test]
    fn refuses() {
        let with = |field: &str| format!("POST / HTTP/1.1\r\nHost: a\r\n{field}\r\n\r\n");
        for (field, refusal) in [
            ("Content-Length: +5", Refusal::ContentLength),
            ("Content-Length: 5, 5", Refusal::ContentLength),
            ("Content-Length: ", Refusal::ContentLength),
            ("Content-Length: 99999999999999999999", Refusal::ContentLength),
            ("Content-Length: 5\r\nContent-Length: 5", Refusal::RepeatedContentLength),
            ("Content-Length: 9999999999", Refusal::BodyTooLarge),
            ("Transfer-Encoding: gzip", Refusal::UnknownCoding),
            ("Transfer-Encoding: gzip, chunked", Refusal::TransferEncoding),
            ("Transfer-Encoding: chunked, chunked", Refusal::TransferEncoding),
            ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", Refusal::TransferEncoding),
            ("Transfer-Encoding: xchunked", Refusal::TransferEncoding),
            ("Transfer-Encoding: chunked\r\nContent-Length: 5", Refusal::BothLengths),
            ("Expect: 200-ok", Refusal::Expectation),
            ("Host: b", Refusal::RepeatedHost),
            ("Content-Type: a/b\r\nContent-Type: a/b", Refusal::RepeatedContentType),
            ("A : b", Refusal::Field),
            (" A: b", Refusal::Field),
            ("A: b\r\n c", Refusal::Field),
            ("A", Refusal::Field),
            (": b", Refusal::Field),
            ("A: b\0", Refusal::Field),
            ("A: b\rc", Refusal::Field),
        ] {
            check(&with(field), Err(refusal));
        }
        check("GET / HTTP/1.1\r\n\r\n", Err(Refusal::MissingHost));
        check("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", Err(Refusal::InvalidHost));
        check("GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", Err(Refusal::TransferEncoding));
        check("GET / HTTP/2.0\r\nHost: a\r\n\r\n", Err(Refusal::Version));
        check("GET / HTTP/1.2\r\nHost: a\r\n\r\n", Err(Refusal::Version));
        check("GET / HTTP/11\r\nHost: a\r\n\r\n", Err(Refusal::RequestLine));
        check("PRI * HTTP/2.0\r\n\r\n", Err(Refusal::RequestLine));
        check("GET /\r\n\r\n", Err(Refusal::RequestLine));
        check("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", Err(Refusal::RequestLine));
        check("GET / HTTP/1.1 \r\nHost: a\r\n\r\n", Err(Refusal::RequestLine));
        check("G(T / HTTP/1.1\r\nHost: a\r\n\r\n", Err(Refusal::RequestLine));
        check("GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", Err(Refusal::RequestLine));
        check("GET / HTTP/1.1\rA: b\r\nHost: a\r\n\r\n", Err(Refusal::RequestLine));
        check("GET /a HTTP/1.1 HTTP/1.1\r\nHost: a\r\n\r\n", Err(Refusal::RequestLine));
        check("GET / HTTP/1.0\r\nA: b\rc\r\n\r\n", Err(Refusal::Field));
        check("G\0T / HTTP/1.1\r\nHost: a\r\n\r\n", Err(Refusal::RequestLine));
        check("GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n", Err(Refusal::Target));
        check("GET /\t HTTP/1.1\r\nHost: a\r\n\r\n", Err(Refusal::Target));
        check("GET /\u{e9} HTTP/1.1\r\nHost: a\r\n\r\n", Err(Refusal::Target));
        check("GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", Err(Refusal::PercentEncoding));
        let many = "A: b\r\n".repeat(101);
        check(&format!("GET / HTTP/1.1\r\nHost: a\r\n{many}\r\n"), Err(Refusal::TooManyFields));
    }

    /// What follows a head is not looked at, what stands before it and at the
    /// ends of its lines is.
    #[test]
    fn a_head_is_as_strict_without_the_scanner() {
        let size = |head: &str| {
            let (mut room, mut scratch) = (Room::default(), Vec::new());
            let limits = Limits { line: 14, head: 24, ..Limits::default() };
            parse(head.as_bytes(), &limits, &mut room, &mut scratch).map(|head| head.size)
        };
        assert_eq!(size("GET / HTTP/1.0\r\n\r\n\nrest"), Ok(18));
        assert_eq!(size("GET / HTTP/1.0\r\nA: b\r\n\r\nrest"), Ok(24));
        assert_eq!(size("GET / HTTP/1.0\r\nA: bc\r\n\r\n"), Err(Refusal::HeadTooLarge));
        assert_eq!(size("GET /a HTTP/1.0\r\n\r\n"), Err(Refusal::LineTooLong));
        assert_eq!(size("GET /a HTTP/1.0\r\nA:\r\n\r\n"), Err(Refusal::LineTooLong));
        assert_eq!(size("\r\nGET / HTTP/1.0\r\n\r\n"), Err(Refusal::EmptyLines));
        assert_eq!(size("\nGET / HTTP/1.0\r\n\r\n"), Err(Refusal::EmptyLines));
        for bare in ["\n\r\n", "\r\n\n", "\nA: b\r\n\r\n", "\r\nA:\nB:\r\n\r\n", "\r\nA: b\n\r\n", "\r\nA: b\r\n\n"] {
            assert_eq!(size(&format!("GET / HTTP/1.0{bare}")), Err(Refusal::BareLf), "{}", bare.escape_debug());
        }
    }

    /// A name is read eight bytes at a time: each length, each place.
    #[test]
    fn an_underscore_is_found_wherever_it_stands() {
        for length in 1..30 {
            let mut name = vec![b'~'; length];
            assert!(!has_underscore(&name), "{length}");
            for at in 0..length {
                name[at] = b'_';
                assert!(has_underscore(&name), "{at} of {length}");
                name[at] = if at % 2 == 0 { b'^' } else { b'`' };
            }
            assert!(!has_underscore(&name), "{length}");
        }
    }

    #[test]
    fn absolute_form_overrides_host() {
        let (mut room, mut scratch) = (Room::default(), Vec::new());
        let head = b"GET http://b/x HTTP/1.1\r\nHost: a\r\n\r\n";
        parse(head, &Limits::default(), &mut room, &mut scratch).unwrap();
        assert_eq!(room.headers, [Header::new("Host", "b")]);
    }

    #[test]
    fn field_05_underscore_names_follow_the_policy() {
        let head = b"GET / HTTP/1.0\r\nX_A: 1\r\n\r\n";
        let parsed = |underscore| {
            let (mut room, mut scratch) = (Room::default(), Vec::new());
            let limits = Limits { underscore, ..Limits::default() };
            parse(head, &limits, &mut room, &mut scratch).map(|_| ())?;
            Ok(room.headers.len())
        };
        assert_eq!(parsed(UnderscoreHeaders::Drop), Ok(0));
        assert_eq!(parsed(UnderscoreHeaders::Allow), Ok(1));
        assert_eq!(parsed(UnderscoreHeaders::Refuse), Err(Refusal::Underscore));
    }
}
