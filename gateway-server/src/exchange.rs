//! One connection, sans-IO: bytes in, app calls, bytes out. No socket, no
//! clock and no thread in it.
//!
//! An engine asks [`Exchange::want`] and does it:
//!
//! | want | the engine |
//! |---|---|
//! | `Read` | waits until readable or the deadline, reads into `room()`, says `fed` or `eof` |
//! | `Write` | sends what `pending()` gives, says `sent` |
//! | `Run` | calls `run` with its [`Port`]: the app is called, or its body pulled |
//! | `Linger` | closes the sending side, reads and drops for a while, closes |
//! | `Close` | closes |
//!
//! | file | purpose |
//! |---|---|
//! | `port` | how a running app reaches its engine |
//! | `wire` | the connection's bytes; the host's side of read, write, start_response |
//! | `slot` | one request's memory (unsafe) |
//! | `buffer` | the receive buffer (unsafe) |
//! | `service` | what all connections share: app, limits, timeouts, names |

mod buffer;
mod port;
mod service;
mod slot;
#[cfg(test)]
mod tests;
mod wire;

use std::io::IoSlice;
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use gateway_spec::abi::host::Transport as _;
use gateway_spec::{Error, Fault, Head, Header, ResponseState, Result, Status, View};

use self::slot::{Opened, Slot};
use self::wire::{Terms, Wire};
use crate::protocol::Refusal;
use crate::protocol::http1::{Found, Framing, Scanner, Version, response};

pub use self::port::{Now, Port};
pub use self::service::{Endpoint, Service, Timeouts};

/// Bodies up to this size are complete before the app is called.
const SMALL_BODY: u64 = 64 * 1024;
/// Response bodies up to this size are copied behind their head; longer ones
/// are sent from where they are.
const COPIED: u64 = 8 * 1024;
/// Answers are gathered up to this many bytes while pipelined requests wait.
const HIGH_WATER: usize = 64 * 1024;
/// Unread request bytes that are read over to keep a connection.
const DRAIN: u64 = 64 * 1024;
/// The receive buffer's first size.
const RECEIVE: usize = 16 * 1024;

/// What a connection needs next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// Bytes from the client.
    Read,
    /// Bytes to the client.
    Write,
    /// A call of the app.
    Run,
    /// An end that does not reset the client's connection before it has read.
    Linger,
    /// The end.
    Close,
}

/// What can be sent now. It lives on the stack for the time of one call.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "boxing would allocate for each write")]
pub enum Pending<'a> {
    /// Runs of bytes; `more` says that a file follows.
    Slices(Slices<'a>),
    /// A range of a file.
    File {
        /// The open file.
        fd: BorrowedFd<'a>,
        /// First byte.
        offset: u64,
        /// Bytes left.
        length: u64,
    },
}

/// A few runs of bytes, without an allocation.
#[derive(Debug)]
pub struct Slices<'a> {
    list: [IoSlice<'a>; Slices::MOST],
    count: usize,
    /// Whether a file follows, so that head and file travel together.
    pub more: bool,
}

impl<'a> Slices<'a> {
    const MOST: usize = 64;

    fn new() -> Self {
        Self { list: [IoSlice::new(&[]); Self::MOST], count: 0, more: false }
    }

    fn push(&mut self, bytes: &'a [u8]) -> bool {
        if !bytes.is_empty() && self.count < Self::MOST {
            self.list[self.count] = IoSlice::new(bytes);
            self.count += 1;
        }
        self.count < Self::MOST
    }

    /// The runs.
    #[must_use]
    pub fn as_slices(&self) -> &[IoSlice<'a>] {
        &self.list[..self.count]
    }
}

/// Where a connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Before a request, or in its head.
    Head,
    /// A small body is coming in; so many bytes make the request complete.
    Collect { total: usize },
    /// The app can be called.
    Ready,
    /// The app's stream can be pulled.
    Stream,
    /// A body is sent from where it lies.
    Send(Lying),
    /// The request body that the app left is read over.
    Drain { left: u64 },
    /// The last bytes go out.
    Last { linger: bool },
    /// Over.
    Closed { linger: bool },
}

