//! Finds the end of a request head in bytes that come in pieces.
//!
//! It looks at each byte once however small the pieces are: parsing a 7.7 kB
//! head anew at each byte cost 8.4 ms.

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
    /// Looks through what is new in `bytes`, which begin with the request.
    ///
    /// # Errors
    /// A line without CR, a second empty line, a line or head beyond its
    /// limit, a first byte that begins no request.
    pub fn scan(&mut self, bytes: &[u8], limits: &Limits) -> Result<Found, Refusal> {
        for offset in memchr::memchr_iter(b'\n', &bytes[self.scanned..]) {
            let end = self.scanned + offset + 1;
            if end < 2 || bytes[end - 2] != b'\r' {
                return Err(Refusal::BareLf);
            }
            let empty = end - self.line == 2;
            self.line = end;
            if !empty {
                if !self.has_line && end - self.skipped - 2 > limits.line {
                    return Err(Refusal::LineTooLong);
                }
                self.has_line = true;
            } else if self.has_line {
                return self.complete(end, limits);
            } else if self.skipped == 0 {
                // One empty line before a request is tolerated (RFC 9112, section 2.2).
                self.skipped = end;
            } else {
                return Err(Refusal::EmptyLines);
            }
        }
        self.scanned = bytes.len();
        self.partial(bytes, limits)
    }

    fn complete(&self, end: usize, limits: &Limits) -> Result<Found, Refusal> {
        if end - self.skipped > limits.head {
            return Err(Refusal::HeadTooLarge);
        }
        Ok(Found::Head { start: self.skipped, end })
    }

    fn partial(&self, bytes: &[u8], limits: &Limits) -> Result<Found, Refusal> {
        let request = &bytes[self.skipped..];
        match request.first() {
            None => return Ok(Found::Partial),
            // The CR of an empty line may be there without its LF.
            Some(b'\r') if self.skipped == 0 && request.len() == 1 => return Ok(Found::Partial),
            Some(&first) if !gateway_spec::headers::is_token(&[first]) => return Err(Refusal::RequestLine),
            Some(_) => {}
        }
        if !self.has_line && request.len() > limits.line + 1 {
            return Err(Refusal::LineTooLong);
        }
        if request.len() >= limits.head {
            return Err(Refusal::HeadTooLarge);
        }
        Ok(Found::Partial)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scans whole and byte by byte, and holds that both agree.
    fn scan(bytes: &[u8]) -> Result<Found, Refusal> {
        let limits = Limits { line: 20, head: 60, ..Limits::default() };
        let whole = Scanner::default().scan(bytes, &limits);
        let mut scanner = Scanner::default();
        for end in 1..=bytes.len() {
            match scanner.scan(&bytes[..end], &limits) {
                Ok(Found::Partial) => {}
                other => {
                    assert_eq!(other.is_ok(), whole.is_ok(), "{}", bytes.escape_ascii());
                    if let Ok(Found::Head { end, .. }) = other {
                        assert_eq!(other, whole, "{end}");
                    }
                    return whole;
                }
            }
        }
        assert_eq!(whole, Ok(Found::Partial), "{}", bytes.escape_ascii());
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
    }

    #[test]
    fn holds_the_limits_exactly() {
        let limits = Limits { line: 20, head: 60, ..Limits::default() };
        let at = |line: usize| format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(line - 14));
        assert_eq!(Scanner::default().scan(at(20).as_bytes(), &limits), Ok(Found::Head { start: 0, end: 24 }));
        assert_eq!(Scanner::default().scan(at(21).as_bytes(), &limits), Err(Refusal::LineTooLong));
        assert_eq!(Scanner::default().scan(&[b'x'; 22], &limits), Err(Refusal::LineTooLong));
        let head = |size: usize| format!("GET / HTTP/1.1\r\nA: {}\r\n\r\n", "x".repeat(size - 23));
        assert_eq!(Scanner::default().scan(head(60).as_bytes(), &limits), Ok(Found::Head { start: 0, end: 60 }));
        assert_eq!(Scanner::default().scan(head(61).as_bytes(), &limits), Err(Refusal::HeadTooLarge));
        assert_eq!(Scanner::default().scan(&head(70).as_bytes()[..60], &limits), Err(Refusal::HeadTooLarge));
    }
}
