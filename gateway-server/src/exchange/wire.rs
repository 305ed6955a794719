//! One connection's bytes in both directions, as the running app reaches them:
//! the host's side of `read`, `write` and `start_response`.

mod content;
mod front;
mod head;
mod input;

use std::io::{self, IoSlice};
use std::time::Duration;

use gateway_spec::abi::host::Transport;
use gateway_spec::{Error, Head, ResponseState, Result, Status, escape};

pub(super) use self::front::Behind;
use self::head::Stated;
use super::HIGH_WATER;
use super::buffer::Buffer;
use super::gather::Spool;
use super::lent::Lent;
use super::places::Place;
use super::port::Port;
use crate::protocol::Refusal;
use crate::protocol::front::Front;
use crate::protocol::http1::response::{self, Date, Framing, LAST_CHUNK, Stamp, Tail};
use crate::protocol::http1::{self, Decoder, Version};

/// What the response owes to its request.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Terms {
    pub(super) version: Version,
    /// HEAD: a head without its body.
    pub(super) head_only: bool,
    pub(super) keep_alive: bool,
    /// The client has said that it asks for nothing more.
    pub(super) last: bool,
    /// The web server that has read the request, if one has.
    pub(super) front: Option<Behind>,
}

impl Terms {
    /// Whether the client is told nothing of the connection.
    fn is_usual(self) -> bool {
        self.version == Version::Http11 && self.keep_alive
    }

    /// Whether the client has a log for what goes wrong: a web server that speaks FastCGI.
    pub(super) fn has_log(self) -> bool {
        self.front.is_some_and(|behind| behind.front == Front::FastCgi)
    }

    /// The connection ends with this response.
    pub(super) fn close(&mut self) {
        self.keep_alive = false;
        if let Some(behind) = &mut self.front {
            behind.stays = false;
        }
    }

    /// What the client has to be told of the connection: what it would not
    /// expect.
    fn connection(self) -> Option<&'static str> {
        match (self.version, self.keep_alive) {
            // To a web server it is told by its own means.
            _ if self.front.is_some() => None,
            (Version::Http11, true) => None,
            (Version::Http10, true) => Some("keep-alive"),
            (_, false) => Some("close"),
        }
    }
}

/// See the module's text.
#[derive(Debug)]
pub(super) struct Wire {
    pub(super) buffer: Buffer,
    pub(super) decoder: Decoder,
    /// Bytes of a chunked body that came while the buffer was pinned.
    live: Vec<u8>,
    live_start: usize,
    live_end: usize,
    /// The client waits for 100 before it sends its body.
    pub(super) expects_100: bool,
    /// The body, where it was collected before the call.
    pub(super) spool: Option<Spool>,
    /// The request's place among those that may read their bodies live.
    pub(super) place: Option<Place>,
    /// Why the body cannot be read to its end.
    pub(super) input_failure: Option<Refusal>,

    out: Vec<u8>,
    sent: usize,
    /// Where the head that is set, but not committed, begins in `out`.
    head_start: usize,
    pub(super) state: ResponseState,
    pub(super) terms: Terms,
    pub(super) framing: Framing,
    pub(super) status: Status,
    stated: Stated,
    /// The length that was stated.
    length: u64,
    /// Bytes of content that were given, where none was.
    given: u64,
    /// Whether the app gave more bytes than it declared.
    pub(super) excess: bool,
    pub(super) gone: bool,

    pub(super) port: Lent,
    stamp: Stamp,
}

impl Wire {
    pub(super) fn new(capacity: usize, server: &'static str) -> Self {
        Self {
            buffer: Buffer::new(capacity),
            decoder: Decoder::new(http1::Framing::None, 0),
            live: Vec::new(),
            live_start: 0,
            live_end: 0,
            expects_100: false,
            spool: None,
            place: None,
            input_failure: None,
            out: Vec::with_capacity(1024),
            sent: 0,
            head_start: 0,
            state: ResponseState::Idle,
            terms: Terms::default(),
            framing: Framing::None,
            status: Status::OK,
            stated: Stated::default(),
            length: 0,
            given: 0,
            excess: false,
            gone: false,
            port: Lent::default(),
            stamp: Stamp::new(server),
        }
    }

    /// Begins a request's response.
    pub(super) fn begin(&mut self, terms: Terms) {
        self.state = ResponseState::Idle;
        self.framing = Framing::None;
        self.terms = terms;
        self.given = 0;
        self.excess = false;
        self.input_failure = None;
        self.head_start = self.out.len();
    }

    // ----- the response -----------------------------------------------------

