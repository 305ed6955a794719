//! The response's side: calls the app, and sends what it answers, or what has
//! to be answered instead.

use std::io::IoSlice;
use std::time::Duration;

use gateway_spec::abi::guard::caught;
use gateway_spec::abi::host::Transport as _;
use gateway_spec::{Error, Head, Header, ResponseState, Result, Status, View, escape};

use super::wire::Wire;
use super::{COPIED, DRAIN, End, Exchange, HIGH_WATER, Lying, Now, Phase, Port};
use crate::net::Scheme;
use crate::protocol::Refusal;
use crate::protocol::http1::response;
use crate::protocol::http1::response::Date;
use crate::stats::{Fault, RequestId};

impl Exchange {
    pub(super) fn call(&mut self, port: &mut dyn Port) -> Result<After> {
        if let Some(flight) = &self.flight {
            self.slot.show(flight);
        }
        if self.service.is_observed() {
            self.called = Some(port.now().instant);
        }
        self.slot.call(port)?;
        let wire = self.slot.wire_ref();
        if wire.state == ResponseState::Idle {
            return Err(Error::State("the app returned without calling start_response".into()));
        }
        if self.stopping || port.is_closing() || self.unread_is_too_much() {
            self.slot.wire().terms.close();
        }
        self.begin_body(&port.now().date)
    }

    /// Whether the connection will have to close because of a request body
    /// that nobody reads any more.
    fn unread_is_too_much(&self) -> bool {
        let left = self.slot.wire_ref().decoder.plain().unwrap_or(0);
        left > DRAIN && !self.slot.body().is_some_and(|body| matches!(body.view(), View::Stream(_)))
    }

    /// Sends a body in the way that fits its kind.
    fn begin_body(&mut self, date: &Date) -> Result<After> {
        // Nearly every body is a short run of bytes, which needs no pull.
        let copied = self.slot.copy(|body, wire| match body.view() {
            View::Bytes(bytes) if bytes.len() as u64 <= COPIED => Some(wire.give(bytes, date)),
            _ => None,
        });
        match copied {
            Some(Ok(())) => Ok(After::Finished),
            Some(Err(error)) => Err(error),
            None => self.begin_long_body(date),
        }
    }