/// A body in memory or in a file, and how much of it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Lying {
    sent: u64,
    total: u64,
}

/// One connection. See the module's text.
#[derive(Debug)]
pub struct Exchange {
    // Before the service: dropping it may still close a body.
    slot: Slot,
    service: Arc<Service>,
    phase: Phase,
    scanner: Scanner,
    opened: Option<Opened>,
    /// The client has closed its sending side.
    half_closed: bool,
    /// Answer what runs, then close.
    stopping: bool,
    requests: u64,
    /// When the phase began, or bytes last moved.
    since: Instant,
    /// Bytes of the head or body since then.
    moved: u64,
}

impl Exchange {
    /// A connection that was just accepted.
    #[must_use]
    pub fn new(service: Arc<Service>, endpoint: Arc<Endpoint>, now: &Now) -> Self {
        let wire = Wire::new(RECEIVE, service.server);
        let mut slot = Slot::new(Arc::clone(&service), endpoint, wire);
        slot.wire().date = now.date;
        Self {
            slot,
            service,
            phase: Phase::Head,
            scanner: Scanner::default(),
            opened: None,
            half_closed: false,
            stopping: false,
            requests: 0,
            since: now.instant,
            moved: 0,
        }
    }

    // ----- what an engine asks -----------------------------------------------

    /// What to do next.
    #[must_use]
    pub fn want(&self) -> Want {
        let wire = self.slot.wire_ref();
        let waiting = !wire.pending().is_empty();
        match self.phase {
            Phase::Closed { linger: true } => Want::Linger,
            Phase::Closed { linger: false } => Want::Close,
            Phase::Last { .. } | Phase::Send(_) => Want::Write,
            // Answers to pipelined requests leave together.
            Phase::Ready if wire.backlog() < HIGH_WATER => Want::Run,
            Phase::Ready => Want::Write,
            // A chunk is sent before the next is asked for (PEP 3333,
            // "Buffering and Streaming").
            Phase::Stream if waiting => Want::Write,
            Phase::Stream => Want::Run,
            Phase::Head | Phase::Collect { .. } | Phase::Drain { .. } if waiting => Want::Write,
            Phase::Head | Phase::Collect { .. } | Phase::Drain { .. } => Want::Read,
        }
    }

