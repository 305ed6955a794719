//! Variables of a request: names and values in memory of their own, one behind the
//! other.

use std::ops::Range;

use super::Broken;

/// The most variables of a request: more than any server sends.
const MOST: usize = 1000;

/// See the module's text.
#[derive(Clone, Debug, Default)]
pub struct Variables {
    pub(super) bytes: Vec<u8>,
    pub(super) pairs: Vec<Pair>,
}

/// Where a variable lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) name: Range<usize>,
    pub(super) value: Range<usize>,
    /// Whether it is a header, and its name the one it has in HTTP.
    pub(super) is_header: bool,
}

impl Variables {
    /// Forgets all.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.pairs.clear();
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
        let (name, value) = (self.put(name), self.put(value));
        self.pairs.push(Pair { name, value, is_header: false });
    }

    fn put(&mut self, text: &[u8]) -> Range<usize> {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(text);
        start..self.bytes.len()
    }

    /// Those that are headers, or those that are not; none is one before they are
    /// [prepared](Self::prepare).
    pub fn all(&self, are_headers: bool) -> impl DoubleEndedIterator<Item = (&[u8], &[u8])> {
        let meant = self.pairs.iter().filter(move |pair| pair.is_header == are_headers);
        meant.map(|pair| (&self.bytes[pair.name.clone()], &self.bytes[pair.value.clone()]))
    }

    /// The last one of that name that says something.
    #[must_use]
    pub fn get(&self, name: &[u8]) -> Option<&[u8]> {
        // By its length first: nearly all are others.
        let is_it = |pair: &&Pair| {
            pair.name.len() == name.len()
                && !pair.value.is_empty()
                && !pair.is_header
                && self.bytes[pair.name.clone()] == *name
        };
        self.pairs.iter().rev().find(is_it).map(|pair| &self.bytes[pair.value.clone()])
    }
}
