//! What lint puts around the input, the writer and the body of an exchange.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::thread;

use super::exchange::Exchange;
use super::facts::{Moment, PullFacts, ReadFacts, WriteFacts};
use super::life::lock;
use super::rule::{Check, broken};
use crate::body::{Body, Chunk, Source, View};
use crate::error::{Error, Result};
use crate::input::OwnedInput;

/// `gateway.input`, counted.
pub(super) struct Input<'r> {
    input: OwnedInput<'r>,
    exchange: Arc<Exchange<'r>>,
    length: Option<u64>,
    before: u64,
    ended: bool,
    failed: bool,
}

impl<'r> Input<'r> {
    pub(super) fn new(input: OwnedInput<'r>, exchange: Arc<Exchange<'r>>) -> Self {
        let length = input.length();
        Self { input, exchange, length, before: 0, ended: false, failed: false }
    }
}

impl Read for Input<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        let outcome = self.input.read(buf).map_err(Error::from);
        let facts = ReadFacts {
            length: self.length,
            before: self.before,
            outcome: outcome.as_ref().copied(),
            ended: self.ended,
            failed: self.failed,
            inside: lock(&self.exchange.track).is_inside(),
        };
        let checked = self.exchange.check_read(&facts);
        match outcome {
            Ok(0) => self.ended = true,
            Ok(count) => self.before += count as u64,
            Err(_) => {
                self.failed = true;
                lock(&self.exchange.track).input_failed = true;
            }
        }
        checked?;
        Ok(outcome?)
    }
}

/// The writer, counted.
pub(super) struct Sink<'r> {
    writer: crate::start_response::Writer<'r>,
    exchange: Arc<Exchange<'r>>,
}

impl<'r> Sink<'r> {
    pub(super) const fn new(writer: crate::start_response::Writer<'r>, exchange: Arc<Exchange<'r>>) -> Self {
        Self { writer, exchange }
    }

    /// Checks before and after; what is broken before is not done.
    fn checked(
        &mut self,
        count: u64,
        act: impl FnOnce(&mut crate::start_response::Writer<'r>) -> Result<()>,
    ) -> Result<()> {
        let (status, declared, before, failed, returned, inside) = {
            let track = lock(&self.exchange.track);
            let status = track.status.unwrap_or_default();
            (status, track.declared, track.written, track.write_failed, track.returned, track.is_inside())
        };
        let facts = WriteFacts { status, declared, before, count, outcome: None, failed, returned, inside };
        self.exchange.check_write(&facts)?;
        let outcome = act(&mut self.writer);
        {
            let mut track = lock(&self.exchange.track);
            track.write_failed |= outcome.is_err();
            if outcome.is_ok() {
                track.committed = true;
                track.written += count;
            }
        }
        self.exchange.check_write(&WriteFacts { outcome: Some(outcome.as_ref().copied()), ..facts })?;
        outcome
    }
}

impl Write for Sink<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.is_empty() {
            return Ok(0);
        }
        self.checked(bytes.len() as u64, |writer| writer.send(bytes))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(self.checked(0, |writer| Ok(writer.flush()?))?)
    }
}

/// Watches a body: streams chunk by chunk, all others only until their close,
/// so that their kind and their bytes stay as they are.
pub(super) fn body<'r>(body: Body<'r>, exchange: &Arc<Exchange<'r>>) -> Body<'r> {
    exchange.life.body_opened();
    let closing = Closing(Arc::clone(exchange));
    match body.view() {
        View::Stream(stated) => Body::source(Stream { body, closing, stated, before: 0, ended: false, over: false }),
        _ => body.on_close(move || drop(closing)),
    }
}

/// Dropped after the body: directly, or by the unwinding of its panic.
struct Closing<'r>(Arc<Exchange<'r>>);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.0.life.body_closed();
        if thread::panicking() {
            let _ = self.0.check_life(Moment::ClosePanicked, true);
        }
    }
}

/// A streamed body, counted.
struct Stream<'r> {
    // Dropped first.
    body: Body<'r>,
    closing: Closing<'r>,
    stated: Option<u64>,
    before: u64,
    ended: bool,
    over: bool,
}

impl Source for Stream<'_> {
    fn next(&mut self) -> Result<Option<Chunk<'_>>> {
        let exchange = &self.closing.0;
        // Not asked once it is over; the facts then say "failed".
        let outcome = if self.over {
            Err(Error::Gone)
        } else {
            let _turn = exchange.enter();
            self.body.next()
        };
        let facts = {
            let track = lock(&exchange.track);
            PullFacts {
                status: track.status.unwrap_or_default(),
                declared: track.declared.filter(|_| !matches!(track.status, Some(204 | 304))),
                stated: self.stated,
                written: track.written,
                before: self.before,
                outcome: outcome.as_ref().map(|chunk| chunk.map(|chunk| (chunk.bytes.len() as u64, chunk.last))),
                ended: self.ended,
                over: self.over,
            }
        };
        let checked = exchange.report(broken(|check| match check {
            Check::Pull(check) => check(&facts),
            _ => None,
        }));
        self.before = facts.total();
        match facts.outcome {
            Ok(None) => self.ended = true,
            Ok(Some((_, last))) => self.over |= last,
            Err(_) => self.over = true,
        }
        self.over |= checked.is_err();
        checked?;
        outcome
    }

    fn length(&self) -> Option<u64> {
        self.body.length()
    }
}