    /// Whether the connection waits between two requests, with nothing begun.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.phase == Phase::Head && self.slot.wire_ref().buffer.bytes().is_empty() && self.want() == Want::Read
    }

    /// The place for bytes from the client.
    pub fn room(&mut self) -> &mut [u8] {
        self.slot.wire().buffer.room()
    }

    /// Takes `count` bytes that were read into [`room`](Self::room).
    pub fn fed(&mut self, count: usize, now: &Now) {
        let wire = self.slot.wire();
        wire.buffer.filled(count);
        wire.date = now.date;
        if self.moved == 0 {
            self.since = now.instant;
        }
        self.moved += count as u64;
        self.advance(now);
    }

    /// The client has closed its sending side; what it sent is still answered.
    pub fn eof(&mut self, now: &Now) {
        self.half_closed = true;
        match self.phase {
            Phase::Head if self.slot.wire().buffer.bytes().is_empty() => self.end(false),
            Phase::Collect { .. } => self.refuse(Refusal::Truncated, now),
            Phase::Head | Phase::Drain { .. } => self.end(false),
            _ => {}
        }
    }

    /// What can be sent now.
    #[must_use]
    pub fn pending(&self) -> Pending<'_> {
        let mut slices = Slices::new();
        let head = self.slot.wire_ref().pending();
        slices.push(head);
        let (Phase::Send(lying), Some(body)) = (self.phase, self.slot.body()) else {
            return Pending::Slices(slices);
        };
        let (mut skip, mut left) = (lying.sent, lying.total - lying.sent);
        match body.view() {
            View::File(range) if head.is_empty() => {
                return Pending::File { fd: range.fd, offset: range.offset + skip, length: left };
            }
            View::File(_) => slices.more = left > 0,
            View::Bytes(bytes) => push_part(&mut slices, bytes, &mut skip, &mut left),
            View::Parts(parts) => parts.for_each(|part| push_part(&mut slices, part, &mut skip, &mut left)),
            View::Empty | View::Stream(_) => {}
        }
        Pending::Slices(slices)
    }

    /// Takes `count` bytes of [`pending`](Self::pending) as sent. No bytes of a
    /// file means that it has become shorter.
    pub fn sent(&mut self, count: usize, now: &Now) {
        self.since = now.instant;
        let wire = self.slot.wire();
        wire.date = now.date;
        let head = wire.pending().len().min(count);
        wire.sent(head);
        let past_head = wire.pending().is_empty();
        let rest = (count - head) as u64;
        match self.phase {
            Phase::Send(_) if count == 0 => self.cut("the file became shorter while it was sent"),
            Phase::Send(lying) => {
                wire.bypassed(rest);
                let sent = lying.sent + rest;
                self.phase = Phase::Send(Lying { sent, ..lying });
                if sent == lying.total && past_head {
                    self.finish(now);
                }
            }
            Phase::Last { linger } if past_head => self.phase = Phase::Closed { linger },
            _ => {}
        }
    }

    /// The client is gone: a reset, or a write that failed.
    pub fn gone(&mut self) {
        self.slot.wire().gone = true;
        self.slot.recycle();
        self.phase = Phase::Closed { linger: false };
    }

    /// Calls the app, or pulls its stream.
    pub fn run(&mut self, port: &mut dyn Port) {
        let outcome = match self.phase {
            Phase::Ready => self.call(port),
            Phase::Stream => self.pull(port),
            _ => return,
        };
        let now = port.now();
        self.since = now.instant;
        self.slot.wire().date = now.date;
        match outcome {
            Ok(After::More) => {}
            Ok(After::Finished) => self.finish(&now),
            Err(error) => self.fail(&error, &now),
        }
    }

    /// Answers what runs, then closes. An idle connection closes `now`, or
    /// after one more request whose bytes are there to be read.
    pub fn stop(&mut self, now: bool) {
        self.stopping = true;
        if now && self.is_idle() {
            self.end(false);
        }
    }

    /// When [`tick`](Self::tick) has something to do.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        let timeouts = &self.service.timeouts;
        let after = |duration: Duration| self.since.checked_add(duration);
        match (self.want(), self.phase) {
            (Want::Write, _) => after(timeouts.write),
            (Want::Read, Phase::Head) if self.moved == 0 && self.requests > 0 => after(timeouts.keep_alive),
            (Want::Read, Phase::Head) => after(timeouts.head),
            (Want::Read, _) => after(timeouts.body(self.moved)),
            _ => None,
        }
    }

    /// Acts on a deadline that has passed.
    pub fn tick(&mut self, now: &Now) {
        if self.deadline().is_none_or(|deadline| now.instant < deadline) {
            return;
        }
        match (self.want(), self.phase) {
            (Want::Read, Phase::Head) if self.moved == 0 => self.end(false),
            (Want::Read, Phase::Head) => self.refuse(Refusal::HeadTimeout, now),
            (Want::Read, Phase::Collect { .. }) => self.refuse(Refusal::BodyTimeout, now),
            (Want::Read, _) => self.end(true),
            _ => self.gone(),
        }
    }

    // ----- the request -------------------------------------------------------

    /// Goes as far as the bytes at hand allow.
    fn advance(&mut self, now: &Now) {
        loop {
            let before = self.phase;
            match self.phase {
                Phase::Head => self.scan(now),
                Phase::Collect { total } if self.slot.wire().buffer.bytes().len() >= total => self.open(now),
                Phase::Drain { left } => self.drain(left, now),
                _ => {}
            }
            if self.phase == before {
                break;
            }
        }
        let room = match self.phase {
            Phase::Collect { total } => total,
            _ => self.slot.wire().buffer.bytes().len() + 1,
        };
        self.slot.wire().buffer.reserve(room.max(RECEIVE / 4));
    }

    fn scan(&mut self, now: &Now) {
        let bytes = self.slot.wire_ref().buffer.bytes();
        if bytes.is_empty() {
            return;
        }
        match self.scanner.scan(bytes, &self.service.limits) {
            Ok(Found::Partial) => {}
            Ok(Found::Head { .. }) => self.open(now),
            Err(refusal) => self.refuse(refusal, now),
        }
    }

    /// Opens the request whose head is complete.
    fn open(&mut self, now: &Now) {
        let limits = self.service.limits;
        let bytes = self.slot.wire_ref().buffer.bytes();
        // The scanner is at the head's end again at no cost worth a field.
        let (start, end) = match Scanner::default().scan(bytes, &limits) {
            Ok(Found::Head { start, end }) => (start, end),
            _ => return,
        };
        let arrived = bytes.len() - end;
        let opened = match self.slot.open(start, end, &limits) {
            Ok(opened) => opened,
            Err(refusal) => return self.refuse(refusal, now),
        };
        let waits_for_100 = opened.expect_continue && arrived == 0;
        let preread = match opened.framing {
            Framing::Length(length) if length <= SMALL_BODY && !waits_for_100 => {
                if (arrived as u64) < length {
                    self.slot.recycle();
                    self.phase = Phase::Collect { total: end + length as usize };
                    return;
                }
                length as usize
            }
            Framing::Length(length) => (arrived as u64).min(length) as usize,
            Framing::None | Framing::Chunked => 0,
        };
        self.slot.ready(&opened, end, preread, limits.body);
        self.slot.wire().expects_100 = waits_for_100;
        self.opened = Some(opened);
        self.requests += 1;
        self.phase = Phase::Ready;
    }

    fn drain(&mut self, left: u64, now: &Now) {
        let wire = self.slot.wire();
        let mut scratch = [0; 4096];
        let mut left = left;
        loop {
            match wire.take(&mut scratch) {
                Ok(0) if wire.decoder.is_done() => return self.next_request(now),
                Ok(0) => break,
                Ok(count) if count as u64 <= left => left -= count as u64,
                // Too much to be worth the connection, or not readable.
                Ok(_) | Err(_) => return self.end(true),
            }
        }
        // The phase's own count is the loop's progress in `advance`: it ends
        // when nothing more was taken.
        self.phase = Phase::Drain { left };
    }

    fn next_request(&mut self, now: &Now) {
        self.slot.recycle();
        self.opened = None;
        self.scanner = Scanner::default();
        self.since = now.instant;
        self.moved = self.slot.wire().buffer.bytes().len() as u64;
        self.phase = Phase::Head;
        if self.half_closed && self.moved == 0 {
            self.end(false);
        } else {
            self.advance(now);
            if self.half_closed && matches!(self.phase, Phase::Head | Phase::Collect { .. }) {
                self.end(false);
            }
        }
    }

    // ----- the app -----------------------------------------------------------

    fn call(&mut self, port: &mut dyn Port) -> Result<After> {
        self.slot.call(port)?;
        let wire = self.slot.wire_ref();
        if wire.state == ResponseState::Idle {
            return Err(Error::State("the app returned without calling start_response".into()));
        }
        if self.stopping || self.unread_is_too_much() {
            self.slot.wire().terms.keep_alive = false;
        }
        self.begin_body()
    }

    /// Whether the connection will have to close because of a request body
    /// that nobody reads any more.
    fn unread_is_too_much(&self) -> bool {
        let streams = self.slot.body().is_some_and(|body| matches!(body.view(), View::Stream(_)));
        let left = self.slot.wire_ref().decoder.plain().unwrap_or(0);
        !streams && left > DRAIN
    }

    /// Sends a body in the way that fits its kind.
    fn begin_body(&mut self) -> Result<After> {
        let Some(body) = self.slot.body() else { return Ok(After::Finished) };
        let (length, is_stream) = (body.length(), matches!(body.view(), View::Stream(_)));
        let is_file = matches!(body.view(), View::File(_));
        let wire = self.slot.wire();
        if is_stream && wire.state == ResponseState::Set && !wire.terms.head_only {
            // Committed by its first byte, so that an error before is a 500.
            self.phase = Phase::Stream;
            return Ok(After::More);
        }
        wire.commit(length)?;
        match wire.framing {
            response::Framing::None => return Ok(After::Finished),
            _ if is_stream => {
                self.phase = Phase::Stream;
                return Ok(After::More);
            }
            // Too much to be copied behind the head at once.
            response::Framing::Chunked if is_file || length.is_none_or(|length| length > HIGH_WATER as u64) => {
                self.phase = Phase::Stream;
                return Ok(After::More);
            }
            response::Framing::Chunked => {}
            framing if is_file || length.is_some_and(|length| length > COPIED) => {
                return Ok(self.begin_lying(framing, length.unwrap_or(0)));
            }
            _ => {}
        }
        self.copy_body()
    }

    /// Sends a body from where it lies, cut to what was declared.
    fn begin_lying(&mut self, framing: response::Framing, length: u64) -> After {
        let total = match framing {
            response::Framing::Length(left) => left.min(length),
            _ => length,
        };
        if total < length {
            self.slot.wire().excess = true;
        }
        if total == 0 {
            return After::Finished;
        }
        self.phase = Phase::Send(Lying { sent: 0, total });
        After::More
    }

    /// Copies a small body, or one that needs chunks, behind its head.
    fn copy_body(&mut self) -> Result<After> {
        loop {
            let more = self.slot.pull(&mut NoPort, |chunk, wire| match chunk {
                Some(chunk) => match wire.push(chunk.bytes) {
                    // Reported when the response ends.
                    Ok(()) | Err(Error::Limit(_)) => Ok(!chunk.last),
                    Err(error) => Err(error),
                },
                None => Ok(false),
            })?;
            if !more {
                return Ok(After::Finished);
            }
        }
    }

    /// Pulls one chunk.
    fn pull(&mut self, port: &mut dyn Port) -> Result<After> {
        let stopping = self.stopping;
        let length = self.slot.body().and_then(gateway_spec::Body::length);
        self.slot.pull(port, |chunk, wire| {
            let bytes = chunk.as_ref().map_or(&[][..], |chunk| chunk.bytes);
            let last = chunk.as_ref().is_none_or(|chunk| chunk.last);
            if !bytes.is_empty() || last {
                wire.terms.keep_alive &= !stopping;
                // An empty stream has the exact length 0.
                let known = if last { Some(bytes.len() as u64) } else { length };
                wire.commit(known)?;
            }
            match wire.push(bytes) {
                // The stream is closed early; the response is as long as said.
                Err(Error::Limit(_)) => Ok(After::Finished),
                Err(error) => Err(error),
                Ok(()) if last => Ok(After::Finished),
                Ok(()) => Ok(After::More),
            }
        })
    }

    /// Ends a response whose body is all framed or sent.
    fn finish(&mut self, now: &Now) {
        let line = self.slot.request_line();
        let wire = self.slot.wire();
        if wire.excess {
            tracing::error!("{line}: the body is longer than its Content-Length; the excess was cut");
        }
        if !wire.finish() {
            return self.cut("the body is shorter than its Content-Length");
        }
        if self.slot.close_body().is_err() {
            tracing::error!("{line}: the app panicked in close");
        }
        let wire = self.slot.wire();
        if !wire.terms.keep_alive {
            let unread = !wire.decoder.is_done();
            return self.end(unread);
        }
        if wire.decoder.is_done() {
            self.next_request(now);
        } else if wire.input_failure.is_some() || wire.expects_100 {
            self.end(true);
        } else {
            (self.since, self.moved) = (now.instant, 0);
            self.phase = Phase::Drain { left: DRAIN };
            self.advance(now);
        }
    }

    // ----- ends that are not good ---------------------------------------------

    /// The app failed: a 500 while nothing is committed, else a cut.
    fn fail(&mut self, error: &Error, now: &Now) {
        let line = self.slot.request_line();
        let wire = self.slot.wire();
        if wire.gone {
            tracing::debug!("{line}: the client has left");
            return self.gone();
        }
        if let Some(refusal) = wire.input_failure {
            tracing::info!("{line}: {}", refusal.text());
        } else {
            match error.fault() {
                Fault::Client => tracing::info!("{line}: {}", escape(&error.to_string())),
                Fault::App | Fault::Server => tracing::error!("{line}: {}", escape(&error.to_string())),
            }
        }
        let status = wire.input_failure.map_or(Status::INTERNAL_SERVER_ERROR, Refusal::status);
        if wire.state == ResponseState::Committed {
            return self.cut("the response had begun");
        }
        if self.slot.close_body().is_err() {
            tracing::error!("{line}: the app panicked in close");
        }
        let wire = self.slot.wire();
        wire.retract();
        wire.terms.keep_alive &= wire.input_failure.is_none() && !self.stopping;
        answer(wire, status, "");
        self.finish(now);
    }

    /// Answers a request that never reaches the app, and closes.
    fn refuse(&mut self, refusal: Refusal, now: &Now) {
        tracing::info!("refused: {} ({})", refusal.text(), refusal.status().code());
        self.slot.recycle();
        let wire = self.slot.wire();
        wire.date = now.date;
        wire.begin(Terms { version: Version::Http11, head_only: false, keep_alive: false });
        answer(wire, refusal.status(), refusal.text());
        wire.finish();
        self.end(true);
    }

    /// Ends a response that cannot be ended well: the client must be able to
    /// tell that it is not whole, so the connection closes.
    fn cut(&mut self, why: &str) {
        tracing::error!("{}: {why}; the connection is cut", self.slot.request_line());
        self.slot.wire().state.finish();
        self.end(false);
    }

    /// Sends what is there, then closes; `linger` where bytes of the client
    /// may still be unread, which would turn the close into a reset.
    fn end(&mut self, linger: bool) {
        self.slot.recycle();
        let linger = linger && !self.half_closed;
        self.phase = match self.slot.wire().pending().is_empty() {
            true => Phase::Closed { linger },
            false => Phase::Last { linger },
        };
    }
}

