//! A connection between two requests holds no buffers: what is left of it is
//! a [`Resting`], and the exchange that served it serves another.

use std::sync::Arc;
use std::time::Instant;

use super::slot::Slot;
use super::wire::Wire;
use super::{End, Exchange, Now, Phase, RECEIVE, Service, Timeouts};
use crate::net::{Endpoint, Origin, Peer};
use crate::protocol::http1::Scanner;
use crate::stats::{Board, RequestId};

/// A connection between two requests, or before its first.
#[derive(Clone, Debug)]
pub struct Resting {
    endpoint: Endpoint,
    requests: u64,
    /// Since when it rests.
    since: Instant,
    stopping: bool,
    /// Whether its PROXY header is to come.
    is_announcing: bool,
}

impl Resting {
    /// A connection that was just taken in.
    #[must_use]
    pub fn new(origin: impl Into<Origin>, now: &Now) -> Self {
        let Origin { endpoint, requests, .. } = origin.into();
        let is_announcing = endpoint.peer() == Peer::Announcing;
        Self { endpoint, requests, since: now.instant, stopping: false, is_announcing }
    }

    /// Who is connected to whom.
    #[must_use]
    pub const fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// When it has rested for too long: it is closed then, without a word.
    #[must_use]
    pub fn deadline(&self, timeouts: &Timeouts) -> Option<Instant> {
        self.since.checked_add(timeouts.idle(self.requests))
    }

    /// How many requests have begun on this connection.
    #[must_use]
    pub const fn requests(&self) -> u64 {
        self.requests
    }
}

impl Exchange {
    /// Memory for one connection at a time, used for one after the other.
    #[must_use]
    pub fn vacant(service: Arc<Service>) -> Self {
        let wire = Wire::new(RECEIVE, service.server);
        let flight = service.board.as_ref().and_then(Board::flight);
        Self {
            slot: Slot::new(Arc::clone(&service), wire),
            service,
            phase: Phase::Closed,
            scanner: Scanner::default(),
            half_closed: false,
            stopping: false,
            end: End::default(),
            requests: 0,
            flight,
            id: RequestId::of_exchange(),
            begun: None,
            called: None,
            is_overdue: false,
            since: None,
            moved: 0,
        }
    }

    /// Takes a connection on. One that is there still is forgotten.
    #[inline]
    pub fn resume(&mut self, resting: Resting) {
        if self.slot.is_bound() {
            self.vacate();
        }
        self.phase = match resting.is_announcing {
            true => Phase::Preface,
            false => Phase::of_requests(&resting.endpoint),
        };
        self.slot.bind(resting.endpoint);
        (self.requests, self.since, self.stopping) = (resting.requests, Some(resting.since), resting.stopping);
    }

    /// Gives the connection's part away when nothing of a request has begun
    /// and nothing waits to be sent; this memory can then serve another.
    #[inline]
    pub fn rest(&mut self) -> Option<Resting> {
        let wire = self.slot.wire_ref();
        let is_announcing = matches!(self.phase, Phase::Preface);
        let is_between = is_announcing || matches!(self.phase, Phase::Head | Phase::Enveloped);
        if !is_between || !wire.buffer.bytes().is_empty() || wire.is_waiting() {
            return None;
        }
        // What `resume` does not set is as it is at the start: nothing came.
        self.phase = Phase::Closed;
        let (endpoint, since) = (self.slot.unbind()?, self.since?);
        Some(Resting { endpoint, requests: self.requests, since, stopping: self.stopping, is_announcing })
    }

    /// Forgets a connection that is over; this memory can then serve another.
    pub fn vacate(&mut self) {
        self.slot.recycle();
        self.slot.unbind();
        self.slot.wire().vacate();
        self.phase = Phase::Closed;
        (self.scanner, self.moved, self.half_closed, self.end) = (Scanner::default(), 0, false, End::Whole);
    }
}
