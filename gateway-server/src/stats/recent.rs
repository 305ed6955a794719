//! The last things that went wrong, as text, in memory that all processes have.

use std::fmt;
use std::io;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicU64, fence};

use gateway_spec::escape;
use rustix::process::getpid;

use crate::sys::Shared;

/// See the module's text.
pub struct Recent(Shared);

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mishap {
    /// When it was said, in seconds since 1970.
    pub time: u64,
    /// Whether it is an error, not a warning.
    pub is_error: bool,
    /// The process that said it.
    pub process: u32,
    /// Safe for terminals and without the queries of requests.
    pub text: String,
}

/// How many are kept.
const KEPT: u64 = 16;
/// Bytes of a text that are kept.
const ROOM: usize = 480;

// A place's words: which it is, from 1 on, or that it is being written; then what it says.
const NUMBER: usize = 0;
const TIME: usize = 1;
const PROCESS: usize = 2;
const LENGTH: usize = 3;
const TEXT: usize = 4;
const WORDS: usize = TEXT + ROOM / 8;
const WRITING: u64 = u64::MAX;
/// In the word of the length: it is an error.
const ERROR: u64 = 1 << 32;

impl Recent {
    /// None yet.
    ///
    /// # Errors
    /// The system's, when it is out of memory.
    pub fn new() -> io::Result<Self> {
        Ok(Self(Shared::new(1 + KEPT as usize * WORDS)?))
    }

    fn place(&self, number: u64) -> &[AtomicU64] {
        let first = 1 + (number % KEPT) as usize * WORDS;
        &self.0[first..first + WORDS]
    }

    /// Keeps one. Of a text that is too long, the beginning.
    pub fn keep(&self, time: u64, is_error: bool, text: &str) {
        let number = self.0[0].fetch_add(1, Relaxed);
        let text = escape(&without_queries(text));
        let bytes = &text.as_bytes()[..beginning(&text)];
        let place = self.place(number);
        if place[NUMBER].swap(WRITING, Acquire) == WRITING {
            // As many have come while somebody writes as are kept: this one is lost.
            return;
        }
        // Before the rest, for whoever reads meanwhile.
        fence(Release);
        place[TIME].store(time, Relaxed);
        place[PROCESS].store(u64::from(getpid().as_raw_nonzero().get().unsigned_abs()), Relaxed);
        place[LENGTH].store(bytes.len() as u64 | if is_error { ERROR } else { 0 }, Relaxed);
        for (word, piece) in place[TEXT..].iter().zip(bytes.chunks(8)) {
            let mut whole = [0; 8];
            whole[..piece.len()].copy_from_slice(piece);
            word.store(u64::from_le_bytes(whole), Relaxed);
        }
        place[NUMBER].store(number + 1, Release);
    }

    /// Those that are kept, the last one first. One that is being written is left out.
    #[must_use]
    pub fn latest(&self) -> Vec<Mishap> {
        let count = self.0[0].load(Acquire);
        (count.saturating_sub(KEPT)..count).rev().filter_map(|number| self.read(number)).collect()
    }

    fn read(&self, number: u64) -> Option<Mishap> {
        let place = self.place(number);
        let is_it = || place[NUMBER].load(Acquire) == number + 1;
        if !is_it() {
            return None;
        }
        let of = |word: usize| place[word].load(Relaxed);
        let bytes: Vec<u8> = place[TEXT..].iter().flat_map(|word| word.load(Relaxed).to_le_bytes()).collect();
        let length = ((of(LENGTH) & !ERROR) as usize).min(ROOM);
        let mishap = Mishap {
            time: of(TIME),
            is_error: of(LENGTH) & ERROR != 0,
            process: u32::try_from(of(PROCESS)).unwrap_or(0),
            text: String::from_utf8_lossy(&bytes[..length]).into_owned(),
        };
        // After the rest: whoever has written meanwhile has changed it.
        fence(Acquire);
        is_it().then_some(mishap)
    }
}

impl fmt::Debug for Recent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recent({})", self.0[0].load(Relaxed))
    }
}

/// How much of a text is kept: whole characters.
fn beginning(text: &str) -> usize {
    let ends = text.char_indices().map(|(place, char)| place + char.len_utf8());
    ends.take_while(|end| *end <= ROOM).last().unwrap_or(0)
}

/// The text without what follows a `?` in any of its words: that may be the query of a
/// request, which is nobody else's. What ends a word of the sentence stays.
fn without_queries(text: &str) -> String {
    let cut = |word: &str| match word.split_once('?') {
        Some((path, query)) if !query.trim_end().is_empty() => {
            let query = query.trim_end_matches(char::is_whitespace);
            let rest = &word[path.len() + 1 + query.len()..];
            let mark = if query.ends_with([':', ',', ';']) { &query[query.len() - 1..] } else { "" };
            format!("{path}{mark}{rest}")
        }
        _ => word.to_owned(),
    };
    text.split_inclusive(char::is_whitespace).map(cut).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_ones_are_kept() {
        let recent = Recent::new().unwrap();
        assert_eq!(recent.latest(), []);
        recent.keep(7, true, "GET /a?b=c: \u{1b}[2J");
        let process = std::process::id();
        let text = "GET /a: \\u{1b}[2J".to_owned();
        assert_eq!(recent.latest(), [Mishap { time: 7, is_error: true, process, text }]);
        for number in 0..KEPT {
            recent.keep(number, false, &format!("{number}"));
        }
        let texts: Vec<String> = recent.latest().into_iter().map(|mishap| mishap.text).collect();
        assert_eq!(texts, (0..KEPT).rev().map(|number| number.to_string()).collect::<Vec<_>>());
        recent.keep(0, false, &"\u{e9}x".repeat(ROOM));
        let text = &recent.latest()[0].text;
        assert!(text.len() <= ROOM && text.len() > ROOM - 4, "{}", text.len());
    }

    #[test]
    fn queries_are_cut() {
        let check = |text: &str, expected: &str| assert_eq!(without_queries(text), expected, "{text}");
        check("", "");
        check("why? who knows", "why? who knows");
        check("GET /a?b=c: it failed", "GET /a: it failed");
        check("running: GET /a?b=c,d, POST http://x/?y?z", "running: GET /a, POST http://x/");
        check("GET /?a=1\nGET /b?x", "GET /\nGET /b");
        check("/?", "/?");
    }

    /// Nobody reads halves of two texts as one.
    #[test]
    fn what_is_read_is_whole() {
        let recent = Recent::new().unwrap();
        std::thread::scope(|scope| {
            for letter in ["a", "b"] {
                let recent = &recent;
                scope.spawn(move || (0..2_000).for_each(|_| recent.keep(1, true, &letter.repeat(ROOM))));
            }
            for _ in 0..2_000 {
                for mishap in recent.latest() {
                    let first = mishap.text.chars().next().unwrap();
                    assert!(mishap.text.chars().all(|char| char == first), "{}", mishap.text);
                }
            }
        });
    }
}