    /// The bytes that may go out: not a head that can still be replaced.
    pub(super) fn pending(&self) -> &[u8] {
        let end = self.end();
        &self.out[self.sent.min(end)..end]
    }

    /// Whether there are such bytes.
    pub(super) fn is_waiting(&self) -> bool {
        self.sent < self.end()
    }

    /// Where they end.
    fn end(&self) -> usize {
        if self.state == ResponseState::Set { self.head_start } else { self.out.len() }
    }

    /// Takes `count` pending bytes as sent.
    pub(super) fn sent(&mut self, count: usize) {
        self.sent += count;
        if self.sent == self.out.len() {
            self.out.clear();
            (self.sent, self.head_start) = (0, 0);
        }
        if self.out.capacity() > HIGH_WATER {
            self.spare();
        }
    }

    /// Gives back what one large answer took, which must not cost memory for
    /// as long as its client stays; nor must a reader that never catches up.
    #[cold]
    fn spare(&mut self) {
        if self.sent >= HIGH_WATER {
            self.out.drain(..self.sent);
            self.head_start = self.head_start.saturating_sub(self.sent);
            self.sent = 0;
        }
        if self.out.is_empty() {
            self.out.shrink_to(HIGH_WATER);
        }
    }

    /// The number of bytes waiting, for the high-water mark.
    pub(super) fn backlog(&self) -> usize {
        self.out.len() - self.sent
    }

    /// The bytes that are kept, sent or not.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.out.capacity()
    }

    /// Drops a head that is not committed, so that another can take its place.
    pub(super) fn retract(&mut self) {
        self.out.truncate(self.head_start);
        self.state = ResponseState::Idle;
        self.framing = Framing::None;
    }

    /// Puts the head that was written last, from `at` on, in the place of the
    /// one before it.
    #[cold]
    fn replace(&mut self, cause: &Error, at: usize) {
        tracing::warn!("the app replaces its response: {}", escape(&cause.to_string()));
        self.out.drain(self.head_start..at);
    }

    /// Whether the response has no content, whatever the app gives: HEAD, 204,
    /// 304 (RFC 9110, section 6.4.1), 205 (section 15.3.6).
    pub(super) fn is_bodiless(&self) -> bool {
        self.terms.head_only || self.status.forbids_body() || self.status == Status::RESET_CONTENT
    }

    /// Sends the head on its way. `known` is the exact length of what follows.
    #[inline(always)]
    pub(super) fn commit(&mut self, known: Option<u64>, date: &Date) -> Result<()> {
        if !self.state.commit()? {
            return Ok(());
        }
        let length;
        (length, self.framing) = match self.stated.length.or(known) {
            _ if self.is_bodiless() => (self.length_left_out(known), Framing::None),
            Some(length) => {
                self.length = length;
                (Some(length), Framing::Length(length))
            }
            None if self.terms.version == Version::Http11 => (None, Framing::Chunked),
            None => (None, Framing::Close),
        };
        if matches!(self.framing, Framing::Close) || self.expects_100 || self.input_failure.is_some() {
            self.terms.keep_alive = false;
        }
        let stamp = self.stamp.dated(date);
        match length {
            Some(length) if self.terms.is_usual() && !self.stated.date && !self.stated.server => {
                response::finish_usual(&mut self.out, length, stamp);
            }
            _ => self.finish_head(length),
        }
        Ok(())
    }

    /// Ends a head that is not as nearly all of them are.
    #[inline(never)]
    fn finish_head(&mut self, length: Option<u64>) {
        let tail = Tail {
            length,
            chunked: matches!(self.framing, Framing::Chunked),
            connection: self.terms.connection(),
            date: !self.stated.date,
            server: !self.stated.server,
        };
        response::finish(&mut self.out, &tail, &self.stamp);
        if let Some(behind) = self.terms.front {
            self.dress(behind);
        }
    }

    /// The Content-Length of a response without content.
    fn length_left_out(&self, known: Option<u64>) -> Option<u64> {
        match self.status {
            Status::NO_CONTENT => None,
            Status::NOT_MODIFIED => self.stated.length,
            Status::RESET_CONTENT => Some(0),
            // An app that leaves the body out does not say that it is empty.
            _ => self.stated.length.or(known.filter(|known| *known > 0)),
        }
    }

    /// Ends the body; answers whether it is as long as was said.
    #[inline(always)]
    pub(super) fn finish(&mut self) -> bool {
        let is_whole = match self.framing {
            Framing::Length(left) => left == 0,
            _ => self.end_framed(),
        };
        self.state.finish();
        is_whole
    }

    /// Ends a body whose end is told, or which has none.
    #[inline(never)]
    fn end_framed(&mut self) -> bool {
        match self.framing {
            // The web server must not take it for whole.
            Framing::Records(Some(1..)) => return false,
            Framing::Chunked => self.out.extend_from_slice(LAST_CHUNK),
            _ => self.end_records(),
        }
        true
    }

    /// Commits the head while the app runs.
    fn commit_in_call(&mut self) -> Result<()> {
        if self.state == ResponseState::Committed {
            return Ok(());
        }
        let port = self.port.get().ok_or_else(no_port)?;
        let (closing, date) = (port.is_closing(), port.now().date);
        self.terms.keep_alive &= !closing;
        self.commit(None, &date)
    }

    /// Tells the client to send its body, behind the answers before it.
    pub(super) fn push_100(&mut self) {
        self.out.extend_from_slice(CONTINUE);
        self.head_start = self.out.len();
    }

    /// Sends what is pending, before something that may wait.
    fn flush(&mut self) -> Result<()> {
        while self.is_waiting() {
            let end = self.end();
            let slice = IoSlice::new(&self.out[self.sent..end]);
            match self.port.get().ok_or_else(no_port)?.send(&[slice]) {
                Ok(count) => self.sent(count),
                // The engine sends the rest when the app has returned.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(_) => return Err(self.left()),
            }
        }
        Ok(())
    }

    fn left(&mut self) -> Error {
        self.gone = true;
        Error::Gone
    }

    /// Whether the client has sent all that it will, and all of that is read: it
    /// has said so, and a read that was short has ended with its request. (nginx
    /// decides alike, by `lingering_close on`.)
    pub(super) fn is_read_out(&mut self) -> bool {
        let buffer = &mut self.buffer;
        let was_short = buffer.bytes().is_empty() && !buffer.room().is_empty();
        // A body that was collected is cut out of the buffer, which is never full.
        self.terms.last && was_short && self.decoder.is_done() && self.spool.is_none()
    }

    /// Ends the request: what was read beyond it begins the next one.
    pub(super) fn release(&mut self) {
        self.buffer.pin(false);
        if !self.live.is_empty() || self.spool.is_some() || self.place.is_some() {
            self.release_large();
        }
    }

    /// What only a large or chunked request body has.
    #[cold]
    fn release_large(&mut self) {
        let live = std::mem::take(&mut self.live);
        self.buffer.append(&live[self.live_start..self.live_end]);
        (self.live_start, self.live_end) = (0, 0);
        (self.spool, self.place) = (None, None);
    }

    /// Forgets the connection. No request is open.
    pub(super) fn vacate(&mut self) {
        self.buffer.clear();
        // What is empty gives back what it took beyond the usual.
        self.buffer.pin(false);
        self.out.clear();
        self.out.shrink_to(HIGH_WATER);
        (self.sent, self.head_start) = (0, 0);
        self.state = ResponseState::Idle;
        (self.expects_100, self.gone) = (false, false);
    }
}

