//! An object of JSON on one line.

use gateway_spec::is_unsafe;

/// An object that is being written.
#[derive(Debug)]
pub(super) struct Object<'o> {
    out: &'o mut Vec<u8>,
    is_empty: bool,
}

impl<'o> Object<'o> {
    pub(super) fn new(out: &'o mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, is_empty: true }
    }

    fn key(&mut self, key: &str) {
        if !std::mem::take(&mut self.is_empty) {
            self.out.push(b',');
        }
        string(self.out, key.as_bytes());
        self.out.push(b':');
    }

    /// Text, or bytes that should be some.
    pub(super) fn text(&mut self, key: &str, value: impl AsRef<[u8]>) -> &mut Self {
        self.key(key);
        string(self.out, value.as_ref());
        self
    }

    /// A number, or what else needs no quotes.
    pub(super) fn bare(&mut self, key: &str, value: impl std::fmt::Display) -> &mut Self {
        use std::io::Write as _;
        self.key(key);
        // Writing to memory cannot fail.
        let _ = write!(self.out, "{value}");
        self
    }

    /// Another object.
    pub(super) fn object(&mut self, key: &str, fill: impl FnOnce(&mut Object<'_>)) {
        self.key(key);
        let mut object = Object::new(self.out);
        fill(&mut object);
        object.end();
    }

    pub(super) fn end(self) {
        self.out.push(b'}');
    }
}

/// A string.
fn string(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(b'"');
    text(out, bytes);
    out.push(b'"');
}

/// What stands in a string. Bytes that are no UTF-8 become U+FFFD; what would do something
/// to a line or a terminal is escaped.
pub(super) fn text(out: &mut Vec<u8>, bytes: &[u8]) {
    if bytes.iter().all(|byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\')) {
        out.extend_from_slice(bytes);
    } else {
        String::from_utf8_lossy(bytes).chars().for_each(|char| push(out, char));
    }
}

#[cold]
fn push(out: &mut Vec<u8>, char: char) {
    match char {
        '"' | '\\' => out.extend([b'\\', char as u8]),
        '\n' => out.extend(b"\\n"),
        '\r' => out.extend(b"\\r"),
        '\t' => out.extend(b"\\t"),
        // All of them are in the first plane, so that one unit of UTF-16 says them.
        _ if is_unsafe(char) => out.extend(format!("\\u{:04x}", char as u32).into_bytes()),
        _ => out.extend(char.encode_utf8(&mut [0; 4]).as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_is_one_whatever_is_in_it() {
        let check = |bytes: &[u8], expected: &str| {
            let mut out = Vec::new();
            string(&mut out, bytes);
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        };
        check(b"plain", "\"plain\"");
        check(b"a\"b\\c", r#""a\"b\\c""#);
        check(b"a\r\nb\tc\x1b[0m\0\x7f", r#""a\r\nb\tc\u001b[0m\u0000\u007f""#);
        check("\u{e9}\u{2028}\u{202e}\u{85}\u{1f600}".as_bytes(), "\"\u{e9}\\u2028\\u202e\\u0085\u{1f600}\"");
        check(b"a\xff\xc3", "\"a\u{fffd}\u{fffd}\"");
    }

    #[test]
    fn an_object_has_keys_and_values() {
        let mut out = Vec::new();
        let mut object = Object::new(&mut out);
        object.text("a", "b\n").bare("c", 1).bare("d", true);
        object.end();
        assert_eq!(out, br#"{"a":"b\n","c":1,"d":true}"#);
    }
}
