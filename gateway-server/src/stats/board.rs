//! What a process that serves shows to others, in memory that all have: how many
//! requests it has had, which are running, what became of them, and whether its loops
//! turn. It is still there when the process has been killed.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};

use gateway_spec::escape;
use rustix::process::getpid;

use super::crowd::Seat;
use super::tally::{self, Sample, Totals};
use super::{FAULTS, Flight};
use crate::sys::Shared;

/// Boards of processes that come and go: a new one goes on with one that is free, so
/// that what was counted is never lost.
pub struct Boards {
    words: Arc<Shared>,
}

impl Boards {
    /// So many of them.
    ///
    /// # Errors
    /// The system's, when it is out of memory.
    pub fn new(count: usize) -> io::Result<Self> {
        Ok(Self { words: Arc::new(Shared::new(count * SIZE)?) })
    }

    fn all(&self) -> impl Iterator<Item = usize> {
        (0..self.words.len()).step_by(SIZE)
    }

    /// One for a process among others: a free one or, where there is none, one that
    /// nobody else sees.
    ///
    /// # Errors
    /// The system's, when it is out of memory.
    pub fn take(&self, seat: Seat) -> io::Result<Arc<Board>> {
        let take = |first: &usize| self.words[first + OWNED].swap(1, AcqRel) == 0;
        let board = match self.all().find(take) {
            Some(first) => Board { words: Arc::clone(&self.words), first, seat },
            None => Board { words: Arc::new(Shared::new(SIZE)?), first: 0, seat },
        };
        board.begin();
        Ok(Arc::new(board))
    }

    /// What all processes have counted, those too that are gone.
    #[must_use]
    pub fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        self.all().for_each(|first| sum(&self.words[first..first + SIZE], &mut totals));
        totals
    }
}

impl fmt::Debug for Boards {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Boards({})", self.words.len() / SIZE)
    }
}

/// Adds what one board has counted.
fn sum(words: &[AtomicU64], totals: &mut Totals) {
    let flights = words[FIRST..].chunks_exact(WORDS).filter_map(|words| words[SHOWN..].first_chunk());
    flights.chain(words[OTHERS..].first_chunk()).for_each(|words| totals.add(words));
}

/// See the module's text.
pub struct Board {
    words: Arc<Shared>,
    /// Where its words begin.
    first: usize,
    seat: Seat,
}

/// Whether a process has it.
const OWNED: usize = 0;
/// Requests of flights that are given up.
const PAST: usize = 1;
/// Requests of the processes that had it before.
const BEFORE: usize = 2;
/// Calls whose clients were told that they take too long, and which run still.
const LATE: usize = 3;
/// How many pulses are taken.
const TAKEN: usize = 4;
const PULSES: usize = 5;
/// The most loops whose pulse is felt.
const LOOPS: usize = 61;
/// What went wrong, by kind.
const WRONG: usize = PULSES + LOOPS;
/// The tally of those that have no flight.
const OTHERS: usize = (WRONG + FAULTS).next_multiple_of(LINE);
/// The flights.
const FIRST: usize = OTHERS + tally::WORDS;
/// The most requests that are shown at once.
pub(super) const FLIGHTS: usize = 512;
/// How many words a board has: whole pages.
const SIZE: usize = (FIRST + FLIGHTS * WORDS).next_multiple_of(512);
/// Words of a cache line.
const LINE: usize = 8;

/// A flight's words: whose it is, how many requests it has had, how long the target
/// is that it has now, its method, and as much of the target as there is room for;
/// then its tally.
pub(super) const PROCESS: usize = 0;
pub(super) const COUNT: usize = 1;
pub(super) const LENGTH: usize = 2;
pub(super) const METHOD: usize = 3;
pub(super) const TARGET: usize = 4;
pub(super) const SHOWN: usize = 16;
pub(super) const WORDS: usize = SHOWN + tally::WORDS;
/// Bytes of a target that are shown.
pub(super) const ROOM: usize = (SHOWN - TARGET) * 8;

impl Board {
    /// An empty one, of a process among others, which nobody else sees.
    ///
    /// # Errors
    /// The system's, when it is out of memory.
    pub fn new(seat: Seat) -> io::Result<Arc<Self>> {
        Boards::new(0)?.take(seat)
    }

    /// A new process has it.
    fn begin(&self) {
        for words in self.flights().filter(|words| words[PROCESS].load(Relaxed) != 0) {
            self.give_up(words);
        }
        self.word(BEFORE).store(self.word(PAST).load(Relaxed), Relaxed);
        self.words()[LATE..WRONG].iter().for_each(|word| word.store(0, Relaxed));
    }

    /// Its process is gone: another may have it.
    pub fn free(&self) {
        self.word(OWNED).store(0, Release);
    }

