//! The request's side: from bytes at hand to a request that is ready.

use super::slot::Opened;
use super::{Bodies, Exchange, Now, Phase, Places, SMALL_BODY};
use crate::protocol::Refusal;
use crate::protocol::http1::{Found, Framing, Scanner};

impl Exchange {
    /// Goes as far as the bytes at hand allow.
    pub(super) fn advance(&mut self, now: &Now) {
        loop {
            let before = self.phase;
            match self.phase {
                Phase::Head => self.scan(now),
                Phase::Collect { start, end, total } if self.slot.wire().buffer.bytes().len() >= total => {
                    self.open(start, end, now);
                }
                Phase::Gather { start, end } => self.gather(start, end, now),
                Phase::Drain { left } => self.drain(left, now),
                _ => {}
            }
            if self.phase == before {
                break;
            }
        }
    }

    fn scan(&mut self, now: &Now) {
        let bytes = self.slot.wire_ref().buffer.bytes();
        if bytes.is_empty() {
            return;
        }
        match self.scanner.scan(bytes, &self.service.limits) {
            Ok(Found::Partial) => {}
            Ok(Found::Head { start, end }) => self.open(start, end, now),
            Err(refusal) => self.refuse(refusal, now),
        }
    }

    /// Opens the request whose head is complete, at `start..end`.
    fn open(&mut self, start: usize, end: usize, now: &Now) {
        let limits = self.service.limits;
        let arrived = self.slot.wire_ref().buffer.bytes().len() - end;
        let opened = match self.slot.open(start, end, &limits) {
            Ok(opened) => opened,
            Err(refusal) => return self.refuse(refusal, now),
        };
        let mut waits_for_100 = opened.expect_continue && arrived == 0;
        let is_small = match opened.framing {
            Framing::None => true,
            Framing::Length(length) => length <= SMALL_BODY,
            Framing::Chunked => false,
        };
        let collects = (waits_for_100 || !is_small) && !self.is_admitted();
        if collects && matches!(opened.framing, Framing::Length(length) if length > limits.spool.max(SMALL_BODY)) {
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
                    self.phase = Phase::Collect { start, end, total: end + length as usize };
                    return;
                }
                length as usize
            }
            Framing::Length(_) | Framing::Chunked if collects => {
                return self.begin_gather(start, end, opened.framing);
            }
            Framing::Length(length) => (arrived as u64).min(length) as usize,
            Framing::None | Framing::Chunked => 0,
        };
        self.ready(&opened, end, preread);
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

    /// The app can be called for the request that is open: `preread` bytes of
    /// its body are in the buffer, at `body`.
    pub(super) fn ready(&mut self, opened: &Opened, body: usize, preread: usize) {
        self.slot.ready(opened, body, preread, self.service.limits.body);
        self.requests += 1;
        let most = self.service.keep_alive_requests;
        if most > 0 && self.requests >= most {
            self.slot.wire().terms.keep_alive = false;
        }
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

    #[inline]
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
                Phase::Head => self.end(false),
                // No more of its body will come.
                Phase::Collect { .. } | Phase::Gather { .. } => self.refuse(Refusal::Truncated, now),
                _ => {}
            }
        }
    }
}
