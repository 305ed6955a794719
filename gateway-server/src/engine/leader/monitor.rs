//! Notices a leader that is held up, and has its loop taken over. It looks once
//! a tick while connections are driven, and sleeps when none is.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::{TICK, Worker};
use crate::sys::Glance;

/// After so many ticks in which nothing was driven it sleeps.
const QUIET: u32 = 16;

/// How the monitor is woken.
#[derive(Debug, Default)]
pub(super) struct Monitor {
    asleep: AtomicBool,
    lock: Mutex<()>,
    woken: Condvar,
}

impl Monitor {
    /// A loop was lent out: somebody has to look at it.
    #[inline]
    pub(super) fn attend(&self) {
        if self.asleep.load(SeqCst) {
            self.wake();
        }
    }

    #[cold]
    pub(super) fn wake(&self) {
        let _lock = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        self.asleep.store(false, SeqCst);
        self.woken.notify_one();
    }

    /// Waits for a tick.
    fn pause(&self) {
        let lock = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.woken.wait_timeout(lock, TICK));
    }

    /// Waits until a loop is lent out, or so long, unless `is_needed` after this was said.
    fn sleep(&self, most: Option<Duration>, is_needed: impl Fn() -> bool) {
        let lock = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        self.asleep.store(true, SeqCst);
        if is_needed() {
            self.asleep.store(false, SeqCst);
        } else {
            let most = most.unwrap_or(Duration::MAX);
            drop(self.woken.wait_timeout_while(lock, most, |()| self.asleep.load(SeqCst)));
            self.asleep.store(false, SeqCst);
        }
    }
}

impl Worker {
    /// Watches over the loops, to their end.
    pub(super) fn watch(self: &Arc<Self>) {
        let seen = || self.loops.iter().map(|looped| looped.lease.glance()).collect::<Vec<_>>();
        let (mut before, mut quiet) = (seen(), 0);
        while self.runs() {
            let (glances, now) = (seen(), Instant::now());
            for (number, (glance, before)) in glances.iter().zip(&before).enumerate() {
                self.look(number, *glance, *before, now);
            }
            quiet = if glances == before { quiet + 1 } else { 0 };
            before = glances;
            if quiet >= QUIET {
                self.monitor.sleep(self.due_in(now), || !self.runs() || seen() != before);
                quiet = 0;
            } else {
                self.monitor.pause();
            }
        }
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
        } else if !looped.has_pollers() {
            if idle {
                self.summon(number);
            }
        } else if looped.due_in(now) == 0 || !looped.is_blocking(now) {
            // Somebody has to see to its timers, or poll alone again.
            looped.poke();
        }
    }

    /// When a loop that nobody polls alone has to be looked after.
    fn due_in(&self, now: Instant) -> Option<Duration> {
        let shared = self.loops.iter().filter(|looped| looped.is_shared());
        shared.map(|looped| Duration::from_nanos(looped.due_in(now))).min()
    }
}
