//! Who a client is: whom a web server has let in, or else whom the client says that it is
//! by Basic authentication (RFC 7617), which nobody has checked but the app, perhaps. A
//! name, if it is one.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::stats::{Asked, Record};

/// The most bytes of a name.
const MOST: usize = 64;
/// As many are decoded of the name and what follows it, from so much text.
const DECODED: usize = 66;
const TEXT: usize = DECODED / 3 * 4;

/// A name. Nothing in it is odd.
pub(super) struct Name {
    /// As it was said or decoded, and what follows it.
    text: [u8; DECODED],
    length: usize,
}

impl Name {
    /// What a text begins with, if it is simple.
    fn new(text: [u8; DECODED], length: usize) -> Option<Self> {
        let is_simple = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-@+".contains(byte);
        let is_name = length > 0 && length <= MOST && text[..length].iter().all(is_simple);
        is_name.then_some(Self { text, length })
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.text[..self.length]
    }
}

/// Whom the web server has let in, or the name of an `Authorization` field.
#[inline]
pub(super) fn name(record: &Record<'_>, authorization: Option<&[u8]>) -> Option<Name> {
    match record.asked {
        Asked::Request { user, .. } if !user.is_empty() => said(user),
        _ => basic(authorization?),
    }
}

#[cold]
fn said(user: &[u8]) -> Option<Name> {
    let mut text = [0; DECODED];
    text.get_mut(..user.len())?.copy_from_slice(user);
    Name::new(text, user.len())
}

#[inline(never)]
fn basic(field: &[u8]) -> Option<Name> {
    let (scheme, credentials) = field.split_at_checked(6)?;
    if !scheme.eq_ignore_ascii_case(b"Basic ") {
        return None;
    }
    let (encoded, mut text) = (credentials.trim_ascii(), [0; DECODED]);
    let decoded = STANDARD.decode_slice(&encoded[..encoded.len().min(TEXT)], &mut text).ok()?;
    Name::new(text, memchr::memchr(b':', &text[..decoded])?)
}

#[cfg(test)]
mod tests {
    fn user(field: &str) -> Option<String> {
        super::basic(field.as_bytes()).map(|name| String::from_utf8(name.as_bytes().to_vec()).unwrap())
    }

    #[test]
    fn whom_a_web_server_has_let_in_has_a_name() {
        let name = |user: &str| super::said(user.as_bytes()).map(|name| name.as_bytes().to_vec());
        assert_eq!(name("eva.b@c"), Some(b"eva.b@c".to_vec()));
        for user in ["a b", "a\"", "\n", &"x".repeat(65), &"x".repeat(67)] {
            assert_eq!(name(user), None, "{user}");
        }
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
