//! A value that one thread at a time works with, and that another may take away
//! while its holder is busy with something else.
//!
//! The holder lends it out before it does what may take long. When it comes
//! back nobody may have minded, and it goes on; or somebody has seized the
//! value meanwhile, and it has lost it. Whoever seizes says which lending it
//! has seen, so that it never takes the value from a holder that has been back
//! since.
//!
//! Whoever sees that the value is lent out may summon somebody to seize it. One
//! at a time is on the way, whoever asks.
#![allow(unsafe_code)]

use std::ops::{Deref, DerefMut};

use super::atomic::{AtomicBool, AtomicU64, Cell, Ordering};

/// See the module's text.
#[derive(Debug)]
pub(crate) struct Lease<T> {
    /// Even: lent, for the time of that number. Odd: held.
    word: AtomicU64,
    /// Whether somebody is on the way to seize it.
    summoned: AtomicBool,
    value: Cell<T>,
}

// SAFETY: the value is reached through a `Held` only, of which there is one at
// a time, on any thread.
unsafe impl<T: Send> Sync for Lease<T> {}

/// What somebody has seen of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Glance(u64);

impl Glance {
    /// Whether it was lent out.
    pub(crate) const fn is_lent(self) -> bool {
        self.0.is_multiple_of(2)
    }
}

/// The value, held.
#[derive(Debug)]
pub(crate) struct Held<'a, T> {
    lease: &'a Lease<T>,
    /// The word, which nobody else changes meanwhile.
    word: u64,
}

/// The value, lent out by its holder.
#[derive(Debug)]
pub(crate) struct Lent<'a, T> {
    lease: &'a Lease<T>,
    word: u64,
}

impl<T> Lease<T> {
    /// A value that is lent out by nobody: anybody may seize it.
    pub(crate) fn new(value: T) -> Self {
        Self { word: AtomicU64::new(0), summoned: AtomicBool::new(false), value: Cell::new(value) }
    }

    /// What was seen of the value: it stays equal while nobody has lent it out
    /// or taken it.
    pub(crate) fn glance(&self) -> Glance {
        Glance(self.word.load(Ordering::SeqCst))
    }

    /// Takes the value, if it is lent out and nothing has changed since the
    /// glance.
    pub(crate) fn seize(&self, glance: Glance) -> Option<Held<'_, T>> {
        let Glance(word) = glance;
        if !glance.is_lent() {
            return None;
        }
        // Acquire: what the holder did to the value is seen. Release is for
        // nobody: the one who lent it only learns that it is gone.
        let taken = self.word.compare_exchange(word, word + 1, Ordering::Acquire, Ordering::Relaxed);
        taken.is_ok().then_some(Held { lease: self, word: word + 1 })
    }

    /// Says that somebody has to come and seize it; `false` if somebody is on
    /// the way. Whoever gets `true` sees to it that somebody [comes](Self::arrive).
    pub(crate) fn summon(&self) -> bool {
        !self.summoned.swap(true, Ordering::SeqCst)
    }

    /// Whoever was summoned is here, and takes the value, unless its holder is
    /// back.
    pub(crate) fn arrive(&self) -> Option<Held<'_, T>> {
        // Before it is looked whether it is lent: a holder that lends it out
        // from here on summons anew.
        self.summoned.store(false, Ordering::SeqCst);
        self.seize(self.glance())
    }
}

impl<'a, T> Held<'a, T> {
    /// Lends the value out.
    pub(crate) fn lend(self) -> Lent<'a, T> {
        let word = self.word + 1;
        // A swap and not a store, so that whoever is asked afterwards whether
        // it watches, and does not, sees the lending before it goes to sleep.
        self.lease.word.swap(word, Ordering::SeqCst);
        Lent { lease: self.lease, word }
    }
}

impl<'a, T> Lent<'a, T> {
    /// Leaves the value to whoever seizes it.
    pub(crate) fn leave(self) {}

    /// Takes the value back; `None` if somebody else has it.
    pub(crate) fn regain(self) -> Option<Held<'a, T>> {
        self.lease.seize(Glance(self.word))
    }
}

impl<T> Deref for Held<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: the word is odd, and only the one who made it so has a `Held`.
        unsafe { &*self.lease.value.get() }
    }
}

impl<T> DerefMut for Held<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as for `deref`; `&mut self` keeps others of this thread away.
        unsafe { &mut *self.lease.value.get() }
    }
}
