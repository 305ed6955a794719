//! A chunked body: the pieces that it comes in do not matter, and it ends
//! where a strict reader ends it.
#![no_main]

use gateway_server::protocol::Refusal;
use gateway_server::protocol::http1::{Decoder, Framing};
use gateway_tests::strict::{self, End};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, &[u8])| {
    let (size, bytes) = input;
    let whole = decode(bytes, bytes.len());
    assert_eq!(decode(bytes, usize::from(size)), whole);
    assert_eq!(decode(bytes, 1), whole);
    match strict::chunked(bytes) {
        Ok((data, used)) => assert_eq!(whole, Ok(Some((data, used)))),
        Err(End::Incomplete) => assert!(matches!(whole, Ok(None) | Err(_))),
        Err(_) => assert!(whole.is_err()),
    }
});

/// The data and the length of the body; nothing where it is not whole.
fn decode(bytes: &[u8], size: usize) -> Result<Option<(Vec<u8>, usize)>, Refusal> {
    let (mut decoder, mut data, mut used) = (Decoder::new(Framing::Chunked, 1 << 30), Vec::new(), 0);
    for mut piece in bytes.chunks(size.max(1)) {
        while !piece.is_empty() && !decoder.is_done() {
            let step = decoder.decode(piece)?;
            assert!(step.consumed > 0 && step.data.end <= step.consumed, "the decoder stands still");
            data.extend_from_slice(&piece[step.data]);
            used += step.consumed;
            piece = &piece[step.consumed..];
        }
    }
    Ok(decoder.is_done().then_some((data, used)))
}
