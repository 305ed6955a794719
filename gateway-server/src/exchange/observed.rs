//! What others are told of an answer: the board, and who keeps a journal.

use std::time::Instant;

use gateway_spec::Status;

use super::Exchange;
use crate::stats::{Asked, Flight, Record, Sample, Took};

/// The status of an answer that its client did not wait for: nobody is sent it (nginx
/// writes the same into its log).
const CLIENT_LEFT: u16 = 499;

impl Exchange {
    /// The request that was ready is over, at a time that is known or about when its
    /// last bytes moved.
    #[inline]
    pub(super) fn land(&mut self, now: Option<Instant>) {
        if self.service.is_observed() {
            self.observe(now);
        } else if let Some(flight) = &self.flight {
            flight.end();
        }
    }

    #[inline(never)]
    fn observe(&mut self, now: Option<Instant>) {
        let Some(begun) = self.begun.take() else {
            return self.flight.iter().for_each(Flight::end);
        };
        let now = now.or(self.since).unwrap_or(begun);
        let called = self.called.take().unwrap_or(now);
        let wire = self.slot.wire_ref();
        let has_left = wire.gone && !self.has_begun();
        let is_overdue = std::mem::take(&mut self.is_overdue);
        let (status, bytes) = match is_overdue {
            true => (Status::GATEWAY_TIMEOUT.code(), 0),
            _ if has_left => (CLIENT_LEFT, wire.content()),
            _ => (wire.status.code(), wire.content()),
        };
        // Nearly always the app is called at once, in the wake-up that brought the request.
        let took = Took { queued: Took::between(begun, called), total: Took::between(begun, now) };
        let sample = Sample { status, bytes, took: Some(took) };
        match &self.flight {
            // It was counted when its client was told.
            Some(flight) if is_overdue => flight.end(),
            None if is_overdue => {}
            Some(flight) if self.service.timed => flight.land(&sample),
            Some(flight) => flight.end(),
            None => self.count(&sample),
        }
        if let Some(journal) = &self.service.journal {
            let (client, asked) = self.slot.asked();
            journal.note(&Record { id: self.id, at: now, client, asked, sample });
        }
    }

    /// A request is refused that was never ready.
    #[cold]
    pub(super) fn observe_refused(&mut self, status: Status, at: Instant) {
        self.id = self.id.next();
        let sample = Sample { status: status.code(), bytes: 0, took: None };
        self.count(&sample);
        if let Some(journal) = &self.service.journal {
            let (client, _) = self.slot.asked();
            let bytes = self.slot.wire_ref().buffer.bytes().trim_ascii_start();
            let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default().trim_ascii_end();
            // What a web server has wrapped is no line: cookies and all stand in it.
            let said = self.front().map(|_| self.slot.said_line());
            let asked = Asked::Line(said.as_deref().unwrap_or(line));
            journal.note(&Record { id: self.id, at, client, asked, sample });
        }
    }

    fn count(&self, sample: &Sample) {
        if !self.service.timed {
            return;
        }
        match (&self.flight, &self.service.board) {
            (Some(flight), _) => flight.count(sample),
            (None, Some(board)) => board.count(sample),
            (None, None) => {}
        }
    }
}
