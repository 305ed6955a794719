//! Values of the query string.

use std::ops::RangeInclusive;

use gateway_spec::Environ;

/// A value, percent-decoded; `None` where the name is missing.
pub(crate) fn bytes(environ: &Environ<'_>, name: &str) -> Option<Vec<u8>> {
    let pairs = environ.query_string().split(|&byte| byte == b'&');
    pairs.filter_map(|pair| pair.strip_prefix(name.as_bytes())?.strip_prefix(b"=")).next().map(percent_decode)
}

/// A value as a number in a range, or the text of the 400 that it earns.
pub(crate) fn number(
    environ: &Environ<'_>,
    name: &str,
    default: u64,
    range: RangeInclusive<u64>,
) -> Result<u64, String> {
    let Some(value) = bytes(environ, name) else { return Ok(default) };
    let number = std::str::from_utf8(&value).ok().and_then(|value| value.parse().ok());
    number
        .filter(|number| range.contains(number))
        .ok_or_else(|| format!("{name} is a number from {} to {}", range.start(), range.end()))
}

/// A `%` without two hex digits stands for itself.
fn percent_decode(mut text: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    while let Some((&first, rest)) = text.split_first() {
        let escaped = if first == b'%' { rest.split_at_checked(2).and_then(|(hex, _)| byte(hex)) } else { None };
        decoded.push(escaped.unwrap_or(first));
        text = if escaped.is_some() { &rest[2..] } else { rest };
    }
    decoded
}

fn byte(hex: &[u8]) -> Option<u8> {
    let digit = |at: usize| char::from(hex[at]).to_digit(16);
    u8::try_from(digit(0)? * 16 + digit(1)?).ok()
}

#[cfg(test)]
mod tests {
    use super::percent_decode;

    #[test]
    fn decodes_what_is_escaped_and_keeps_the_rest() {
        assert_eq!(percent_decode(b"a%20b%0D%0a"), b"a b\r\n");
        assert_eq!(percent_decode(b"+%e9%C3"), b"+\xe9\xc3");
        assert_eq!(percent_decode(b"100%"), b"100%");
        assert_eq!(percent_decode(b"%zz%4"), b"%zz%4");
    }
}
