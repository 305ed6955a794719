//! A head: the pieces that it comes in do not matter, nor whether the scanner
//! has found its end, and the parser takes it exactly where a strict reader does.
#![no_main]

use gateway_server::protocol::http1::{Found, Scanner, head};
use gateway_server::protocol::{Limits, Refusal};
use gateway_tests::strict;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u16, &[u8])| {
    let (at, bytes) = input;
    let whole = scan(&[bytes.len()], bytes);
    let at = usize::from(at) % (bytes.len() + 1);
    assert_eq!(scan(&[at, bytes.len()], bytes), whole);
    assert_eq!(scan(&(1..=bytes.len()).collect::<Vec<_>>(), bytes), whole);
    let (start, parsed) = match whole {
        Ok(Found::Head { start, end }) => (start, parse(&bytes[start..end])),
        _ => (0, None),
    };
    assert_eq!(parse(&bytes[start..]), parsed);
    let reading = strict::read(bytes);
    let expected = reading.requests.first().or(reading.open.as_ref());
    assert_eq!(parsed, expected.map(|it| (it.method.clone().into_bytes(), it.target.clone().into_bytes())));
});

/// Scans bytes that grow to these ends.
fn scan(ends: &[usize], bytes: &[u8]) -> Result<Found, Refusal> {
    let mut scanner = Scanner::default();
    for &end in ends {
        match scanner.scan(&bytes[..end], &Limits::default()) {
            Ok(Found::Partial) => {}
            other => return other,
        }
    }
    Ok(Found::Partial)
}

/// Method and target of a head.
fn parse(bytes: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let (mut room, mut scratch) = (head::Room::default(), Vec::new());
    let head = head::parse(bytes, &Limits::default(), &mut room, &mut scratch).ok()?;
    let is_plain = |text: &[u8]| !text.iter().any(|byte| b"\r\n\0".contains(byte));
    assert!(room.headers.iter().all(|header| is_plain(header.name()) && is_plain(header.value())));
    assert!(!head.path.contains(&0), "a NUL in a path");
    Some((head.method.to_vec(), head.target.to_vec()))
}
