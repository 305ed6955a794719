//! Header fields: the request's list, and what is allowed in a response.

use std::borrow::Cow;
use std::ops::Deref;

pub use crate::abi::view::Header;

/// The request's headers: ordered, lossless, as the server's policy let them
/// through. Names compare without case.
///
/// ```
/// use gateway_spec::{Header, Headers};
/// let list = [Header::new("Accept", "text/html"), Header::new("accept", "text/plain")];
/// let headers = Headers::new(&list);
/// assert_eq!(headers.first("ACCEPT"), Some(&b"text/html"[..]));
/// assert_eq!(headers.joined("accept").as_deref(), Some(&b"text/html, text/plain"[..]));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Headers<'r>(&'r [Header<'r>]);

impl<'r> Headers<'r> {
    /// Views a list of headers.
    #[must_use]
    pub const fn new(list: &'r [Header<'r>]) -> Self {
        Self(list)
    }

    /// The headers, in order; valid for as long as the request.
    pub fn iter(self) -> std::slice::Iter<'r, Header<'r>> {
        self.0.iter()
    }

    /// The value of the first header of that name.
    #[must_use]
    pub fn first(self, name: &str) -> Option<&'r [u8]> {
        self.all(name).next()
    }

    /// The values of all headers of that name, in order.
    pub fn all(self, name: &str) -> impl Iterator<Item = &'r [u8]> + use<'r, '_> {
        self.0.iter().filter(move |header| header.is(name)).map(Header::value)
    }

    /// The values of all headers of that name joined with `, ` (RFC 9110,
    /// section 5.3), those of Cookie with `; ` (RFC 6265, section 5.4).
    /// Borrowed unless the header repeats.
    #[must_use]
    pub fn joined(self, name: &str) -> Option<Cow<'r, [u8]>> {
        join(self.all(name), separator(name.as_bytes()))
    }

    /// The value that the environ gives for `HTTP_…`: see [`is_variable`].
    pub(crate) fn variable(self, key: &[u8]) -> Option<Cow<'r, [u8]>> {
        let values = self.0.iter().filter(|header| is_variable(header.name(), key)).map(Header::value);
        join(values, separator(key))
    }
}

impl<'r> Deref for Headers<'r> {
    type Target = [Header<'r>];

    fn deref(&self) -> &Self::Target {
        self.0
    }
}

impl<'r> IntoIterator for Headers<'r> {
    type Item = &'r Header<'r>;
    type IntoIter = std::slice::Iter<'r, Header<'r>>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

fn separator(name: &[u8]) -> &'static [u8] {
    if name.eq_ignore_ascii_case(b"cookie") { b"; " } else { b", " }
}

#[inline]
fn join<'r>(mut values: impl Iterator<Item = &'r [u8]>, separator: &[u8]) -> Option<Cow<'r, [u8]>> {
    let mut joined = Cow::Borrowed(values.next()?);
    for value in values {
        let joined = joined.to_mut();
        joined.extend_from_slice(separator);
        joined.extend_from_slice(value);
    }
    Some(joined)
}

/// Whether the header `name` shows in the environ as `HTTP_` + `key`: upper
/// case, `-` as `_`. A name with a `_` of its own never does, so that
/// `X_Forwarded_For` cannot pass for `X-Forwarded-For`; neither do Proxy (it
/// would set `HTTP_PROXY`, which libraries read as their own setting),
/// Content-Type and Content-Length (CGI has variables for them).
#[inline]
#[must_use]
pub(crate) fn is_variable(name: &[u8], key: &[u8]) -> bool {
    name.len() == key.len()
        && name.iter().zip(key).all(|(&name, &key)| match name {
            b'-' => key == b'_',
            b'_' => false,
            _ => name.to_ascii_uppercase() == key,
        })
        && !is_hidden(key)
}

/// The names, in the form of variables, that never show as `HTTP_…`.
pub(crate) fn is_hidden(key: &[u8]) -> bool {
    matches!(key, b"PROXY" | b"CONTENT_TYPE" | b"CONTENT_LENGTH")
}

/// Whether `name` is a token (RFC 9110, section 5.6.2).
#[must_use]
#[inline]
pub fn is_token(name: &[u8]) -> bool {
    // Without a way out on the way: names are short, and nearly all are good.
    !name.is_empty() && name.iter().fold(true, |good, &byte| good & TOKEN[byte as usize])
}

/// Whether `value` has none of the bytes that end a field (CR, LF) or a C
/// string (NUL): what splits responses is refused for every language.
#[must_use]
#[inline]
pub fn is_safe_value(value: &[u8]) -> bool {
    const fn all(byte: u8) -> u64 {
        u64::from_ne_bytes([byte; 8])
    }
    // Eight bytes at a time: none of them is below 14, the byte after CR. What
    // is, a tab for the most, is looked at byte by byte.
    let (words, rest) = value.as_chunks::<8>();
    let is_high = |word: &[u8; 8]| {
        let word = u64::from_ne_bytes(*word);
        word.wrapping_sub(all(14)) & !word & all(0x80) == 0
    };
    let is_safe = |byte: &u8| !matches!(byte, b'\r' | b'\n' | 0);
    let is_safe_word = |word: &[u8; 8]| is_high(word) || word.iter().all(is_safe);
    words.iter().all(is_safe_word)
        && match value.last_chunk() {
            // Some of these were looked at already.
            Some(last) => is_safe_word(last),
            None => rest.iter().all(is_safe),
        }
}

/// Whether `name` belongs to one connection, and so to the server alone
/// (RFC 9110, section 7.6.1).
#[must_use]
#[inline]
pub fn is_hop_by_hop(name: &[u8]) -> bool {
    let known: &[u8] = match name.len() {
        2 => b"te",
        7 => b"upgrade",
        10 if name[0].eq_ignore_ascii_case(&b'k') => b"keep-alive",
        10 => b"connection",
        16 => b"proxy-connection",
        17 => b"transfer-encoding",
        _ => return false,
    };
    name.eq_ignore_ascii_case(known)
}

const TOKEN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    let others = b"!#$%&'*+-.^_`|~";
    let mut at = 0;
    while at < others.len() {
        table[others[at] as usize] = true;
        at += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    /// A value is read eight bytes at a time: each byte in each place.
    #[test]
    fn an_unsafe_byte_is_found_wherever_it_stands() {
        for length in 1..20 {
            for at in 0..length {
                for byte in 0..=255 {
                    let mut value = vec![b'x'; length];
                    value[at] = byte;
                    assert_eq!(is_safe_value(&value), !b"\r\n\0".contains(&byte), "{byte} at {at} of {length}");
                }
            }
        }
        assert!(is_safe_value(b"\x0e\t\xff\x80") && is_safe_value(b""));
    }
}
