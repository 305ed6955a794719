//! The monitor never sleeps while a loop is lent out that it has not seen.

use std::sync::Arc;
use std::time::Duration;

use crate::sys::atomic::{AtomicBool, Ordering::SeqCst};
use crate::sys::lease::Lease;
use crate::sys::vigil::Vigil;
use crate::{explore, share};

/// After so many ticks without a change the monitor sleeps.
const QUIET: u32 = 1;

#[derive(Debug)]
struct Worker {
    lease: Lease<()>,
    vigil: Vigil,
    over: AtomicBool,
}

impl Worker {
    fn new() -> Arc<Self> {
        Arc::new(Self { lease: Lease::new(()), vigil: Vigil::default(), over: AtomicBool::new(false) })
    }

    /// What the engine's monitor does. It takes a loop over itself, and ends
    /// everything then.
    fn watch(&self) {
        let (mut before, mut quiet) = (self.lease.glance(), 0);
        while !self.over.load(SeqCst) {
            let seen = self.lease.glance();
            if seen == before && seen.is_lent() && self.lease.seize(seen).is_some() {
                return self.end();
            }
            quiet = if seen == before { quiet + 1 } else { 0 };
            before = seen;
            if quiet >= QUIET {
                self.vigil.sleep(Duration::MAX, || self.over.load(SeqCst) || self.lease.glance() != before);
                quiet = 0;
            }
            self.vigil.pause(Duration::ZERO);
        }
    }

    fn end(&self) {
        self.over.store(true, SeqCst);
        self.vigil.wake();
    }
}

/// A leader makes so many calls, and never comes back from the last. That the
/// monitor ends is that it has seen this.
fn sees_the_last_of(calls: u32) {
    explore(move || {
        let worker = Worker::new();
        let mut lead = worker.lease.arrive().expect("nobody else is there yet");
        let monitor = share(&worker, |worker| worker.watch());
        for call in 1..=calls {
            let lent = lead.lend();
            worker.vigil.attend();
            if call == calls {
                break;
            }
            match lent.regain() {
                Some(back) => lead = back,
                None => break,
            }
        }
        monitor.join().unwrap();
    });
}

#[test]
fn a_call_that_never_ends_is_seen() {
    sees_the_last_of(1);
}

#[test]
fn a_call_that_never_ends_is_seen_after_quick_ones() {
    sees_the_last_of(3);
}

#[test]
fn the_end_wakes_who_sleeps() {
    explore(|| {
        let worker = Worker::new();
        let _lead = worker.lease.arrive().expect("nobody else is there yet");
        let monitor = share(&worker, |worker| worker.watch());
        worker.end();
        monitor.join().unwrap();
    });
}

/// Two leaders at once: one word to the monitor is enough for both.
#[test]
fn two_who_attend_at_once_wake_it() {
    explore(|| {
        let worker = Worker::new();
        let lead = worker.lease.arrive().expect("nobody else is there yet");
        let monitor = share(&worker, |worker| worker.watch());
        let other = share(&worker, |worker| worker.vigil.attend());
        lead.lend();
        worker.vigil.attend();
        other.join().unwrap();
        monitor.join().unwrap();
    });
}
