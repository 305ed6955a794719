//! A response head as it comes over the ABI.

use crate::abi::types::GwHead;
use crate::abi::view::{Header, Slice, is_array, pairs};
use crate::error::{Error, Result};
use crate::start_response::Head;
use crate::status::Status;

/// A head as C gave it, without the error that it may carry.
///
/// # Safety
/// The ABI's rules for a head: all of it is readable while the answer lives.
#[inline]
pub(super) unsafe fn raise(raw: &GwHead) -> Result<Head<'_>> {
    if !is_array(raw.headers, raw.headers_len) {
        return Err(invalid("the headers are NULL"));
    }
    // SAFETY: an array that can be one, by the caller's promise.
    let (headers, reason) = unsafe { (pairs(raw.headers, raw.headers_len), Slice::from_raw(raw.reason).as_bytes()) };
    if !headers.iter().all(Header::is_sound) {
        return Err(invalid("the headers are NULL"));
    }
    let status = Status::new(u16::try_from(raw.status).unwrap_or(0))?;
    // Hardly anybody says one.
    let reason = if reason.is_empty() { None } else { Some(text(reason)?) };
    Ok(Head { status, reason, headers, error: None })
}

#[cold]
fn text(reason: &[u8]) -> Result<&str> {
    std::str::from_utf8(reason).map_err(|_| invalid("the reason phrase is not UTF-8"))
}

#[cold]
pub(super) fn invalid(what: &'static str) -> Error {
    Error::Invalid(what.into())
}
