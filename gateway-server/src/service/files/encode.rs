//! Bytes as text of a URL or of HTML.

use std::fmt::Write as _;

/// Percent-encodes a path (RFC 3986, section 3.3). Of what may stand there it
/// keeps only what means nothing anywhere: neither a colon, which would make a
/// scheme of a name, nor a quote.
pub(super) fn path(out: &mut String, path: &[u8]) {
    for &byte in path {
        match byte {
            b'/' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            _ if byte.is_ascii_alphanumeric() => out.push(char::from(byte)),
            _ => percent(out, byte),
        }
    }
}

/// A query as it came, but for bytes that no URL has.
pub(super) fn query(out: &mut String, query: &[u8]) {
    for (at, &byte) in query.iter().enumerate() {
        let is_triple = || query.get(at + 1..at + 3).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit));
        if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?".contains(&byte) || byte == b'%' && is_triple() {
            out.push(char::from(byte));
        } else {
            percent(out, byte);
        }
    }
}

/// Text of a page.
pub(super) fn html(out: &mut String, text: &str) {
    for char in text.chars() {
        match char {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(char),
        }
    }
}

fn percent(out: &mut String, byte: u8) {
    // Writing to a String cannot fail.
    let _ = write!(out, "%{byte:02X}");
}

#[cfg(test)]
mod tests {
    fn check(encode: impl Fn(&mut String), expected: &str) {
        let mut out = String::new();
        encode(&mut out);
        assert_eq!(out, expected);
    }

    #[test]
    fn paths() {
        check(|out| super::path(out, b"/a b/\xc3\xa9?#%.~"), "/a%20b/%C3%A9%3F%23%25.~");
        check(|out| super::path(out, b"javascript:alert(\"1\")\\"), "javascript%3Aalert%28%221%22%29%5C");
        check(|out| super::path(out, b"\r\n\0<>"), "%0D%0A%00%3C%3E");
    }

    #[test]
    fn queries() {
        check(|out| super::query(out, b"a=%20b&c=/?d"), "a=%20b&c=/?d");
        check(|out| super::query(out, b"%%2%2g%zz\"<>{}|^`\\["), "%25%252%252g%25zz%22%3C%3E%7B%7D%7C%5E%60%5C%5B");
        check(|out| super::query(out, b"\xff\r\n"), "%FF%0D%0A");
    }

    #[test]
    fn pages() {
        check(|out| super::html(out, "<a href=\"'&\">é"), "&lt;a href=&quot;&#39;&amp;&quot;&gt;é");
    }
}
