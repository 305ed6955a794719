//! Notices a leader that is held up, and has its loop taken over. It looks once
//! a tick while connections are driven, and sleeps when none is.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Instant;

use super::{TICK, Worker};

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

    /// Waits until a loop is lent out, unless `is_needed` after this was said.
    fn sleep(&self, is_needed: impl Fn() -> bool) {
        let lock = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        self.asleep.store(true, SeqCst);
        if is_needed() {
            self.asleep.store(false, SeqCst);
        } else {
            drop(self.woken.wait_while(lock, |()| self.asleep.load(SeqCst)));
        }
    }
}

impl Worker {
    /// Watches over the loops, to their end.
    pub(super) fn watch(self: &Arc<Self>) {
        let now = || self.loops.iter().map(|looped| looped.lease.glance()).collect::<Vec<_>>();
        let (mut before, mut quiet) = (now(), 0);
        while self.runs() {
            let seen = now();
            for (number, (seen, before)) in seen.iter().zip(&before).enumerate() {
                // Lent out a tick ago, and still so.
                if seen == before && seen.is_lent() {
                    self.loops[number].blocked(Instant::now());
                    self.summon(number);
                }
            }
            quiet = if seen == before { quiet + 1 } else { 0 };
            before = seen;
            if quiet >= QUIET {
                self.monitor.sleep(|| !self.runs() || now() != before);
                quiet = 0;
            }
            self.monitor.pause();
        }
    }
}
