//! Text for the log.

/// A text for the log on one line: control characters are escaped, so that
/// nobody forges a line.
#[must_use]
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        if char.is_control() {
            escaped.extend(char.escape_default());
        } else {
            escaped.push(char);
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    #[test]
    fn nobody_forges_a_line() {
        assert_eq!(super::escape("a\r\nERROR b\u{1b}[31m\u{85}\t\"é\""), "a\\r\\nERROR b\\u{1b}[31m\\u{85}\\t\"é\"");
    }
}
