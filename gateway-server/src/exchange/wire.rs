//! One connection's bytes in both directions, as the running app reaches them:
//! the host's side of `read`, `write` and `start_response`.

use std::io::{self, IoSlice};
use std::time::Duration;

use gateway_spec::abi::host::Transport;
use gateway_spec::{Error, Head, ResponseState, Result, Status};

use super::buffer::Buffer;
use super::port::Port;
use super::slot::Lent;
use crate::protocol::Refusal;
use crate::protocol::http1::response::{self, Framing, LAST_CHUNK, Tail};
use crate::protocol::http1::{self, Decoder, Version};

/// How much of a chunked body is read from the client at once.
const LIVE: usize = 16 * 1024;

/// What the response owes to its request.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Terms {
    pub(super) version: Version,
    /// HEAD: a head without its body.
    pub(super) head_only: bool,
    pub(super) keep_alive: bool,
}

/// See the module's text.
#[derive(Debug)]
pub(super) struct Wire {
    pub(super) buffer: Buffer,
    pub(super) decoder: Decoder,
    /// Bytes of a chunked body that came while the buffer was pinned.
    live: Vec<u8>,
    live_start: usize,
    /// The client waits for 100 before it sends its body.
    pub(super) expects_100: bool,
    /// Why the body cannot be read to its end.
    pub(super) input_failure: Option<Refusal>,

    out: Vec<u8>,
    sent: usize,
    /// Where the head that is set, but not committed, begins in `out`.
    head_start: usize,
    pub(super) state: ResponseState,
    pub(super) terms: Terms,
    pub(super) framing: Framing,
    status: Status,
    declared: Option<u64>,
    has_date: bool,
    has_server: bool,
    /// Whether the app gave more bytes than it declared.
    pub(super) excess: bool,
    pub(super) gone: bool,

    pub(super) port: Lent,
    pub(super) date: [u8; 29],
    server: &'static str,
}

impl Wire {
    pub(super) fn new(capacity: usize, server: &'static str) -> Self {
        Self {
            buffer: Buffer::new(capacity),
            decoder: Decoder::new(http1::Framing::None, 0),
            live: Vec::new(),
            live_start: 0,
            expects_100: false,
            input_failure: None,
            out: Vec::with_capacity(1024),
            sent: 0,
            head_start: 0,
            state: ResponseState::Idle,
            terms: Terms::default(),
            framing: Framing::None,
            status: Status::OK,
            declared: None,
            has_date: false,
            has_server: false,
            excess: false,
            gone: false,
            port: Lent::default(),
            date: [b' '; 29],
            server,
        }
    }

    /// Begins a request's response.
    pub(super) fn begin(&mut self, terms: Terms) {
        self.state = ResponseState::Idle;
        self.terms = terms;
        self.excess = false;
        self.input_failure = None;
        self.head_start = self.out.len();
    }

    // ----- the response -----------------------------------------------------

    /// The bytes that may go out: not a head that can still be replaced.
    pub(super) fn pending(&self) -> &[u8] {
        let end = if self.state == ResponseState::Set { self.head_start } else { self.out.len() };
        &self.out[self.sent.min(end)..end]
    }

    /// Takes `count` pending bytes as sent.
    pub(super) fn sent(&mut self, count: usize) {
        self.sent += count;
        if self.sent == self.out.len() {
            self.out.clear();
            self.sent = 0;
            self.head_start = 0;
        }
    }

    /// The number of bytes waiting, for the high-water mark.
    pub(super) fn backlog(&self) -> usize {
        self.out.len() - self.sent
    }

    /// Drops a head that is not committed, so that another can take its place.
    pub(super) fn retract(&mut self) {
        self.out.truncate(self.head_start);
        self.state = ResponseState::Idle;
        self.framing = Framing::None;
    }

