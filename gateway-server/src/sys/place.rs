//! A value that has a place, and an owner while somebody works with it.
//!
//! The place belongs to one list, and only its holder gives the value away. One
//! thread owns it then, and whoever would wake it meanwhile leaves a note: the
//! owner looks again before it gives the value back. Where the owner takes too
//! long, the place can be given up without it: the value is revoked, and lives
//! until its owner is done.
//!
//! | state | |
//! |---|---|
//! | idle | in its place |
//! | owned | somebody works with it |
//! | owned, with notes | the owner has to look again |
//! | revoked | it has no place any more; its owner is the last to have it |
#![allow(unsafe_code)]

use std::ops::{BitOr, Deref, DerefMut};
use std::ptr::NonNull;

use super::atomic::{AtomicU8, Cell, Ordering};

const OWNED: u8 = 1;
const REVOKED: u8 = 2;
const BEGUN: u8 = 4;
const FIRST_NOTE: u32 = 3;
const NOTES: u8 = !(OWNED | REVOKED | BEGUN);

/// What an owner has to look at again: up to five kinds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Notes(u8);

impl Notes {
    /// Nothing.
    pub(crate) const NONE: Self = Self(0);

    /// The note of that number, below 5.
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

    /// Whether somebody works with the value.
    pub(crate) fn is_owned(&self) -> bool {
        self.inner().state.load(Ordering::Relaxed) & OWNED != 0
    }

    /// Gives the place up, though somebody works with the value. Answers
    /// whether the owner had not [begun](Owned::begin): it will not any more.
    pub(crate) fn revoke(self) -> bool {
        let place = std::mem::ManuallyDrop::new(self);
        place.give_up() & BEGUN == 0
    }

    /// Leaves the value to its owner, or frees it. Nothing of it may be touched
    /// afterwards.
    fn give_up(&self) -> u8 {
        // Acquire: what the last owner did to the value is seen.
        let state = self.inner().state.fetch_or(REVOKED, Ordering::AcqRel);
        if state & OWNED == 0 {
            // SAFETY: made by `Box::leak`; there is no owner, and never will be.
            drop(unsafe { Box::from_raw(self.0.as_ptr()) });
        }
        state
    }
}

impl<S, T> Drop for Place<S, T> {
    fn drop(&mut self) {
        self.give_up();
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

    /// Both parts at once.
    pub(crate) fn parts(&mut self) -> (&S, &mut T) {
        // SAFETY: they lie beside each other; as for `inner` and `deref_mut`.
        let inner = unsafe { self.0.as_ref() };
        // SAFETY: as above.
        (&inner.shared, unsafe { &mut *inner.value.get() })
    }

    /// Says that from now on the owner does what cannot be taken back; `false`
    /// if the value was revoked before.
    pub(crate) fn begin(&self) -> bool {
        self.inner().state.fetch_or(BEGUN, Ordering::AcqRel) & REVOKED == 0
    }

    /// Says that the next such thing has not begun.
    pub(crate) fn pause(&self) {
        self.inner().state.fetch_and(!BEGUN, Ordering::AcqRel);
    }

    /// Puts the value into its place, unless there are notes.
    pub(crate) fn release(self) -> Release<S, T> {
        let state = &self.inner().state;
        let mut now = state.load(Ordering::Relaxed);
        while now & (NOTES | REVOKED) == 0 {
            match state.compare_exchange_weak(now, 0, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => {
                    std::mem::forget(self);
                    return Release::Done;
                }
                Err(changed) => now = changed,
            }
        }
        if now & REVOKED != 0 {
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
        // Acquire: what the place's holder did before it revoked is seen.
        if self.inner().state.fetch_and(REVOKED, Ordering::AcqRel) & REVOKED != 0 {
            // SAFETY: made by `Box::leak`; the place is gone.
            drop(unsafe { Box::from_raw(self.0.as_ptr()) });
        }
    }
}