    /// What it says to the others.
    #[must_use]
    pub const fn seat(&self) -> &Seat {
        &self.seat
    }

    fn words(&self) -> &[AtomicU64] {
        &self.words[self.first..self.first + SIZE]
    }

    fn word(&self, place: usize) -> &AtomicU64 {
        &self.words[self.first + place]
    }

    fn flights(&self) -> impl Iterator<Item = &[AtomicU64]> {
        self.words()[FIRST..].chunks_exact(WORDS)
    }

    /// A place to show requests in, one at a time; `None` where all are taken.
    #[must_use]
    pub fn flight(self: &Arc<Self>) -> Option<Flight> {
        let own = process();
        let is_free = |word: &AtomicU64| word.load(Relaxed) == 0;
        let take = |word: &AtomicU64| is_free(word) && word.compare_exchange(0, own, Acquire, Relaxed).is_ok();
        let place = self.flights().position(|words| take(&words[PROCESS]))?;
        Some(Flight::new(Arc::clone(self), place))
    }

    /// The words of a flight, as an array: its parts are found without a look at its
    /// length.
    #[inline]
    pub(super) fn flight_words(&self, place: usize) -> Option<&[AtomicU64; WORDS]> {
        self.words.get(self.first + FIRST + place * WORDS..)?.first_chunk()
    }

    /// What went wrong, by kind.
    pub(super) fn faults(&self) -> &[AtomicU64] {
        &self.words()[WRONG..WRONG + FAULTS]
    }

    /// Counts an answer to a request that has no flight.
    #[cold]
    pub fn count(&self, sample: &Sample) {
        if let Some(words) = self.words()[OTHERS..].first_chunk() {
            tally::count_among_others(words, sample);
        }
    }

    /// What was counted, by the processes too that had it before.
    #[must_use]
    pub fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        sum(self.words(), &mut totals);
        totals
    }

    /// How many requests its process has had.
    #[must_use]
    pub fn requests(&self) -> u64 {
        let flying: u64 = self.flights().map(|words| words[COUNT].load(Relaxed)).sum();
        (self.word(PAST).load(Relaxed) + flying).saturating_sub(self.word(BEFORE).load(Relaxed))
    }

    /// The requests that are running, in all processes or in one, as text for a log.
    #[must_use]
    pub fn running(&self, process: Option<u32>) -> Vec<String> {
        let is_meant = |words: &&[AtomicU64]| process.is_none_or(|id| words[PROCESS].load(Relaxed) == u64::from(id));
        self.flights().filter(is_meant).filter_map(read).collect()
    }

    /// Gives up what a process has left that has ended.
    pub fn bury(&self, process: u32) {
        for words in self.flights().filter(|words| words[PROCESS].load(Relaxed) == u64::from(process)) {
            self.give_up(words);
        }
    }

    pub(super) fn give_up(&self, words: &[AtomicU64]) {
        self.word(PAST).fetch_add(words[COUNT].swap(0, Relaxed), Relaxed);
        words[LENGTH].store(0, Relaxed);
        words[PROCESS].store(0, Release);
    }

    /// A call goes on whose client was told that it takes too long.
    pub fn begin_late(&self) {
        self.word(LATE).fetch_add(1, Relaxed);
    }

    /// It has ended.
    pub fn end_late(&self) {
        self.word(LATE).fetch_sub(1, Relaxed);
    }

    /// How many such calls there are.
    #[must_use]
    pub fn late_calls(&self) -> u64 {
        self.word(LATE).load(Relaxed)
    }

    /// The pulse of one more loop; `None` where there are too many.
    #[must_use]
    pub fn pulse(self: &Arc<Self>) -> Option<Pulse> {
        let number = usize::try_from(self.word(TAKEN).fetch_add(1, Relaxed)).unwrap_or(usize::MAX);
        (number < LOOPS).then(|| Pulse { board: Arc::clone(self), word: self.first + PULSES + number })
    }

    /// The pulses: one that is odd, and the same as before, is of a loop that has
    /// not come round.
    pub fn pulses(&self) -> impl Iterator<Item = u64> {
        let taken = usize::try_from(self.word(TAKEN).load(Relaxed)).unwrap_or(LOOPS).min(LOOPS);
        self.words()[PULSES..PULSES + taken].iter().map(|word| word.load(Relaxed))
    }
}

impl fmt::Debug for Board {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Board({} requests)", self.requests())
    }
}

/// A request that is running, as text.
fn read(words: &[AtomicU64]) -> Option<String> {
    // One more than it is long, so that none is shorter than 1.
    let length = usize::try_from(words[LENGTH].load(Acquire)).ok()?.checked_sub(1)?;
    let bytes =
        |words: &[AtomicU64]| words.iter().flat_map(|word| word.load(Relaxed).to_le_bytes()).collect::<Vec<_>>();
    let (method, target) = (bytes(&words[METHOD..TARGET]), bytes(&words[TARGET..SHOWN]));
    let method = method.split(|byte| *byte == 0).next().unwrap_or_default();
    let more = if length > ROOM { "..." } else { "" };
    let text = [method, b" ", &target[..length.min(ROOM)]].concat();
    Some(escape(&String::from_utf8_lossy(&text)) + more)
}

