//! A request body's bytes out of the connection's bytes (RFC 9112, sections 6
//! and 7).

use std::ops::Range;

use gateway_spec::headers::is_token;

use super::Framing;
use crate::protocol::Refusal;
use crate::protocol::front::Records;

/// The most bytes of a chunk's size line, its extensions included.
const SIZE_LINE: usize = 256;
/// The most bytes of all extensions beyond the bytes of data: a body must not
/// consist of what nobody reads.
const EXTENSIONS: u64 = 16 * 1024;
/// The most bytes of the trailer section.
const TRAILERS: usize = 8 * 1024;

/// Where reading a body stands.
#[derive(Clone, Copy, Debug)]
pub struct Decoder {
    state: State,
    /// Bytes of body data so far.
    received: u64,
    /// Bytes of extensions so far.
    extensions: u64,
    limit: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Done,
    /// So many bytes are still to come.
    Length(u64),
    /// In the hex digits of a chunk's size.
    Size {
        size: u64,
        digits: u8,
        line: usize,
    },
    /// In what follows the size on its line.
    Extension {
        size: u64,
        line: usize,
    },
    /// After the CR of a size line.
    SizeEnd {
        size: u64,
    },
    /// In a chunk's data.
    Data {
        left: u64,
    },
    /// At the CR, or at the LF, that ends a chunk's data.
    DataEnd {
        cr: bool,
    },
    /// In records of FastCGI.
    Records(Records),
    /// In the trailer section: bytes so far, and where in a line.
    Trailer {
        bytes: usize,
        part: Part,
    },
}

/// Where in a trailer's line the decoder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Start,
    Name,
    Value,
    /// After the CR of a field.
    FieldEnd,
    /// After the CR of the empty line.
    End,
}

/// What a piece of input gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// How much of the input is used up.
    pub consumed: usize,
    /// The part of it that is body data; may be empty.
    pub data: Range<usize>,
}

impl Decoder {
    /// A decoder for a request with this framing; `limit` is the most bytes
    /// of data.
    #[must_use]
    pub const fn new(framing: Framing, limit: u64) -> Self {
        let state = match framing {
            Framing::None => State::Done,
            Framing::Length(length) => State::Length(length),
            Framing::Chunked => State::Size { size: 0, digits: 0, line: 0 },
            Framing::Records { id, length } => State::Records(Records::new(id, length)),
        };
        Self { state, received: 0, extensions: 0, limit }
    }

    /// Whether the body is complete.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// The bytes that may be read from the connection without reading beyond
    /// the body; `None` where the framing has to be seen first.
    #[must_use]
    pub const fn plain(&self) -> Option<u64> {
        match self.state {
            State::Length(left) => Some(left),
            _ => None,
        }
    }

    /// Counts `count` bytes of a body with a length that were read directly.
    pub fn skip(&mut self, count: u64) {
        if let State::Length(left) = self.state {
            self.received += count;
            self.state = if left > count { State::Length(left - count) } else { State::Done };
        }
    }

    /// Takes input up to the end of one run of data, or all of it.
    ///
    /// # Errors
    /// [`Refusal::Chunk`], [`Refusal::BodyTooLarge`].
    pub fn decode(&mut self, input: &[u8]) -> Result<Step, Refusal> {
        if let State::Length(left) = self.state {
            let count = left.min(input.len() as u64) as usize;
            self.skip(count as u64);
            return Ok(Step { consumed: count, data: 0..count });
        }
        if let State::Records(records) = &mut self.state {
            let step = records.decode(input)?;
            self.received += step.data.len() as u64;
            if records.is_done() {
                self.state = State::Done;
            }
            return Ok(step);
        }
        let mut at = 0;
        while at < input.len() && self.state != State::Done {
            if let State::Data { left } = self.state {
                return Ok(self.data(left, at, input.len()));
            }
            self.state = self.next(input[at])?;
            at += 1;
        }
        Ok(Step { consumed: at, data: at..at })
    }

    fn data(&mut self, left: u64, at: usize, end: usize) -> Step {
        let count = left.min((end - at) as u64);
        self.received += count;
        self.state = if left > count { State::Data { left: left - count } } else { State::DataEnd { cr: false } };
        let data = at..at + count as usize;
        Step { consumed: data.end, data }
    }

    /// One byte of chunked framing. White space around a size is refused,
    /// also where RFC 9112, section 7.1.1 would have it read over before an
    /// extension: two readers that disagree about it disagree about the body.
    fn next(&mut self, byte: u8) -> Result<State, Refusal> {
        match (self.state, byte) {
            (State::Size { size, digits, line }, byte) if byte.is_ascii_hexdigit() => {
                let digit = char::from(byte).to_digit(16).map(u64::from).unwrap_or_default();
                // 15 digits cannot overflow; leading zeros count too.
                if digits >= 15 {
                    return Err(Refusal::Chunk);
                }
                Ok(State::Size { size: size << 4 | digit, digits: digits + 1, line: line + 1 })
            }
            (State::Size { digits: 0, .. }, _) => Err(Refusal::Chunk),
            (State::Size { size, .. } | State::Extension { size, .. }, b'\r') => Ok(State::SizeEnd { size }),
            (State::Size { size, line, .. }, b';') => Ok(State::Extension { size, line: line + 1 }),
            (State::Extension { size, line }, byte) if is_text(byte) && line < SIZE_LINE => {
                self.extensions += 1;
                if self.extensions > self.received + EXTENSIONS {
                    return Err(Refusal::Chunk);
                }
                Ok(State::Extension { size, line: line + 1 })
            }
            (State::SizeEnd { size: 0 }, b'\n') => Ok(State::Trailer { bytes: 0, part: Part::Start }),
            // Before its data comes, which nobody would take.
            (State::SizeEnd { size }, b'\n') if size > self.limit - self.received => Err(Refusal::BodyTooLarge),
            (State::SizeEnd { size }, b'\n') => Ok(State::Data { left: size }),
            (State::DataEnd { cr: false }, b'\r') => Ok(State::DataEnd { cr: true }),
            (State::DataEnd { cr: true }, b'\n') => Ok(State::Size { size: 0, digits: 0, line: 0 }),
            (State::Trailer { bytes, part }, byte) => trailer(bytes, part, byte),
            _ => Err(Refusal::Chunk),
        }
    }
}

