//! Threads that wait for the same thing together, until one of them wants to wait
//! for it alone.
//!
//! Who joins says so before it looks whether it may stay; who wants to be alone says
//! that before it looks whether anybody is there. So one of both sees the other.

use super::atomic::{AtomicBool, AtomicU64, Ordering, yield_now};
use super::lease::{Held, Lease};

/// See the module's text.
#[derive(Debug)]
pub(crate) struct Company {
    open: AtomicBool,
    members: AtomicU64,
}

impl Company {
    /// Nobody is in it, and nobody may be.
    pub(crate) fn new() -> Self {
        Self { open: AtomicBool::new(false), members: AtomicU64::new(0) }
    }

    /// Whether threads wait together.
    pub(crate) fn is_open(&self) -> bool {
        self.open.load(Ordering::SeqCst)
    }

    /// Whether anybody waits.
    pub(crate) fn has_members(&self) -> bool {
        self.members.load(Ordering::SeqCst) > 0
    }

    /// Lets others come. Only one thread at a time opens and closes.
    #[inline]
    pub(crate) fn open(&self) {
        if !self.open.load(Ordering::Relaxed) {
            self.open.store(true, Ordering::SeqCst);
        }
    }

    /// Lets nobody in any more, and waits until all have left: `wake` wakes all who
    /// wait, and those who are about to.
    #[inline]
    pub(crate) fn close(&self, wake: impl FnOnce()) {
        if self.open.load(Ordering::Relaxed) {
            self.open.store(false, Ordering::SeqCst);
            wake();
            while self.has_members() {
                yield_now();
            }
        }
    }

    /// Waits with others; `None` where nobody may, or this thread `is_needed`
    /// elsewhere once it has said that it is here.
    pub(crate) fn join<R>(&self, is_needed: impl FnOnce() -> bool, wait: impl FnOnce() -> R) -> Option<R> {
        self.members.fetch_add(1, Ordering::SeqCst);
        let stays = self.is_open() && !is_needed();
        let result = stays.then(wait);
        self.members.fetch_sub(1, Ordering::SeqCst);
        result
    }

    /// Takes what each of them works with in turn, for some microseconds; `None`
    /// once somebody keeps it, and waits alone.
    pub(crate) fn take<'a, T>(&self, lease: &'a Lease<T>) -> Option<Held<'a, T>> {
        loop {
            if let Some(held) = lease.seize(lease.glance()) {
                return Some(held);
            }
            if !self.is_open() {
                return None;
            }
            yield_now();
        }
    }
}
