//! What a process that serves shows its master, in memory that both have: how
//! many requests it has had, which are running, and whether its loops turn. It is
//! still there when the process has been killed.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use gateway_spec::escape;
use rustix::process::getpid;

use super::crowd::Seat;
use crate::sys::Shared;

/// See the module's text.
pub struct Board {
    words: Shared,
    seat: Seat,
}

/// Requests of flights that are given up.
const PAST: usize = 0;
/// Calls whose clients were told that they take too long, and which run still.
const LATE: usize = 1;
/// How many pulses are taken.
const TAKEN: usize = 2;
const PULSES: usize = 3;

/// The most loops whose pulse is felt.
const LOOPS: usize = 61;
/// The most requests that are shown at once.
const FLIGHTS: usize = 512;
const FIRST: usize = PULSES + LOOPS;

/// A flight's words: whose it is, how many requests it has had, how long the target
/// is that it has now, its method, and as much of the target as there is room for.
const PROCESS: usize = 0;
const COUNT: usize = 1;
const LENGTH: usize = 2;
const METHOD: usize = 3;
const TARGET: usize = 4;
const WORDS: usize = 16;
/// Bytes of a target that are shown.
const ROOM: usize = (WORDS - TARGET) * 8;

impl Board {
    /// An empty one, of a process among others.
    ///
    /// # Errors
    /// The system's, when it is out of memory.
    pub fn new(seat: Seat) -> io::Result<Arc<Self>> {
        Ok(Arc::new(Self { words: Shared::new(FIRST + FLIGHTS * WORDS)?, seat }))
    }

    /// What it says to the others.
    #[must_use]
    pub const fn seat(&self) -> &Seat {
        &self.seat
    }

    fn flights(&self) -> impl Iterator<Item = &[AtomicU64]> {
        self.words[FIRST..].chunks_exact(WORDS)
    }

    /// A place to show requests in, one at a time; `None` where all are taken.
    #[must_use]
    pub fn flight(self: &Arc<Self>) -> Option<Flight> {
        let own = process();
        let is_free = |word: &AtomicU64| word.load(Relaxed) == 0;
        let take = |word: &AtomicU64| is_free(word) && word.compare_exchange(0, own, Acquire, Relaxed).is_ok();
        let place = self.flights().position(|words| take(&words[PROCESS]))?;
        Some(Flight { board: Arc::clone(self), first: FIRST + place * WORDS })
    }

    /// How many requests there were.
    #[must_use]
    pub fn requests(&self) -> u64 {
        let flying: u64 = self.flights().map(|words| words[COUNT].load(Relaxed)).sum();
        self.words[PAST].load(Relaxed) + flying
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

    fn give_up(&self, words: &[AtomicU64]) {
        self.words[PAST].fetch_add(words[COUNT].swap(0, Relaxed), Relaxed);
        words[LENGTH].store(0, Relaxed);
        words[PROCESS].store(0, Release);
    }

    /// A call goes on whose client was told that it takes too long.
    pub fn begin_late(&self) {
        self.words[LATE].fetch_add(1, Relaxed);
    }

    /// It has ended.
    pub fn end_late(&self) {
        self.words[LATE].fetch_sub(1, Relaxed);
    }

    /// How many such calls there are.
    #[must_use]
    pub fn late_calls(&self) -> u64 {
        self.words[LATE].load(Relaxed)
    }

    /// The pulse of one more loop; `None` where there are too many.
    #[must_use]
    pub fn pulse(self: &Arc<Self>) -> Option<Pulse> {
        let number = usize::try_from(self.words[TAKEN].fetch_add(1, Relaxed)).unwrap_or(usize::MAX);
        (number < LOOPS).then(|| Pulse { board: Arc::clone(self), word: PULSES + number })
    }

    /// The pulses: one that is odd, and the same as before, is of a loop that has
    /// not come round.
    pub fn pulses(&self) -> impl Iterator<Item = u64> {
        let taken = usize::try_from(self.words[TAKEN].load(Relaxed)).unwrap_or(LOOPS).min(LOOPS);
        self.words[PULSES..PULSES + taken].iter().map(|word| word.load(Relaxed))
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
    let (method, target) = (bytes(&words[METHOD..TARGET]), bytes(&words[TARGET..]));
    let method = method.split(|byte| *byte == 0).next().unwrap_or_default();
    let more = if length > ROOM { "..." } else { "" };
    let text = [method, b" ", &target[..length.min(ROOM)]].concat();
    Some(escape(&String::from_utf8_lossy(&text)) + more)
}

/// A place for one request at a time.
pub struct Flight {
    board: Arc<Board>,
    first: usize,
}

impl Flight {
    /// As an array: its parts are found without a look at its length.
    fn words(&self) -> Option<&[AtomicU64; WORDS]> {
        self.board.words.get(self.first..)?.first_chunk()
    }

    /// A request begins.
    pub fn begin(&self, method: &[u8], target: &[u8]) {
        let Some(words) = self.words() else { return };
        // Nobody else writes here.
        words[COUNT].store(words[COUNT].load(Relaxed) + 1, Relaxed);
        words[METHOD].store(word(method), Relaxed);
        for (place, bytes) in words[TARGET..].iter().zip(target.chunks(8)) {
            place.store(word(bytes), Relaxed);
        }
        words[LENGTH].store(target.len() as u64 + 1, Release);
    }

    /// It has ended.
    pub fn end(&self) {
        if let Some(words) = self.words() {
            words[LENGTH].store(0, Relaxed);
        }
    }
}

/// Up to eight bytes in one word.
fn word(bytes: &[u8]) -> u64 {
    if let Some(whole) = bytes.first_chunk() {
        return u64::from_le_bytes(*whole);
    }
    // Of four and more, the first four and the last four: some are the same.
    if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        let [first, last] = [first, last].map(|half| u64::from(u32::from_le_bytes(*half)));
        return first | last << (8 * (bytes.len() - 4));
    }
    bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte))
}

impl Drop for Flight {
    fn drop(&mut self) {
        if let Some(words) = self.words() {
            self.board.give_up(words);
        }
    }
}

impl fmt::Debug for Flight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Flight")
    }
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
    fn a_word_has_up_to_eight_bytes() {
        let bytes = b"abcdefghij";
        for length in 0..=8 {
            let shown: Vec<u8> =
                word(&bytes[..length]).to_le_bytes().into_iter().take_while(|byte| *byte > 0).collect();
            assert_eq!(shown, &bytes[..length]);
        }
        assert_eq!(word(bytes), word(&bytes[..8]));
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
