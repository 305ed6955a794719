//! Finds the end of a request head in bytes that come in pieces.
//!
//! It looks at each byte once however small the pieces are: parsing a 7.7 kB
//! head anew at each byte cost 8.4 ms.

use gateway_spec::headers::is_token;

use super::line;
use crate::protocol::{Limits, Refusal};

/// How far a head has been looked through.
#[derive(Clone, Copy, Debug, Default)]
pub struct Scanner {
    /// Bytes looked at.
    scanned: usize,
    /// Bytes of the empty line that was skipped: 0 or 2.
    skipped: usize,
    /// Just after the last line end.
    line: usize,
    /// Whether the request line is complete.
    has_line: bool,
}

/// What the scanner found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// The head is not complete yet.
    Partial,
    /// The head: where it begins and where its body begins.
    Head {
        /// Bytes of an empty line before it.
        start: usize,
        /// Just after its last line end.
        end: usize,
    },
}

impl Scanner {
    /// Whether nothing has been looked at.
    #[must_use]
    pub const fn is_fresh(&self) -> bool {
        self.scanned == 0
    }

    /// Looks through what is new in `bytes`, which begin with the request.
    ///
    /// What it finds depends on the bytes alone, never on the pieces in which
    /// they came: the checks stand in the order in which a reader of single
    /// bytes would come to them.
    ///
    /// # Errors
    /// A line without CR, a second empty line, a line or head beyond its
    /// limit, a first line that cannot become a request.
    pub fn scan(&mut self, bytes: &[u8], limits: &Limits) -> Result<Found, Refusal> {
        for offset in memchr::memchr_iter(b'\n', &bytes[self.scanned..]) {
            let end = self.scanned + offset + 1;
            if self.is_last(&bytes[..end], limits)? {
                return Ok(Found::Head { start: self.skipped, end });
            }
        }
        self.scanned = bytes.len();
        self.partial(&bytes[self.skipped..], limits)
    }

    /// Takes the line that ends where `bytes` end; answers whether it was the
    /// empty line behind a head.
    fn is_last(&mut self, bytes: &[u8], limits: &Limits) -> Result<bool, Refusal> {
        let size = bytes.len() - self.skipped;
        let line = &bytes[self.line..];
        if !self.has_line {
            check_begin(line)?;
            if size > limits.line + 2 {
                return Err(Refusal::LineTooLong);
            }
        }
        if size > limits.head {
            return Err(Refusal::HeadTooLarge);
        }
        let line = line.strip_suffix(b"\r\n").ok_or(Refusal::BareLf)?;
        self.line = bytes.len();
        match (line, self.has_line) {
            (b"", true) => return Ok(true),
            // One empty line before a request is tolerated (RFC 9112, section 2.2).
            (b"", false) if self.skipped == 0 => self.skipped = bytes.len(),
            (b"", false) => return Err(Refusal::EmptyLines),
            (_, true) => {}
            (line, false) => {
                line::check(line)?;
                self.has_line = true;
            }
        }
        Ok(false)
    }

    fn partial(&self, request: &[u8], limits: &Limits) -> Result<Found, Refusal> {
        if !self.has_line {
            check_begin(request)?;
            if request.len() > limits.line + 1 {
                return Err(Refusal::LineTooLong);
            }
        }
        if request.len() >= limits.head {
            return Err(Refusal::HeadTooLarge);
        }
        Ok(Found::Partial)
    }
}

