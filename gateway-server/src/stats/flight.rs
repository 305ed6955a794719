//! A place to show requests in, one at a time, and to count their answers in.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use gateway_spec::escape;

use super::board::Board;
use super::tally::{self, Sample};

/// A flight's words: whose it is, how many requests it has had, how long the target
/// is that it has now and whether its app is called, its method, and as much of the
/// target as there is room for; then its tally.
pub(super) const PROCESS: usize = 0;
pub(super) const COUNT: usize = 1;
pub(super) const LENGTH: usize = 2;
const METHOD: usize = 3;
const TARGET: usize = 4;
pub(super) const SHOWN: usize = 16;
pub(super) const WORDS: usize = SHOWN + tally::WORDS;
/// Bytes of a target that are shown.
pub(super) const ROOM: usize = (SHOWN - TARGET) * 8;
/// In the word of the length: its app is called.
pub(super) const CALLING: u64 = 1 << 63;

/// See the module's text.
pub struct Flight {
    board: Arc<Board>,
    place: usize,
}

impl Flight {
    pub(super) const fn new(board: Arc<Board>, place: usize) -> Self {
        Self { board, place }
    }

    #[inline]
    fn words(&self) -> Option<&[AtomicU64; WORDS]> {
        self.board.flight_words(self.place)
    }

    /// A request begins.
    pub fn begin(&self, method: &[u8], target: &[u8]) {
        let Some(words) = self.words() else { return };
        // Nobody else writes here.
        words[COUNT].store(words[COUNT].load(Relaxed) + 1, Relaxed);
        words[METHOD].store(word(method), Relaxed);
        for (place, bytes) in words[TARGET..SHOWN].iter().zip(target.chunks(8)) {
            place.store(word(bytes), Relaxed);
        }
        words[LENGTH].store((target.len() as u64 + 1) | CALLING, Release);
    }

    /// Its app is called once more, or has returned.
    pub fn set_calling(&self, calling: bool) {
        let Some(words) = self.words() else { return };
        let length = words[LENGTH].load(Relaxed) & !CALLING;
        words[LENGTH].store(if calling && length > 0 { length | CALLING } else { length }, Relaxed);
    }

    /// It has ended.
    pub fn end(&self) {
        if let Some(words) = self.words() {
            words[LENGTH].store(0, Relaxed);
        }
    }

    /// It has ended, and its answer is counted.
    #[inline]
    pub fn land(&self, sample: &Sample) {
        let Some(words) = self.words() else { return };
        words[LENGTH].store(0, Relaxed);
        if let Some(tally) = words[SHOWN..].first_chunk() {
            tally::count_alone(tally, sample);
        }
    }

    /// Counts an answer of which nothing was shown.
    pub fn count(&self, sample: &Sample) {
        if let Some(words) = self.words().and_then(|words| words[SHOWN..].first_chunk()) {
            tally::count_alone(words, sample);
        }
    }
}

/// A request that is running, as text; without its query unless that is wanted.
pub(super) fn read(words: &[AtomicU64], query: bool) -> Option<String> {
    // One more than it is long, so that none is shorter than 1.
    let length = usize::try_from(words[LENGTH].load(Acquire) & !CALLING).ok()?.checked_sub(1)?;
    let bytes =
        |words: &[AtomicU64]| words.iter().flat_map(|word| word.load(Relaxed).to_le_bytes()).collect::<Vec<_>>();
    let (method, target) = (bytes(&words[METHOD..TARGET]), bytes(&words[TARGET..SHOWN]));
    let method = method.split(|byte| *byte == 0).next().unwrap_or_default();
    let target = &target[..length.min(ROOM)];
    let shown = if query { target } else { target.split(|byte| *byte == b'?').next().unwrap_or_default() };
    let more = if length > ROOM && shown.len() == ROOM { "..." } else { "" };
    let text = [method, b" ", shown].concat();
    Some(escape(&String::from_utf8_lossy(&text)) + more)
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
