//! The elements of `Forwarded`, and their parameters (RFC 7239, section 4).

use gateway_spec::headers::is_token;

use super::Malformed;
use super::node::Node;

/// What one hop says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Element {
    /// `for`
    pub(super) node: Node,
    /// `proto`
    pub(super) is_secure: Option<bool>,
}

impl Element {
    /// `for=192.0.2.1;proto=https`. Parameters that nobody acts on are held to the
    /// grammar, and passed over.
    fn parse(text: &[u8]) -> Result<Self, Malformed> {
        let mut element = Self::default();
        let (mut has_for, mut has_proto) = (false, false);
        for pair in Parts(Some(text), b';').map(<[u8]>::trim_ascii).filter(|pair| !pair.is_empty()) {
            let at = pair.iter().position(|byte| *byte == b'=').ok_or(Malformed)?;
            let (name, value) = (&pair[..at], value(&pair[at + 1..])?);
            if !is_token(name) {
                return Err(Malformed);
            }
            // Each at most once.
            if name.eq_ignore_ascii_case(b"for") && !std::mem::replace(&mut has_for, true) {
                element.node = Node::parse(value).ok_or(Malformed)?;
            } else if name.eq_ignore_ascii_case(b"proto") && !std::mem::replace(&mut has_proto, true) {
                element.is_secure = super::is_secure(value);
            } else if name.eq_ignore_ascii_case(b"for") || name.eq_ignore_ascii_case(b"proto") {
                return Err(Malformed);
            }
        }
        Ok(element)
    }
}

/// What stands behind `=`: a quoted string without its quotes, or a word, of which
/// more is taken than the grammar has, because many write `for=192.0.2.1:80`.
fn value(text: &[u8]) -> Result<&[u8], Malformed> {
    let quoted = text.strip_prefix(b"\"").and_then(|text| text.strip_suffix(b"\""));
    let is_word = !text.is_empty() && !text.iter().any(|byte| b"\" \t".contains(byte));
    match quoted {
        Some(inner) if is_whole(inner) => Ok(inner),
        None if is_word => Ok(text),
        _ => Err(Malformed),
    }
}

/// Whether a string ends with the quote behind it, and not before. Escapes stay in
/// it: neither an address nor a scheme needs one.
fn is_whole(inner: &[u8]) -> bool {
    let mut quotes = Quotes { open: true, escaped: false };
    inner.iter().all(|byte| quotes.passes(*byte)) && !quotes.escaped
}

/// The elements of a line.
pub(super) fn elements(line: &[u8]) -> impl Iterator<Item = Result<Element, Malformed>> {
    let parts = Parts(Some(line), b',').map(<[u8]>::trim_ascii);
    // A list may have empty elements (RFC 9110, section 5.6.1).
    parts.filter(|part| !part.is_empty()).map(Element::parse)
}

/// What stands between separators that are not quoted.
struct Parts<'b>(Option<&'b [u8]>, u8);

impl<'b> Iterator for Parts<'b> {
    type Item = &'b [u8];

    fn next(&mut self) -> Option<&'b [u8]> {
        let text = self.0.take()?;
        let (mut quotes, separator) = (Quotes::default(), self.1);
        let end = text.iter().position(|byte| !quotes.passes(*byte) && *byte == separator);
        let (part, rest) = end.map_or((text, None), |end| (&text[..end], Some(&text[end + 1..])));
        self.0 = rest;
        Some(part)
    }
}

/// Whether a place is in a quoted string.
#[derive(Clone, Copy, Debug, Default)]
struct Quotes {
    open: bool,
    escaped: bool,
}

impl Quotes {
    /// Takes a byte; answers whether a string is open behind it.
    fn passes(&mut self, byte: u8) -> bool {
        let escaped = std::mem::take(&mut self.escaped);
        match byte {
            b'"' if !escaped => self.open = !self.open,
            b'\\' if !escaped => self.escaped = self.open,
            _ => {}
        }
        self.open
    }
}
