//! A response head, and the framing of its body (RFC 9112, sections 4 and 6).

use std::io::Write as _;

use gateway_spec::{Head, Status};

/// How the body's end is told to the client: exactly one of these.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Framing {
    /// There is no body: HEAD, 204, 304.
    #[default]
    None,
    /// Content-Length; so many bytes are still to come.
    Length(u64),
    /// Chunks.
    Chunked,
    /// The connection closes.
    Close,
    /// FastCGI: records; so many bytes are still to come, where that was said.
    Records(Option<u64>),
}

/// What the server adds to a head when it goes out.
#[derive(Clone, Copy, Debug)]
pub struct Tail {
    /// The Content-Length to state, where there is one.
    pub length: Option<u64>,
    /// Whether the body comes in chunks.
    pub chunked: bool,
    /// `Connection: …`, where it has to be said.
    pub connection: Option<&'static str>,
    /// Whether the app has left the Date to the server.
    pub date: bool,
    /// Whether it has left Server.
    pub server: bool,
}

/// The text of a Date field (RFC 9110, section 5.6.7).
pub type Date = [u8; 29];

/// The fields that hardly change from one response to the next, ready to be
/// copied: Date, Server, and the name of Content-Length, which follows them in
/// nearly every head.
#[derive(Clone, Debug)]
pub struct Stamp(Vec<u8>);

impl Stamp {
    const DATE: std::ops::Range<usize> = 6..35;
    const SERVER: usize = 37;
    const LENGTH: &str = "Content-Length: ";

    /// The stamp of a server of that name.
    #[must_use]
    pub fn new(server: &str) -> Self {
        Self(format!("Date: {:29}\r\nServer: {server}\r\n{}", "", Self::LENGTH).into_bytes())
    }

    /// The stamp with this date.
    pub fn dated(&mut self, date: &Date) -> &Self {
        self.0[Self::DATE].copy_from_slice(date);
        self
    }

    /// The fields that are asked for.
    fn fields(&self, date: bool, server: bool) -> &[u8] {
        let end = self.0.len() - Self::LENGTH.len();
        match (date, server) {
            (true, true) => &self.0[..end],
            (true, false) => &self.0[..Self::SERVER],
            (false, true) => &self.0[Self::SERVER..end],
            (false, false) => &[],
        }
    }
}

/// Writes the status line and the app's headers. Content-Length is left to
/// [`finish`], which states it once.
pub fn begin(out: &mut Vec<u8>, head: &Head<'_>) {
    push_status(out, head);
    for header in head.headers {
        if !header.is("content-length") {
            push_field(out, header.name(), header.value());
        }
    }
}

/// Writes the status line.
#[inline]
pub fn push_status(out: &mut Vec<u8>, head: &Head<'_>) {
    match (head.status, head.reason) {
        (Status::OK, None) => out.extend_from_slice(b"HTTP/1.1 200 OK\r\n"),
        (status, reason) => push_unusual_status(out, status, reason.unwrap_or_else(|| status.reason())),
    }
}

