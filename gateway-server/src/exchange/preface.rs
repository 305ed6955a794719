//! A connection of a proxy that says who its client is before the first byte of
//! that: no more is read of it than the PROXY header, because what follows may be
//! another protocol's.

use super::{Exchange, Now, Phase};
use crate::protocol::proxy::{self, Broken};
use crate::stats::Fault;

impl Exchange {
    /// Whether a PROXY header is read: an engine looks at what has come
    /// ([`in_preface`](Self::in_preface)) before it takes anything.
    #[must_use]
    pub fn is_preface(&self) -> bool {
        matches!(self.phase, Phase::Preface)
    }

    /// How many of `count` bytes are the header's that wait to be read, and were
    /// looked at in [`room`](Self::room).
    #[must_use]
    pub fn in_preface(&mut self, count: usize) -> usize {
        let buffer = &mut self.slot.wire().buffer;
        let before = buffer.bytes().len();
        buffer.filled(count);
        let extent = proxy::extent(buffer.bytes());
        // They are not read yet.
        buffer.cut(before, count);
        extent.saturating_sub(before)
    }

    /// Takes bytes of the header.
    pub(super) fn read_preface(&mut self, now: &Now) {
        let buffer = &mut self.slot.wire().buffer;
        match proxy::parse(buffer.bytes()) {
            Ok(None) => {}
            Ok(Some(header)) => {
                // There is nothing behind it.
                buffer.clear();
                self.slot.rebind(|endpoint| self.service.proxies.announced(endpoint, &header));
                self.since = Some(now.instant);
                self.phase = self.slot.endpoint().map_or(Phase::Head, Phase::of_requests);
            }
            Err(broken) => self.unannounced(broken),
        }
    }

    /// The client has closed its sending side. One that has said nothing at all has
    /// just looked whether somebody listens.
    pub(super) fn end_of_preface(&mut self) {
        match self.slot.wire_ref().buffer.bytes() {
            [] => self.close(false),
            _ => self.unannounced(Broken::CutShort),
        }
    }

    /// Closes: who the client is, nobody knows, nor what it speaks.
    #[cold]
    pub(super) fn unannounced(&mut self, broken: Broken) {
        tracing::info!("{}: closed: {}", self.slot.client(), broken.text());
        self.service.counters.count(Fault::Unannounced);
        self.gone();
    }
}
