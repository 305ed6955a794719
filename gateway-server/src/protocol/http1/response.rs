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
}

/// What the server adds to a head when it goes out.
#[derive(Clone, Copy, Debug)]
pub struct Tail<'a> {
    /// How the body ends.
    pub framing: Framing,
    /// The Content-Length to state, where there is one.
    pub length: Option<u64>,
    /// `Connection: …`, where it has to be said.
    pub connection: Option<&'static str>,
    /// Date and Server, as far as the app has not stated them.
    pub stamp: &'a [u8],
}

/// The fields that hardly change from one response to the next, ready to be
/// copied.
#[derive(Clone, Debug)]
pub struct Stamp(Vec<u8>);

impl Stamp {
    const DATE: std::ops::Range<usize> = 6..35;
    const SERVER: usize = 37;

    /// The stamp of a server of that name.
    #[must_use]
    pub fn new(server: &str) -> Self {
        Self(format!("Date: {:29}\r\nServer: {server}\r\n", "").into_bytes())
    }

    /// The fields that are asked for, with this date.
    pub fn fields(&mut self, text: &[u8; 29], date: bool, server: bool) -> &[u8] {
        self.0[Self::DATE].copy_from_slice(text);
        match (date, server) {
            (true, true) => &self.0,
            (true, false) => &self.0[..Self::SERVER],
            (false, true) => &self.0[Self::SERVER..],
            (false, false) => &[],
        }
    }
}

/// Writes the status line and the app's headers. Content-Length is left to
/// [`finish`], which states it once.
pub fn begin(out: &mut Vec<u8>, head: &Head<'_>) {
    match (head.status, head.reason) {
        (Status::OK, None) => out.extend_from_slice(b"HTTP/1.1 200 OK\r\n"),
        (status, reason) => {
            out.extend_from_slice(b"HTTP/1.1 ");
            push_number(out, u64::from(status.code()));
            out.push(b' ');
            out.extend_from_slice(reason.unwrap_or_else(|| status.reason()).as_bytes());
            out.extend_from_slice(b"\r\n");
        }
    }
    for header in head.headers {
        if !header.is("content-length") {
            push_field(out, header.name(), header.value());
        }
    }
}

/// Writes the server's own headers and the empty line.
pub fn finish(out: &mut Vec<u8>, tail: &Tail<'_>) {
    out.extend_from_slice(tail.stamp);
    if let Some(connection) = tail.connection {
        push_field(out, b"Connection", connection.as_bytes());
    }
    if let Some(length) = tail.length {
        out.extend_from_slice(b"Content-Length: ");
        push_number(out, length);
        out.extend_from_slice(b"\r\n");
    }
    if tail.framing == Framing::Chunked {
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

#[inline]
fn push_field(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    out.reserve(name.len() + value.len() + 4);
    out.extend_from_slice(name);
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

fn push_number(out: &mut Vec<u8>, mut number: u64) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

#[cfg(test)]
mod tests {
    use gateway_spec::Header;

    use super::*;

    const DATE: &[u8; 29] = b"Sun, 06 Nov 1994 08:49:37 GMT";

    #[test]
    fn a_head_states_its_length_once() {
        let headers = [Header::new("A", "b"), Header::new("content-length", "7")];
        let mut out = Vec::new();
        begin(&mut out, &Head::new(Status::NOT_FOUND, &headers));
        let mut stamp = Stamp::new("S");
        let tail = Tail {
            framing: Framing::Length(7),
            length: Some(7),
            connection: Some("close"),
            stamp: stamp.fields(DATE, true, true),
        };
        finish(&mut out, &tail);
        let expected = "HTTP/1.1 404 Not Found\r\nA: b\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nServer: S\r\nConnection: close\r\nContent-Length: 7\r\n\r\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn a_stamp_leaves_out_what_the_app_has_stated() {
        let mut stamp = Stamp::new("S");
        let date = "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n".to_owned();
        for (has_date, has_server, expected) in [
            (true, true, date.clone() + "Server: S\r\n"),
            (true, false, date),
            (false, true, "Server: S\r\n".to_owned()),
            (false, false, String::new()),
        ] {
            assert_eq!(stamp.fields(DATE, has_date, has_server), expected.as_bytes());
        }
    }

    #[test]
    fn numbers_and_chunks() {
        let mut out = Vec::new();
        for number in [0, 9, 10, u64::MAX] {
            push_number(&mut out, number);
            out.push(b' ');
        }
        push_chunk(&mut out, &[b'x'; 26]);
        let expected = format!("0 9 10 {} 1a\r\n{}\r\n", u64::MAX, "x".repeat(26));
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
