//! Who a client says that it is, by Basic authentication (RFC 7617): a name, if it is one.
//! Nobody has checked it but the app, perhaps.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The most bytes of a name.
const MOST: usize = 64;
/// As many are decoded of the name and what follows it, from so much text.
const DECODED: usize = 66;
const TEXT: usize = DECODED / 3 * 4;

/// A name. Nothing in it is odd.
pub(super) struct Name {
    /// As it was decoded, and what follows it.
    text: [u8; DECODED],
    length: usize,
}

impl Name {
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.text[..self.length]
    }
}

/// The name of an `Authorization` field, if it has one that is simple.
#[inline(never)]
pub(super) fn name(field: &[u8]) -> Option<Name> {
    let (scheme, credentials) = field.split_at_checked(6)?;
    if !scheme.eq_ignore_ascii_case(b"Basic ") {
        return None;
    }
    let (encoded, mut text) = (credentials.trim_ascii(), [0; DECODED]);
    let decoded = STANDARD.decode_slice(&encoded[..encoded.len().min(TEXT)], &mut text).ok()?;
    let length = memchr::memchr(b':', &text[..decoded])?;
    let is_simple = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-@+".contains(byte);
    let is_name = length > 0 && length <= MOST && text[..length].iter().all(is_simple);
    is_name.then_some(Name { text, length })
}

#[cfg(test)]
mod tests {
    fn user(field: &str) -> Option<String> {
        super::name(field.as_bytes()).map(|name| String::from_utf8(name.as_bytes().to_vec()).unwrap())
    }

    #[test]
    fn a_simple_name_is_one() {
        assert_eq!(user("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="), Some("Aladdin".into()));
        assert_eq!(user("basic  YUBiLmM6"), Some("a@b.c".into()));
        // "a b:", ":x", "Aladdin", "x\n:", "\"x:", not base64, another scheme, too long.
        let long = format!("Basic {}Og==", "YWFh".repeat(22));
        for field in ["Basic YSBiOg==", "Basic Ong=", "Basic QWxhZGRpbg==", "Basic eAo6", "Basic Ing6"] {
            assert_eq!(user(field), None, "{field}");
        }
        for field in ["Basic %%%%", "Basic ", "Bearer QWxhZGRpbjpv", "", "Basic\u{e9}\u{e9}", &long] {
            assert_eq!(user(field), None, "{field}");
        }
    }
}