/// What a call or a pull leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum After {
    More,
    Finished,
}

/// Writes an answer of the server's own: a small plain text.
fn answer(wire: &mut Wire, status: Status, text: &str) {
    let colon = if text.is_empty() { "" } else { ": " };
    let body = format!("{status}{colon}{text}\n");
    let headers = [Header::new("Content-Type", "text/plain; charset=utf-8")];
    // Fresh state and a head of our own: neither can be refused.
    let outcome = wire
        .start(Head::new(status, &headers))
        .and_then(|()| wire.commit(Some(body.len() as u64)))
        .and_then(|()| wire.push(body.as_bytes()));
    debug_assert!(outcome.is_ok(), "{outcome:?}");
}

fn push_part<'a>(slices: &mut Slices<'a>, bytes: &'a [u8], skip: &mut u64, left: &mut u64) {
    let skipped = (*skip).min(bytes.len() as u64);
    *skip -= skipped;
    let bytes = &bytes[skipped as usize..];
    let count = (*left).min(bytes.len() as u64);
    if slices.push(&bytes[..count as usize]) {
        *left -= count;
    } else {
        *left = 0;
    }
}

/// A text for the log on one line: control characters are escaped, so that
/// nobody forges a line.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        if char.is_control() {
            escaped.extend(char.escape_default());
        } else {
            escaped.push(char);
        }
    }
    escaped
}

/// For bodies that are in memory: pulling them reaches nothing.
struct NoPort;

impl Port for NoPort {
    fn fill(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
        Err(std::io::ErrorKind::Unsupported.into())
    }

    fn send(&mut self, _: &[IoSlice<'_>]) -> std::io::Result<usize> {
        Err(std::io::ErrorKind::Unsupported.into())
    }

    fn sleep(&mut self, _: Duration) -> bool {
        true
    }

    fn is_gone(&mut self) -> bool {
        false
    }

    fn now(&mut self) -> Now {
        unreachable!("a body in memory asks for no time")
    }
}
