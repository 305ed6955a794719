//! The fields that the server itself acts on: where the body ends, what
//! becomes of the connection.

use super::Version;
use super::target::is_host;
use crate::protocol::Refusal;

/// How long a request's body is (RFC 9112, section 6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Framing {
    /// No body.
    #[default]
    None,
    /// So many bytes, more than none.
    Length(u64),
    /// Chunks until the last one.
    Chunked,
    /// FastCGI: records of a request, until an empty one; so many bytes in all, more
    /// than none.
    Records {
        /// The request's number.
        id: u16,
        /// How many bytes.
        length: u64,
    },
}

/// The number of bytes that a Content-Length says.
///
/// # Errors
/// [`Refusal::ContentLength`]
#[inline]
pub(in crate::protocol) fn length(value: &[u8]) -> Result<u64, Refusal> {
    // Digits only: no sign, no list, no white space inside; 19 digits
    // cannot overflow, 20 are refused.
    if value.is_empty() || value.len() > 19 || !value.iter().all(u8::is_ascii_digit) {
        return Err(Refusal::ContentLength);
    }
    Ok(value.iter().fold(0, |length: u64, digit| length * 10 + u64::from(digit - b'0')))
}

/// What the fields said, gathered one by one.
#[derive(Debug, Default)]
pub(super) struct Fields {
    pub(super) has_host: bool,
    length: Option<u64>,
    chunked: bool,
    has_type: bool,
    close: bool,
    keep_alive: bool,
    pub(super) expect_continue: bool,
}

impl Fields {
    /// Takes one field; answers whether it is one of these.
    #[inline]
    pub(super) fn take(&mut self, name: &[u8], value: &[u8], version: Version) -> Result<bool, Refusal> {
        // The length of the name decides for nearly every field that it is
        // none of these.
        match name.len() {
            4 if is(name, b"host") => self.take_host(value)?,
            6 if is(name, b"expect") => self.take_expect(value, version)?,
            10 if is(name, b"connection") => self.take_connection(value),
            12 if is(name, b"content-type") => self.take_type()?,
            14 if is(name, b"content-length") => self.take_length(value)?,
            17 if is(name, b"transfer-encoding") => self.take_coding(value, version)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn take_host(&mut self, value: &[u8]) -> Result<(), Refusal> {
        if !is_host(value) {
            return Err(Refusal::InvalidHost);
        }
        if std::mem::replace(&mut self.has_host, true) { Err(Refusal::RepeatedHost) } else { Ok(()) }
    }

    fn take_type(&mut self) -> Result<(), Refusal> {
        if std::mem::replace(&mut self.has_type, true) { Err(Refusal::RepeatedContentType) } else { Ok(()) }
    }

    // What is rare stays out of line from here on: the loop over the fields
    // needs its registers.

    #[inline(never)]
    fn take_expect(&mut self, value: &[u8], version: Version) -> Result<(), Refusal> {
        if !value.eq_ignore_ascii_case(b"100-continue") {
            return Err(Refusal::Expectation);
        }
        // An HTTP/1.0 client cannot mean it (RFC 9110, section 10.1.1).
        self.expect_continue = version == Version::Http11;
        Ok(())
    }

    #[inline(never)]
    fn take_connection(&mut self, value: &[u8]) {
        // What browsers say, without looking for more.
        if is(value, b"keep-alive") {
            self.keep_alive = true;
            return;
        }
        for token in value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii) {
            self.close |= is(token, b"close");
            self.keep_alive |= is(token, b"keep-alive");
        }
    }

    #[inline(never)]
    fn take_length(&mut self, value: &[u8]) -> Result<(), Refusal> {
        let length = length(value)?;
        if self.length.replace(length).is_some() { Err(Refusal::RepeatedContentLength) } else { Ok(()) }
    }

    #[inline(never)]
    fn take_coding(&mut self, value: &[u8], version: Version) -> Result<(), Refusal> {
        if version == Version::Http10 {
            // Somebody in between may not have understood it.
            return Err(Refusal::TransferEncoding);
        }
        if !value.eq_ignore_ascii_case(b"chunked") {
            let known = value.is_empty() || value.to_ascii_lowercase().windows(7).any(|part| part == b"chunked");
            return Err(if known { Refusal::TransferEncoding } else { Refusal::UnknownCoding });
        }
        if std::mem::replace(&mut self.chunked, true) { Err(Refusal::TransferEncoding) } else { Ok(()) }
    }

    /// Where the body ends, once all fields are taken.
    pub(super) fn framing(&self) -> Result<Framing, Refusal> {
        match (self.length, self.chunked) {
            (Some(_), true) => Err(Refusal::BothLengths),
            (None, true) => Ok(Framing::Chunked),
            (None | Some(0), false) => Ok(Framing::None),
            (Some(length), false) => Ok(Framing::Length(length)),
        }
    }

    /// Whether the client wants to go on (RFC 9112, section 9.3).
    pub(super) fn keeps_alive(&self, version: Version) -> bool {
        !self.close && (version == Version::Http11 || self.keep_alive)
    }
}

/// Whether `text`, of a field's name or value, is `known`, in any case. All of
/// it at once: what stands there has no byte, NUL to US, that the bit between
/// the cases of a letter would make one of these.
fn is<const N: usize>(text: &[u8], known: &[u8; N]) -> bool {
    let others =
        |text: &[u8; N]| text.iter().zip(known).fold(0, |others, (byte, known)| others | ((byte | 0x20) ^ known));
    text.try_into().is_ok_and(|text| others(text) == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bit between the cases makes no other byte a letter or a dash.
    #[test]
    fn a_text_is_known_in_any_case_and_in_no_other_byte() {
        for at in 0..10 {
            for byte in (b'\t'..=b'\t').chain(b' '..=0xff) {
                let mut text = *b"Keep-ALIVE";
                let same = byte.eq_ignore_ascii_case(&text[at]);
                text[at] = byte;
                assert_eq!(is(&text, b"keep-alive"), same, "{}", text.escape_ascii());
            }
        }
        assert!(!is(b"keep-aliv", b"keep-alive") && !is(b"keep-alive ", b"keep-alive"));
    }

    #[test]
    fn connection_is_a_list() {
        let taken = |value: &str| {
            let mut fields = Fields::default();
            fields.take_connection(value.as_bytes());
            (fields.close, fields.keep_alive)
        };
        assert_eq!(taken("keep-alive"), (false, true));
        assert_eq!(taken("Keep-Alive"), (false, true));
        assert_eq!(taken("x, Close ,keep-alive"), (true, true));
        assert_eq!(taken("closed, keep-aliv"), (false, false));
        assert_eq!(taken(""), (false, false));
    }
}
