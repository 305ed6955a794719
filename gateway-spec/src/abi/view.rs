//! Safe views of the ABI's borrowed data: [`Slice`], [`Header`] and
//! [`RequestRef`] carry in a lifetime what the C side states in prose.

mod host;
mod request;

use std::fmt;
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ptr;

use super::types::*;
use crate::error::{Error, Result};

pub use host::HostRef;
pub use request::RequestRef;

/// Bytes needed for an error text that crosses the ABI; longer ones are cut.
pub(crate) const ERROR_TEXT: usize = 512;

/// Borrowed bytes in the ABI's layout (`gw_str`).
#[repr(transparent)]
#[derive(Clone, Copy)]
pub struct Slice<'a> {
    raw: GwStr,
    marker: PhantomData<&'a [u8]>,
}

// SAFETY: a Slice is a `&[u8]` in another layout, and `&[u8]` is Send.
unsafe impl Send for Slice<'_> {}
// SAFETY: as for Send; `&[u8]` is Sync.
unsafe impl Sync for Slice<'_> {}

impl<'a> Slice<'a> {
    /// Views `bytes`.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        let raw = GwStr { ptr: bytes.as_ptr(), len: bytes.len() };
        Self { raw, marker: PhantomData }
    }

    /// The bytes.
    #[must_use]
    pub const fn as_bytes(self) -> &'a [u8] {
        // A NULL with a length breaks the rules; it is never followed.
        if self.raw.ptr.is_null() {
            return &[];
        }
        // SAFETY: `new` and `from_raw` promise `len` readable bytes for 'a.
        unsafe { std::slice::from_raw_parts(self.raw.ptr, self.raw.len) }
    }

    /// The raw form, for a table of the ABI.
    #[must_use]
    pub const fn raw(self) -> GwStr {
        self.raw
    }

    /// Views bytes that came over the ABI.
    ///
    /// # Safety
    /// `raw.len` is 0, or `raw.ptr` points to that many bytes, readable and
    /// unchanged for all of `'a`.
    #[must_use]
    pub const unsafe fn from_raw(raw: GwStr) -> Self {
        Self { raw, marker: PhantomData }
    }

    /// Whether the pointer is NULL, which an edited `env` uses for "removed".
    pub(crate) const fn is_null(self) -> bool {
        self.raw.ptr.is_null()
    }

    /// The value of a variable that was removed.
    pub(crate) const fn null() -> Self {
        Self { raw: GwStr { ptr: ptr::null(), len: 0 }, marker: PhantomData }
    }
}

impl fmt::Debug for Slice<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.as_bytes().escape_ascii())
    }
}

impl PartialEq for Slice<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Slice<'_> {}

/// A name and its value in the ABI's layout (`gw_pair`): a header field, or a
/// variable of the environ.
///
/// ```
/// use gateway_spec::Header;
/// let header = Header::new("Content-Type", "text/plain");
/// assert_eq!(header.name(), b"Content-Type");
/// assert_eq!(header.value_str(), Some("text/plain"));
/// ```
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Header<'a> {
    name: Slice<'a>,
    value: Slice<'a>,
}

impl<'a> Header<'a> {
    /// Pairs a name with a value; both are borrowed, neither is checked here
    /// (`start_response` checks).
    #[must_use]
    #[inline]
    pub fn new(name: &'a (impl AsRef<[u8]> + ?Sized), value: &'a (impl AsRef<[u8]> + ?Sized)) -> Self {
        Self { name: Slice::new(name.as_ref()), value: Slice::new(value.as_ref()) }
    }

    /// As [`Header::new`], for tables of constants.
    #[must_use]
    pub const fn from_static(name: &'a str, value: &'a str) -> Self {
        Self { name: Slice::new(name.as_bytes()), value: Slice::new(value.as_bytes()) }
    }

    /// The same name with another value.
    #[must_use]
    #[inline]
    pub const fn with_value(self, value: &'a [u8]) -> Self {
        Self { name: self.name, value: Slice::new(value) }
    }

    /// A variable that was removed, for an edited `env`.
    pub(crate) const fn removed(name: &'a [u8]) -> Self {
        Self { name: Slice::new(name), value: Slice::null() }
    }

