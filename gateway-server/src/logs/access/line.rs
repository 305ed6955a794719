//! A line that is being written: into room that is there already, so that a piece of it
//! costs a look whether it fits, and a store. What does not fit goes where the lines are.

use std::fmt::{self, Display, Write as _};

use super::super::json;
use super::escape::{Stops, escape, is_plain};

/// Bytes that nearly no line is longer than.
const ROOM: usize = 2048;

/// Memory for one line after the other.
#[derive(Debug)]
pub(super) struct Room([u8; ROOM]);

impl Default for Room {
    fn default() -> Self {
        Self([0; ROOM])
    }
}

/// See the module's text.
#[derive(Debug)]
pub(super) struct Line<'s> {
    room: &'s mut [u8; ROOM],
    used: usize,
    /// Finished lines, and what did not fit of this one.
    lines: &'s mut Vec<u8>,
}

/// Where in a line a value stands, which says what in it is odd.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place<'s> {
    /// In quotes.
    Quoted,
    /// Between these bytes.
    Bare(&'s Stops),
    /// In a string of JSON.
    Json,
}

/// Text of at most eight bytes, which is copied as one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Short {
    word: [u8; Self::MOST],
    length: u8,
}

impl Short {
    pub(super) const MOST: usize = 8;

    /// The first eight bytes of a text.
    pub(super) fn of(text: &[u8]) -> Self {
        let (mut word, length) = ([0; Self::MOST], text.len().min(Self::MOST));
        word[..length].copy_from_slice(&text[..length]);
        Self { word, length: length as u8 }
    }
}

/// The numbers below a thousand as text, and how long that is.
static NUMBERS: [[u8; 4]; 1000] = {
    let mut numbers = [[0; 4]; 1000];
    let mut number = 0;
    while number < 1000 {
        let [a, b, c] = [number / 100, number / 10 % 10, number % 10];
        let [a, b, c] = [b'0' + a as u8, b'0' + b as u8, b'0' + c as u8];
        numbers[number] = match number {
            0..10 => [c, 0, 0, 1],
            10..100 => [b, c, 0, 2],
            _ => [a, b, c, 3],
        };
        number += 1;
    }
    numbers
};

/// Each piece is written where it is named, and not by a call: for half of them that would cost
/// more than the piece.
impl<'s> Line<'s> {
    #[inline]
    pub(super) fn new(Room(room): &'s mut Room, lines: &'s mut Vec<u8>) -> Self {
        Self { room, used: 0, lines }
    }

    /// It is one line more.
    #[inline]
    pub(super) fn end(self) {
        self.lines.extend_from_slice(&self.room[..self.used]);
    }

    /// Text of the server's own.
    #[inline(always)]
    pub(super) fn short(&mut self, Short { word, length }: &Short) {
        self.begin(word, usize::from(*length));
    }

    /// The same, of a length that is known.
    #[inline(always)]
    pub(super) fn fixed<const LENGTH: usize>(&mut self, text: &[u8; LENGTH]) {
        self.begin(text, LENGTH);
    }

    /// A number.
    #[inline(always)]
    pub(super) fn number(&mut self, number: u64) {
        match usize::try_from(number).ok().and_then(|number| NUMBERS.get(number)) {
            Some(text) => self.begin(text, text[3].into()),
            None => self.used = long_number(self.room, self.used, self.lines, number),
        }
    }

    /// The first bytes of a text.
    #[inline(always)]
    fn begin<const LENGTH: usize>(&mut self, text: &[u8; LENGTH], length: usize) {
        match self.room.get_mut(self.used..).and_then(<[u8]>::first_chunk_mut) {
            Some(room) => (*room, self.used) = (*text, self.used + length),
            None => self.used = spill(self.room, self.used, self.lines, &text[..length]),
        }
    }

    /// Text of any length.
    #[inline(always)]
    pub(super) fn put(&mut self, text: &[u8]) {
        match self.room.get_mut(self.used..).and_then(|room| room.get_mut(..text.len())) {
            Some(room) => {
                copy(room, text);
                self.used += text.len();
            }
            None => self.used = spill(self.room, self.used, self.lines, text),
        }
    }

    /// What a client has sent, or may have: escaped where something in it is odd.
    #[inline(always)]
    pub(super) fn sent(&mut self, bytes: &[u8], place: Place<'_>) {
        let is_bare = matches!(place, Place::Bare(stops) if stops.are_in(bytes));
        if is_plain(bytes) && !is_bare {
            self.put(bytes);
        } else {
            self.used = escaped(self.room, self.used, self.lines, bytes, place);
        }
    }

    /// What can be shown.
    #[inline(always)]
    pub(super) fn shown(&mut self, what: impl Display) {
        self.used = shown(self.room, self.used, self.lines, what);
    }
}

