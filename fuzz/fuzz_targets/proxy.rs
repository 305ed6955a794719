//! A PROXY header: whatever comes, a reader takes no byte behind it, and the pieces
//! that it comes in do not matter.
#![no_main]

use gateway_server::protocol::proxy::{self, MOST};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let whole = proxy::parse(bytes);
    let extent = proxy::extent(bytes);
    assert!(extent <= bytes.len() && (extent > 0 || bytes.is_empty()));
    match whole {
        Ok(Some(header)) => assert!(header.length == extent && extent <= MOST),
        Ok(None) => assert!(extent == bytes.len() && extent < MOST),
        Err(_) => {}
    }
    // What follows is not looked at, and each beginning is one.
    assert_eq!(proxy::parse(&bytes[..extent]), whole);
    for end in 0..extent {
        let begin = &bytes[..end];
        match proxy::parse(begin) {
            Ok(None) => assert_eq!(proxy::extent(begin), end),
            // Known before all of it has come.
            early => assert_eq!(early.err(), whole.err()),
        }
    }
});
