//! Notices a leader that is held up, and has its loop taken over. It looks once
//! a tick while connections are driven, and sleeps when none is.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::station::Looped;
use super::{TICK, Worker};
use crate::sys::Glance;
pub(super) use crate::sys::Vigil as Monitor;

/// After so many ticks in which nothing was driven it sleeps.
const QUIET: u32 = 16;

impl Worker {
    /// Watches over the loops, to their end.
    pub(super) fn watch(self: &Arc<Self>) {
        let mut seen: Vec<Glance> = self.loops.iter().map(|looped| looped.lease.glance()).collect();
        let mut quiet = 0;
        while self.runs() {
            let now = Instant::now();
            quiet += 1;
            for (number, seen) in seen.iter_mut().enumerate() {
                let glance = self.loops[number].lease.glance();
                self.look(number, glance, *seen, now);
                if glance != *seen {
                    quiet = 0;
                }
                *seen = glance;
            }
            if quiet < QUIET || self.is_short() {
                self.monitor.pause(TICK);
            } else {
                let changed = || self.loops.iter().zip(&seen).any(|(looped, seen)| looped.lease.glance() != *seen);
                let is_needed =
                    || !self.runs() || self.pool.has_kept() || self.loops.iter().any(Looped::is_left) || changed();
                self.monitor.sleep(self.due_in(now), is_needed);
                quiet = 0;
            }
        }
    }

    /// Whether an order waits for a thread that still cannot be started. Once
    /// things are quiet nobody else tries again.
    fn is_short(self: &Arc<Self>) -> bool {
        self.place(self.pool.retry());
        self.pool.has_kept()
    }

    /// Looks after a loop, of which this was seen now and a tick ago.
    fn look(self: &Arc<Self>, number: usize, glance: Glance, before: Glance, now: Instant) {
        let looped = &self.loops[number];
        let idle = glance == before && glance.is_lent();
        if !looped.is_shared() {
            // Lent out a tick ago, and still so.
            if idle {
                looped.blocked(now);
                self.summon(number);
            }
        } else if looped.is_left() {
            if idle {
                self.summon(number);
            }
        } else if looped.due_in(now) == 0 || !looped.is_blocking(now) {
            // Somebody has to see to its timers, or poll alone again.
            looped.poke();
        }
    }

    /// In what time a loop that nobody polls alone has to be looked after.
    fn due_in(&self, now: Instant) -> Duration {
        let shared = self.loops.iter().filter(|looped| looped.is_shared());
        shared.map(|looped| Duration::from_nanos(looped.due_in(now))).min().unwrap_or(Duration::MAX)
    }
}
