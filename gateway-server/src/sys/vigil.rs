//! A thread that looks after others while they have something to look after, and
//! sleeps when they have not.
//!
//! Who has something done says so before it asks whether the watcher is awake;
//! the watcher says that it sleeps before it looks a last time. So one of both
//! sees the other.

use std::sync::PoisonError;
use std::time::Duration;

use super::atomic::{AtomicBool, Condvar, Mutex, Ordering};

/// See the module's text.
#[derive(Debug, Default)]
pub(crate) struct Vigil {
    asleep: AtomicBool,
    lock: Mutex<()>,
    woken: Condvar,
}

impl Vigil {
    /// There is something to look after.
    #[inline]
    pub(crate) fn attend(&self) {
        if self.asleep.load(Ordering::SeqCst) {
            self.wake();
        }
    }

    /// Wakes the watcher, if it sleeps.
    #[cold]
    pub(crate) fn wake(&self) {
        let _lock = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        self.asleep.store(false, Ordering::SeqCst);
        self.woken.notify_one();
    }

    /// Lets a tick pass.
    pub(crate) fn pause(&self, tick: Duration) {
        let lock = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.woken.wait_timeout(lock, tick));
    }

    /// Sleeps until somebody [attends](Self::attend), or so long, unless
    /// something is there to look after once this was said.
    pub(crate) fn sleep(&self, most: Duration, is_needed: impl Fn() -> bool) {
        let lock = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        self.asleep.store(true, Ordering::SeqCst);
        if !is_needed() {
            drop(self.woken.wait_timeout_while(lock, most, |()| self.asleep.load(Ordering::SeqCst)));
        }
        self.asleep.store(false, Ordering::SeqCst);
    }
}
