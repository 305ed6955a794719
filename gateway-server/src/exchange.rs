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
//! | `Shutdown` | closes the sending side, says `shut` |
//! | `Close` | closes |
//!
//! | file | purpose |
//! |---|---|
//! | `enveloped` | requests that a web server has read: uwsgi, SCGI, FastCGI |
//! | `preface` | a PROXY header, where the connection begins with one |
//! | `request` | bytes at hand to a request that is ready |
//! | `gather` | a large body, collected before the call where the engine must not wait |
//! | `respond` | calls the app, sends what it answers, or what has to be answered instead |
//! | `times` | what happens when a client takes too long |
//! | `pending` | what an engine can send now |
//! | `port` | how a running app reaches its engine |
//! | `wire` | the connection's bytes; the host's side of read, write, start_response |
//! | `slot` | one request's memory (unsafe) |
//! | `buffer` | the receive buffer (unsafe) |
//! | `lent` | the engine's port on loan (unsafe) |
//! | `resting` | a connection between two requests, which holds no buffers |
//! | `places` | a counted limit |
//! | `proxies` | who may say who a client is |
//! | `observed`, `shown` | what others are told of an answer, and logs of a request |
//! | `named` | the variables that name a client |
//! | `service` | what all connections share: app, limits, timeouts, names |

mod buffer;
mod enveloped;
mod gather;
mod lent;
mod named;
mod observed;
mod pending;
mod places;
mod port;
mod preface;
mod proxies;
mod request;
mod respond;
mod resting;
mod service;
mod shown;
mod slot;
#[cfg(test)]
mod tests;
mod times;
mod wire;

use std::sync::Arc;
use std::time::{Duration, Instant};

use gateway_spec::abi::guard::caught;
use gateway_spec::{ResponseState, escape};

use self::respond::After;
use self::slot::Slot;
use crate::net::{Endpoint, Origin};
use crate::protocol::Refusal;
use crate::protocol::http1::Scanner;
use crate::stats::{Fault, Flight, RequestId, overhear};

pub use self::pending::{Pending, Slices};
pub use self::places::{Place, Places};
pub use self::port::{Now, Port};
pub use self::proxies::Proxies;
pub use self::respond::overdue;
pub use self::resting::Resting;
pub use self::service::{Bodies, Service, Timeouts};

/// Bodies up to this size are complete before the app is called.
const SMALL_BODY: u64 = 64 * 1024;
/// Response bodies up to this size are copied behind their head; longer ones
/// are sent from where they are.
const COPIED: u64 = 8 * 1024;
/// Answers are gathered up to this many bytes while pipelined requests wait.
pub const HIGH_WATER: usize = 64 * 1024;
/// Unread request bytes that are read over to keep a connection.
const DRAIN: u64 = 64 * 1024;
/// The receive buffer's first size.
const RECEIVE: usize = 16 * 1024;
/// How long, and for how many bytes, a closing connection is read on, so that
/// the client gets its answer before a reset (RFC 9112, section 9.6).
pub const LINGER: Duration = Duration::from_secs(2);
const LINGER_BYTES: u64 = 4 << 20;

/// What a connection needs next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// Bytes from the client.
    Read,
    /// Bytes to the client.
    Write,
    /// A call of the app.
    Run,
    /// The end of the sending side: what the client still sends is read over,
    /// so that no reset takes its answer away.
    Shutdown,
    /// The end.
    Close,
}

/// Where a connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Before the PROXY header's end.
    Preface,
    /// Before a request, or in its head.
    Head,
    /// The same, where a web server has read it.
    Enveloped,
    /// A small body is coming in behind its head, which is at `start..end`;
    /// `total` bytes make the request complete.
    Collect { start: usize, end: usize, total: usize },
    /// A large body is collected into the spool; its head stays at `start..end`.
    Gather { start: usize, end: usize },
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
    /// All is sent; the sending side can be closed, after which the connection
    /// lingers, or is over.
    Shut { linger: bool },
    /// What the client still sends is read over, so many bytes at most.
    Linger { left: u64 },
    /// Over, or vacant.
    Closed,
}

impl Phase {
    /// Before a request of such a connection.
    fn of_requests(endpoint: &Endpoint) -> Self {
        if endpoint.scheme().is_front() { Self::Enveloped } else { Self::Head }
    }
}

/// A body in memory or in a file, and how much of it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Lying {
    sent: u64,
    total: u64,
}