/// Says of a loop whether it waits or works: a number that grows, odd while it
/// works. No clock is read for it: who looks has one.
#[derive(Debug)]
pub struct Pulse {
    board: Arc<Board>,
    word: usize,
}

impl Pulse {
    /// It waits for something to do.
    pub fn rest(&self) {
        let word = &self.board.words[self.word];
        word.store((word.load(Relaxed) | 1) + 1, Relaxed);
    }

    /// It has something to do.
    pub fn work(&self) {
        let word = &self.board.words[self.word];
        word.store(word.load(Relaxed) | 1, Relaxed);
    }
}

impl Drop for Pulse {
    fn drop(&mut self) {
        self.rest();
    }
}

fn process() -> u64 {
    u64::from(getpid().as_raw_nonzero().get().unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::Crowd;

    #[test]
    fn what_runs_is_shown_until_it_ends() {
        let board = Board::new(Crowd::new().unwrap().seat(1)).unwrap();
        let (first, second) = (board.flight().unwrap(), board.flight().unwrap());
        assert_eq!(board.running(None), [""; 0]);
        first.begin(b"GET", b"/");
        second.begin(b"PROPFIND", b"/a/b?c=\x1b[2J");
        assert_eq!(board.running(None), ["GET /", "PROPFIND /a/b?c=\\u{1b}[2J"]);
        first.end();
        first.begin(b"PROPPATCH", b"");
        assert_eq!(board.running(Some(std::process::id()))[0], "PROPPATC ");
        assert_eq!(board.running(Some(1)), [""; 0]);
        drop(first);
        assert_eq!((board.running(None).len(), board.requests()), (1, 3));
        let long = [b'x'; 200];
        second.begin(b"GET", &long);
        assert_eq!(board.running(None), [format!("GET {}...", "x".repeat(ROOM))]);
        board.bury(std::process::id());
        assert_eq!((board.running(None).len(), board.requests()), (0, 4));
        std::mem::forget(second);
    }

    #[test]
    fn what_was_counted_is_kept_for_the_next() {
        let (boards, crowd) = (Boards::new(2).unwrap(), Crowd::new().unwrap());
        let sample = |status| Sample { status, bytes: 1, took: None };
        let first = boards.take(crowd.seat(1)).unwrap();
        let flight = first.flight().unwrap();
        flight.begin(b"GET", b"/");
        flight.count(&sample(200));
        first.count(&sample(503));
        let second = boards.take(crowd.seat(2)).unwrap();
        second.count(&sample(404));
        let hidden = boards.take(crowd.seat(3)).unwrap();
        hidden.count(&sample(404));
        assert_eq!(boards.totals().statuses, [0, 1, 0, 1, 1, 0]);
        // It is killed while a request runs.
        std::mem::forget(flight);
        assert_eq!((first.running(None).len(), first.requests()), (1, 1));
        first.begin_late();
        first.free();
        let third = boards.take(crowd.seat(4)).unwrap();
        assert_eq!((third.running(None).len(), third.requests(), third.late_calls()), (0, 0, 0));
        third.flight().unwrap().count(&sample(200));
        assert_eq!(third.totals().statuses, [0, 2, 0, 0, 1, 0]);
        assert_eq!(boards.totals().statuses, [0, 2, 0, 1, 1, 0]);
    }

    #[test]
    fn there_is_an_end_to_places() {
        let board = Board::new(Crowd::new().unwrap().seat(1)).unwrap();
        let mut flights: Vec<_> = std::iter::from_fn(|| board.flight()).collect();
        assert_eq!(flights.len(), FLIGHTS);
        flights.pop();
        assert!(board.flight().is_some());
        let pulses: Vec<_> = std::iter::from_fn(|| board.pulse()).collect();
        assert_eq!(pulses.len(), LOOPS);
    }

    #[test]
    fn a_loop_that_works_is_felt() {
        let board = Board::new(Crowd::new().unwrap().seat(1)).unwrap();
        let (one, other) = (board.pulse().unwrap(), board.pulse().unwrap());
        let felt = || board.pulses().collect::<Vec<_>>();
        assert_eq!(felt(), [0, 0]);
        one.work();
        other.work();
        one.rest();
        assert_eq!(felt(), [2, 1]);
        one.rest();
        one.work();
        assert_eq!(felt(), [5, 1]);
        drop(one);
        assert_eq!(felt(), [6, 1]);
    }
}
