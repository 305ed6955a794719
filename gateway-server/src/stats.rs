//! What went wrong, counted by kind; what became of requests, and how long it took;
//! and what a process shows to others.

mod board;
mod boards;
mod crowd;
mod flight;
mod histogram;
mod journal;
mod ledger;
mod overheard;
mod recent;
mod request_id;
mod tally;
mod worker;

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use crate::protocol::Refusal;
use crate::sys::Shared;

pub use self::board::{Board, Pulse};
pub use self::boards::Boards;
pub use self::crowd::{Crowd, Seat};
pub use self::flight::Flight;
pub use self::histogram::{BUCKETS, Histogram, bound};
pub use self::journal::{Asked, Journal, Record};
pub use self::ledger::{Deeds, Ledger, Restart};
pub use self::overheard::{heard, overhear, overheard};
pub use self::recent::{Mishap, Recent};
pub use self::request_id::RequestId;
pub use self::tally::{CLASSES, Sample, Took, Totals};
pub use self::worker::{Calls, Standing, Worker, clock, memory};

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
    /// A line of the access log that could not be written.
    LineLost,
    /// A web server that said something which is nothing of its protocol.
    Malformed,
}

impl Fault {
    /// All of them that are no refusals.
    pub const OTHERS: [Self; 10] = [
        Self::AppFailed,
        Self::Overdue,
        Self::Cut,
        Self::Shed,
        Self::Crashed,
        Self::Unannounced,
        Self::Forwarded,
        Self::Insecure,
        Self::LineLost,
        Self::Malformed,
    ];

    /// What it is, for people.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Refused(refusal) => refusal.text(),
            Self::AppFailed => "the app failed",
            Self::Overdue => "the app took too long",
            Self::Cut => "a response was cut",
            Self::Shed => "a client was turned away",
            Self::Crashed => "a process crashed",
            Self::Unannounced => "a proxy sent no valid PROXY header",
            Self::Forwarded => "a proxy sent forwarded headers that are not valid",
            Self::Insecure => "TLS with a client failed",
            Self::LineLost => "a line of the access log was lost",
            Self::Malformed => "a web server's request was malformed",
        }
    }

    /// What it is, in a word or two for programs: `bare_lf`, `app_failed`.
    #[must_use]
    pub fn name(self) -> String {
        let name = if let Self::Refused(refusal) = self { format!("{refusal:?}") } else { format!("{self:?}") };
        let word = |(place, char): (usize, char)| {
            let mark = if place > 0 && char.is_uppercase() { "_" } else { "" };
            format!("{mark}{}", char.to_ascii_lowercase())
        };
        name.chars().enumerate().map(word).collect()
    }
}

/// How often each fault has happened. Only faults count, so the fast path is
/// free of it.
#[derive(Debug)]
pub struct Counters {
    cells: Cells,
    /// What had happened before, where others have counted there.
    before: Vec<u64>,
}

#[derive(Debug)]
enum Cells {
    Own(Box<[AtomicU64]>),
    Shared(Shared),
    Shown(Arc<Board>),
}

const REFUSALS: usize = Refusal::ALL.len();
/// How many kinds there are.
const FAULTS: usize = REFUSALS + Fault::OTHERS.len();

impl Counters {
    /// Counters of this process.
    #[must_use]
    pub fn new() -> Self {
        Self::of_cells(Cells::Own((0..FAULTS).map(|_| AtomicU64::new(0)).collect()))
    }

    fn of_cells(cells: Cells) -> Self {
        let mut new = Self { cells, before: Vec::new() };
        new.before = new.cells().iter().map(|cell| cell.load(Relaxed)).collect();
        new
    }

    /// Counters of this process that others see, and go on with.
    #[must_use]
    pub fn shown(board: Arc<Board>) -> Self {
        Self::of_cells(Cells::Shown(board))
    }

    /// Counters that processes forked from this one share.
    ///
    /// # Errors
    /// The system's, when it is out of memory.
    pub fn shared() -> std::io::Result<Self> {
        Ok(Self::of_cells(Cells::Shared(Shared::new(FAULTS)?)))
    }

    fn cells(&self) -> &[AtomicU64] {
        match &self.cells {
            Cells::Own(cells) => cells,
            Cells::Shared(cells) => cells,
            Cells::Shown(board) => board.faults(),
        }
    }

    /// Counts one.
    pub fn count(&self, fault: Fault) {
        self.count_many(fault, 1);
    }

    /// Counts so many.
    pub fn count_many(&self, fault: Fault, count: u64) {
        self.cells()[index(fault)].fetch_add(count, Relaxed);
    }

    /// How often that has happened.
    #[must_use]
    pub fn of(&self, fault: Fault) -> u64 {
        self.cells()[index(fault)].load(Relaxed) - self.before[index(fault)]
    }

    /// One line that names each kind that has happened; empty when none has.
    #[must_use]
    pub fn summary(&self) -> String {
        let refusals = Refusal::ALL.iter().map(|&refusal| (Fault::Refused(refusal), refusal.text()));
        let others = Fault::OTHERS.map(|fault| (fault, fault.text()));
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
        Fault::LineLost => REFUSALS + 8,
        Fault::Malformed => REFUSALS + 9,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_by_kind() {
        let board = Board::new(Crowd::new().unwrap().seat(1)).unwrap();
        Counters::shown(Arc::clone(&board)).count(Fault::Cut);
        for counters in [Counters::new(), Counters::shared().unwrap(), Counters::shown(board)] {
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
    fn each_fault_has_a_name() {
        assert_eq!(Fault::Refused(Refusal::BareLf).name(), "bare_lf");
        assert_eq!(Fault::OTHERS.map(Fault::name)[..2], ["app_failed", "overdue"]);
    }

    #[test]
    fn each_refusal_has_a_place_of_its_own() {
        for (place, refusal) in Refusal::ALL.iter().enumerate() {
            assert_eq!(*refusal as usize, place);
        }
    }
}
