//! Request targets (RFC 9112, section 3.2).

use core::net::Ipv6Addr;

use crate::protocol::Refusal;

/// A target, split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Target<'b> {
    /// The path, still encoded; empty for `*`.
    pub(super) path: &'b [u8],
    /// Whether there is a percent sign in the target.
    pub(super) has_percent: bool,
    /// What follows the `?`; empty without one.
    pub(super) query: &'b [u8],
    /// The authority of an absolute-form target, which overrides Host.
    pub(super) authority: Option<&'b [u8]>,
}

/// Splits a target of any form that `method` may have.
pub(super) fn split<'b>(method: &[u8], target: &'b [u8], marks: Marks) -> Result<Target<'b>, Refusal> {
    if method == b"CONNECT" {
        return Err(Refusal::Connect);
    }
    if marks.has(FRAGMENT) {
        return Err(Refusal::Target);
    }
    let whole = Target { path: target, query: b"", authority: None, has_percent: marks.has(PERCENT) };
    match target {
        [b'/', ..] if !marks.has(QUERY) => Ok(whole),
        [b'/', ..] => Ok(whole.split_query()),
        b"*" if method == b"OPTIONS" => Ok(Target { path: b"", ..whole }),
        _ => absolute(whole),
    }
}

/// What is asked about single bytes of a target, all of it in one pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Marks(u8);

impl Marks {
    /// Those of the target that `bytes` begin with, and how long it is: it ends
    /// before what is not visible ASCII, which a client encodes.
    #[inline(always)]
    pub(super) fn of(bytes: &[u8]) -> (Self, usize) {
        let mut marks = 0;
        let end = bytes.iter().position(|&byte| {
            marks |= MARKS[usize::from(byte)];
            marks >= END
        });
        (Self(marks), end.unwrap_or(bytes.len()))
    }

    const fn has(self, mark: u8) -> bool {
        self.0 & mark != 0
    }
}

/// A fragment is the client's own and never sent.
const FRAGMENT: u8 = 1;
const PERCENT: u8 = 2;
const QUERY: u8 = 4;
const END: u8 = 8;

/// What a byte of a target means.
const MARKS: [u8; 256] = {
    let (mut marks, mut byte) = ([0; 256], 0);
    while byte < 256 {
        marks[byte] = match byte as u8 {
            b'#' => FRAGMENT,
            b'%' => PERCENT,
            b'?' => QUERY,
            byte if byte.is_ascii_graphic() => 0,
            _ => END,
        };
        byte += 1;
    }
    marks
};

fn absolute(target: Target<'_>) -> Result<Target<'_>, Refusal> {
    let rest = strip_scheme(target.path).ok_or(Refusal::Target)?;
    let end = rest.iter().position(|byte| matches!(byte, b'/' | b'?')).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    // A URI of http has a host (RFC 9110, section 4.2.1).
    if authority.is_empty() || !is_host(authority) {
        return Err(Refusal::Target);
    }
    let mut target = Target { path, authority: Some(authority), ..target }.split_query();
    if target.path.is_empty() {
        target.path = b"/";
    }
    Ok(target)
}

fn strip_scheme(target: &[u8]) -> Option<&[u8]> {
    [&b"http://"[..], b"https://"].into_iter().find_map(|scheme| {
        let (start, rest) = target.split_at_checked(scheme.len())?;
        start.eq_ignore_ascii_case(scheme).then_some(rest)
    })
}

impl Target<'_> {
    fn split_query(self) -> Self {
        match memchr::memchr(b'?', self.path) {
            Some(at) => Self { path: &self.path[..at], query: &self.path[at + 1..], ..self },
            None => self,
        }
    }
}

/// Whether `host` is `uri-host [":" port]` (RFC 9110, section 7.2). Empty is
/// allowed in the Host header, for a target without an authority.
pub(in crate::protocol) fn is_host(host: &[u8]) -> bool {
    // Nearly every host: a plain name, and perhaps a port.
    let Some(end) = host.iter().position(|&byte| !PLAIN[usize::from(byte)]) else { return true };
    match &host[end..] {
        [b':', port @ ..] if end > 0 => is_port(port),
        _ => is_unusual_host(host),
    }
}

#[cold]
fn is_unusual_host(host: &[u8]) -> bool {
    let (name, port) = match host.iter().rposition(|&byte| matches!(byte, b':' | b']')) {
        Some(at) if host[at] == b':' => (&host[..at], &host[at + 1..]),
        _ => (host, &b""[..]),
    };
    match name {
        [b'[', literal @ .., b']'] => is_ipv6(literal) && is_port(port),
        // A port without a host names nobody.
        b"" => false,
        _ => is_encoded_name(name) && is_port(port),
    }
}

/// The bytes of a name that stand for themselves (RFC 3986, section 3.2.2).
const PLAIN: [bool; 256] = {
    let (mut plain, mut byte) = ([false; 256], 0);
    while byte < 128 {
        plain[byte] = matches!(byte as u8, b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' | b'.' | b'_' | b'~')
            || matches!(byte as u8, b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'=');
        byte += 1;
    }
    plain
};

fn is_encoded_name(name: &[u8]) -> bool {
    let is_encoded = |at: usize| name.get(at + 1..at + 3).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit));
    name.iter().enumerate().all(|(at, &byte)| match byte {
        b'%' => is_encoded(at),
        byte => PLAIN[usize::from(byte)],
    })
}

