//! Boards of processes that come and go, and what their master shows beside them.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed};

use super::board::{self, Board, OWNED, SIZE};
use super::crowd::Seat;
use super::ledger::{self, Ledger};
use super::tally::Totals;
use super::worker::{Worker, clock};
use super::{Fault, index};
use crate::sys::Shared;

/// See the module's text: a new process goes on with a board that is free, so that what
/// was counted is never lost.
pub struct Boards {
    words: Arc<Shared>,
    /// Since when they are there, by the clock.
    begun: u64,
}

/// How many boards were ever in use: nobody looks at the others, whose memory is not
/// there before somebody does.
const EVER: usize = ledger::WORDS;
/// What stands before the first board: a page.
const HEAD: usize = 512;

impl Boards {
    /// So many of them.
    ///
    /// # Errors
    /// The system's, when it is out of memory.
    pub fn new(count: usize) -> io::Result<Self> {
        Ok(Self { words: Arc::new(Shared::new(HEAD + count * SIZE)?), begun: clock() })
    }

    /// The words of each that was ever in use.
    fn used(&self) -> impl Iterator<Item = &[AtomicU64]> {
        let ever = usize::try_from(self.words[EVER].load(Acquire)).unwrap_or(0);
        self.words[HEAD..].chunks_exact(SIZE).take(ever)
    }

    /// One for a process among others: a free one or, where there is none, one that
    /// nobody else sees.
    ///
    /// # Errors
    /// The system's, when it is out of memory.
    pub fn take(&self, seat: Seat) -> io::Result<Arc<Board>> {
        let take = |words: &[AtomicU64]| words[OWNED].swap(1, AcqRel) == 0;
        let board = match self.words[HEAD..].chunks_exact(SIZE).position(take) {
            Some(place) => {
                self.words[EVER].fetch_max(place as u64 + 1, AcqRel);
                Board::of(Arc::clone(&self.words), HEAD + place * SIZE, seat)
            }
            None => Board::of(Arc::new(Shared::new(SIZE)?), 0, seat),
        };
        board.begin();
        Ok(Arc::new(board))
    }

    /// Since when they are there, and so the master, in nanoseconds of [`clock`].
    #[must_use]
    pub const fn begun(&self) -> u64 {
        self.begun
    }

    /// How many requests there were.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.used().map(board::ever).sum()
    }

    /// What the master shows.
    #[must_use]
    pub fn ledger(&self) -> Ledger {
        Ledger::of(Arc::clone(&self.words))
    }

    /// What all processes have counted, those too that are gone.
    #[must_use]
    pub fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        self.used().for_each(|words| board::sum(words, &mut totals));
        totals
    }

    /// How often that has happened in any of them.
    #[must_use]
    pub fn faults(&self, fault: Fault) -> u64 {
        self.used().map(|words| board::faults(words).0[index(fault)].load(Relaxed)).sum()
    }

    /// How many clients they have taken.
    #[must_use]
    pub fn accepted(&self) -> u64 {
        self.used().map(|words| board::faults(words).1).sum()
    }

    /// The workers that there are.
    #[must_use]
    pub fn workers(&self) -> Vec<Worker> {
        let owned = self.used().filter(|words| words[OWNED].load(Acquire) != 0);
        // One that is about to be forked has no process yet.
        let mut workers: Vec<Worker> = owned.map(board::worker).filter(|worker| worker.process > 0).collect();
        workers.sort_by_key(|worker| worker.number);
        workers
    }
}

impl fmt::Debug for Boards {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Boards({})", self.words.len() / SIZE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Refusal;
    use crate::stats::{Counters, Crowd, Standing};

    #[test]
    fn what_is_told_of_workers_is_what_they_show() {
        let (boards, crowd) = (Boards::new(2).unwrap(), Crowd::new().unwrap());
        assert_eq!((boards.workers(), boards.accepted(), boards.requests()), (vec![], 0, 0));
        let (second, first) = (boards.take(crowd.seat(9)).unwrap(), boards.take(crowd.seat(4)).unwrap());
        assert_eq!(boards.workers(), [], "they have no process yet");
        for (board, number) in [(&first, 4), (&second, 9)] {
            board.introduce(number, 100 + number as u32, 5);
            board.arrive(false);
        }
        first.arrive(true);
        first.stand(Standing::Serving);
        first.set_calls(crate::stats::Calls::Most(8));
        first.set_queued(3);
        let flight = first.flight().unwrap();
        flight.begin(b"GET", b"/a?b");
        let workers = boards.workers();
        let one = &workers[0];
        assert_eq!(workers.iter().map(|worker| worker.number).collect::<Vec<_>>(), [4, 9]);
        assert_eq!((one.process, one.standing, one.connections, one.queued), (104, Standing::Serving, 2, 3));
        assert_eq!((one.in_flight, one.calling, one.threads()), (1, 1, Some((1, 7))));
        assert_eq!((one.running.clone(), workers[1].threads()), (vec!["GET /a".to_owned()], None));
        flight.set_calling(false);
        assert_eq!(boards.workers()[0].threads(), Some((0, 8)));
        flight.end();
        // Who is late has nothing to say of what is over.
        flight.set_calling(true);
        assert_eq!((boards.workers()[0].in_flight, boards.workers()[0].calling), (0, 0));
        first.depart(2);
        assert_eq!((boards.workers()[0].connections, boards.accepted(), boards.requests()), (0, 2, 1));
        Counters::shown(Arc::clone(&first)).count(Fault::Refused(Refusal::Connect));
        // Another takes its place: what was counted stays, what was shown goes.
        first.free();
        assert_eq!(boards.workers().len(), 1);
        let third = boards.take(crowd.seat(10)).unwrap();
        third.introduce(10, 110, 6);
        Counters::shown(third).count(Fault::Refused(Refusal::Connect));
        let (new, all) = (&boards.workers()[1], boards.faults(Fault::Refused(Refusal::Connect)));
        assert_eq!((new.number, new.standing, new.queued, new.threads()), (10, Standing::Starting, 0, None));
        assert_eq!((all, boards.accepted(), boards.requests(), boards.faults(Fault::Cut)), (2, 2, 1, 0));
    }
}
