//! A value that has a place, and an owner while somebody works with it.
//!
//! The place belongs to one list, and only its holder gives the value away. One
//! thread owns it then, and whoever would wake it meanwhile leaves a note: the
//! owner looks again before it gives the value back. Where the owner takes too
//! long, the value is revoked: what the owner has not begun by then, it will not
//! do any more. The place can be given up then; the value lives until its owner
//! is done.
//!
//! | state | |
//! |---|---|
//! | idle | in its place |
//! | owned | somebody works with it |
//! | owned, with notes | the owner has to look again |
//! | revoked | the owner was too late, or had begun |
//! | gone | it has no place any more; its owner is the last to have it |
#![allow(unsafe_code)]

use std::ops::{BitOr, Deref, DerefMut};
use std::ptr::NonNull;

use super::atomic::{AtomicU8, Cell, Ordering};

const OWNED: u8 = 1;
/// The place is gone: the owner is the last to have the value.
const GONE: u8 = 2;
const BEGUN: u8 = 4;
const REVOKED: u8 = 8;
const FIRST_NOTE: u32 = 4;
const NOTES: u8 = !(OWNED | GONE | BEGUN | REVOKED);

/// What an owner has to look at again: up to four kinds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Notes(u8);

impl Notes {
    /// Nothing.
    pub(crate) const NONE: Self = Self(0);

    /// The note of that number, below 4.
    pub(crate) const fn number(number: u32) -> Self {
        assert!(number < 8 - FIRST_NOTE);
        Self(1 << (number + FIRST_NOTE))
    }

    /// Whether it is among these.
    pub(crate) const fn has(self, note: Self) -> bool {
        self.0 & note.0 == note.0
    }
}

impl BitOr for Notes {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

#[derive(Debug)]
struct Inner<S, T> {
    state: AtomicU8,
    shared: S,
    value: Cell<T>,
}

/// Where a value is when nobody works with it.
#[derive(Debug)]
pub(crate) struct Place<S, T>(NonNull<Inner<S, T>>);

/// The right to work with a value.
#[derive(Debug)]
pub(crate) struct Owned<S, T>(NonNull<Inner<S, T>>);

// SAFETY: `S` is reached from both handles at once, `T` from one thread at a
// time; either handle may drop both.
unsafe impl<S: Send + Sync, T: Send> Send for Place<S, T> {}
// SAFETY: as above.
unsafe impl<S: Send + Sync, T: Send> Send for Owned<S, T> {}

/// The owner's right to do what cannot be taken back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Claim<'a>(&'a AtomicU8);

impl Claim<'_> {
    /// Says that from now on the owner does it; `false` if the value was revoked
    /// before.
    pub(crate) fn begin(self) -> bool {
        self.0.fetch_or(BEGUN, Ordering::AcqRel) & REVOKED == 0
    }

    /// Says that the next such thing has not begun.
    pub(crate) fn pause(self) {
        self.0.fetch_and(!BEGUN, Ordering::AcqRel);
    }
}

/// What became of a value that its owner gave back.
#[derive(Debug)]
pub(crate) enum Release<S, T> {
    /// It is in its place.
    Done,
    /// There are notes: the owner looks again.
    Noted(Owned<S, T>, Notes),
}

impl<S, T> Place<S, T> {
    /// A value in its place. `shared` is what its owner and others see at once.
    pub(crate) fn new(shared: S, value: T) -> Self {
        let inner = Inner { state: AtomicU8::new(0), shared, value: Cell::new(value) };
        Self(NonNull::from(Box::leak(Box::new(inner))))
    }

    fn inner(&self) -> &Inner<S, T> {
        // SAFETY: freed by the last of place and owner: not while this lives.
        unsafe { self.0.as_ref() }
    }

    /// What its owner and others see at once.
    pub(crate) fn shared(&self) -> &S {
        &self.inner().shared
    }

