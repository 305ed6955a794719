//! A loop: what its leader works with, and what others see of it.

use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use rustix::event::{EventfdFlags, eventfd};

use super::client::{Owned, Place};
use super::{MEMORY, milliseconds};
use crate::engine::epoll::Set;
use crate::engine::reactor::Reactor;
use crate::engine::{HandOver, Setup};
use crate::sys::{Held, Lease};

/// What the leader of a loop works with: it goes over to the next one.
#[derive(Debug)]
pub(super) struct Station {
    pub(super) reactor: Reactor<Set<true>, Place>,
    /// Whether the loop has a permit of its own, for the calls of its leader.
    pub(super) permit: bool,
    /// The connection for which the leader has lent the loop out.
    pub(super) driven: Option<usize>,
}

/// What a leader holds.
pub(super) type Lead<'a> = Held<'a, Station>;

/// What a thread tells a loop, which it does not lead, of a connection.
#[derive(Debug)]
pub(super) struct Mail {
    pub(super) key: usize,
    pub(super) owned: Owned,
    /// It is over. Otherwise it has to be watched, and waits for its client.
    pub(super) over: bool,
}

/// A loop, as all threads see it. On cache lines of its own: other loops are
/// written to by other cores.
#[derive(Debug)]
#[repr(align(128))]
pub(super) struct Looped {
    pub(super) lease: Lease<Station>,
    /// Whether calls are taken for ones that block whatever they do.
    always: bool,
    /// Whether a call has blocked lately.
    blocking: AtomicBool,
    /// When the last one did, in milliseconds.
    blocked: AtomicU64,
    /// Whether somebody is on the way to lead it.
    summoned: AtomicBool,
    mail: Mutex<Vec<Mail>>,
    poke: OwnedFd,
}

impl Looped {
    /// A loop of at most so many connections.
    ///
    /// # Errors
    /// The system's.
    pub(super) fn new(setup: &Arc<Setup>, connections: usize) -> io::Result<Self> {
        let poke = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        let mut reactor = Reactor::new(Arc::clone(setup), Set::new()?, connections)?;
        reactor.poked_by(poke.as_fd())?;
        Ok(Self {
            always: setup.tuning.hand_over == HandOver::Always,
            lease: Lease::new(Station { reactor, permit: false, driven: None }),
            blocking: AtomicBool::new(false),
            blocked: AtomicU64::new(0),
            summoned: AtomicBool::new(false),
            mail: Mutex::default(),
            poke,
        })
    }

    // ----- who leads -----------------------------------------------------------

    /// Says that somebody has to come; `false` if somebody is on the way.
    pub(super) fn summon(&self) -> bool {
        !self.summoned.swap(true, Ordering::SeqCst)
    }

    /// Whoever was summoned is here. It leads, unless the leader is back.
    pub(super) fn seize(&self) -> Option<Lead<'_>> {
        // Before the lease is looked at: a leader that lends it out from here
        // on summons anew.
        self.summoned.store(false, Ordering::SeqCst);
        self.lease.seize(self.lease.glance())
    }

    // ----- modes -----------------------------------------------------------------

    /// Whether polling has to be handed over before a call.
    #[inline]
    pub(super) fn is_blocking(&self, now: Instant) -> bool {
        self.always || self.blocking.load(Ordering::Relaxed) && self.is_recent(now)
    }

    #[cold]
    fn is_recent(&self, now: Instant) -> bool {
        let since = milliseconds(now).saturating_sub(self.blocked.load(Ordering::Relaxed));
        let recent = u128::from(since) < MEMORY.as_millis();
        self.blocking.store(recent, Ordering::Relaxed);
        recent
    }

    /// A call has blocked.
    pub(super) fn blocked(&self, now: Instant) {
        self.blocked.store(milliseconds(now), Ordering::Relaxed);
        self.blocking.store(true, Ordering::Relaxed);
    }

    // ----- mail ------------------------------------------------------------------

    /// Tells the loop something.
    pub(super) fn send(&self, mail: Mail) {
        let mut box_ = self.mail.lock().unwrap_or_else(PoisonError::into_inner);
        box_.push(mail);
        let first = box_.len() == 1;
        drop(box_);
        if first {
            self.poke();
        }
    }

    /// Wakes the loop.
    pub(super) fn poke(&self) {
        // A counter that is full wakes it as well.
        let _ = rustix::io::write(&self.poke, &1_u64.to_ne_bytes());
    }

    /// What the loop was told.
    pub(super) fn mail(&self) -> Vec<Mail> {
        let _ = rustix::io::read(&self.poke, &mut [0; 8]);
        std::mem::take(&mut *self.mail.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
