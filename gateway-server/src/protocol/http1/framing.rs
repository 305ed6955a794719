//! The fields that the server itself acts on: where the body ends, what
//! becomes of the connection.

use gateway_spec::Header;

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
}

/// What the fields said, gathered one by one.
#[derive(Debug, Default)]
pub(super) struct Fields<'b> {
    pub(super) host: Option<&'b [u8]>,
    length: Option<u64>,
    chunked: bool,
    has_type: bool,
    close: bool,
    keep_alive: bool,
    pub(super) expect_continue: bool,
}

impl<'b> Fields<'b> {
    /// Takes one field.
    #[inline]
    pub(super) fn take(&mut self, header: &Header<'b>, version: Version) -> Result<(), Refusal> {
        let name = header.name();
        // The length of the name decides for nearly every field that it is
        // none of these.
        match name.len() {
            4 if name.eq_ignore_ascii_case(b"host") => self.take_host(header.value()),
            6 if name.eq_ignore_ascii_case(b"expect") => self.take_expect(header.value(), version),
            10 if name.eq_ignore_ascii_case(b"connection") => {
                self.take_connection(header.value());
                Ok(())
            }
            12 if name.eq_ignore_ascii_case(b"content-type") => {
                if std::mem::replace(&mut self.has_type, true) {
                    Err(Refusal::RepeatedContentType)
                } else {
                    Ok(())
                }
            }
            14 if name.eq_ignore_ascii_case(b"content-length") => self.take_length(header.value()),
            17 if name.eq_ignore_ascii_case(b"transfer-encoding") => self.take_coding(header.value(), version),
            _ => Ok(()),
        }
    }

    fn take_host(&mut self, value: &'b [u8]) -> Result<(), Refusal> {
        if !is_host(value) {
            return Err(Refusal::InvalidHost);
        }
        if self.host.replace(value).is_some() { Err(Refusal::RepeatedHost) } else { Ok(()) }
    }

    fn take_expect(&mut self, value: &[u8], version: Version) -> Result<(), Refusal> {
        if !value.eq_ignore_ascii_case(b"100-continue") {
            return Err(Refusal::Expectation);
        }
        // An HTTP/1.0 client cannot mean it (RFC 9110, section 10.1.1).
        self.expect_continue = version == Version::Http11;
        Ok(())
    }

    fn take_connection(&mut self, value: &[u8]) {
        for token in value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii) {
            self.close |= token.eq_ignore_ascii_case(b"close");
            self.keep_alive |= token.eq_ignore_ascii_case(b"keep-alive");
        }
    }

    fn take_length(&mut self, value: &[u8]) -> Result<(), Refusal> {
        // Digits only: no sign, no list, no white space inside; 19 digits
        // cannot overflow, 20 are refused.
        if value.is_empty() || value.len() > 19 || !value.iter().all(u8::is_ascii_digit) {
            return Err(Refusal::ContentLength);
        }
        let length = value.iter().fold(0, |length: u64, digit| length * 10 + u64::from(digit - b'0'));
        if self.length.replace(length).is_some() { Err(Refusal::RepeatedContentLength) } else { Ok(()) }
    }

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
