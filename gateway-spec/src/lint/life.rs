//! What lint knows of an app across its exchanges.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};

use super::facts::{LifeFacts, Moment};
use super::rule::{Check, Violation, broken};

/// How many violations are kept.
const KEPT: usize = 256;

#[derive(Debug, Default)]
pub(super) struct Life {
    open: AtomicUsize,
    shutdowns: AtomicUsize,
    inside: Mutex<Vec<ThreadId>>,
    violations: Mutex<Vec<Violation>>,
}

/// A panic of the app must not make lint panic as well.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Life {
    /// A call begins on this thread.
    pub(super) fn enter(&self) -> Inside<'_> {
        lock(&self.inside).push(thread::current().id());
        Inside(self)
    }

    pub(super) fn body_opened(&self) {
        self.open.fetch_add(1, SeqCst);
    }

    pub(super) fn body_closed(&self) {
        self.open.fetch_sub(1, SeqCst);
    }

    pub(super) fn check(&self, moment: Moment, multithread: bool) -> Vec<Violation> {
        let me = thread::current().id();
        let facts = LifeFacts {
            moment,
            shutdowns: self.shutdowns.load(SeqCst),
            open: self.open.load(SeqCst),
            others: lock(&self.inside).iter().filter(|thread| **thread != me).count(),
            multithread,
        };
        broken(|check| match check {
            Check::Life(check) => check(&facts),
            _ => None,
        })
    }

    /// Shutdown has no request, and so no log: what is found is only kept.
    pub(super) fn shut(&self) {
        for violation in self.check(Moment::Shutdown, true) {
            self.keep(violation);
        }
        self.shutdowns.fetch_add(1, SeqCst);
    }

    pub(super) fn keep(&self, violation: Violation) {
        let mut violations = lock(&self.violations);
        if violations.len() < KEPT {
            violations.push(violation);
        }
    }

    pub(super) fn violations(&self) -> Vec<Violation> {
        lock(&self.violations).clone()
    }
}

/// Ends a call when dropped.
pub(super) struct Inside<'a>(&'a Life);

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        let mut inside = lock(&self.0.inside);
        let me = thread::current().id();
        if let Some(at) = inside.iter().position(|thread| *thread == me) {
            inside.swap_remove(at);
        }
    }
}