    /// Gives the value away; where somebody has it, `note` is left for them.
    pub(crate) fn own(&mut self, note: Notes) -> Option<Owned<S, T>> {
        let state = &self.inner().state;
        // Acquire: what the last owner did to the value is seen.
        if state.load(Ordering::Acquire) & OWNED != 0 && state.fetch_or(note.0, Ordering::AcqRel) & OWNED != 0 {
            return None;
        }
        // Nobody has it, and nobody but this place gives it away.
        state.store(OWNED, Ordering::Relaxed);
        Some(Owned(self.0))
    }

    /// Takes the value back from an owner for whom nobody can have left a note
    /// or revoked anything: the place was in its hands all the time.
    pub(crate) fn put_back(&mut self, owned: Owned<S, T>) {
        debug_assert_eq!(self.0, owned.0, "another place's value");
        std::mem::forget(owned);
        self.inner().state.store(0, Ordering::Release);
    }

    /// Whether that value belongs here.
    pub(crate) fn is_of(&self, owned: &Owned<S, T>) -> bool {
        self.0 == owned.0
    }

    /// Revokes the value from its owner. Answers whether there is one that had
    /// not [begun](Claim::begin): it will not any more. Whoever has given it back
    /// may have begun and be done.
    pub(crate) fn revoke(&mut self) -> bool {
        self.inner().state.fetch_or(REVOKED, Ordering::AcqRel) & (OWNED | BEGUN) == OWNED
    }
}

/// Leaves the value to its owner, or frees it.
impl<S, T> Drop for Place<S, T> {
    fn drop(&mut self) {
        // Acquire: what the last owner did to the value is seen.
        if self.inner().state.fetch_or(GONE, Ordering::AcqRel) & OWNED == 0 {
            // SAFETY: made by `Box::leak`; there is no owner, and never will be.
            drop(unsafe { Box::from_raw(self.0.as_ptr()) });
        }
    }
}

impl<S, T> Owned<S, T> {
    fn inner(&self) -> &Inner<S, T> {
        // SAFETY: freed by the last of place and owner: not while this lives.
        unsafe { self.0.as_ref() }
    }

    /// What its owner and others see at once.
    pub(crate) fn shared(&self) -> &S {
        &self.inner().shared
    }

    /// All parts at once.
    pub(crate) fn parts(&mut self) -> (&S, &mut T, Claim<'_>) {
        // SAFETY: as for `inner` and `deref_mut`; they lie beside each other.
        let inner = unsafe { self.0.as_ref() };
        // SAFETY: as above.
        (&inner.shared, unsafe { &mut *inner.value.get() }, Claim(&inner.state))
    }

    /// Puts the value into its place, unless there are notes.
    pub(crate) fn release(self) -> Release<S, T> {
        let state = &self.inner().state;
        let mut now = state.load(Ordering::Relaxed);
        while now & (NOTES | GONE) == 0 {
            match state.compare_exchange_weak(now, 0, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => {
                    std::mem::forget(self);
                    return Release::Done;
                }
                Err(changed) => now = changed,
            }
        }
        if now & GONE != 0 {
            return Release::Done;
        }
        let notes = state.fetch_and(!NOTES, Ordering::AcqRel) & NOTES;
        Release::Noted(self, Notes(notes))
    }
}

impl<S, T> Deref for Owned<S, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: there is one owner.
        unsafe { &*self.inner().value.get() }
    }
}

impl<S, T> DerefMut for Owned<S, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: there is one owner; `&mut self` keeps others of this thread away.
        unsafe { &mut *self.inner().value.get() }
    }
}

/// Puts the value into its place, whatever the notes say.
impl<S, T> Drop for Owned<S, T> {
    fn drop(&mut self) {
        // Acquire: what the place's holder did before it left is seen.
        if self.inner().state.fetch_and(GONE, Ordering::AcqRel) & GONE != 0 {
            // SAFETY: made by `Box::leak`; the place is gone.
            drop(unsafe { Box::from_raw(self.0.as_ptr()) });
        }
    }
}