/// Trailers are checked as fields are, and dropped: no variable of the environ
/// takes them, and none of them may change what the head said.
fn trailer(bytes: usize, part: Part, byte: u8) -> Result<State, Refusal> {
    let part = match (part, byte) {
        _ if bytes >= TRAILERS => return Err(Refusal::Chunk),
        (Part::End, b'\n') => return Ok(State::Done),
        (Part::FieldEnd, b'\n') => Part::Start,
        (Part::Start, b'\r') => Part::End,
        (Part::Value, b'\r') => Part::FieldEnd,
        (Part::Name, b':') => Part::Value,
        (Part::Start | Part::Name, byte) if is_token(&[byte]) => Part::Name,
        (Part::Value, byte) if is_text(byte) => Part::Value,
        _ => return Err(Refusal::Chunk),
    };
    Ok(State::Trailer { bytes: bytes + 1, part })
}

/// What may stand in a field value or a chunk extension.
const fn is_text(byte: u8) -> bool {
    byte == b'\t' || byte == b' ' || byte.is_ascii_graphic() || byte >= 0x80
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Decodes in pieces of `size`; gives the data and what was left over.
    fn decode(framing: Framing, input: &[u8], size: usize) -> Result<(Vec<u8>, usize, bool), Refusal> {
        let mut decoder = Decoder::new(framing, 100);
        let (mut data, mut used) = (Vec::new(), 0);
        for piece in input.chunks(size) {
            let mut piece = piece;
            while !piece.is_empty() && !decoder.is_done() {
                let step = decoder.decode(piece)?;
                data.extend_from_slice(&piece[step.data]);
                used += step.consumed;
                piece = &piece[step.consumed..];
            }
        }
        Ok((data, input.len() - used, decoder.is_done()))
    }

    fn check(framing: Framing, input: &str, expected: Result<(&str, usize, bool), Refusal>) {
        let expected = expected.map(|(data, left, done)| (data.as_bytes().to_vec(), left, done));
        for size in 1..=input.len() {
            assert_eq!(decode(framing, input.as_bytes(), size), expected, "{input:?} in pieces of {size}");
        }
    }

    #[test]
    fn length() {
        check(Framing::Length(3), "abcd", Ok(("abc", 1, true)));
        check(Framing::Length(5), "abcd", Ok(("abcd", 0, false)));
        check(Framing::None, "abcd", Ok(("", 4, true)));
    }

    #[test]
    fn chunked() {
        check(Framing::Chunked, "3\r\nabc\r\n0\r\n\r\nnext", Ok(("abc", 4, true)));
        check(Framing::Chunked, "3;a=b\r\nabc\r\n02\r\nde\r\n0\r\n\r\n", Ok(("abcde", 0, true)));
        check(Framing::Chunked, "0\r\nA: b\r\nC: d\r\n\r\n", Ok(("", 0, true)));
        check(Framing::Chunked, "a\r\n0123456789\r\n0\r\n", Ok(("0123456789", 0, false)));
        check(Framing::Chunked, "3\r\nab", Ok(("ab", 0, false)));
    }

    #[test]
    fn chunked_refuses() {
        for bad in [
            "\r\n",
            "g\r\n",
            "-1\r\n",
            " 3\r\n",
            "3 \r\n",
            "3\n",
            "0x3\r\n",
            "3\r\nabcd\r\n",
            "3\r\nabc\n",
            "3\rabc",
            "3;a\x01\r\n",
            "0\r\nA: b\n\r\n",
            "0\r\nA\rb\r\n\r\n",
            "0\r\nA: b\rc\r\n\r\n",
            "0\r\nA\r\n\r\n",
            "0\r\nA : b\r\n\r\n",
            "0\r\n A: b\r\n\r\n",
            "0\r\nA: b\r\n c\r\n\r\n",
            "0\r\n: b\r\n\r\n",
            "0\r\nA: b\0\r\n\r\n",
            "1000000000000000\r\n",
        ] {
            check(Framing::Chunked, bad, Err(Refusal::Chunk));
        }
        let long = format!("3;{}\r\n", "a".repeat(300));
        check(Framing::Chunked, &long, Err(Refusal::Chunk));
    }

    /// Some clients sign each chunk in an extension: that is within bounds.
    #[test]
    fn extensions_may_not_outweigh_the_data() {
        let decoded = |chunk: &str| decode(Framing::Chunked, chunk.repeat(100).as_bytes(), 4096).map(|(.., done)| done);
        assert_eq!(decoded(&format!("1;{}\r\nx\r\n", "e".repeat(150))), Ok(false));
        assert_eq!(decoded(&format!("1;{}\r\nx\r\n", "e".repeat(170))), Err(Refusal::Chunk));
    }

    #[test]
    fn chunked_holds_the_limit() {
        let body = format!("64\r\n{}\r\n1\r\nx\r\n0\r\n\r\n", "a".repeat(100));
        check(Framing::Chunked, &body, Err(Refusal::BodyTooLarge));
        check(Framing::Chunked, "65\r\n", Err(Refusal::BodyTooLarge));
    }
}
