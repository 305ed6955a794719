//! SCGI: a netstring of variables, each name and value ended by NUL; the first one is
//! CONTENT_LENGTH, and SCGI=1 is among them.

use super::known::Known;
use super::{Broken, Envelope, Found, Variables};

/// Digits of the longest length that is read.
const DIGITS: usize = 7;

pub(super) fn read(bytes: &[u8], most: usize, variables: &mut Variables) -> Result<Found, Broken> {
    let malformed = |text| Err(Broken::Malformed(text));
    let digits = bytes.iter().take(DIGITS + 1).take_while(|byte| byte.is_ascii_digit()).count();
    match bytes.get(digits) {
        None if digits <= DIGITS => return Ok(Found::Partial),
        Some(b':') if digits > 0 && digits <= DIGITS && (digits == 1 || bytes[0] != b'0') => {}
        _ => return malformed("an SCGI request begins with no length and colon"),
    }
    let length = bytes[..digits].iter().fold(0, |length, digit| length * 10 + usize::from(digit - b'0'));
    if length > most {
        return Err(Broken::TooLarge);
    }
    let size = digits + 1 + length;
    let Some(&end) = bytes.get(size) else { return Ok(Found::Partial) };
    if end != b',' {
        return malformed("an SCGI request's variables end with no comma");
    }
    let mut texts = bytes[digits + 1..size].split(|byte| *byte == 0);
    // Each is ended by NUL: behind the last one there is nothing.
    if texts.next_back() != Some(&[]) {
        return malformed("the last variable of an SCGI request is not ended by NUL");
    }
    while let Some(name) = texts.next() {
        let Some(value) = texts.next() else { return malformed("a variable of an SCGI request has no value") };
        if variables.count() == 0 && name != b"CONTENT_LENGTH" {
            return malformed("the first variable of an SCGI request is not CONTENT_LENGTH");
        }
        variables.push(name, value)?;
    }
    if variables.get(Known::Scgi) != Some(b"1") || variables.get(Known::Length).is_none() {
        return malformed("an SCGI request does not say SCGI=1 and its CONTENT_LENGTH");
    }
    Ok(Found::Request(Envelope { size: size + 1, ..Envelope::default() }, Vec::new()))
}

/// Whether bytes begin as a request does.
pub(super) fn is_one(bytes: &[u8]) -> bool {
    let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    digits > 0 && bytes.get(digits) == Some(&b':')
}
