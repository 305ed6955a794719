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
}

impl Debug for Stops {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Stops")
    }
}

/// Writes a value; of one that is too long the beginning, and `...`. `stops` where it
/// does not stand in quotes.
#[inline]
pub(super) fn escape(out: &mut Vec<u8>, bytes: &[u8], stops: Option<&Stops>) {
    let is_plain = bytes.len() <= MOST
        && is_plain(bytes)
        && stops.is_none_or(|Stops(stops)| !bytes.iter().any(|byte| stops[usize::from(*byte)]));
    if is_plain {
        out.extend_from_slice(bytes);
    } else {
        escape_each(out, bytes, stops);
    }
}

const fn is_odd(byte: u8) -> bool {
    (byte.wrapping_sub(b' ') >= 0x5f) | (byte == b'"') | (byte == b'\\')
}

/// Whether nothing in it is odd. By sixteen, which the compiler compares at once.
#[inline]
fn is_plain(bytes: &[u8]) -> bool {
    let (chunks, rest) = bytes.as_chunks::<16>();
    let is_odd_chunk = |chunk: &[u8; 16]| chunk.iter().fold(false, |odd, byte| odd | is_odd(*byte));
    !chunks.iter().any(is_odd_chunk) && !rest.iter().any(|byte| is_odd(*byte))
}

#[cold]
fn escape_each(out: &mut Vec<u8>, bytes: &[u8], stops: Option<&Stops>) {
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
    use super::*;

    fn escaped(bytes: &[u8], stops: Option<&Stops>) -> String {
        let mut out = Vec::new();
        escape(&mut out, bytes, stops);
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
