//! Who a client says that it is, by Basic authentication (RFC 7617): a name, if it is one.
//! Nobody has checked it but the app, perhaps.

/// The most bytes of a name.
const MOST: usize = 64;

/// Writes the name of an `Authorization` field; `false` where it has none that is simple.
pub(super) fn write(out: &mut Vec<u8>, field: &[u8]) -> bool {
    let Some((scheme, credentials)) = field.split_at_checked(6) else { return false };
    if !scheme.eq_ignore_ascii_case(b"Basic ") {
        return false;
    }
    let start = out.len();
    for byte in decoded(credentials.trim_ascii()) {
        match byte {
            b':' if out.len() > start => return true,
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'_' | b'-' | b'@' | b'+' if out.len() < start + MOST => {
                out.push(byte);
            }
            _ => break,
        }
    }
    out.truncate(start);
    false
}

/// The bytes of a text in base64, as far as it is one.
fn decoded(text: &[u8]) -> impl Iterator<Item = u8> {
    let digit = |byte: &u8| match *byte {
        byte @ b'A'..=b'Z' => Some(byte - b'A'),
        byte @ b'a'..=b'z' => Some(byte - b'a' + 26),
        byte @ b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    };
    let mut digits = text.iter().map_while(digit);
    let (mut bits, mut count) = (0_u32, 0);
    std::iter::from_fn(move || {
        while count < 8 {
            bits = bits << 6 | u32::from(digits.next()?);
            count += 6;
        }
        count -= 8;
        let byte = bits >> count;
        bits &= (1 << count) - 1;
        Some(byte as u8)
    })
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
