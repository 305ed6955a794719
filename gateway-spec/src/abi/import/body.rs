//! From the struct that `call` has filled to a [`Body`].

use crate::abi::foreign::ForeignBody;
use crate::abi::types::*;
use crate::abi::view::{Slice, is_array};
use crate::body::{Body, Content};
use crate::error::Result;

/// Takes over a body from the struct that `call` has filled.
///
/// # Safety
/// `raw` was filled by a call that said OK, and is taken over once; what it
/// points to stays valid for `'r` or until its close.
#[inline]
pub(super) unsafe fn raise<'r>(raw: &GwBody) -> Result<Body<'r>> {
    match (raw.kind, raw.vt.is_null()) {
        (GW_BODY_EMPTY, true) => Ok(Body::empty()),
        // SAFETY: the kind says that this field is filled. NULL with a length
        // goes where every odd body goes.
        (GW_BODY_BYTES, _) if unsafe { !is_array(raw.content.bytes.ptr, raw.content.bytes.len) } => unsafe {
            raise_owned(raw)
        },
        (GW_BODY_BYTES, true) => {
            // SAFETY: nothing to close, so the bytes are valid for 'r.
            let bytes = unsafe { Slice::<'r>::from_raw(raw.content.bytes) };
            Ok(Body::borrowed(bytes.as_bytes()))
        }
        // SAFETY: the caller takes it over once, so this copy is the only owner.
        (GW_BODY_BYTES, false) => Ok(Body::new(Content::Foreign(unsafe { ForeignBody::new(std::ptr::read(raw)) }))),
        // SAFETY: the caller's promise.
        _ => unsafe { raise_owned(raw) },
    }
}

/// As [`raise`], for what has to be looked at or closed. Apart, so that the
/// common kinds do not make room for it.
#[inline(never)]
unsafe fn raise_owned<'r>(raw: &GwBody) -> Result<Body<'r>> {
    // SAFETY: the caller takes it over once, so this copy is the only owner.
    let body = unsafe { ForeignBody::checked(std::ptr::read(raw)) }?;
    Ok(Body::new(Content::Foreign(body)))
}
