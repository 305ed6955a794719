//! A connection of a web server that has read requests itself: uwsgi, SCGI, FastCGI.

use std::ops::Range;

use super::slot::Opened;
use super::wire::{Behind, Terms};
use super::{Exchange, Now, Phase};
use crate::net::{Endpoint, Scheme};
use crate::protocol::Refusal;
use crate::protocol::front::{Broken, Found, Front};
use crate::protocol::http1::Version;
use crate::stats::{Fault, overheard};

impl Exchange {
    /// What the web server speaks, if one is connected that does.
    pub(super) fn front(&self) -> Option<Front> {
        match self.slot.endpoint().map(Endpoint::scheme)? {
            Scheme::Uwsgi => Some(Front::Uwsgi),
            Scheme::Scgi => Some(Front::Scgi),
            Scheme::FastCgi => Some(Front::FastCgi),
            Scheme::Http | Scheme::Https => None,
        }
    }

    /// Whether another process can go on with it, between two requests.
    #[must_use]
    pub fn is_movable(&self) -> bool {
        self.slot.endpoint().is_some_and(Endpoint::is_movable)
    }

    /// Goes as far as the bytes at hand allow.
    pub(super) fn read_enveloped(&mut self, now: &Now) {
        let Some(front) = self.front() else { return };
        while self.phase == Phase::Enveloped && !self.slot.wire_ref().buffer.bytes().is_empty() {
            match self.slot.look(front, &self.service.limits) {
                Ok(Found::Partial) => return,
                Ok(Found::Answer { size, bytes, close }) => {
                    let wire = self.slot.wire();
                    wire.buffer.cut(0, size);
                    wire.push_aside(&bytes);
                    (self.since, self.moved) = (Some(now.instant), self.slot.wire_ref().buffer.bytes().len() as u64);
                    if close {
                        self.close(true);
                    }
                }
                Ok(Found::Request(envelope, aside)) => {
                    self.slot.wire().push_aside(&aside);
                    match self.slot.open_enveloped(front, envelope, &self.service.limits) {
                        Ok(opened) => self.opened(&opened, now),
                        Err(refusal) => self.refuse(refusal, now),
                    }
                    // Its body may be there already.
                    return self.advance(now);
                }
                Err(Broken::Http) => self.refuse(Refusal::NotHttpHere, now),
                // It is answered: a web server that is not takes this one for broken, and
                // asks the next.
                Err(Broken::TooLarge) => self.refuse(Refusal::HeadTooLarge, now),
                Err(broken) => self.malformed(front, broken),
            }
        }
    }

    /// Tells a web server what the app has logged meanwhile.
    #[cold]
    pub(super) fn tell_overheard(&mut self) {
        if let Some(lines) = overheard(self.id) {
            self.slot.wire().tell(&lines);
        }
    }

    /// Opens a request anew whose head is in `range`: its bytes were free to move.
    ///
    /// # Errors
    /// The rule that it breaks.
    pub(super) fn reopen(&mut self, range: Range<usize>) -> Result<Opened, Refusal> {
        let Some(front) = self.front() else { return self.slot.open(range, &self.service.limits) };
        match self.slot.look(front, &self.service.limits) {
            Ok(Found::Request(envelope, _)) => self.slot.open_enveloped(front, envelope, &self.service.limits),
            _ => Err(Refusal::RequestLine),
        }
    }

    /// What is owed to a request that is refused.
    pub(super) fn refused_terms(&self, refusal: Refusal, head_only: bool) -> Terms {
        let front = self.front().filter(|_| refusal != Refusal::NotHttpHere);
        let id = match self.slot.wire_ref().buffer.bytes() {
            [_, _, high, low, ..] => u16::from_be_bytes([*high, *low]),
            _ => 0,
        };
        let behind = front.map(|front| Behind { front, id, stays: false });
        let version = if behind.is_some() { Version::Http10 } else { Version::Http11 };
        Terms { version, head_only, keep_alive: false, last: false, front: behind }
    }

    /// Goes on after an answer to a web server that stays. What the app has left of the
    /// body is read over first.
    pub(super) fn next_enveloped(&mut self, now: &Now) {
        if !self.slot.wire_ref().decoder.is_done() {
            return self.begin_drain(now);
        }
        self.slot.recycle();
        self.phase = Phase::Enveloped;
        self.since = Some(now.instant);
        self.moved = self.slot.wire().buffer.bytes().len() as u64;
        if self.half_closed && self.moved == 0 {
            return self.close(false);
        }
        self.read_enveloped(now);
    }

    /// Closes: where a request ends, nobody knows.
    #[cold]
    fn malformed(&mut self, front: Front, broken: Broken) {
        tracing::info!("{}: closed: {} is spoken here: {}", self.slot.client(), front.name(), broken.text());
        self.service.counters.count(Fault::Malformed);
        self.close(false);
    }
}