/// Neither a zone, which means nothing to another machine, nor an address of a
/// future version, of which there is none.
fn is_ipv6(literal: &[u8]) -> bool {
    std::str::from_utf8(literal).is_ok_and(|literal| literal.parse::<Ipv6Addr>().is_ok())
}

fn is_port(port: &[u8]) -> bool {
    // Numbers of as many digits are ordered as their texts are.
    let fits = port.len() < 5 || port.len() == 5 && port <= &b"65535"[..];
    fits && port.iter().all(u8::is_ascii_digit)
}

/// Percent-decodes `path` into `decoded`, once.
pub(in crate::protocol) fn decode(path: &[u8], decoded: &mut Vec<u8>) -> Result<(), Refusal> {
    decoded.clear();
    let mut rest = path;
    while let Some(at) = memchr::memchr(b'%', rest) {
        decoded.extend_from_slice(&rest[..at]);
        let byte = match rest.get(at + 1..at + 3) {
            Some(&[high, low]) => hex(high).zip(hex(low)).map(|(high, low)| high << 4 | low),
            _ => None,
        };
        // A decoded NUL would end the path for code that takes it to C.
        let byte = byte.filter(|&byte| byte != 0).ok_or(Refusal::PercentEncoding)?;
        decoded.push(byte);
        rest = &rest[at + 3..];
    }
    decoded.extend_from_slice(rest);
    Ok(())
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|digit| digit as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(method: &str, target: &str, expected: Result<(&str, &str, Option<&str>), Refusal>) {
        let (marks, size) = Marks::of(target.as_bytes());
        assert_eq!(size, target.len(), "{target}");
        let split = split(method.as_bytes(), target.as_bytes(), marks).map(|split| {
            let text = |bytes| std::str::from_utf8(bytes).unwrap();
            (text(split.path), text(split.query), split.authority.map(text))
        });
        assert_eq!(split, expected, "{method} {target}");
    }

    #[test]
    fn forms() {
        check("GET", "/", Ok(("/", "", None)));
        check("GET", "/a?b?c", Ok(("/a", "b?c", None)));
        check("GET", "//a", Ok(("//a", "", None)));
        check("OPTIONS", "*", Ok(("", "", None)));
        check("GET", "*", Err(Refusal::Target));
        check("GET", "http://example.org:80/a?b", Ok(("/a", "b", Some("example.org:80"))));
        check("GET", "HTTP://example.org", Ok(("/", "", Some("example.org"))));
        check("GET", "http://example.org?q", Ok(("/", "q", Some("example.org"))));
        check("GET", "http://user@example.org/", Err(Refusal::Target));
        check("GET", "http:///a", Err(Refusal::Target));
        check("GET", "http://:80/", Err(Refusal::Target));
        check("GET", "ftp://example.org/", Err(Refusal::Target));
        check("GET", "a", Err(Refusal::Target));
        check("GET", "/a#b", Err(Refusal::Target));
        check("CONNECT", "example.org:443", Err(Refusal::Connect));
    }

    #[test]
    fn a_target_is_visible_ascii() {
        for byte in 0..=255_u8 {
            let size = if byte.is_ascii_graphic() { 3 } else { 1 };
            assert_eq!(Marks::of(&[b'/', byte, b'a']).1, size, "{}", byte.escape_ascii());
        }
        assert_eq!(Marks::of(b"").1, 0);
    }

    #[test]
    fn hosts() {
        for host in ["", "a", "a.b:80", "127.0.0.1:65535", "[::1]", "[::1]:80", "a:", "a%20b", "a_b"] {
            assert!(is_host(host.as_bytes()), "{host}");
        }
        for host in [
            "a b",
            "a/b",
            "a:b",
            "a:123456",
            "a:65536",
            "[::1",
            "::1",
            "::1]",
            "a@b",
            "[::1]x",
            "[::1]80",
            "[]",
            "[1]",
            "[v1.a]",
            "[fe80::1%25eth0]",
            "a,b:c",
            ":80",
            ":",
            "a%",
            "a%2",
            "a%zz",
            "a:1:2",
            "a:+1",
        ] {
            assert!(!is_host(host.as_bytes()), "{host}");
        }
    }

    #[test]
    fn decoding_once() {
        let decoded = |path: &str| {
            let mut out = Vec::new();
            decode(path.as_bytes(), &mut out).map(|()| out)
        };
        assert_eq!(decoded("/a%20b%2520"), Ok(b"/a b%20".to_vec()));
        assert_eq!(decoded("/%C3%a9"), Ok("/\u{e9}".as_bytes().to_vec()));
        for bad in ["/%", "/%2", "/%zz", "/%00", "/%+1"] {
            assert_eq!(decoded(bad), Err(Refusal::PercentEncoding), "{bad}");
        }
    }
}
