//! Who a client says that it is, by Basic authentication (RFC 7617): a name, if it is one.
//! Nobody has checked it but the app, perhaps.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The most bytes of a name.
const MOST: usize = 64;
/// As many are decoded of the name and what follows it, from so much text.
const DECODED: usize = 66;
const TEXT: usize = DECODED / 3 * 4;

/// Writes the name of an `Authorization` field; `false` where it has none that is simple.
pub(super) fn write(out: &mut Vec<u8>, field: &[u8]) -> bool {
    let Some((scheme, credentials)) = field.split_at_checked(6) else { return false };
    if !scheme.eq_ignore_ascii_case(b"Basic ") {
        return false;
    }
    let (text, mut room) = (credentials.trim_ascii(), [0; DECODED]);
    let Ok(length) = STANDARD.decode_slice(&text[..text.len().min(TEXT)], &mut room) else { return false };
    let Some(name) = memchr::memchr(b':', &room[..length]).map(|end| &room[..end]) else { return false };
    let is_simple = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-@+".contains(byte);
    if name.is_empty() || name.len() > MOST || !name.iter().all(is_simple) {
        return false;
    }
    out.extend_from_slice(name);
    true
}

#[cfg(test)]
mod tests {
    fn user(field: &str) -> Option<String> {
        let mut out = b"x".to_vec();
        let is_one = super::write(&mut out, field.as_bytes());
        assert_eq!(out.len() > 1, is_one);
        is_one.then(|| String::from_utf8(out.split_off(1)).unwrap())
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