/// Refuses a first byte that begins neither a method nor an empty line, so
/// that a TLS client does not wait for the end of a head.
fn check_begin(line: &[u8]) -> Result<(), Refusal> {
    match line {
        b"" | b"\r" | b"\r\n" | b"\n" => Ok(()),
        [first, ..] if is_token(&[*first]) => Ok(()),
        _ => Err(Refusal::RequestLine),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scans whole, at every split and byte by byte, and holds that all agree.
    fn scan(bytes: &[u8]) -> Result<Found, Refusal> {
        let limits = Limits { line: 20, head: 60, ..Limits::default() };
        let whole = Scanner::default().scan(bytes, &limits);
        let pieces = |ends: &mut dyn Iterator<Item = usize>| {
            let mut scanner = Scanner::default();
            ends.map(|end| scanner.scan(&bytes[..end], &limits)).find(|found| *found != Ok(Found::Partial))
        };
        let expected = (whole != Ok(Found::Partial)).then_some(whole);
        assert_eq!(pieces(&mut (1..=bytes.len())), expected, "{}", bytes.escape_ascii());
        for at in 1..bytes.len() {
            assert_eq!(pieces(&mut [at, bytes.len()].into_iter()), expected, "{} at {at}", bytes.escape_ascii());
        }
        whole
    }

    #[test]
    fn finds_the_end() {
        assert_eq!(scan(b"GET / HTTP/1.1\r\n\r\nrest"), Ok(Found::Head { start: 0, end: 18 }));
        assert_eq!(scan(b"\r\nGET / HTTP/1.1\r\nA: b\r\n\r\n"), Ok(Found::Head { start: 2, end: 26 }));
        assert_eq!(scan(b"GET / HTTP/1.1\r\nA: b\r\n\r"), Ok(Found::Partial));
        assert_eq!(scan(b"\r"), Ok(Found::Partial));
    }

    #[test]
    fn refuses_what_begins_no_request() {
        assert_eq!(scan(b"GET / HTTP/1.1\nA: b\n\n"), Err(Refusal::BareLf));
        assert_eq!(scan(b"\nGET / HTTP/1.1\r\n\r\n"), Err(Refusal::BareLf));
        assert_eq!(scan(b"\r\n\r\nGET / HTTP/1.1\r\n\r\n"), Err(Refusal::EmptyLines));
        assert_eq!(scan(b"\x16\x03\x01\x02\x00\x01\x00"), Err(Refusal::RequestLine));
        assert_eq!(scan(b" GET / HTTP/1.1"), Err(Refusal::RequestLine));
        assert_eq!(scan(b"\r\n\rGET / HTTP/1.1\r\n\r\n"), Err(Refusal::RequestLine));
        assert_eq!(scan(b"\rGET / HTTP/1.1\r\n\r\n"), Err(Refusal::RequestLine));
        assert_eq!(scan(b"\x16\x03\r\n\r\n"), Err(Refusal::RequestLine));
    }

    #[test]
    fn a_line_that_is_no_request_is_refused_before_the_head_is_complete() {
        assert_eq!(scan(b"GET /\r\n"), Err(Refusal::RequestLine));
        assert_eq!(scan(b"GET / HTTP/3.0\r\n"), Err(Refusal::Version));
        assert_eq!(scan(b"GET / HTTP/3.0\r\nA: b\n"), Err(Refusal::Version));
    }

    #[test]
    fn holds_the_limits_exactly() {
        let at = |line: usize| format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(line - 14));
        assert_eq!(scan(at(20).as_bytes()), Ok(Found::Head { start: 0, end: 24 }));
        assert_eq!(scan(at(21).as_bytes()), Err(Refusal::LineTooLong));
        assert_eq!(scan(&[b'x'; 22]), Err(Refusal::LineTooLong));
        let head = |size: usize| format!("GET / HTTP/1.1\r\nA: {}\r\n\r\n", "x".repeat(size - 23));
        assert_eq!(scan(head(60).as_bytes()), Ok(Found::Head { start: 0, end: 60 }));
        assert_eq!(scan(head(61).as_bytes()), Err(Refusal::HeadTooLarge));
        assert_eq!(scan(&head(70).as_bytes()[..60]), Err(Refusal::HeadTooLarge));
        // A line end behind the limit is not looked at.
        assert_eq!(scan(format!("GET /{}\n", "x".repeat(30)).as_bytes()), Err(Refusal::LineTooLong));
        assert_eq!(scan(head(80).replace("\r\n\r\n", "\n").as_bytes()), Err(Refusal::HeadTooLarge));
    }
}
