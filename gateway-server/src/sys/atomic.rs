//! The parts that threads agree by. The model checker's tests (`tests/loom`) put
//! its own in their place, under the same names.

use std::cell::UnsafeCell;

pub(crate) use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
pub(crate) use std::sync::{Condvar, Mutex, MutexGuard};
pub(crate) use std::thread::yield_now;

/// A value whose users keep out of each other's way by themselves.
#[derive(Debug, Default)]
pub(crate) struct Cell<T>(UnsafeCell<T>);

impl<T> Cell<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(UnsafeCell::new(value))
    }

    /// Where the value is.
    pub(crate) const fn get(&self) -> *mut T {
        self.0.get()
    }
}
