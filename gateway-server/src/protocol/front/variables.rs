//! Variables of a request: names and values in memory of their own, one behind the
//! other.

use std::ops::Range;

use super::Broken;
use super::known::{self, Known};

/// The most variables of a request: more than any server sends.
const MOST: usize = 1000;

/// See the module's text.
#[derive(Clone, Debug, Default)]
pub struct Variables {
    pub(super) bytes: Vec<u8>,
    pub(super) pairs: Vec<Pair>,
    /// For each that this server reads, the number of the pair that counts, from 1 on: the
    /// last one.
    said: [u16; known::COUNT],
}

/// Where a variable lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) name: Range<usize>,
    pub(super) value: Range<usize>,
    pub(super) kind: Kind,
}

/// What a variable is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A header; its name is the one that it has in HTTP.
    Header,
    /// A header that nobody gets.
    LeftOut,
    Known(Known),
    /// Any other, and a header before it is prepared.
    Other,
}

impl Variables {
    /// Forgets all.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.pairs.clear();
        self.said = [0; known::COUNT];
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.pairs.len()
    }

    pub(super) fn push(&mut self, name: &[u8], value: &[u8]) -> Result<(), Broken> {
        if self.pairs.len() >= MOST {
            return Err(Broken::TooLarge);
        }
        self.add(name, value);
        Ok(())
    }

    /// Adds one, however many there are.
    pub(super) fn add(&mut self, name: &[u8], value: &[u8]) {
        let known = Known::of(name);
        let (name, range) = (self.put(name), self.put(value));
        self.pairs.push(Pair { name, value: range, kind: known.map_or(Kind::Other, Kind::Known) });
        if let Some(known) = known.filter(|known| !value.is_empty() || !known.is_said_once()) {
            self.said[known as usize] = self.pairs.len() as u16;
        }
    }

    fn put(&mut self, text: &[u8]) -> Range<usize> {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(text);
        start..self.bytes.len()
    }

    /// All of them, with their names as they came; once they are
    /// [prepared](Self::prepare), those of headers as HTTP has them.
    pub fn all(&self) -> impl DoubleEndedIterator<Item = (&[u8], &[u8])> {
        self.kinds().map(|(_, name, value)| (name, value))
    }

    /// The same, and what each is.
    pub(super) fn kinds(&self) -> impl DoubleEndedIterator<Item = (Kind, &[u8], &[u8])> {
        let text = |range: &Range<usize>| &self.bytes[range.clone()];
        self.pairs.iter().map(move |pair| (pair.kind, text(&pair.name), text(&pair.value)))
    }

    /// What the last one of that name says, if that is something.
    pub(super) fn get(&self, known: Known) -> Option<&[u8]> {
        let place = usize::from(self.said[known as usize]).checked_sub(1)?;
        let value = self.pairs.get(place).map(|pair| &self.bytes[pair.value.clone()])?;
        (!value.is_empty()).then_some(value)
    }

    /// Whether that pair is the one that counts.
    pub(super) fn counts(&self, known: Known, place: usize) -> bool {
        usize::from(self.said[known as usize]) == place + 1
    }

    /// From now on it says nothing.
    pub(super) fn silence(&mut self, known: Known) {
        self.said[known as usize] = 0;
    }
}
