//! Which entries are on which page.

use std::str::FromStr;

use serde::Serialize;

/// As many are on a page.
pub(crate) const PER_PAGE: u32 = 20;

/// A page among the others. The first has the newest entries, and is there without any.
#[derive(Debug, Serialize, PartialEq, Eq)]
pub(crate) struct Pages {
    /// All entries.
    count: u32,
    number: u32,
    last: u32,
    newer: Option<u32>,
    older: Option<u32>,
}

impl Pages {
    /// The page that is asked for by its number, if there is one.
    pub(crate) fn new(asked: Option<&str>, count: u32) -> Option<Self> {
        let number = asked.map_or(Some(1), number)?;
        let last = count.div_ceil(PER_PAGE).max(1);
        (1..=last).contains(&number).then_some(Self {
            count,
            number,
            last,
            newer: (number > 1).then(|| number - 1),
            older: (number < last).then(|| number + 1),
        })
    }

    /// How many entries are on the pages before.
    pub(crate) const fn offset(&self) -> u32 {
        (self.number - 1) * PER_PAGE
    }
}

/// A number from 1 on, written as a number is: `+1` and `01` would be other addresses of
/// the same.
pub(crate) fn number<T: FromStr>(text: &str) -> Option<T> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    plain.then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_end_where_the_entries_do() {
        let last = |count| Pages::new(None, count).map(|pages| pages.last);
        assert_eq!([0, 1, 20, 21, 40, 41].map(last), [1, 1, 1, 2, 2, 3].map(Some));
        let middle = Pages { count: 41, number: 2, last: 3, newer: Some(1), older: Some(3) };
        assert_eq!(Pages::new(Some("2"), 41), Some(middle));
        assert_eq!(Pages::new(Some("3"), 41).map(|pages| (pages.offset(), pages.older)), Some((40, None)));
        for asked in ["0", "4", "-1", "x", "", "1.5", "+1", "01", " 1", "١", "99999999999999999999"] {
            assert_eq!(Pages::new(Some(asked), 41), None, "{asked}");
        }
    }
}