/// How the end of a connection is to look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum End {
    /// All that was sent is whole.
    #[default]
    Whole,
    /// What was sent last is not whole: a client that speaks TLS must not be told that it
    /// was all.
    Cut,
    /// The same, of a response that is as long as its connection: who is not reset takes it
    /// for a whole one.
    Reset,
}

/// One connection. See the module's text.
#[derive(Debug)]
pub struct Exchange {
    // Before the service: dropping it may still close a body.
    slot: Slot,
    service: Arc<Service>,
    phase: Phase,
    scanner: Scanner,
    /// The client has closed its sending side.
    half_closed: bool,
    /// Answer what runs, then close.
    stopping: bool,
    end: End,
    requests: u64,
    /// Where the master sees what runs.
    flight: Option<Flight>,
    /// Which request it serves, or the last one was.
    id: RequestId,
    /// When the request was complete that is not answered yet.
    begun: Option<Instant>,
    /// When the app was called for it; only kept where somebody wants to know.
    called: Option<Instant>,
    /// Whether its client was told that it takes too long.
    is_overdue: bool,
    /// When the phase began, or bytes last moved; None before a connection.
    since: Option<Instant>,
    /// Bytes of the head or body since then.
    moved: u64,
}

impl Exchange {
    /// A connection that was just accepted.
    #[must_use]
    pub fn new(service: Arc<Service>, origin: impl Into<Origin>, now: &Now) -> Self {
        let mut exchange = Self::vacant(service);
        exchange.resume(Resting::new(origin, now));
        exchange
    }

    // ----- what an engine asks -----------------------------------------------

    /// What to do next.
    #[must_use]
    pub fn want(&self) -> Want {
        let wire = self.slot.wire_ref();
        match self.phase {
            Phase::Shut { .. } => Want::Shutdown,
            Phase::Closed => Want::Close,
            Phase::Last { .. } | Phase::Send(_) => Want::Write,
            // Answers to pipelined requests leave together.
            Phase::Ready if wire.backlog() < HIGH_WATER => Want::Run,
            Phase::Ready => Want::Write,
            // A chunk is sent before the next is asked for (PEP 3333,
            // "Buffering and Streaming").
            Phase::Stream if wire.is_waiting() => Want::Write,
            Phase::Stream => Want::Run,
            Phase::Linger { .. } => Want::Read,
            _ if wire.is_waiting() => Want::Write,
            _ => Want::Read,
        }
    }

    /// How many requests have begun on this connection.
    #[must_use]
    pub const fn requests(&self) -> u64 {
        self.requests
    }