/// The interim response that asks for the body (RFC 9110, section 15.2.1).
const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

fn no_port() -> Error {
    Error::State("the engine cannot be reached outside of a call".into())
}

impl Transport for Wire {
    fn start(&mut self, head: Head<'_>) -> Result<()> {
        let end = self.out.len();
        let begun = head::begin(&mut self.out, &head).and_then(|stated| {
            self.state.start(head.error.is_some())?;
            Ok(stated)
        });
        match begun {
            Ok(stated) => self.stated = stated,
            Err(error) => {
                self.out.truncate(end);
                return Err(error);
            }
        }
        self.status = head.status;
        if let Some(error) = head.error {
            self.replace(error, end);
        }
        Ok(())
    }

    fn read(&mut self, buf: &mut [u8]) -> Result<usize> {
        self.read_body(buf)
    }

    fn write(&mut self, bytes: &[u8], flush: bool) -> Result<()> {
        if self.state == ResponseState::Idle {
            return Err(Error::State("write before start_response".into()));
        }
        if bytes.is_empty() && !flush {
            return Ok(());
        }
        self.commit_in_call()?;
        let pushed = self.push(bytes);
        // Sent before the app goes on, as PEP 3333 asks of write.
        self.flush()?;
        pushed
    }

    fn sleep(&mut self, duration: Duration) -> Result<()> {
        self.flush()?;
        if self.port.get().ok_or_else(no_port)?.sleep(duration) { Ok(()) } else { Err(self.left()) }
    }

    fn state(&mut self) -> (bool, Option<Duration>) {
        let gone = self.gone || self.port.get().is_some_and(Port::is_gone);
        (gone, self.port.get().and_then(Port::left))
    }
}
