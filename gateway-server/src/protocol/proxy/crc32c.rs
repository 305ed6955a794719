//! CRC32c (RFC 9260, appendix A): once for a connection, of a few hundred bytes.

const TABLE: [u32; 256] = table();

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut place = 0;
    while place < table.len() {
        let (mut sum, mut bit) = (place as u32, 0);
        while bit < 8 {
            // Castagnoli's polynomial, lowest bit first.
            sum = if sum & 1 == 1 { sum >> 1 ^ 0x82F6_3B78 } else { sum >> 1 };
            bit += 1;
        }
        table[place] = sum;
        place += 1;
    }
    table
}

/// The checksum of bytes that lie in several places.
pub(super) fn of<'b>(parts: impl IntoIterator<Item = &'b [u8]>) -> u32 {
    let bytes = parts.into_iter().flatten();
    !bytes.fold(!0, |sum: u32, byte| sum >> 8 ^ TABLE[usize::from(sum as u8 ^ byte)])
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_examples_of_the_rfcs() {
        // RFC 3720, B.4, and the check value of the CRC catalogue.
        assert_eq!(super::of([&[0; 32][..]]), 0x8A91_36AA);
        assert_eq!(super::of([&[0xFF; 32][..]]), 0x62A8_AB43);
        assert_eq!(super::of([&b"1234"[..], b"56789"]), 0xE306_9283);
        assert_eq!(super::of([]), 0);
    }
}