    /// Sends the head on its way. `known` is the exact length of what follows.
    pub(super) fn commit(&mut self, known: Option<u64>) -> Result<()> {
        if !self.state.commit()? {
            return Ok(());
        }
        let no_body = self.status.forbids_body();
        let length = match self.declared {
            _ if self.status == Status::NO_CONTENT => None,
            None if no_body => None,
            declared => declared.or(known),
        };
        self.framing = match length {
            _ if no_body || self.terms.head_only => Framing::None,
            Some(length) => Framing::Length(length),
            None if self.terms.version == Version::Http11 => Framing::Chunked,
            None => Framing::Close,
        };
        if self.framing == Framing::Close || self.expects_100 {
            self.terms.keep_alive = false;
        }
        let connection = match (self.terms.version, self.terms.keep_alive) {
            (Version::Http11, true) => None,
            (Version::Http10, true) => Some("keep-alive"),
            (_, false) => Some("close"),
        };
        let date = self.port.get().map_or(self.date, |port| port.now().date);
        let tail = Tail {
            framing: self.framing,
            length,
            connection,
            date: (!self.has_date).then_some(&date),
            server: (!self.has_server).then_some(self.server),
        };
        response::finish(&mut self.out, &tail);
        Ok(())
    }

    /// Frames body bytes into the output.
    ///
    /// # Errors
    /// [`Error::Limit`] when there are more than the app declared; those that
    /// fit are taken.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<()> {
        match &mut self.framing {
            Framing::None => {}
            Framing::Chunked if bytes.is_empty() => {}
            Framing::Chunked => response::push_chunk(&mut self.out, bytes),
            Framing::Close => self.out.extend_from_slice(bytes),
            Framing::Length(left) => {
                let fits = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                *left -= fits as u64;
                self.out.extend_from_slice(&bytes[..fits]);
                if fits < bytes.len() {
                    self.excess = true;
                    return Err(Error::Limit("the body is longer than its Content-Length".into()));
                }
            }
        }
        Ok(())
    }

    /// Takes `count` body bytes as sent without passing through the output.
    pub(super) fn bypassed(&mut self, count: u64) {
        if let Framing::Length(left) = &mut self.framing {
            *left = left.saturating_sub(count);
        }
    }

    /// Ends the body; answers whether it is as long as was said.
    pub(super) fn finish(&mut self) -> bool {
        if self.framing == Framing::Chunked {
            self.out.extend_from_slice(LAST_CHUNK);
        }
        self.state.finish();
        !matches!(self.framing, Framing::Length(1..))
    }

    /// Sends all that is pending, before something that may wait.
    fn flush(&mut self) -> Result<()> {
        while !self.pending().is_empty() {
            let Self { port, out, sent, state, head_start, .. } = self;
            let end = if *state == ResponseState::Set { *head_start } else { out.len() };
            let slice = IoSlice::new(&out[*sent..end]);
            let count = port.get().ok_or_else(no_port)?.send(&[slice]);
            let count = count.map_err(|_| self.left())?;
            self.sent(count);
        }
        Ok(())
    }

    fn left(&mut self) -> Error {
        self.gone = true;
        Error::Gone
    }

    // ----- the request body -------------------------------------------------

    /// Takes body bytes that have arrived; answers how many, and 0 when more
    /// have to come, or none does.
    pub(super) fn take(&mut self, buf: &mut [u8]) -> Result<usize, Refusal> {
        loop {
            let live = &self.live[self.live_start..];
            let from_live = self.buffer.bytes().is_empty();
            let raw = if from_live { live } else { self.buffer.bytes() };
            let raw = &raw[..raw.len().min(buf.len())];
            if raw.is_empty() || self.decoder.is_done() {
                return Ok(0);
            }
            let step = self.decoder.decode(raw)?;
            let count = step.data.len();
            buf[..count].copy_from_slice(&raw[step.data]);
            if from_live {
                self.live_start += step.consumed;
            } else {
                self.buffer.consume(step.consumed);
            }
            if count > 0 {
                return Ok(count);
            }
        }
    }

    /// Reads body bytes that have not arrived yet.
    fn fetch(&mut self, buf: &mut [u8]) -> Result<usize> {
        self.flush()?;
        if std::mem::take(&mut self.expects_100) && self.state != ResponseState::Committed {
            self.send_100()?;
        }
        if let Some(left) = self.decoder.plain() {
            let most = usize::try_from(left).unwrap_or(usize::MAX).min(buf.len());
            let count = self.fill(FillInto::App(&mut buf[..most]))?;
            self.decoder.skip(count as u64);
            return Ok(count);
        }
        self.fill(FillInto::Live)?;
        match self.take(buf) {
            Ok(count) => Ok(count),
            Err(refusal) => Err(self.fail_input(refusal)),
        }
    }

    fn fill(&mut self, into: FillInto<'_>) -> Result<usize> {
        let port = self.port.get().ok_or_else(no_port)?;
        let filled = match into {
            FillInto::App(buf) => port.fill(buf),
            FillInto::Live => {
                self.live.resize(LIVE, 0);
                self.live_start = 0;
                let filled = port.fill(&mut self.live);
                self.live.truncate(*filled.as_ref().unwrap_or(&0));
                filled
            }
        };
        match filled {
            Ok(0) => Err(self.fail_input(Refusal::Truncated)),
            Ok(count) => Ok(count),
            Err(error) if error.kind() == io::ErrorKind::TimedOut => Err(self.fail_input(Refusal::BodyTimeout)),
            Err(_) => Err(self.left()),
        }
    }

    fn fail_input(&mut self, refusal: Refusal) -> Error {
        self.input_failure = Some(refusal);
        input_error(refusal)
    }

    /// The interim response goes before a head that is set but not committed.
    fn send_100(&mut self) -> Result<()> {
        let mut left: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";
        while !left.is_empty() {
            let count = self.port.get().ok_or_else(no_port)?.send(&[IoSlice::new(left)]).map_err(|_| self.left())?;
            left = &left[count..];
        }
        Ok(())
    }

    /// Ends the request: what was read beyond it begins the next one.
    pub(super) fn release(&mut self) {
        self.buffer.pin(false);
        if self.live_start < self.live.len() {
            let live = std::mem::take(&mut self.live);
            self.buffer.append(&live[self.live_start..]);
        }
        self.live.clear();
        self.live_start = 0;
    }
}

