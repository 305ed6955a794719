//! Range (RFC 9110, section 14): which bytes of a file are asked for.

/// The most ranges of a request. Nobody who means well asks for more, and each
/// costs a head of its own.
pub const MOST: usize = 16;

/// A run of bytes; never empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Where it begins.
    pub first: u64,
    /// How long it is.
    pub length: u64,
}

impl Span {
    /// Its last byte.
    #[must_use]
    pub const fn last(&self) -> u64 {
        self.first + self.length - 1
    }
}

/// What a Range asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// All of it, as without the header.
    Whole,
    /// One run.
    One(Span),
    /// Several, in the order in which they are asked for; no more bytes than the
    /// file has.
    Several(Vec<Span>),
    /// Only bytes that are not there.
    Nothing,
}

/// Reads a Range of a representation of so many bytes. What breaks the grammar,
/// has another unit or asks for too much is as if it were not there (section 14.2):
/// without that, a short request for the same bytes over and over would have a
/// long answer.
#[must_use]
pub fn select(range: &[u8], size: u64) -> Selection {
    let specs = match range.iter().position(|byte| *byte == b'=') {
        Some(at) if range[..at].eq_ignore_ascii_case(b"bytes") => &range[at + 1..],
        _ => return Selection::Whole,
    };
    let mut spans = Vec::new();
    let mut count = 0;
    // Of the longest numbers there are, 16 together are longer.
    let mut asked = 0u128;
    // A list may have empty elements (section 5.6.1.2).
    for spec in specs.split(|byte| *byte == b',').map(<[u8]>::trim_ascii).filter(|spec| !spec.is_empty()) {
        count += 1;
        let Some(spec) = Spec::read(spec).filter(|_| count <= MOST) else { return Selection::Whole };
        if size == 0 && matches!(spec, Spec::Last(1..)) {
            // Satisfied by all there is, for which Content-Range has no form.
            return Selection::Whole;
        }
        if let Some(span) = spec.within(size) {
            asked += u128::from(span.length);
            spans.push(span);
        }
    }
    match spans[..] {
        _ if count == 0 || asked > u128::from(size) => Selection::Whole,
        [] => Selection::Nothing,
        [span] => Selection::One(span),
        _ => Selection::Several(spans),
    }
}

/// One element of the list.
#[derive(Clone, Copy, Debug)]
enum Spec {
    /// `5-` or `5-9`
    From(u64, Option<u64>),
    /// `-5`: so many at the end.
    Last(u64),
}

impl Spec {
    fn read(text: &[u8]) -> Option<Self> {
        let at = text.iter().position(|byte| *byte == b'-')?;
        match (&text[..at], &text[at + 1..]) {
            ([], last) => Some(Self::Last(number(last)?)),
            (first, []) => Some(Self::From(number(first)?, None)),
            (first, last) => {
                let (first, last) = (number(first)?, number(last)?);
                (first <= last).then_some(Self::From(first, Some(last)))
            }
        }
    }

    fn within(self, size: u64) -> Option<Span> {
        let (first, end) = match self {
            Self::From(first, last) => (first, last.map_or(size, |last| size.min(last.saturating_add(1)))),
            Self::Last(length) => (size - length.min(size), size),
        };
        (first < end).then(|| Span { first, length: end - first })
    }
}

/// A number that is too large is as large as can be: beyond every file.
fn number(digits: &[u8]) -> Option<u64> {
    let is_number = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    let add = |sum: u64, digit: &u8| sum.saturating_mul(10).saturating_add(u64::from(digit - b'0'));
    is_number.then(|| digits.iter().fold(0, add))
}

#[cfg(test)]
mod tests {
    use super::Selection::{Nothing, Whole};
    use super::*;

    fn check(range: &str, size: u64, expected: Selection) {
        assert_eq!(select(range.as_bytes(), size), expected, "{range:?} of {size} bytes");
    }

    fn spans(ends: &[(u64, u64)]) -> Selection {
        let spans: Vec<_> = ends.iter().map(|&(first, last)| Span { first, length: last - first + 1 }).collect();
        if let [span] = spans[..] { Selection::One(span) } else { Selection::Several(spans) }
    }

    #[test]
    fn one_range() {
        check("bytes=0-0", 100, spans(&[(0, 0)]));
        check("bytes=0-99", 100, spans(&[(0, 99)]));
        check("bytes=0-100", 100, spans(&[(0, 99)]));
        check("bytes=10-", 100, spans(&[(10, 99)]));
        check("bytes=99-", 100, spans(&[(99, 99)]));
        check("bytes=-1", 100, spans(&[(99, 99)]));
        check("bytes=-200", 100, spans(&[(0, 99)]));
        check("BYTES=5-6", 100, spans(&[(5, 6)]));
        check("bytes= 5-6 ", 100, spans(&[(5, 6)]));
        check("bytes=,, 5-6,\t,", 100, spans(&[(5, 6)]));
        check("bytes=5-18446744073709551616", 100, spans(&[(5, 99)]));
        check("bytes=-99999999999999999999999", 100, spans(&[(0, 99)]));
        check("bytes=0-18446744073709551615", u64::MAX, spans(&[(0, u64::MAX - 1)]));
    }

    #[test]
    fn several_ranges() {
        check("bytes=0-0,-1", 100, spans(&[(0, 0), (99, 99)]));
        check("bytes=50-59, 0-9,20-29", 100, spans(&[(50, 59), (0, 9), (20, 29)]));
        // Those that are not there are left out.
        check("bytes=100-,0-9,200-300", 100, spans(&[(0, 9)]));
        check("bytes=0-9,5-14", 100, spans(&[(0, 9), (5, 14)]));
    }

    #[test]
    fn bytes_that_are_not_there() {
        check("bytes=100-", 100, Nothing);
        check("bytes=100-200,300-", 100, Nothing);
        check("bytes=-0", 100, Nothing);
        check("bytes=99999999999999999999999-", 100, Nothing);
        check("bytes=0-", 0, Nothing);
        check("bytes=0-0", 0, Nothing);
        check("bytes=-5", 0, Whole);
    }

    #[test]
    fn what_is_no_range_is_not_there() {
        for bad in [
            "",
            "bytes",
            "bytes=",
            "bytes=,",
            "bytes=-",
            "bytes=a-b",
            "bytes=1-a",
            "bytes=5-4",
            "bytes=--5",
            "bytes=1-2-3",
            "bytes=+1-2",
            "bytes=1 - 2",
            "bytes=0x1-2",
            "lines=1-2",
            "bytes 1-2",
            "bytes:1-2",
            "bytes =1-2",
            "bytes=1-2;3-4",
            "bytes=0-1,x",
            "bytes=0-1,5-4",
        ] {
            check(bad, 100, Whole);
        }
    }

    #[test]
    fn a_short_request_has_no_long_answer() {
        check("bytes=0-,0-", 100, Whole);
        check("bytes=0-,0-,0-,0-,0-", 100, Whole);
        check("bytes=0-60,40-99", 100, Whole);
        check("bytes=10-,20-", u64::MAX, Whole);
        let list = |count: usize| vec!["1-1"; count].join(",");
        assert!(matches!(select(format!("bytes={}", list(16)).as_bytes(), 100), Selection::Several(_)));
        check(&format!("bytes={}", list(17)), 100, Whole);
        // Not there, but looked at.
        check(&format!("bytes=0-1,{}", vec!["500-"; 16].join(",")), 100, Whole);
    }
}