#[inline(never)]
fn push_unusual_status(out: &mut Vec<u8>, status: Status, reason: &str) {
    out.extend_from_slice(b"HTTP/1.1 ");
    push_number(out, u64::from(status.code()));
    out.push(b' ');
    out.extend_from_slice(reason.as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// As [`finish`], for a head whose tail is the whole stamp and a length.
#[inline(always)]
pub fn finish_usual(out: &mut Vec<u8>, length: u64, stamp: &Stamp) {
    out.extend_from_slice(&stamp.0);
    match length {
        // As one run of bytes: most answers are as short.
        10..100 => {
            let [tens, ones] = digits(length);
            out.extend_from_slice(&[tens, ones, b'\r', b'\n', b'\r', b'\n']);
        }
        _ => {
            push_number(out, length);
            out.extend_from_slice(b"\r\n\r\n");
        }
    }
}

/// Writes the server's own headers and the empty line.
pub fn finish(out: &mut Vec<u8>, tail: &Tail, stamp: &Stamp) {
    out.extend_from_slice(stamp.fields(tail.date, tail.server));
    if let Some(connection) = tail.connection {
        push_field(out, b"Connection", connection.as_bytes());
    }
    if let Some(length) = tail.length {
        out.extend_from_slice(b"Content-Length: ");
        push_number(out, length);
        out.extend_from_slice(b"\r\n");
    }
    if tail.chunked {
        out.extend_from_slice(b"Transfer-Encoding: chunked\r\n");
    }
    out.extend_from_slice(b"\r\n");
}

/// Writes one chunk.
pub fn push_chunk(out: &mut Vec<u8>, data: &[u8]) {
    // Writing to memory cannot fail.
    let _ = write!(out, "{:x}\r\n", data.len());
    out.extend_from_slice(data);
    out.extend_from_slice(b"\r\n");
}

/// The end of a chunked body, without trailers.
pub const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

/// Writes a field.
#[inline(always)]
pub fn push_field(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    out.reserve(name.len() + value.len() + 4);
    out.extend_from_slice(name);
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

#[inline]
fn push_number(out: &mut Vec<u8>, number: u64) {
    match number {
        0..10 => out.push(b'0' + number as u8),
        10..100 => out.extend_from_slice(&digits(number)),
        _ => push_large_number(out, number),
    }
}

#[inline(never)]
fn push_large_number(out: &mut Vec<u8>, number: u64) {
    push_number(out, number / 100);
    out.extend_from_slice(&digits(number % 100));
}

const fn digits(pair: u64) -> [u8; 2] {
    [b'0' + (pair / 10) as u8, b'0' + (pair % 10) as u8]
}

#[cfg(test)]
mod tests {
    use gateway_spec::Header;

    use super::*;

    const DATE: &Date = b"Sun, 06 Nov 1994 08:49:37 GMT";

    #[test]
    fn a_head_states_its_length_once() {
        let headers = [Header::new("A", "b"), Header::new("content-length", "7")];
        let mut out = Vec::new();
        begin(&mut out, &Head::new(Status::NOT_FOUND, &headers));
        let tail = Tail { length: Some(7), chunked: false, connection: Some("close"), date: true, server: true };
        finish(&mut out, &tail, Stamp::new("S").dated(DATE));
        let expected = "HTTP/1.1 404 Not Found\r\nA: b\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nServer: S\r\nConnection: close\r\nContent-Length: 7\r\n\r\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn a_stamp_leaves_out_what_the_app_has_stated() {
        let text = "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n".to_owned();
        for (date, server, expected) in [
            (true, true, text.clone() + "Server: S\r\n"),
            (true, false, text),
            (false, true, "Server: S\r\n".to_owned()),
            (false, false, String::new()),
        ] {
            let (mut out, mut stamp) = (Vec::new(), Stamp::new("S"));
            let tail = Tail { length: None, chunked: false, connection: None, date, server };
            finish(&mut out, &tail, stamp.dated(DATE));
            assert_eq!(String::from_utf8(out).unwrap(), expected + "\r\n");
        }
    }

    #[test]
    fn the_usual_tail_is_no_other() {
        let (mut usual, mut other, mut stamp) = (Vec::new(), Vec::new(), Stamp::new("S"));
        let stamp = stamp.dated(DATE);
        finish_usual(&mut usual, 7, stamp);
        let tail = Tail { length: Some(7), chunked: false, connection: None, date: true, server: true };
        finish(&mut other, &tail, stamp);
        assert_eq!(usual, other);
    }

    #[test]
    fn numbers_and_chunks() {
        let mut out = Vec::new();
        for number in [0, 9, 10, 99, 100, 101, 1_090, u64::MAX] {
            push_number(&mut out, number);
            out.push(b' ');
        }
        push_chunk(&mut out, &[b'x'; 26]);
        let expected = format!("0 9 10 99 100 101 1090 {} 1a\r\n{}\r\n", u64::MAX, "x".repeat(26));
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
