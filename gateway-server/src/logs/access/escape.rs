//! What a client sent, in a line of text: `\xHH` stands for all that would do something to
//! the line, to its fields or to a terminal.

use std::fmt::Debug;

/// The most bytes of one value.
const MOST: usize = 8 * 1024;

/// Bytes that end a field that does not stand in quotes.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Stops([bool; 256]);

impl Stops {
    /// Of a format with these bytes between its fields.
    pub(super) fn of(between: &[u8]) -> Self {
        let mut stops = [false; 256];
        stops[usize::from(b' ')] = true;
        between.iter().filter(|byte| !byte.is_ascii_alphanumeric()).for_each(|byte| stops[usize::from(*byte)] = true);
        Self(stops)
    }

    /// Whether one of them is in a value.
    pub(super) fn are_in(&self, bytes: &[u8]) -> bool {
        bytes.iter().any(|byte| self.0[usize::from(*byte)])
    }
}

impl Debug for Stops {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Stops")
    }
}

/// Whether a byte does something to a line, to a string in quotes, or to a terminal.
const fn is_odd(byte: u8) -> bool {
    (byte.wrapping_sub(b' ') >= 0x5f) | (byte == b'"') | (byte == b'\\')
}

/// Whether nothing in it is odd, nor is it too long. Short values are looked at as two words
/// that may overlap.
#[inline(always)]
pub(super) fn is_plain(bytes: &[u8]) -> bool {
    if bytes.len() > 16 {
        is_long_plain(bytes)
    } else if let Some((first, last)) = ends(bytes) {
        odd_bits(u64::from_ne_bytes(first)) | odd_bits(u64::from_ne_bytes(last)) == 0
    } else if let Some((first, last)) = ends(bytes) {
        odd_bits(u64::from(u32::from_ne_bytes(first)) << 32 | u64::from(u32::from_ne_bytes(last))) == 0
    } else {
        !bytes.iter().any(|byte| is_odd(*byte))
    }
}

/// The last of its chunks overlaps the one before, so that no byte is left over.
#[inline(never)]
fn is_long_plain(bytes: &[u8]) -> bool {
    bytes.len() <= MOST && !bytes.as_chunks().0.iter().any(has_odd) && !bytes.last_chunk().is_some_and(has_odd)
}

/// The compiler compares all at once.
#[inline(always)]
fn has_odd(chunk: &[u8; 16]) -> bool {
    chunk.iter().fold(false, |odd, byte| odd | is_odd(*byte))
}

/// The highest bit of some bytes of a word, if one of them is odd. Where none is, no bit is
/// borrowed or carried.
#[inline(always)]
fn odd_bits(word: u64) -> u64 {
    let each = |byte: u8| u64::from_ne_bytes([byte; 8]);
    let below = |word: u64, byte: u8| word.wrapping_sub(each(byte));
    let odd = below(word, b' ') | below(word ^ each(b'"'), 1) | below(word ^ each(b'\\'), 1);
    (odd | word | word.wrapping_add(each(1))) & each(0x80)
}

/// The first and the last bytes of a value that has as many.
#[inline(always)]
fn ends<const WORD: usize>(bytes: &[u8]) -> Option<([u8; WORD], [u8; WORD])> {
    Some((*bytes.first_chunk()?, *bytes.last_chunk()?))
}

/// Writes a value in which something is odd; of one that is too long the beginning, and
/// `...`. `stops` where it does not stand in quotes.
#[cold]
pub(super) fn escape(out: &mut Vec<u8>, bytes: &[u8], stops: Option<&Stops>) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in &bytes[..bytes.len().min(MOST)] {
        if is_odd(*byte) || stops.is_some_and(|Stops(stops)| stops[usize::from(*byte)]) {
            out.extend([b'\\', b'x', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
        } else {
            out.push(*byte);
        }
    }
    if bytes.len() > MOST {
        out.extend_from_slice(b"...");
    }
}

#[cfg(test)]
mod tests {
    use super::super::line::{Line, Place, Room};
    use super::*;

    fn escaped(bytes: &[u8], stops: Option<&Stops>) -> String {
        let mut out = Vec::new();
        let mut room = Room::default();
        let mut line = Line::new(&mut room, &mut out);
        line.sent(bytes, stops.map_or(Place::Quoted, Place::Bare));
        line.end();
        String::from_utf8(out).expect("nothing but ASCII comes out")
    }

    #[test]
    fn each_byte_that_is_odd_is_escaped_wherever_it_stands() {
        for byte in 0..=255 {
            let is_plain = matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\';
            let one = if is_plain { (byte as char).to_string() } else { format!("\\x{byte:02X}") };
            for (before, after) in [(0, 0), (3, 20), (15, 0), (16, 1), (40, 7)] {
                let bytes = [&vec![b'a'; before][..], &[byte], &vec![b'b'; after]].concat();
                assert_eq!(escaped(&bytes, None), format!("{}{one}{}", "a".repeat(before), "b".repeat(after)));
            }
        }
    }

    /// In values of all lengths, which are looked at in different ways.
    #[test]
    fn no_byte_that_is_odd_is_overlooked() {
        for length in 0..40 {
            assert!(is_plain(&vec![b'~'; length]));
            for (at, byte) in (0..length).flat_map(|at| (0..=255).map(move |byte| (at, byte))) {
                let mut bytes = vec![b' '; length];
                bytes[at] = byte;
                assert_eq!(is_plain(&bytes), !is_odd(byte), "{byte} at {at} of {length}");
            }
        }
    }

    #[test]
    fn outside_of_quotes_a_field_has_no_end_in_it() {
        let stops = Stops::of(b" | ] t");
        assert_eq!(escaped(b"a b|c]d[tt", Some(&stops)), "a\\x20b\\x7Cc\\x5Dd[tt");
        assert_eq!(escaped(b"a b|c", None), "a b|c");
    }

    #[test]
    fn what_is_too_long_is_cut() {
        assert_eq!(escaped(&[b'a'; MOST], None).len(), MOST);
        assert_eq!(escaped(&[b'a'; MOST + 1], None), format!("{}...", "a".repeat(MOST)));
        assert_eq!(escaped(&[b'"'; MOST + 1], None).len(), 4 * MOST + 3);
    }
}
