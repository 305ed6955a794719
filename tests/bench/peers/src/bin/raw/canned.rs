//! Answers that were made before anybody asked.

use std::io::{self, Write as _};
use std::net::TcpStream;
use std::rc::Rc;
use std::sync::LazyLock;

use memchr::memmem::Finder;

use crate::{Connection, Factory};

/// How many pipelined requests are answered by one send.
const MOST: usize = 64;

/// An answer as a server would send it.
pub(crate) fn answer(content_type: &str, header: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n\
         Server: raw\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n{header}\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// The connections that give this answer, and go on after it or not.
pub(crate) fn factory(answer: Vec<u8>, goes_on: bool) -> Factory {
    let length = answer.len();
    let answers: Rc<[u8]> = answer.repeat(MOST).into();
    Box::new(move || Box::new(Canned { answers: answers.clone(), length, matched: 0, goes_on }))
}

struct Canned {
    answers: Rc<[u8]>,
    length: usize,
    /// How much of a blank line the last read ended with.
    matched: usize,
    goes_on: bool,
}

impl Connection for Canned {
    fn fed(&mut self, mut socket: &TcpStream, bytes: &[u8]) -> io::Result<bool> {
        let count = blank_lines(bytes, &mut self.matched);
        let mut left = count;
        while left > 0 {
            let many = left.min(MOST);
            socket.write_all(&self.answers[..many * self.length])?;
            left -= many;
        }
        Ok(self.goes_on || count == 0)
    }
}

const BLANK: &[u8] = b"\r\n\r\n";

/// Made once: a search costs less than its preparation.
static FINDER: LazyLock<Finder<'_>> = LazyLock::new(|| Finder::new(BLANK));

/// Counts the blank lines that end in these bytes.
pub(crate) fn blank_lines(bytes: &[u8], matched: &mut usize) -> usize {
    // Requests come whole, as a rule: that is one search. Those that come in
    // pieces are looked at byte by byte.
    if *matched == 0 {
        let (mut found, mut rest, finder) = (0, bytes, &*FINDER);
        while let Some(at) = finder.find(rest) {
            found += 1;
            rest = &rest[at + BLANK.len()..];
        }
        *matched = (1..BLANK.len()).rev().find(|length| rest.ends_with(&BLANK[..*length])).unwrap_or(0);
        return found;
    }
    let mut found = 0;
    for &byte in bytes {
        *matched = match (byte, *matched) {
            (b'\r', 2) => 3,
            (b'\r', _) => 1,
            (b'\n', 1) => 2,
            (b'\n', 3) => {
                found += 1;
                0
            }
            _ => 0,
        };
    }
    found
}
