//! What happens when a client takes too long.

use std::time::{Duration, Instant};

use super::{Exchange, LINGER, Now, Phase, Want};
use crate::protocol::Refusal;
use crate::protocol::proxy::Broken;
use crate::stats::RequestId;

impl Exchange {
    /// When [`tick`](Self::tick) has something to do.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        let timeouts = &self.service.timeouts;
        let after = |duration: Duration| self.since?.checked_add(duration);
        match (self.want(), self.phase) {
            (Want::Write | Want::Shutdown, _) => after(timeouts.write),
            (Want::Read, Phase::Head | Phase::Enveloped) if self.moved == 0 => after(timeouts.idle(self.requests)),
            (Want::Read, Phase::Head | Phase::Enveloped | Phase::Preface) => after(timeouts.head),
            (Want::Read, Phase::Linger { .. }) => after(LINGER),
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
            (Want::Read, Phase::Head | Phase::Enveloped) if self.moved == 0 => self.close(false),
            (Want::Read, Phase::Head | Phase::Enveloped) => self.refuse(Refusal::HeadTimeout, now),
            (Want::Read, Phase::Preface) => self.unannounced(Broken::Late),
            (Want::Read, Phase::Collect { .. } | Phase::Gather { .. }) => self.refuse(Refusal::BodyTimeout, now),
            (Want::Read, Phase::Linger { .. }) => self.phase = Phase::Closed,
            (Want::Read, _) => self.close(true),
            _ => {
                let before = RequestId::enter(Some(self.id));
                tracing::info!("{}: the client took nothing of its response for too long", self.slot.client());
                RequestId::enter(before);
                self.gone();
            }
        }
    }
}
