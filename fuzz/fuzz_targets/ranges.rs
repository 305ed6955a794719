//! Range headers: whatever a client writes, it is sent bytes that are there, and no
//! more of them than the file has.
#![no_main]

use gateway_server::service::files::ranges::{MOST, Selection, select};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u64, &[u8])| {
    let (size, range) = input;
    let spans = match select(range, size) {
        Selection::Whole | Selection::Nothing => return,
        Selection::One(span) => vec![span],
        Selection::Several(spans) => {
            assert!(spans.len() > 1 && spans.len() <= MOST, "{} spans", spans.len());
            spans
        }
    };
    let mut sum = 0u64;
    for span in spans {
        assert!(span.length > 0 && span.first.checked_add(span.length).is_some_and(|end| end <= size), "{span:?}");
        assert_eq!(span.last(), span.first + (span.length - 1));
        sum = sum.checked_add(span.length).expect("no more than the file has");
    }
    assert!(sum <= size);
});
