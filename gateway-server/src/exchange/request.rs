//! The request's side: from bytes at hand to a request that is ready.

use super::slot::Opened;
use super::{Bodies, Exchange, Now, Phase, Places, SMALL_BODY};
use crate::protocol::Refusal;
use crate::protocol::front::Front;
use crate::protocol::http1::{Found, Framing, Scanner};

impl Exchange {
    /// Goes as far as the bytes at hand allow.
    pub(super) fn advance(&mut self, now: &Now) {
        let arrived = self.slot.wire_ref().buffer.bytes().len();
        if self.phase == Phase::Head && arrived > 0 {
            self.begin(arrived, now);
        }
        match self.phase {
            Phase::Collect { start, end, total } if arrived >= total => self.open(start, end, now),
            Phase::Gather { start, end } => self.gather(start, end, now),
            Phase::Drain { left } => self.drain(left, now),
            Phase::Enveloped => self.read_enveloped(now),
            _ => {}
        }
    }

    /// Begins a request, if its head is among the bytes that `arrived`.
    fn begin(&mut self, arrived: usize, now: &Now) {
        // Nearly every head comes whole.
        if self.scanner.is_fresh()
            && let Ok(opened) = self.slot.open(0..arrived, &self.service.limits)
        {
            self.opened(&opened, now);
        } else {
            self.scan(now);
        }
    }

    /// Looks through a head that may not be complete: once, however small its
    /// pieces.
    #[cold]
    fn scan(&mut self, now: &Now) {
        match self.scanner.scan(self.slot.wire_ref().buffer.bytes(), &self.service.limits) {
            Ok(Found::Head { start, end }) => self.open(start, end, now),
            _ if Front::guess(self.slot.wire_ref().buffer.bytes()).is_some() => {
                self.refuse(Refusal::OnlyHttpHere, now);
            }
            Ok(Found::Partial) => {}
            Err(refusal) => self.refuse(refusal, now),
        }
    }

    /// Opens the request whose head is complete, at `start..end`.
    #[cold]
    fn open(&mut self, start: usize, end: usize, now: &Now) {
        match self.reopen(start..end) {
            Ok(opened) => self.opened(&opened, now),
            Err(refusal) => self.refuse(refusal, now),
        }
    }

    /// Goes on with a request that is open.
    // Always: what was opened stays in registers on its way to the app.
    #[inline(always)]
    pub(super) fn opened(&mut self, opened: &Opened, now: &Now) {
        match opened.framing {
            Framing::None => {
                self.ready(opened, 0, now);
                self.slot.wire().expects_100 = false;
            }
            _ => self.opened_with_body(opened, now),
        }
    }

    /// Decides what becomes of the body of a request that is open.
    #[inline(never)]
    pub(super) fn opened_with_body(&mut self, opened: &Opened, now: &Now) {
        let arrived = self.slot.wire_ref().buffer.bytes().len() - opened.end;
        let mut waits_for_100 = opened.expect_continue && arrived == 0;
        let is_small = matches!(opened.framing, Framing::Length(length) if length <= SMALL_BODY);
        let collects = (waits_for_100 || !is_small) && !self.is_admitted();
        let most = self.service.limits.spool.max(SMALL_BODY);
        let length = match opened.framing {
            Framing::Length(length) | Framing::Records { length, .. } => length,
            Framing::None | Framing::Chunked => 0,
        };
        if collects && length > most {
            return self.refuse(Refusal::BodyTooLarge, now);
        }
        if collects && std::mem::take(&mut waits_for_100) {
            // Nobody will ask for the body later.
            self.slot.wire().push_100();
        }
        let preread = match opened.framing {
            Framing::Length(length) if length <= SMALL_BODY && !waits_for_100 => {
                if (arrived as u64) < length {
                    self.slot.recycle();
                    let total = opened.end + length as usize;
                    self.phase = Phase::Collect { start: opened.start, end: opened.end, total };
                    return;
                }
                length as usize
            }
            _ if collects && opened.framing != Framing::None => return self.begin_gather(opened),
            Framing::Length(length) => (arrived as u64).min(length) as usize,
            _ => 0,
        };
        self.ready(opened, preread, now);
        self.slot.wire().expects_100 = waits_for_100;
    }

    /// Whether the app may wait for the body of the request that is open.
    fn is_admitted(&mut self) -> bool {
        match self.service.bodies {
            Bodies::Live => true,
            Bodies::Collected => false,
            Bodies::Admitted => {
                let place = self.service.live.as_ref().and_then(Places::try_enter);
                let wire = self.slot.wire();
                wire.place = place;
                wire.place.is_some()
            }
        }
    }

    /// The app can be called for the request that is open; it gets `preread`
    /// bytes of its body at once.
    #[inline(always)]
    pub(super) fn ready(&mut self, opened: &Opened, preread: usize, now: &Now) {
        self.slot.ready(opened, preread, self.service.limits.body);
        self.requests += 1;
        self.id = self.id.next();
        self.begun = Some(now.instant);
        let most = self.service.keep_alive_requests;
        if most > 0 && self.requests >= most {
            self.slot.wire().terms.keep_alive = false;
        }
        self.phase = Phase::Ready;
        if self.slot.wire_ref().terms.front.is_some() {
            self.slot.list_enveloped();
        }
    }

    #[cold]
    fn drain(&mut self, left: u64, now: &Now) {
        let wire = self.slot.wire();
        let mut scratch = [0; 4096];
        let mut left = left;
        loop {
            match wire.take(&mut scratch) {
                Ok(0) if wire.decoder.is_done() && wire.terms.front.is_some() => return self.next_enveloped(now),
                Ok(0) if wire.decoder.is_done() => return self.next_request(now),
                Ok(0) => break,
                Ok(count) if count as u64 <= left => left -= count as u64,
                // Too much to be worth the connection, or not readable.
                Ok(_) | Err(_) => return self.close(true),
            }
        }
        self.phase = Phase::Drain { left };
    }

    #[inline(always)]
    pub(super) fn next_request(&mut self, now: &Now) {
        self.slot.recycle();
        self.scanner = Scanner::default();
        self.since = Some(now.instant);
        self.moved = self.slot.wire().buffer.bytes().len() as u64;
        self.phase = Phase::Head;
        if self.moved > 0 {
            self.advance(now);
        }
        if self.half_closed {
            match self.phase {
                Phase::Head => self.close(false),
                // No more of its body will come.
                Phase::Collect { .. } | Phase::Gather { .. } => self.refuse(Refusal::Truncated, now),
                _ => {}
            }
        }
    }
}
