//! Small tests of text that several rules share.

/// What a check saw that breaks its rule; `None` where the rule holds.
pub type Seen = Option<String>;

/// Bytes for a message.
pub(super) fn shown(bytes: &[u8]) -> String {
    format!("\"{}\"", bytes.escape_ascii())
}

/// A message, where something is wrong.
pub(super) fn when(wrong: bool, seen: impl FnOnce() -> String) -> Seen {
    wrong.then(seen)
}

/// A number in decimal digits and nothing else.
pub(super) fn number(bytes: &[u8]) -> Option<u64> {
    if bytes.is_empty() || !bytes.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(bytes).ok()?.parse().ok()
}

/// A control byte other than the tab, which fields may hold.
pub(super) const fn is_control(byte: u8) -> bool {
    (byte < b' ' && byte != b'\t') || byte == 0x7f
}

/// Whether a field value begins or ends with a space or a tab.
pub(super) fn is_padded(value: &[u8]) -> bool {
    let blank = |byte: Option<&u8>| matches!(byte, Some(b' ' | b'\t'));
    blank(value.first()) || blank(value.last())
}

/// Decodes `%XX` once; anything else stays.
pub(crate) fn percent_decode(path: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(path.len());
    let mut at = 0;
    while at < path.len() {
        let hex = |offset: usize| char::from(*path.get(at + offset)?).to_digit(16);
        match (path[at], hex(1), hex(2)) {
            (b'%', Some(high), Some(low)) => {
                decoded.push((high * 16 + low) as u8);
                at += 3;
            }
            (byte, ..) => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    decoded
}

/// Whether this is a URI reference: only the characters of RFC 3986, and `%`
/// before two hexadecimal digits alone.
pub(super) fn is_uri_reference(value: &[u8]) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&byte);
    let escaped = |at: usize| value.get(at + 1..at + 3).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit));
    let escapes = value.iter().enumerate().filter(|(_, byte)| **byte == b'%');
    value.iter().all(|&byte| allowed(byte))
        && escapes.map(|(at, _)| at).all(escaped)
        && value.iter().filter(|&&byte| byte == b'#').count() <= 1
}

/// Whether this is an IMF-fixdate, as in `Sun, 06 Nov 1994 08:49:37 GMT`
/// (RFC 9110, section 5.6.7).
pub(super) fn is_date(value: &[u8]) -> bool {
    const FORM: &[u8; 29] = b"aaa, 00 aaa 0000 00:00:00 GMT";
    value.len() == FORM.len()
        && value.iter().zip(FORM).all(|(byte, form)| match form {
            b'a' => byte.is_ascii_alphabetic(),
            b'0' => byte.is_ascii_digit(),
            _ => byte == form,
        })
}
