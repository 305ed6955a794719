//! Text for a log or a terminal.

use std::fmt::Write as _;

/// A text on one line: control characters, and those that reorder a line or
/// end one in Unicode, are escaped, so that no client and no app forges a line.
///
/// ```
/// assert_eq!(gateway_spec::escape("no such path /a\nERROR forged"), "no such path /a\\nERROR forged");
/// ```
#[must_use]
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        if is_unsafe(char) {
            // Writing to a String cannot fail.
            let _ = write!(escaped, "{}", char.escape_default());
        } else {
            escaped.push(char);
        }
    }
    escaped
}

/// Whether a character does something to the line that it stands in: what [`escape`]
/// escapes.
#[must_use]
pub fn is_unsafe(char: char) -> bool {
    char.is_control() || matches!(char, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    #[test]
    fn nobody_forges_a_line() {
        let escaped = super::escape("a\r\nERROR b\u{1b}[31m\u{85}\t\"\u{e9}\"\u{2028}\u{202e}");
        assert_eq!(escaped, "a\\r\\nERROR b\\u{1b}[31m\\u{85}\\t\"\u{e9}\"\\u{2028}\\u{202e}");
    }
}
