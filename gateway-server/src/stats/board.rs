//! What a process that serves shows to others, in memory that all have: how many
//! requests it has had, which are running, what became of them, and whether its loops
//! turn. It is still there when the process has been killed.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use rustix::process::getpid;

use super::FAULTS;
use super::boards::Boards;
use super::crowd::Seat;
use super::flight::{self, CALLING, COUNT, Flight, LENGTH, PROCESS, SHOWN, WORDS};
use super::tally::{self, Sample, Totals};
use super::worker::{Calls, Standing, Worker};
use crate::sys::Shared;

/// See the module's text.
pub struct Board {
    words: Arc<Shared>,
    /// Where its words begin.
    first: usize,
    seat: Seat,
}

/// Whether a process has it.
pub(super) const OWNED: usize = 0;
/// Requests of flights that are given up.
const PAST: usize = 1;
/// Requests of the processes that had it before.
const BEFORE: usize = 2;
/// Clients that were taken, whoever had it.
const ACCEPTED: usize = 3;
/// How many flights were ever in use: nobody looks at the others, whose memory is
/// not there before somebody does.
const USED: usize = 4;
/// Calls whose clients were told that they take too long, and which run still.
/// What follows up to the faults is its process's alone.
const LATE: usize = 5;
/// Clients that are there.
const OPEN: usize = 6;
/// Requests that wait for a call to end.
const QUEUED: usize = 7;
/// How many calls may run at once, in a [`Calls`]' word.
const CALLS: usize = 8;
/// The worker's number, its process, since when it is there, and where it stands.
const NUMBER: usize = 9;
const PID: usize = 10;
const BORN: usize = 11;
const STANDING: usize = 12;
/// How many pulses are taken.
const TAKEN: usize = 15;
const PULSES: usize = 16;
/// The most loops whose pulse is felt.
const LOOPS: usize = 64;
/// What went wrong, by kind.
const WRONG: usize = PULSES + LOOPS;
/// The tally of those that have no flight.
const OTHERS: usize = (WRONG + FAULTS).next_multiple_of(LINE);
/// The flights.
const FIRST: usize = OTHERS + tally::WORDS;
/// The most requests that are shown at once.
pub(super) const FLIGHTS: usize = 512;
/// How many words a board has: whole pages.
pub(super) const SIZE: usize = (FIRST + FLIGHTS * WORDS).next_multiple_of(512);
/// Words of a cache line.
const LINE: usize = 8;

impl Board {
    /// An empty one, of a process among others, which nobody else sees.
    ///
    /// # Errors
    /// The system's, when it is out of memory.
    pub fn new(seat: Seat) -> io::Result<Arc<Self>> {
        Boards::new(0)?.take(seat)
    }

    /// The one whose words begin there.
    pub(super) const fn of(words: Arc<Shared>, first: usize, seat: Seat) -> Self {
        Self { words, first, seat }
    }

    /// A new process has it.
    pub(super) fn begin(&self) {
        for words in self.flights().filter(|words| words[PROCESS].load(Relaxed) != 0) {
            self.give_up(words);
        }
        self.word(BEFORE).store(self.word(PAST).load(Relaxed), Relaxed);
        self.words()[LATE..WRONG].iter().for_each(|word| word.store(0, Relaxed));
    }

    /// The worker of this number is in this process from now on.
    pub fn introduce(&self, number: u64, process: u32, now: u64) {
        let words = [(NUMBER, number), (PID, u64::from(process)), (BORN, now)];
        words.into_iter().for_each(|(place, value)| self.word(place).store(value, Relaxed));
    }

    /// Says where it stands.
    pub fn stand(&self, standing: Standing) {
        self.word(STANDING).store(standing as u64, Relaxed);
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
        flights(self.words())
    }