/// Puts what there is of a line where the lines are, and more of it; says how much room is used
/// then. It gets all that apart, as do those that follow: a line whose address nobody takes
/// is kept in registers.
#[cold]
#[inline(never)]
fn spill(room: &[u8; ROOM], used: usize, lines: &mut Vec<u8>, more: &[u8]) -> usize {
    lines.extend_from_slice(&room[..used]);
    lines.extend_from_slice(more);
    0
}

#[cold]
#[inline(never)]
fn escaped(room: &[u8; ROOM], used: usize, lines: &mut Vec<u8>, bytes: &[u8], place: Place<'_>) -> usize {
    lines.extend_from_slice(&room[..used]);
    match place {
        Place::Quoted => escape(lines, bytes, None),
        Place::Bare(stops) => escape(lines, bytes, Some(stops)),
        Place::Json => json::text(lines, bytes),
    }
    0
}

#[inline(never)]
fn long_number(room: &mut [u8; ROOM], used: usize, lines: &mut Vec<u8>, mut number: u64) -> usize {
    let (mut digits, mut start) = ([0; 20], 20);
    while number > 0 {
        start -= 1;
        digits[start] = b'0' + (number % 10) as u8;
        number /= 10;
    }
    let mut line = Line { room, used, lines };
    line.put(&digits[start..]);
    line.used
}

#[inline(never)]
fn shown(room: &mut [u8; ROOM], used: usize, lines: &mut Vec<u8>, what: impl Display) -> usize {
    let mut line = Line { room, used, lines };
    // Writing to memory cannot fail.
    let _ = write!(line, "{what}");
    line.used
}

impl fmt::Write for Line<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.put(text.as_bytes());
        Ok(())
    }
}

/// Copies a text into as much room: short ones as two words that may overlap.
#[inline(always)]
fn copy(to: &mut [u8], from: &[u8]) {
    match from.len() {
        17.. => to.copy_from_slice(from),
        length if length >= 8 => ends::<8>(to, from),
        length if length >= 4 => ends::<4>(to, from),
        length if length >= 2 => ends::<2>(to, from),
        _ => to.iter_mut().zip(from).for_each(|(to, from)| *to = *from),
    }
}

/// Copies the first word and the last.
#[inline(always)]
fn ends<const WORD: usize>(to: &mut [u8], from: &[u8]) {
    if let (Some(to), Some(from)) = (to.first_chunk_mut::<WORD>(), from.first_chunk()) {
        *to = *from;
    }
    if let (Some(to), Some(from)) = (to.last_chunk_mut::<WORD>(), from.last_chunk()) {
        *to = *from;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut Line<'_>)) -> Vec<u8> {
        let (mut room, mut lines) = (Room::default(), b"first\n".to_vec());
        let mut line = Line::new(&mut room, &mut lines);
        write(&mut line);
        line.end();
        lines.split_off(6)
    }

    #[test]
    fn texts_of_all_lengths_stand_as_they_are() {
        let text: Vec<u8> = (b'a'..=b'z').cycle().take(2 * ROOM).collect();
        for length in (0..100).chain(ROOM - 20..ROOM + 20).chain([2 * ROOM]) {
            let text = &text[..length];
            let twice = written(|line| (line.put(text), line.sent(text, Place::Quoted)).0);
            assert!(twice == [text, text].concat(), "{length}");
            let short = written(|line| (line.put(text), line.short(&Short::of(text)), line.put(b"!")).0);
            assert!(short == [text, &text[..length.min(8)], b"!"].concat(), "{length}");
        }
    }

    #[test]
    fn what_is_odd_stands_in_its_place() {
        let stops = Stops::of(b"|");
        for length in [0, 1, ROOM - 1, ROOM] {
            let before = "a".repeat(length);
            for (place, expected) in
                [(Place::Quoted, "a|\\x22-"), (Place::Bare(&stops), "a\\x7C\\x22-"), (Place::Json, "a|\\\"-")]
            {
                let line = written(|line| {
                    line.put(before.as_bytes());
                    line.sent(b"a|\"", place);
                    line.short(&Short::of(b"-"));
                });
                assert!(line == (before.clone() + expected).as_bytes(), "{length}: {place:?}");
            }
        }
    }

    #[test]
    fn numbers_are_decimal() {
        for (value, expected) in [
            (0, "0"),
            (7, "7"),
            (10, "10"),
            (99, "99"),
            (100, "100"),
            (999, "999"),
            (1000, "1000"),
            (10_020, "10020"),
            (1_000_000, "1000000"),
            (u64::MAX, "18446744073709551615"),
        ] {
            assert_eq!(written(|line| line.number(value)), expected.as_bytes());
        }
    }
}
