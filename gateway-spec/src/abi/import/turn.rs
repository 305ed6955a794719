//! One call at a time, for an app that is not CONCURRENT.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::abi::host::this_thread;
use crate::error::{Error, Result};

/// Who is inside.
#[derive(Debug, Default)]
pub(super) struct Turn {
    lock: Mutex<()>,
    /// The thread that has the lock, or 0.
    holder: AtomicUsize,
}

/// A turn that was taken.
pub(super) struct Taken<'a> {
    turn: &'a Turn,
    _guard: MutexGuard<'a, ()>,
}

impl Turn {
    /// Waits for the turn.
    ///
    /// # Errors
    /// [`Error::State`] for a thread that has it already: middleware that calls
    /// the app from within the app's own `start_response` would wait for itself.
    pub(super) fn take(&self) -> Result<Taken<'_>> {
        // Only this thread can have stored its own mark.
        if self.holder.load(Relaxed) == this_thread() {
            return Err(Error::State("the app is not concurrent, and is called from inside its own call".into()));
        }
        let guard = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        self.holder.store(this_thread(), Relaxed);
        Ok(Taken { turn: self, _guard: guard })
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        self.turn.holder.store(0, Relaxed);
    }
}