    /// A place to show requests in, one at a time; `None` where all are taken.
    #[must_use]
    pub fn flight(self: &Arc<Self>) -> Option<Flight> {
        let own = process();
        let is_free = |word: &AtomicU64| word.load(Relaxed) == 0;
        let take = |word: &AtomicU64| is_free(word) && word.compare_exchange(0, own, Acquire, Relaxed).is_ok();
        let place = self.words()[FIRST..].chunks_exact(WORDS).position(|words| take(&words[PROCESS]))?;
        self.word(USED).fetch_max(place as u64 + 1, Relaxed);
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
        requests(self.words())
    }

    /// The requests that are running, in all processes or in one, as text for a log.
    #[must_use]
    pub fn running(&self, process: Option<u32>) -> Vec<String> {
        let is_meant = |words: &&[AtomicU64]| process.is_none_or(|id| words[PROCESS].load(Relaxed) == u64::from(id));
        self.flights().filter(is_meant).filter_map(|words| flight::read(words, true)).collect()
    }

    /// A client is here; one that was `known` has been another process's before.
    pub fn arrive(&self, known: bool) {
        if !known {
            self.word(ACCEPTED).fetch_add(1, Relaxed);
        }
        self.word(OPEN).fetch_add(1, Relaxed);
    }

    /// So many clients have gone.
    pub fn depart(&self, count: usize) {
        self.word(OPEN).fetch_sub(count as u64, Relaxed);
    }

    /// So many requests wait for a call to end.
    pub fn set_queued(&self, count: u64) {
        self.word(QUEUED).store(count, Relaxed);
    }

    /// So many calls may run at once.
    pub fn set_calls(&self, calls: Calls) {
        self.word(CALLS).store(calls.word(), Relaxed);
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

/// The flights that were ever in use, of a board's words.
fn flights(words: &[AtomicU64]) -> impl Iterator<Item = &[AtomicU64]> {
    let used = usize::try_from(words[USED].load(Relaxed)).unwrap_or(FLIGHTS).min(FLIGHTS);
    words[FIRST..].chunks_exact(WORDS).take(used)
}

/// How many requests all have had who had a board of these words.
pub(super) fn ever(words: &[AtomicU64]) -> u64 {
    let flying: u64 = flights(words).map(|words| words[COUNT].load(Relaxed)).sum();
    words[PAST].load(Relaxed) + flying
}

/// How many those of its process are.
fn requests(words: &[AtomicU64]) -> u64 {
    ever(words).saturating_sub(words[BEFORE].load(Relaxed))
}

/// What there is to say of the worker that has a board of these words.
pub(super) fn worker(words: &[AtomicU64]) -> Worker {
    let of = |place: usize| words[place].load(Relaxed);
    let running = || flights(words).filter(|words| words[LENGTH].load(Relaxed) != 0);
    let is_inside = |words: &&[AtomicU64]| words[LENGTH].load(Relaxed) & CALLING != 0;
    Worker {
        number: of(NUMBER),
        process: u32::try_from(of(PID)).unwrap_or(0),
        born: of(BORN),
        standing: Standing::of(of(STANDING)),
        requests: requests(words),
        late_calls: of(LATE),
        connections: of(OPEN),
        queued: of(QUEUED),
        in_flight: running().count() as u64,
        calling: running().filter(is_inside).count() as u64,
        calls: Calls::of(of(CALLS)),
        running: flights(words).filter_map(|words| flight::read(words, false)).collect(),
    }
}

/// Adds what one board has counted.
pub(super) fn sum(words: &[AtomicU64], totals: &mut Totals) {
    let tallies = flights(words).filter_map(|words| words[SHOWN..].first_chunk());
    tallies.chain(words[OTHERS..].first_chunk()).for_each(|words| totals.add(words));
}

/// How often something went wrong, and how many clients were taken, of a board's words.
pub(super) fn faults(words: &[AtomicU64]) -> (&[AtomicU64], u64) {
    (&words[WRONG..WRONG + FAULTS], words[ACCEPTED].load(Relaxed))
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
    use crate::stats::flight::ROOM;

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
