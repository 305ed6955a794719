//! The model checker's parts under the names that the server's files use.

use std::sync::LockResult;
use std::thread::panicking;
use std::time::Duration;

use loom::sync::atomic as checked;
pub(crate) use loom::sync::{Mutex, MutexGuard};
pub(crate) use loom::thread::yield_now;
pub(crate) use std::sync::atomic::Ordering;

/// An atomic. The checker takes `SeqCst` for acquire and release only, which
/// reports what cannot be. So each has an order beside it: a store says there
/// that it is done, a load looks there first, and sees all that is done. No more
/// than that: where only one of two is `SeqCst`, the other may be missed.
macro_rules! atomic {
    ($name:ident, $value:ty) => {
        #[derive(Debug)]
        pub(crate) struct $name {
            value: checked::$name,
            order: checked::AtomicUsize,
        }

        #[allow(dead_code, reason = "the same for each")]
        impl $name {
            pub(crate) fn new(value: $value) -> Self {
                Self { value: checked::$name::new(value), order: checked::AtomicUsize::new(0) }
            }

            pub(crate) fn load(&self, ordering: Ordering) -> $value {
                self.look(ordering);
                self.value.load(ordering)
            }

            pub(crate) fn store(&self, value: $value, ordering: Ordering) {
                if ordering == Ordering::SeqCst {
                    // The checker may put a store before one that was done.
                    self.value.swap(value, Ordering::Release);
                    self.tell(ordering);
                } else {
                    self.value.store(value, ordering);
                }
            }

            pub(crate) fn swap(&self, value: $value, ordering: Ordering) -> $value {
                self.both(ordering, || self.value.swap(value, ordering))
            }

            pub(crate) fn fetch_or(&self, value: $value, ordering: Ordering) -> $value {
                self.both(ordering, || self.value.fetch_or(value, ordering))
            }

            pub(crate) fn fetch_and(&self, value: $value, ordering: Ordering) -> $value {
                self.both(ordering, || self.value.fetch_and(value, ordering))
            }

            pub(crate) fn compare_exchange(
                &self,
                old: $value,
                new: $value,
                done: Ordering,
                failed: Ordering,
            ) -> Result<$value, $value> {
                self.both(done, || self.value.compare_exchange(old, new, done, failed))
            }

            pub(crate) fn compare_exchange_weak(
                &self,
                old: $value,
                new: $value,
                done: Ordering,
                failed: Ordering,
            ) -> Result<$value, $value> {
                self.compare_exchange(old, new, done, failed)
            }

            fn both<R>(&self, ordering: Ordering, change: impl FnOnce() -> R) -> R {
                self.look(ordering);
                let result = change();
                self.tell(ordering);
                result
            }

            fn look(&self, ordering: Ordering) {
                if ordering == Ordering::SeqCst {
                    self.order.fetch_add(0, Ordering::Acquire);
                }
            }

            fn tell(&self, ordering: Ordering) {
                if ordering == Ordering::SeqCst {
                    self.order.fetch_add(0, Ordering::Release);
                }
            }
        }
    };
}

atomic!(AtomicBool, bool);
atomic!(AtomicU8, u8);
atomic!(AtomicU64, u64);

impl AtomicU64 {
    pub(crate) fn fetch_add(&self, value: u64, ordering: Ordering) -> u64 {
        self.both(ordering, || self.value.fetch_add(value, ordering))
    }

    pub(crate) fn fetch_sub(&self, value: u64, ordering: Ordering) -> u64 {
        self.both(ordering, || self.value.fetch_sub(value, ordering))
    }
}

impl Default for AtomicBool {
    fn default() -> Self {
        Self::new(false)
    }
}

/// The state of what is freed by its last user, who comes after all others.
impl Drop for AtomicU8 {
    fn drop(&mut self) {
        if !panicking() {
            self.value.with_mut(|_| ());
        }
    }
}

/// A value each use of which comes after the one before, or the model fails.
#[derive(Debug)]
pub(crate) struct Cell<T>(loom::cell::UnsafeCell<T>);

impl<T> Cell<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(loom::cell::UnsafeCell::new(value))
    }

    /// Where the value is. To ask is to use it.
    pub(crate) fn get(&self) -> *mut T {
        self.0.with_mut(|value| value)
    }
}

/// Whoever frees it comes after all who have used it.
impl<T> Drop for Cell<T> {
    fn drop(&mut self) {
        if !panicking() {
            self.get();
        }
    }
}

/// No time passes in a model: who waits for none gives up at once, who waits for
/// any never does.
#[derive(Debug, Default)]
pub(crate) struct Condvar(loom::sync::Condvar);

impl Condvar {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn notify_one(&self) {
        self.0.notify_one();
    }

    pub(crate) fn notify_all(&self) {
        self.0.notify_all();
    }

    pub(crate) fn wait_while<'a, T>(
        &self,
        mut guard: MutexGuard<'a, T>,
        waits: impl Fn(&mut T) -> bool,
    ) -> LockResult<MutexGuard<'a, T>> {
        while waits(&mut guard) {
            guard = self.0.wait(guard)?;
        }
        Ok(guard)
    }

    pub(crate) fn wait_timeout_while<'a, T>(
        &self,
        mut guard: MutexGuard<'a, T>,
        most: Duration,
        waits: impl Fn(&mut T) -> bool,
    ) -> LockResult<(MutexGuard<'a, T>, bool)> {
        let late = most.is_zero() && waits(&mut guard);
        let guard = if late { guard } else { self.wait_while(guard, waits).expect("no lock is poisoned in a model") };
        Ok((guard, late))
    }

    /// Lets others go first. The lock is not taken again: nobody needs it.
    pub(crate) fn wait_timeout<T>(&self, guard: MutexGuard<'_, T>, _: Duration) -> LockResult<()> {
        drop(guard);
        yield_now();
        Ok(())
    }
}