    #[inline(never)]
    fn begin_long_body(&mut self, date: &Date) -> Result<After> {
        let Some(body) = self.slot.body() else { return Ok(After::Finished) };
        let (length, is_stream) = (body.length(), matches!(body.view(), View::Stream(_)));
        let is_file = matches!(body.view(), View::File(_));
        let wire = self.slot.wire();
        if is_stream && wire.state == ResponseState::Set && !wire.is_bodiless() {
            // Committed by its first byte, so that an error before is a 500.
            self.phase = Phase::Stream;
            return Ok(After::More);
        }
        wire.commit(length, date)?;
        match wire.framing {
            response::Framing::None => return Ok(After::Finished),
            _ if is_stream => {
                self.phase = Phase::Stream;
                return Ok(After::More);
            }
            // Too much to be copied behind the head at once.
            response::Framing::Chunked | response::Framing::Records(_)
                if is_file || length.is_none_or(|length| length > HIGH_WATER as u64) =>
            {
                self.phase = Phase::Stream;
                return Ok(After::More);
            }
            response::Framing::Chunked | response::Framing::Records(_) => {}
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
    pub(super) fn pull(&mut self, port: &mut dyn Port) -> Result<After> {
        let stopping = self.stopping || port.is_closing();
        self.flight.iter().filter(|_| self.service.timed).for_each(|flight| flight.set_calling(true));
        let date = port.now().date;
        let length = self.slot.body().and_then(gateway_spec::Body::length);
        let mut was_empty = false;
        let after = self.slot.pull(port, |chunk, wire| {
            let bytes = chunk.as_ref().map_or(&[][..], |chunk| chunk.bytes);
            let last = chunk.as_ref().is_none_or(|chunk| chunk.last);
            was_empty = bytes.is_empty();
            if !was_empty || last {
                wire.terms.keep_alive &= !stopping;
                // An empty stream has the exact length 0.
                let known = if last { Some(bytes.len() as u64) } else { length };
                wire.commit(known, &date)?;
            }
            match wire.push(bytes) {
                // The stream is closed early; the response is as long as said.
                Err(Error::Limit(_)) => Ok(After::Finished),
                Err(error) => Err(error),
                Ok(()) if last => Ok(After::Finished),
                Ok(()) => Ok(After::More),
            }
        })?;
        // A stream that gives nothing never meets a write that fails.
        if after == After::More && was_empty && port.is_gone() {
            self.slot.wire().gone = true;
            return Err(Error::Gone);
        }
        Ok(after)
    }

    /// Ends a response whose body is all framed or sent.
    // Always: nearly every answer ends where it began.
    #[inline(always)]
    pub(super) fn finish(&mut self, now: &Now) {
        if self.slot.wire().excess {
            self.blame("the body is longer than its Content-Length; the excess was cut");
        }
        if !self.slot.wire().finish() {
            return self.cut("the body is shorter than its Content-Length");
        }
        if self.slot.close_body().is_err() {
            self.blame("the app panicked in close");
        }
        self.land(Some(now.instant));
        let wire = self.slot.wire();
        if !wire.terms.keep_alive {
            if wire.terms.front.is_some_and(|behind| behind.stays) && !self.stopping {
                return self.next_enveloped(now);
            }
            // Nothing has to be read over for a client that has said itself
            // that it sends no more, and has not: nearly all that close.
            let linger = !wire.is_read_out();
            return self.close(linger);
        }
        if wire.decoder.is_done() {
            self.next_request(now);
        } else if wire.input_failure.is_some() || wire.expects_100 {
            self.close(true);
        } else {
            self.begin_drain(now);
        }
    }

    #[cold]
    pub(super) fn begin_drain(&mut self, now: &Now) {
        // Nobody borrows from the buffer any more: it may move and grow.
        self.slot.recycle();
        (self.since, self.moved) = (Some(now.instant), 0);
        self.phase = Phase::Drain { left: DRAIN };
        self.advance(now);
    }

    // ----- ends that are not good ---------------------------------------------

    /// Tells the log what the app did wrong, for nothing else to come of it.
    #[cold]
    fn blame(&self, what: &str) {
        tracing::error!("{}: {what}", self.slot.request_line());
    }

    /// The app failed: a 500 while nothing is committed, else a cut.
    #[cold]
    pub(super) fn fail(&mut self, error: Error, now: &Now) {
        let text = caught(|| Ok(error.to_string())).unwrap_or_else(|_| "an error whose text panics".to_owned());
        let _ = caught(|| {
            drop(error);
            Ok(())
        });
        let line = self.slot.request_line();
        let wire = self.slot.wire();
        if wire.gone {
            tracing::debug!("{line}: the client has left");
            return self.gone();
        }
        match wire.input_failure {
            Some(refusal) => tracing::info!("{line}: {}", refusal.text()),
            None => tracing::error!("{line}: {}", escape(&text)),
        }
        let fault = wire.input_failure.map_or(Fault::AppFailed, Fault::Refused);
        let status = wire.input_failure.map_or(Status::INTERNAL_SERVER_ERROR, Refusal::status);
        if wire.state == ResponseState::Committed {
            return match wire.input_failure {
                // The client's doing, and told above.
                Some(_) => {
                    self.service.counters.count(fault);
                    self.drop_response();
                }
                None => self.cut("the response had begun"),
            };
        }
        self.service.counters.count(fault);
        if self.slot.close_body().is_err() {
            tracing::error!("{line}: the app panicked in close");
        }
        let wire = self.slot.wire();
        let text = wire.input_failure.map_or("", Refusal::text);
        wire.retract();
        wire.terms.keep_alive &= wire.input_failure.is_none() && !self.stopping;
        answer(wire, status, text, &now.date);
        self.finish(now);
    }

    /// Answers a request that is ready in the stead of the app, which cannot be
    /// called for it: the client may come again (RFC 9110, section 15.6.4).
    #[cold]
    pub fn turn_away(&mut self, now: &Now) {
        if self.is_ready() {
            let wire = self.slot.wire();
            wire.terms.keep_alive &= !self.stopping;
            answer(wire, Status::SERVICE_UNAVAILABLE, "the server is busy", &now.date);
            self.finish(now);
        }
    }

    /// Answers a request that never reaches the app, and closes.
    #[cold]
    pub(super) fn refuse(&mut self, refusal: Refusal, now: &Now) {
        let (text, code) = (refusal.text(), refusal.status().code());
        // It gets its id below, where it is told of.
        let before = RequestId::enter(Some(self.id.next()));
        tracing::info!("{}: refused with {code}: {text}", self.slot.client());
        RequestId::enter(before);
        self.service.counters.count(Fault::Refused(refusal));
        let head_only = self.slot.wire().buffer.bytes().trim_ascii_start().starts_with(b"HEAD ");
        self.observe_refused(refusal.status(), now.instant);
        let terms = self.refused_terms(refusal, head_only);
        self.slot.recycle();
        let wire = self.slot.wire();
        wire.begin(terms);
        answer(wire, refusal.status(), refusal.text(), &now.date);
        wire.finish();
        self.close(true);
    }

    /// Ends a response that cannot be ended well: the client must be able to
    /// tell that it is not whole, so the connection closes.
    #[cold]
    pub(super) fn cut(&mut self, why: &str) {
        tracing::error!("{}: {why}; the connection is cut", self.slot.request_line());
        self.service.counters.count(Fault::Cut);
        self.drop_response();
    }

    fn drop_response(&mut self) {
        // TLS has a word for the end of what was sent, which is left out.
        let looks_whole = self.slot.wire_ref().ends_with_connection() && !self.slot.is_secure();
        self.slot.wire().state.finish();
        self.end = if looks_whole { End::Reset } else { End::Cut };
        self.close(true);
    }

    /// Sends what is there, then closes; with `linger`, in a way that what the
    /// client still sends does not turn the close into a reset, which would
    /// take back what it has not read yet (RFC 9112, section 9.6).
    pub(super) fn close(&mut self, linger: bool) {
        self.land(None);
        self.slot.recycle();
        let linger = linger && !self.half_closed;
        self.phase = match self.slot.wire().is_waiting() {
            true => Phase::Last { linger },
            false => self.ended(linger),
        };
    }

    /// What follows once all is sent. A client that speaks TLS is told of the end:
    /// else it cannot tell that from a connection that somebody has cut.
    pub(super) fn ended(&self, linger: bool) -> Phase {
        let is_told = linger || self.slot.is_secure() || self.end == End::Reset;
        if is_told { Phase::Shut { linger } } else { Phase::Closed }
    }
}

/// What a call or a pull leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum After {
    More,
    Finished,
}

/// What the server answers in place of an app that takes too long, while that
/// still has its connection: to any method, so without content. Nothing for FastCGI, where
/// an answer has a number that only the call's thread knows: such a web server sees that the
/// connection is cut.
#[must_use]
pub fn overdue(now: &Now, server: &str, scheme: Scheme) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    if scheme == Scheme::FastCgi {
        return out;
    }
    response::begin(&mut out, &Head::new(Status::GATEWAY_TIMEOUT, &[]));
    let tail = response::Tail { length: Some(0), connection: Some("close"), chunked: false, date: true, server: true };
    response::finish(&mut out, &tail, response::Stamp::new(server).dated(&now.date));
    if scheme == Scheme::Scgi {
        out.splice(..b"HTTP/1.1".len(), *b"Status:");
    }
    out
}

/// Writes an answer of the server's own: a small plain text.
fn answer(wire: &mut Wire, status: Status, text: &str, date: &Date) {
    let colon = if text.is_empty() { "" } else { ": " };
    let body = format!("{status}{colon}{text}\n");
    let headers = [Header::new("Content-Type", "text/plain; charset=utf-8"), Header::new("Retry-After", "1")];
    // Only who is turned away for now is told when to come again.
    let headers = if status == Status::SERVICE_UNAVAILABLE { &headers[..] } else { &headers[..1] };
    // Fresh state and a head of our own: neither can be refused.
    let outcome = wire.start(Head::new(status, headers)).and_then(|()| wire.give(body.as_bytes(), date));
    debug_assert!(outcome.is_ok(), "{outcome:?}");
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

    fn is_closing(&mut self) -> bool {
        false
    }

    fn now(&mut self) -> &Now {
        unreachable!("a body in memory asks for no time")
    }
}
