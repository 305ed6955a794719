//! Content codings (RFC 9110, sections 8.4 and 12.5.3): which of the forms of a
//! file that lie beside it a client wants.

/// A form that a file may have beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    Brotli,
    Gzip,
}

impl Coding {
    /// In Content-Encoding.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Gzip => "gzip",
        }
    }

    /// Behind the file's name.
    pub(super) const fn suffix(self) -> &'static [u8] {
        match self {
            Self::Brotli => b".br",
            Self::Gzip => b".gz",
        }
    }

    /// In the entity tag.
    pub(super) const fn tag(self) -> &'static str {
        match self {
            Self::Brotli => "-br",
            Self::Gzip => "-gz",
        }
    }
}

/// The codings to try, the best first: those that the client wants at least as
/// much as the file as it is. Among equals br, which is shorter.
pub(super) fn wanted(accept_encoding: &[u8]) -> [Option<Coding>; 2] {
    let mut weights = Weights::default();
    for item in accept_encoding.split(|byte| *byte == b',') {
        weights.read(item.trim_ascii());
    }
    let any = weights.any;
    let (brotli, gzip) = (weights.brotli.or(any).unwrap_or(0), weights.gzip.or(any).unwrap_or(0));
    // Not named, the file as it is will do, but nobody asks for it.
    let least = weights.identity.unwrap_or(0).max(1);
    let brotli = (brotli >= least).then_some((brotli, Coding::Brotli));
    let gzip = (gzip >= least).then_some((gzip, Coding::Gzip));
    match (brotli, gzip) {
        (Some((first, one)), Some((second, other))) if first >= second => [Some(one), Some(other)],
        (one, other) => [other, one].map(|found| found.map(|(_, coding)| coding)),
    }
}

/// What weight each coding was given, in thousandths.
#[derive(Debug, Default)]
struct Weights {
    brotli: Option<u16>,
    gzip: Option<u16>,
    identity: Option<u16>,
    any: Option<u16>,
}

impl Weights {
    fn read(&mut self, item: &[u8]) {
        let mut pieces = item.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
        let Some(name) = pieces.next() else { return };
        let is = |other: &str| name.eq_ignore_ascii_case(other.as_bytes());
        let place = match () {
            () if is("br") => &mut self.brotli,
            // The older name of the same (section 8.4.1.3).
            () if is("gzip") || is("x-gzip") => &mut self.gzip,
            () if is("identity") => &mut self.identity,
            () if is("*") => &mut self.any,
            () => return,
        };
        let given = pieces.find_map(|piece| piece.strip_prefix(b"q=").or_else(|| piece.strip_prefix(b"Q=")));
        // A weight that is none is no wish.
        *place = Some(given.map_or(Some(1000), weight).unwrap_or(0));
    }
}

/// `0`, `0.5`, `1.000` (section 12.4.2), in thousandths.
fn weight(text: &[u8]) -> Option<u16> {
    let (whole, digits) = match text {
        [whole] | [whole, b'.'] => (whole, &[][..]),
        [whole, b'.', digits @ ..] if digits.len() <= 3 => (whole, digits),
        _ => return None,
    };
    let padded = digits.iter().chain(b"000").take(3);
    let mut value = match whole {
        b'0' => 0,
        b'1' => 1,
        _ => return None,
    };
    for digit in padded {
        value = value * 10 + u16::from(digit.is_ascii_digit().then(|| digit - b'0')?);
    }
    (value <= 1000).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::Coding::{Brotli, Gzip};
    use super::*;

    fn check(accept_encoding: &str, expected: &[Coding]) {
        let found: Vec<_> = wanted(accept_encoding.as_bytes()).into_iter().flatten().collect();
        assert_eq!(found, expected, "{accept_encoding:?}");
    }

    #[test]
    fn the_weights_decide() {
        check("", &[]);
        check("deflate, zstd", &[]);
        check("gzip", &[Gzip]);
        check("GZip", &[Gzip]);
        check("x-gzip", &[Gzip]);
        check("gzip, deflate, br", &[Brotli, Gzip]);
        check("br;q=0.5, gzip;q=0.8", &[Gzip, Brotli]);
        check("br;q=0.5,gzip;q=0.500", &[Brotli, Gzip]);
        check("gzip ; q=1.0 , br ; Q=0.001", &[Gzip, Brotli]);
        check("br;q=0", &[]);
        check("br;q=0.000, *", &[Gzip]);
        check("*", &[Brotli, Gzip]);
        check("*;q=0", &[]);
        check("gzip;q=0, *;q=0.1", &[Brotli]);
    }

    #[test]
    fn the_file_as_it_is_can_be_wanted_more() {
        check("identity, gzip;q=0.5", &[]);
        check("identity;q=0.5, gzip;q=0.5, br;q=0.4", &[Gzip]);
        check("identity;q=0, gzip;q=0.1", &[Gzip]);
        check("*;q=0.5, identity", &[]);
    }

    #[test]
    fn a_weight_that_is_none_is_no_wish() {
        for bad in ["2", "1.001", "0.1234", "-1", ".5", "", "0,5", "1e0", "q=1", "0.x"] {
            check(&format!("gzip;q={bad}"), &[]);
        }
        check(",,;,=;q=1,;;,gzip;level=9", &[Gzip]);
    }
}