    pub(crate) const fn is_removed(&self) -> bool {
        self.value.is_null()
    }

    /// The name, as received or given: HTTP compares it without case.
    #[must_use]
    #[inline]
    pub const fn name(&self) -> &'a [u8] {
        self.name.as_bytes()
    }

    /// The value.
    #[must_use]
    #[inline]
    pub const fn value(&self) -> &'a [u8] {
        self.value.as_bytes()
    }

    /// The value as text, or `None` where it is not UTF-8.
    #[must_use]
    pub fn value_str(&self) -> Option<&'a str> {
        std::str::from_utf8(self.value()).ok()
    }

    /// Whether both strings can be followed. A name at NULL is seen as empty,
    /// and so refused as no token, which saves its test here.
    #[inline]
    pub(crate) const fn is_sound(&self) -> bool {
        let (name, value) = (self.name.raw(), self.value.raw());
        (name.len | value.len) <= isize::MAX as usize && (!value.ptr.is_null() || value.len == 0)
    }

    /// Whether the name is `name`, compared without case.
    #[must_use]
    #[inline]
    pub fn is(&self, name: &str) -> bool {
        self.name().eq_ignore_ascii_case(name.as_bytes())
    }
}

impl fmt::Debug for Header<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name().escape_ascii(), self.value().escape_ascii())
    }
}

/// Views an array of pairs that came over the ABI.
///
/// # Safety
/// `len` is 0, or `ptr` points to that many pairs whose strings are readable,
/// all of it unchanged for `'a`.
pub(crate) unsafe fn pairs<'a>(ptr: *const GwPair, len: usize) -> &'a [Header<'a>] {
    if len == 0 || ptr.is_null() {
        return &[];
    }
    // SAFETY: Header is repr(C) over two transparent GwStr: the layout of
    // GwPair. The caller promises length, contents and lifetime.
    unsafe { std::slice::from_raw_parts(ptr.cast::<Header<'a>>(), len) }
}

/// Whether an array that came over the ABI can be one at all: NULL with a
/// length, or more bytes than there can be, is refused and never followed.
#[inline]
pub(crate) const fn is_array<T>(ptr: *const T, len: usize) -> bool {
    len == 0 || (!ptr.is_null() && len <= isize::MAX as usize / size_of::<T>())
}

/// The raw form of an array of pairs.
pub(crate) const fn raw_pairs(pairs: &[Header<'_>]) -> *const GwPair {
    pairs.as_ptr().cast::<GwPair>()
}

/// Runs a C function with memory for its error text, and turns a negative
/// status into the error it stands for.
#[inline]
pub(crate) fn checked(call: impl FnOnce(*mut GwBuf) -> GwStatus) -> Result<GwStatus> {
    let mut text = [const { MaybeUninit::<u8>::uninit() }; ERROR_TEXT];
    let mut buf = GwBuf { ptr: text.as_mut_ptr().cast(), cap: text.len(), len: 0 };
    let status = call(&mut buf);
    if status >= 0 {
        return Ok(status);
    }
    let written = buf.len.min(ERROR_TEXT);
    // SAFETY: a callee that says it wrote `len` bytes has written them: that
    // much of the other side is trusted here (docs/ABI.md, "Hazards").
    Err(unsafe { failure(status, text.as_ptr().cast(), written) })
}

/// Of the statuses that are no error only OK is an answer to most functions.
#[inline]
pub(crate) fn accepted(status: GwStatus) -> Result<()> {
    if status == GW_OK { Ok(()) } else { Err(unexpected(status)) }
}

#[cold]
#[inline(never)]
pub(crate) fn unexpected(status: GwStatus) -> Error {
    Error::from_status(status, format!("unexpected status {status}"))
}

/// The error of a status and its text. Apart, so that those who succeed do not
/// make room for it.
///
/// # Safety
/// `text` points to `written` bytes that are written.
#[cold]
#[inline(never)]
unsafe fn failure(status: GwStatus, text: *const u8, written: usize) -> Error {
    // SAFETY: the caller's promise.
    let text = unsafe { std::slice::from_raw_parts(text, written) };
    Error::from_status(status, String::from_utf8_lossy(text).into_owned())
}