/// Where bytes from the client go.
enum FillInto<'a> {
    App(&'a mut [u8]),
    Live,
}

fn no_port() -> Error {
    Error::State("the engine cannot be reached outside of a call".into())
}

fn input_error(refusal: Refusal) -> Error {
    match refusal {
        Refusal::Truncated => Error::truncated(),
        Refusal::BodyTimeout => Error::Io(io::Error::new(io::ErrorKind::TimedOut, refusal.text())),
        _ => Error::Io(io::Error::new(io::ErrorKind::InvalidData, refusal.text())),
    }
}

impl Transport for Wire {
    fn start(&mut self, head: Head<'_>) -> Result<()> {
        head.check()?;
        let declared = declared_length(&head)?;
        self.state.start(head.error.is_some())?;
        if let Some(error) = head.error {
            tracing::warn!("the app replaces its response: {}", super::escape(&error.to_string()));
        }
        // A first head begins where the output ends; a replacing one where the
        // first did.
        self.out.truncate(self.head_start);
        self.declared = declared;
        self.status = head.status;
        self.has_date = head.header("date").is_some();
        self.has_server = head.header("server").is_some();
        response::begin(&mut self.out, &head);
        Ok(())
    }

    fn read(&mut self, buf: &mut [u8]) -> Result<usize> {
        if let Some(refusal) = self.input_failure {
            return Err(input_error(refusal));
        }
        loop {
            match self.take(buf) {
                Ok(0) if self.decoder.is_done() => return Ok(0),
                Ok(0) => match self.fetch(buf)? {
                    0 => {}
                    count => return Ok(count),
                },
                Ok(count) => return Ok(count),
                Err(refusal) => return Err(self.fail_input(refusal)),
            }
        }
    }

    fn write(&mut self, bytes: &[u8], flush: bool) -> Result<()> {
        if self.state == ResponseState::Idle {
            return Err(Error::State("write before start_response".into()));
        }
        if bytes.is_empty() && !flush {
            return Ok(());
        }
        self.commit(None)?;
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
        (gone, None)
    }
}

/// The Content-Length that the app states: digits, at most once.
fn declared_length(head: &Head<'_>) -> Result<Option<u64>> {
    let mut stated = head.headers.iter().filter(|header| header.is("content-length"));
    let Some(header) = stated.next() else { return Ok(None) };
    let digits = header.value().iter().all(u8::is_ascii_digit) && stated.next().is_none();
    let length = digits.then(|| header.value_str()?.parse().ok()).flatten();
    length.map(Some).ok_or_else(|| Error::Invalid("Content-Length is not one number of bytes".into()))
}