    /// Whether the next [`run`](Self::run) calls the app: it does not pull a
    /// body.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        matches!(self.phase, Phase::Ready)
    }

    /// Whether what [`run`](Self::run) runs next may read its request's body
    /// from the client, and so wait for it.
    #[must_use]
    pub fn has_live_input(&self) -> bool {
        matches!(self.phase, Phase::Ready | Phase::Stream) && !self.slot.wire_ref().decoder.is_done()
    }

    /// Whether answers wait to be sent while the next call is wanted. An engine
    /// whose calls may block sends them first.
    #[must_use]
    pub fn has_answers(&self) -> bool {
        self.slot.wire_ref().is_waiting()
    }

    /// Whether the answer to the open request can no longer be another one.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.slot.wire_ref().state == ResponseState::Committed
    }

    /// Whether the connection waits between two requests, with nothing begun.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        matches!(self.phase, Phase::Head | Phase::Preface | Phase::Enveloped)
            && self.has_nothing()
            && self.want() == Want::Read
    }

    /// How the end of the connection is to look to its client.
    #[must_use]
    pub const fn end(&self) -> End {
        self.end
    }

    /// Whether nothing is left but to read over what the client still sends.
    #[must_use]
    pub fn is_lingering(&self) -> bool {
        matches!(self.phase, Phase::Linger { .. })
    }

    /// Whether no request has begun: nothing came, or just the empty line that
    /// some clients send after a body (RFC 9112, section 2.2).
    fn has_nothing(&self) -> bool {
        matches!(self.slot.wire_ref().buffer.bytes(), b"" | b"\r\n")
    }

    /// The place for bytes from the client.
    pub fn room(&mut self) -> &mut [u8] {
        let buffer = &mut self.slot.wire().buffer;
        buffer.reserve(match self.phase {
            Phase::Collect { total, .. } => total,
            // Never just a little: each read is a system call.
            _ => buffer.bytes().len() + RECEIVE / 4,
        });
        buffer.room()
    }

    /// Takes `count` bytes that were read into [`room`](Self::room).
    pub fn fed(&mut self, count: usize, now: &Now) {
        self.slot.wire().buffer.filled(count);
        if matches!(self.phase, Phase::Linger { .. } | Phase::Preface) {
            return self.fed_outside(count, now);
        }
        if self.moved == 0 {
            self.since = Some(now.instant);
        }
        self.moved += count as u64;
        self.advance(now);
        if matches!(self.phase, Phase::Head) && self.has_nothing() {
            self.moved = 0;
        }
    }

    /// Takes what belongs to no request.
    #[cold]
    fn fed_outside(&mut self, count: usize, now: &Now) {
        match self.phase {
            Phase::Preface => self.read_preface(now),
            Phase::Linger { left } => {
                self.slot.wire().buffer.clear();
                let left = left.saturating_sub(count as u64);
                self.phase = if left > 0 { Phase::Linger { left } } else { Phase::Closed };
            }
            _ => {}
        }
    }

    /// The client has closed its sending side; what it sent is still answered.
    pub fn eof(&mut self, now: &Now) {
        self.half_closed = true;
        match self.phase {
            Phase::Collect { .. } | Phase::Gather { .. } => self.refuse(Refusal::Truncated, now),
            Phase::Head | Phase::Enveloped | Phase::Drain { .. } => self.close(false),
            Phase::Linger { .. } => self.phase = Phase::Closed,
            Phase::Preface => self.end_of_preface(),
            _ => {}
        }
    }

    /// The sending side is closed.
    pub fn shut(&mut self, now: &Now) {
        self.slot.wire().buffer.clear();
        self.since = Some(now.instant);
        self.phase = match self.phase {
            Phase::Shut { linger: false } => Phase::Closed,
            _ => Phase::Linger { left: LINGER_BYTES },
        };
    }

    /// Takes `count` bytes of [`pending`](Self::pending) as sent. No bytes of a
    /// file means that it has become shorter.
    pub fn sent(&mut self, count: usize, now: &Now) {
        self.since = Some(now.instant);
        let wire = self.slot.wire();
        let head = wire.pending().len().min(count);
        wire.sent(head);
        if matches!(self.phase, Phase::Send(_) | Phase::Last { .. }) {
            self.sent_some(count, (count - head) as u64, now);
        }
    }

    /// Goes on where something follows what was sent: `rest` bytes of a body
    /// that lies elsewhere, or the end.
    #[inline(never)]
    fn sent_some(&mut self, count: usize, rest: u64, now: &Now) {
        let wire = self.slot.wire();
        let past_head = wire.pending().is_empty();
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
            Phase::Last { linger } if past_head => self.phase = self.ended(linger),
            _ => {}
        }
    }

    /// The client is gone: a reset, or a write that failed.
    pub fn gone(&mut self) {
        self.slot.wire().gone = true;
        self.land(None);
        self.slot.recycle();
        self.phase = Phase::Closed;
    }

    /// The client speaks HTTP where TLS is spoken. It is told so, as it speaks.
    pub fn unencrypted(&mut self, now: &Now) {
        self.refuse(Refusal::NotEncrypted, now);
    }

    /// The connection is over, and its TLS had a fault.
    pub fn insecure(&self, fault: &str) {
        tracing::info!("{}: TLS failed: {}", self.slot.client(), escape(fault));
        self.service.counters.count(Fault::Insecure);
    }

    /// Calls the app, or pulls its stream.
    pub fn run(&mut self, port: &mut dyn Port) {
        // More of an app than its call is its code: the length of its stream,
        // the text and the drop of its error.
        let before = RequestId::enter(Some(self.id));
        let is_overheard = self.slot.wire_ref().terms.has_log();
        if is_overheard {
            overhear(self.id);
        }
        let outcome = caught(|| match self.phase {
            Phase::Ready => self.call(port),
            Phase::Stream => self.pull(port),
            _ => Ok(After::More),
        });
        if is_overheard {
            self.tell_overheard();
        }
        let now = match self.service.is_observed() {
            true => {
                self.is_overdue = port.is_overdue();
                port.time()
            }
            false => port.now(),
        };
        self.since = Some(now.instant);
        match outcome {
            Ok(After::More) => self.flight.iter().for_each(|flight| flight.set_calling(false)),
            Ok(After::Finished) => self.finish(now),
            Err(error) => self.fail(error, now),
        }
        RequestId::enter(before);
    }

    /// Answers what runs, then closes. An idle connection closes `now`, or
    /// after one more request whose bytes are there to be read.
    pub fn stop(&mut self, now: bool) {
        self.stopping = true;
        if now && self.is_idle() {
            self.close(false);
        }
    }
}
