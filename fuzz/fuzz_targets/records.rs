//! The body of a FastCGI request: the pieces that it comes in do not matter, and it
//! ends where a strict reader ends it.
#![no_main]

use gateway_server::protocol::Refusal;
use gateway_server::protocol::front::Records;
use libfuzzer_sys::fuzz_target;

const ID: u16 = 1;
const STDIN: u8 = 5;

/// The data and the length of the body; nothing where it is not whole.
type Read = Result<Option<(Vec<u8>, usize)>, ()>;

fuzz_target!(|input: (u8, u8, &[u8])| {
    let (length, size, bytes) = input;
    let length = usize::from(length).max(1);
    let whole = strict(bytes, length);
    for size in [bytes.len(), usize::from(size), 1] {
        assert_eq!(decode(bytes, length as u64, size).map_err(drop), whole, "in pieces of {size}");
    }
});

fn decode(bytes: &[u8], length: u64, size: usize) -> Result<Option<(Vec<u8>, usize)>, Refusal> {
    let (mut records, mut data, mut used) = (Records::new(ID, length), Vec::new(), 0);
    for mut piece in bytes.chunks(size.max(1)) {
        while !piece.is_empty() && !records.is_done() {
            let step = records.decode(piece)?;
            assert!(step.consumed > 0 && step.data.end <= step.consumed, "the decoder stands still");
            data.extend_from_slice(&piece[step.data]);
            used += step.consumed;
            piece = &piece[step.consumed..];
        }
    }
    Ok(records.is_done().then_some((data, used)))
}

/// Record by record, from bytes that are all there. A head is judged as soon as it is.
fn strict(bytes: &[u8], length: usize) -> Read {
    let (mut data, mut at) = (Vec::new(), 0);
    while let Some(&[version, kind, high, low, long, long_low, padding, _]) = bytes[at..].first_chunk() {
        let count = usize::from(u16::from_be_bytes([long, long_low]));
        let left = length - data.len();
        if (version, kind, u16::from_be_bytes([high, low])) != (1, STDIN, ID) || count > left {
            return Err(());
        }
        at += 8;
        if count == 0 {
            let end = at + usize::from(padding);
            return if left == 0 { Ok((end <= bytes.len()).then_some((data, end))) } else { Err(()) };
        }
        let Some(content) = bytes.get(at..at + count) else { return Ok(None) };
        data.extend_from_slice(content);
        at += count + usize::from(padding);
        if at > bytes.len() {
            return Ok(None);
        }
    }
    Ok(None)
}
