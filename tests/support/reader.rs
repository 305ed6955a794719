//! Reads requests by the parts of the protocol alone: scanner, parser, decoder.

use gateway_server::protocol::http1::{Decoder, Found, Head, Scanner, head};
use gateway_server::protocol::{Limits, Refusal};

use crate::fixtures::{Content, Request, latin1};

/// How the bytes ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Between two requests.
    Stays,
    /// Behind a request that closes the connection.
    Closes,
    /// With what is refused.
    Refused(Refusal),
    /// In the middle of a head.
    Partial,
}

/// Reads bytes that come in pieces, and then no more.
#[must_use]
pub fn read<'b>(pieces: impl IntoIterator<Item = &'b [u8]>) -> (Vec<Request>, End) {
    let mut reader = Reader::default();
    for piece in pieces {
        reader.buffer.extend_from_slice(piece);
        if let Some(end) = reader.advance().unwrap_or_else(|refusal| Some(End::Refused(refusal))) {
            return (reader.requests, end);
        }
    }
    let end = match (&reader.open, &*reader.buffer) {
        (Some(_), _) => End::Refused(Refusal::Truncated),
        (None, b"" | b"\r\n") => End::Stays,
        _ => End::Partial,
    };
    (reader.requests, end)
}

#[derive(Default)]
struct Reader {
    buffer: Vec<u8>,
    scanner: Scanner,
    /// The request whose body is being read.
    open: Option<(Request, Decoder, Vec<u8>)>,
    requests: Vec<Request>,
}

impl Reader {
    /// Goes as far as the bytes allow; answers how it ended, if it did.
    fn advance(&mut self) -> Result<Option<End>, Refusal> {
        loop {
            if let Some((request, decoder, body)) = &mut self.open {
                while !decoder.is_done() && !self.buffer.is_empty() {
                    let step = decoder.decode(&self.buffer)?;
                    body.extend_from_slice(&self.buffer[step.data]);
                    self.buffer.drain(..step.consumed);
                }
                if !decoder.is_done() {
                    return Ok(None);
                }
                let request = Request { body: Content::of(body), ..request.clone() };
                let keep_alive = request.keep_alive;
                self.requests.push(request);
                self.open = None;
                if !keep_alive {
                    return Ok(Some(End::Closes));
                }
            }
            let Found::Head { start, end } = self.scanner.scan(&self.buffer, &Limits::default())? else {
                return Ok(None);
            };
            self.scanner = Scanner::default();
            self.open(start, end)?;
            self.buffer.drain(..end);
        }
    }

    fn open(&mut self, start: usize, end: usize) -> Result<(), Refusal> {
        let (mut room, mut scratch) = (head::Room::default(), Vec::new());
        let limits = Limits::default();
        let head = head::parse(&self.buffer[start..end], &limits, &mut room, &mut scratch)?;
        let headers = room.headers.iter().map(|header| (latin1(header.name()), latin1(header.value()))).collect();
        self.open = Some((request(&head, headers), Decoder::new(head.framing, limits.body), Vec::new()));
        Ok(())
    }
}

fn request(head: &Head<'_>, headers: Vec<(String, String)>) -> Request {
    Request {
        method: latin1(head.method),
        target: latin1(head.target),
        path: latin1(head.path),
        query: latin1(head.query),
        version: head.version.as_str().to_owned(),
        host: headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("host")).map(|(_, value)| value.clone()),
        headers,
        body: Content::of(b""),
        keep_alive: head.keep_alive,
    }
}
