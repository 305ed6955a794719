//! Range headers: what was written is what is read, and whatever was written
//! leads to bytes that are there, and to no more of them than the file has.

use gateway_server::service::files::ranges::{MOST, Selection, Span, select};
use proptest::collection::vec;
use proptest::prelude::*;

use super::config;

/// An element as a client writes it.
#[derive(Clone, Debug)]
enum Spec {
    From(u64),
    Between(u64, u64),
    Last(u64),
}

fn spec() -> impl Strategy<Value = Spec> {
    let at = || 0..80u64;
    prop_oneof![
        at().prop_map(Spec::From),
        (at(), at()).prop_map(|(one, other)| Spec::Between(one.min(other), one.max(other))),
        at().prop_map(Spec::Last),
    ]
}

impl Spec {
    fn written(&self) -> String {
        match self {
            Self::From(first) => format!("{first}-"),
            Self::Between(first, last) => format!("{first}-{last}"),
            Self::Last(count) => format!("-{count}"),
        }
    }

    /// Byte for byte, as RFC 9110, section 14.1.2, says it.
    fn has(&self, at: u64, size: u64) -> bool {
        match *self {
            Self::From(first) => at >= first,
            Self::Between(first, last) => (first..=last).contains(&at),
            Self::Last(count) => at + count >= size,
        }
    }

    fn bytes(&self, size: u64) -> Vec<u64> {
        (0..size).filter(|at| self.has(*at, size)).collect()
    }
}

fn bytes_of(span: &Span) -> Vec<u64> {
    (span.first..span.first + span.length).collect()
}

fn spans(selection: Selection) -> Vec<Span> {
    match selection {
        Selection::Whole | Selection::Nothing => Vec::new(),
        Selection::One(span) => vec![span],
        Selection::Several(spans) => spans,
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn what_was_written_is_read(specs in vec(spec(), 1..6), size in 1..64u64, between in "[ \t]{0,2},[ \t,]{0,3}") {
        let list: Vec<String> = specs.iter().map(Spec::written).collect();
        let selection = select(format!("bytes={}", list.join(&between)).as_bytes(), size);
        let expected: Vec<Vec<u64>> =
            specs.iter().map(|spec| spec.bytes(size)).filter(|bytes| !bytes.is_empty()).collect();
        if expected.iter().map(Vec::len).sum::<usize>() as u64 > size {
            prop_assert_eq!(selection, Selection::Whole);
        } else if expected.is_empty() {
            prop_assert_eq!(selection, Selection::Nothing);
        } else {
            let found: Vec<Vec<u64>> = spans(selection).iter().map(bytes_of).collect();
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn whatever_was_written_the_bytes_are_there(list in "[-0-9, ]{0,60}|\\PC{0,40}", size in any::<u64>()) {
        let spans = spans(select(format!("bytes={list}").as_bytes(), size));
        prop_assert!(spans.len() <= MOST);
        let mut sum = 0u64;
        for Span { first, length } in spans {
            prop_assert!(length > 0 && first.checked_add(length).is_some_and(|end| end <= size));
            sum += length;
        }
        prop_assert!(sum <= size);
    }
}
