//! A loop: what its leader works with, and what others see of it.

use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::event::{EventfdFlags, eventfd};

use super::client::{Owned, Place};
use super::{MEMORY, nanoseconds};
use crate::engine::epoll::{Set, wait_for_one};
use crate::engine::poller::Ready;
use crate::engine::reactor::Reactor;
use crate::engine::{HandOver, Setup};
use crate::sys::{Company, Held, Lease};

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

/// What a thread tells a loop that it does not lead.
#[derive(Debug)]
pub(super) enum Mail {
    /// The connection has to be watched, and waits for its client.
    Watch(usize, Owned),
    /// The connection is over.
    Over(usize, Owned),
    /// Its request has waited too long for a call.
    Late(usize, Owned),
    /// Somebody may be ready: told to a thread that does not poll any more.
    Ready(Ready),
}

/// A loop, as all threads see it. On cache lines of its own: other loops are
/// written to by other cores.
#[derive(Debug)]
#[repr(align(128))]
pub(super) struct Looped {
    pub(super) lease: Lease<Station>,
    /// Whether calls are taken for ones that block whatever they do.
    always: bool,
    /// Whether nobody watches over the loop, who would see to its timers while
    /// threads poll together.
    never: bool,
    /// Whether a call has blocked lately.
    blocking: AtomicBool,
    /// When the last one did, in nanoseconds.
    blocked: AtomicU64,
    /// What threads wait for that poll together.
    set: Arc<OwnedFd>,
    /// They do: nobody holds the lease for long then.
    company: Company,
    /// When somebody has to look at the timers meanwhile, in nanoseconds.
    due: AtomicU64,
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
        let set = Set::new()?;
        let shared = set.shared();
        let mut reactor = Reactor::new(Arc::clone(setup), set, connections)?;
        reactor.poked_by(poke.as_fd())?;
        Ok(Self {
            always: setup.tuning.hand_over == HandOver::Always,
            never: setup.tuning.hand_over == HandOver::Never,
            lease: Lease::new(Station { reactor, permit: false, driven: None }),
            blocking: AtomicBool::new(false),
            blocked: AtomicU64::new(0),
            set: shared,
            company: Company::new(),
            due: AtomicU64::new(u64::MAX),
            mail: Mutex::default(),
            poke,
        })
    }

    // ----- who leads -----------------------------------------------------------

    /// Says that somebody has to come; `false` if somebody is on the way.
    pub(super) fn summon(&self) -> bool {
        self.lease.summon()
    }

    /// Whoever was summoned is here. It leads, unless the leader is back.
    pub(super) fn seize(&self) -> Option<Lead<'_>> {
        self.lease.arrive()
    }

    // ----- polling together --------------------------------------------------------

    /// Whether threads poll together.
    pub(super) fn is_shared(&self) -> bool {
        self.company.is_open()
    }

    /// Lets threads poll together, or the leader alone, who waits until they
    /// have left: some microseconds for each, and once in a while.
    pub(super) fn share(&self, shared: bool) {
        if shared {
            self.company.open();
        } else {
            // Nobody takes it back meanwhile, so that it wakes them all.
            self.company.close(|| self.poke());
        }
    }

    /// Whether anybody polls.
    pub(super) fn has_pollers(&self) -> bool {
        self.company.has_members()
    }

    /// Whether nobody polls, though threads do so together.
    pub(super) fn is_left(&self) -> bool {
        self.is_shared() && !self.has_pollers()
    }

    /// Polls with others, for as long as `patience` lasts, unless `is_needed`
    /// elsewhere after this was said.
    ///
    /// # Errors
    /// The system's.
    pub(super) fn poll(&self, patience: Duration, is_needed: impl FnOnce() -> bool) -> io::Result<Option<Ready>> {
        self.company.join(is_needed, || wait_for_one(&self.set, patience)).unwrap_or(Ok(None))
    }

    /// Takes the lead for an event that was polled; `None` where somebody has
    /// begun to poll alone.
    pub(super) fn take(&self) -> Option<Lead<'_>> {
        self.company.take(&self.lease)
    }

    /// Says when somebody has to look at the timers, while nobody polls alone.
    pub(super) fn set_due(&self, due: Option<Instant>) {
        self.due.store(due.map_or(u64::MAX, nanoseconds), Ordering::Relaxed);
    }

    /// In how many nanoseconds that is.
    pub(super) fn due_in(&self, now: Instant) -> u64 {
        self.due.load(Ordering::Relaxed).saturating_sub(nanoseconds(now))
    }

    // ----- modes -----------------------------------------------------------------

    /// Whether polling has to be handed over before a call.
    #[inline]
    pub(super) fn is_blocking(&self, now: Instant) -> bool {
        self.always || self.blocking.load(Ordering::Relaxed) && self.is_recent(now)
    }

    #[cold]
    fn is_recent(&self, now: Instant) -> bool {
        let since = nanoseconds(now).saturating_sub(self.blocked.load(Ordering::Relaxed));
        let recent = u128::from(since) < MEMORY.as_nanos();
        self.blocking.store(recent, Ordering::Relaxed);
        recent
    }

    /// A call has blocked.
    pub(super) fn blocked(&self, now: Instant) {
        self.blocked.store(nanoseconds(now), Ordering::Relaxed);
        self.blocking.store(!self.never, Ordering::Relaxed);
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
