//! What went wrong, counted by kind; and what a process shows its master.

mod board;
mod crowd;

use std::fmt::Write as _;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use crate::protocol::Refusal;
use crate::sys::Shared;

pub use self::board::{Board, Flight, Pulse};
pub use self::crowd::{Crowd, Seat};

/// Something that the server dealt with itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A request that was answered without the app, or a body that failed it.
    Refused(Refusal),
    /// A call of the app that failed before its response had begun: a 500.
    AppFailed,
    /// A call of the app that took longer than a request may.
    Overdue,
    /// A response that could not be ended well.
    Cut,
    /// A client that there was no descriptor, thread or process for.
    Shed,
    /// A process that ended while it served a connection.
    Crashed,
    /// A connection of a trusted proxy that had no PROXY header, or none that is one.
    Unannounced,
    /// A trusted proxy's headers about its client, of which nothing could be believed.
    Forwarded,
    /// A client whose TLS could not begin, or go on.
    Insecure,
}

/// How often each fault has happened. Only faults count, so the fast path is
/// free of it.
#[derive(Debug)]
pub struct Counters(Cells);

#[derive(Debug)]
enum Cells {
    Own(Box<[AtomicU64]>),
    Shared(Shared),
}

const REFUSALS: usize = Refusal::ALL.len();
const COUNT: usize = REFUSALS + 8;

impl Counters {
    /// Counters of this process.
    #[must_use]
    pub fn new() -> Self {
        Self(Cells::Own((0..COUNT).map(|_| AtomicU64::new(0)).collect()))
    }

    /// Counters that processes forked from this one share.
    ///
    /// # Errors
    /// The system's, when it is out of memory.
    pub fn shared() -> std::io::Result<Self> {
        Ok(Self(Cells::Shared(Shared::new(COUNT)?)))
    }

    fn cells(&self) -> &[AtomicU64] {
        match &self.0 {
            Cells::Own(cells) => cells,
            Cells::Shared(cells) => cells,
        }
    }

    /// Counts one.
    pub fn count(&self, fault: Fault) {
        self.cells()[index(fault)].fetch_add(1, Relaxed);
    }

    /// How often that has happened.
    #[must_use]
    pub fn of(&self, fault: Fault) -> u64 {
        self.cells()[index(fault)].load(Relaxed)
    }

    /// One line that names each kind that has happened; empty when none has.
    #[must_use]
    pub fn summary(&self) -> String {
        let refusals = Refusal::ALL.iter().map(|&refusal| (Fault::Refused(refusal), refusal.text()));
        let others = [
            (Fault::AppFailed, "the app failed"),
            (Fault::Overdue, "the app took too long"),
            (Fault::Cut, "a response was cut"),
            (Fault::Shed, "a client was turned away"),
            (Fault::Crashed, "a process crashed"),
            (Fault::Unannounced, "a proxy sent no valid PROXY header"),
            (Fault::Forwarded, "a proxy sent forwarded headers that are not valid"),
            (Fault::Insecure, "TLS with a client failed"),
        ];
        let mut text = String::new();
        for (fault, name) in refusals.chain(others) {
            let count = self.of(fault);
            if count > 0 {
                // Writing to memory cannot fail.
                let _ = write!(text, "{}{count} x {name}", if text.is_empty() { "" } else { ", " });
            }
        }
        text
    }
}

impl Default for Counters {
    fn default() -> Self {
        Self::new()
    }
}

const fn index(fault: Fault) -> usize {
    match fault {
        Fault::Refused(refusal) => refusal as usize,
        Fault::AppFailed => REFUSALS,
        Fault::Cut => REFUSALS + 1,
        Fault::Shed => REFUSALS + 2,
        Fault::Crashed => REFUSALS + 3,
        Fault::Overdue => REFUSALS + 4,
        Fault::Unannounced => REFUSALS + 5,
        Fault::Forwarded => REFUSALS + 6,
        Fault::Insecure => REFUSALS + 7,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_by_kind() {
        for counters in [Counters::new(), Counters::shared().unwrap()] {
            assert_eq!(counters.summary(), "");
            counters.count(Fault::Refused(Refusal::MissingHost));
            counters.count(Fault::Refused(Refusal::MissingHost));
            counters.count(Fault::Cut);
            assert_eq!(counters.of(Fault::Refused(Refusal::MissingHost)), 2);
            assert_eq!(counters.of(Fault::AppFailed), 0);
            assert_eq!(counters.summary(), "2 x the Host header is missing, 1 x a response was cut");
        }
    }

    #[test]
    fn each_refusal_has_a_place_of_its_own() {
        for (place, refusal) in Refusal::ALL.iter().enumerate() {
            assert_eq!(*refusal as usize, place);
        }
    }
}
