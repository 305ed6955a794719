//! The head that an app sets: checked, written, and looked through for what the
//! server would state itself.

use gateway_spec::{Error, Head, Header, Result};

use crate::protocol::http1::response;

/// Writes an app's head, field by field as it turns out to be allowed.
#[inline]
pub(super) fn begin(out: &mut Vec<u8>, head: &Head<'_>) -> Result<Stated> {
    head.check_reason()?;
    response::push_status(out, head);
    let mut stated = Stated::default();
    for header in head.headers {
        // Asked once where its bytes are, which may be nowhere.
        let header = &Header::new(header.name(), header.value());
        head.check_header(header)?;
        if stated.take(header)? {
            response::push_field(out, header.name(), header.value());
        }
    }
    Ok(stated)
}

/// What an app states that the server would otherwise state itself.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Stated {
    pub(super) length: Option<u64>,
    pub(super) date: bool,
    pub(super) server: bool,
}

impl Stated {
    /// Takes note of a header; answers whether it goes out as it is. The length
    /// of its name decides for nearly every one that it is none of these.
    #[inline]
    fn take(&mut self, header: &Header<'_>) -> Result<bool> {
        match header.name().len() {
            4 if header.is("date") => self.date = true,
            6 if header.is("server") => self.server = true,
            14 if header.is("content-length") => return self.take_length(header.value()),
            _ => {}
        }
        Ok(true)
    }

    /// The length is stated by the server, once: see [`Tail`].
    #[cold]
    fn take_length(&mut self, value: &[u8]) -> Result<bool> {
        // Digits, and once.
        let length = length(value).filter(|_| self.length.is_none());
        let wrong = || Error::Invalid("Content-Length is not one number of bytes".into());
        self.length = Some(length.ok_or_else(wrong)?);
        Ok(false)
    }
}

fn length(digits: &[u8]) -> Option<u64> {
    let only_digits = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    only_digits.then(|| std::str::from_utf8(digits).ok()?.parse().ok()).flatten()
}
