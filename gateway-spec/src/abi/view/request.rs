//! A request as the app sees it.

use std::fmt;
use std::marker::PhantomData;
use std::ptr::NonNull;

use super::{Header, HostRef, Slice, accepted, checked, pairs, raw_pairs, unexpected};
use crate::abi::types::*;
use crate::error::{Error, Result};
use crate::start_response::Head;

/// A table's function, or an error that names the one that is missing.
macro_rules! required {
    ($table:expr, $name:ident) => {
        // SAFETY: the caller of this macro states why `$table` is readable.
        unsafe { (*$table).$name }
            .ok_or_else(|| Error::Unsupported(concat!("the request has no ", stringify!($name)).into()))
    };
}

/// A request as the app sees it: a pointer that is valid for `'r`.
///
/// It may be sent to another thread, but its functions work only on the thread
/// that is now inside this request's `call` or `next`; elsewhere they answer
/// [`Error::State`] and do nothing.
#[derive(Clone, Copy)]
pub struct RequestRef<'r> {
    raw: NonNull<GwRequest>,
    marker: PhantomData<&'r GwRequest>,
}

// SAFETY: the fields are immutable for 'r, and the host's functions check the
// calling thread themselves (docs/ABI.md, "Threads").
unsafe impl Send for RequestRef<'_> {}
// SAFETY: as for Send.
unsafe impl Sync for RequestRef<'_> {}

impl<'r> RequestRef<'r> {
    /// Wraps a request that came over the ABI; `None` when it is NULL, too
    /// short for version 1.0, or has no functions.
    ///
    /// # Safety
    /// `raw` is NULL or points to a request that keeps the ABI's rules for all
    /// of `'r`: its strings and tables readable and unchanged.
    #[must_use]
    pub unsafe fn from_raw(raw: *const GwRequest) -> Option<Self> {
        let raw = NonNull::new(raw.cast_mut())?;
        // SAFETY: non-NULL, so the caller promises a readable request.
        let (size, vt) = unsafe { ((*raw.as_ptr()).size, (*raw.as_ptr()).vt) };
        if (size as usize) < SIZE_1_0.request || vt.is_null() {
            return None;
        }
        // SAFETY: every table begins with its size; vt is not NULL.
        let vt_size = unsafe { (*vt).size };
        if (vt_size as usize) < SIZE_1_0.request_vt {
            return None;
        }
        Some(Self { raw, marker: PhantomData })
    }

    /// Wraps a request that this host has made itself.
    ///
    /// # Safety
    /// As for [`from_raw`](Self::from_raw), for which the answer would be
    /// `Some`.
    #[inline]
    pub(crate) const unsafe fn from_host(raw: NonNull<GwRequest>) -> Self {
        Self { raw, marker: PhantomData }
    }

    /// The raw form.
    #[must_use]
    pub const fn as_ptr(self) -> *const GwRequest {
        self.raw.as_ptr()
    }

    fn slice(self, pick: impl FnOnce(&GwRequest) -> GwStr) -> &'r [u8] {
        // SAFETY: `from_raw` promises a readable request with strings for 'r.
        unsafe { Slice::<'r>::from_raw(pick(self.raw.as_ref())) }.as_bytes()
    }

    /// REQUEST_METHOD.
    #[must_use]
    pub fn method(self) -> &'r [u8] {
        self.slice(|raw| raw.method)
    }

    /// SCRIPT_NAME.
    #[must_use]
    pub fn script_name(self) -> &'r [u8] {
        self.slice(|raw| raw.script_name)
    }

    /// PATH_INFO.
    #[must_use]
    pub fn path_info(self) -> &'r [u8] {
        self.slice(|raw| raw.path_info)
    }

    /// QUERY_STRING.
    #[must_use]
    pub fn query_string(self) -> &'r [u8] {
        self.slice(|raw| raw.query_string)
    }

    /// REQUEST_URI.
    #[must_use]
    pub fn request_uri(self) -> &'r [u8] {
        self.slice(|raw| raw.request_uri)
    }

    /// The body bytes that have been read already.
    #[must_use]
    pub fn preread(self) -> &'r [u8] {
        self.slice(|raw| raw.preread)
    }

    /// The other CGI and `gateway.*` variables.
    #[must_use]
    pub fn env(self) -> &'r [Header<'r>] {
        // SAFETY: `from_raw` promises `env_len` pairs for 'r.
        unsafe { pairs((*self.as_ptr()).env, (*self.as_ptr()).env_len) }
    }

    /// The request headers, ordered and lossless.
    #[must_use]
    pub fn headers(self) -> &'r [Header<'r>] {
        // SAFETY: `from_raw` promises `headers_len` pairs for 'r.
        unsafe { pairs((*self.as_ptr()).headers, (*self.as_ptr()).headers_len) }
    }

    /// The length of the body, or `None` where it is chunked.
    #[must_use]
    pub fn content_length(self) -> Option<u64> {
        // SAFETY: `from_raw` promises a readable request.
        let length = unsafe { (*self.as_ptr()).content_length };
        (length != GW_UNKNOWN).then_some(length)
    }

    fn flags(self) -> u32 {
        // SAFETY: `from_raw` promises a readable request.
        unsafe { (*self.as_ptr()).flags }
    }

    /// Whether [`preread`](Self::preread) is the whole body.
    #[must_use]
    pub fn body_complete(self) -> bool {
        self.flags() & GW_REQUEST_BODY_COMPLETE != 0 || self.content_length() == Some(self.preread().len() as u64)
    }

    /// Whether `env` may hold `HTTP_*` entries that win over the headers.
    #[must_use]
    pub fn edited(self) -> bool {
        self.flags() & GW_REQUEST_EDITED != 0
    }

    /// The host, for its log.
    #[must_use]
    pub fn host(self) -> HostRef<'r> {
        // SAFETY: the host outlives its requests, so it is valid for 'r.
        unsafe { HostRef::from_raw((*self.as_ptr()).host) }
    }

    fn vt(self) -> *const GwRequestVt {
        // SAFETY: `from_raw` has checked that vt is there and long enough.
        unsafe { (*self.as_ptr()).vt }
    }

    /// Sets, or with `head.error` replaces, the response head.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a head that HTTP does not allow,
    /// [`Error::State`] for a second call or a call from another thread.
    #[inline]
    pub fn start(self, head: Head<'_>) -> Result<()> {
        match head.error {
            None => self.start_because(head, Slice::null()),
            Some(cause) => self.start_again(head, cause),
        }
    }

    /// As [`start`](Self::start) with a cause. Apart, so that others do not
    /// make room for it.
    #[cold]
    fn start_again(self, head: Head<'_>, cause: &Error) -> Result<()> {
        self.start_because(head, Slice::new(cause.to_string().as_bytes()))
    }

    #[inline]
    fn start_because(self, head: Head<'_>, cause: Slice<'_>) -> Result<()> {
        let raw = GwHead {
            size: size_of::<GwHead>() as u32,
            status: u32::from(head.status.code()),
            reason: Slice::new(head.reason.unwrap_or_default().as_bytes()).raw(),
            headers: raw_pairs(head.headers),
            headers_len: head.headers.len(),
            error: cause.raw(),
        };
        let start = required!(self.vt(), start_response)?;
        // SAFETY: the request is valid for 'r, `raw` and all it points to live
        // until the call returns, and the host copies before that.
        checked(|err| unsafe { start(self.as_ptr(), &raw, err) }).and_then(accepted)
    }

    /// Reads body bytes that follow [`preread`](Self::preread); 0 at the end.
    ///
    /// # Errors
    /// [`Error::Io`] for a body cut short, [`Error::Gone`], [`Error::State`].
    pub fn read(self, buf: &mut [u8]) -> Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        calm()?;
        let read = required!(self.vt(), read)?;
        let mut count = 0;
        // SAFETY: the request is valid for 'r; `buf` is writable for its length.
        let status = checked(|err| unsafe { read(self.as_ptr(), buf.as_mut_ptr(), buf.len(), &mut count, err) })?;
        match status {
            GW_END => Ok(0),
            GW_OK if (1..=buf.len()).contains(&count) => Ok(count),
            // No bytes and no END would be a silent end of a body cut short.
            GW_OK => Err(Error::Unsupported(format!("the host claims to have read {count} bytes").into())),
            other => Err(unexpected(other)),
        }
    }

    /// Sends response bytes; with `flush`, all that is buffered.
    ///
    /// # Errors
    /// [`Error::Limit`] beyond the declared length, [`Error::Gone`],
    /// [`Error::State`].
    pub fn write(self, bytes: &[u8], flush: bool) -> Result<()> {
        calm()?;
        let write = required!(self.vt(), write)?;
        let flags = if flush { GW_WRITE_FLUSH } else { 0 };
        // SAFETY: the request is valid for 'r; the bytes are read before the return.
        checked(|err| unsafe { write(self.as_ptr(), Slice::new(bytes).raw(), flags, err) }).and_then(accepted)
    }

    /// Waits; an engine with coroutines serves others meanwhile.
    ///
    /// # Errors
    /// [`Error::Gone`] when the client left meanwhile, [`Error::State`].
    pub fn sleep(self, nanoseconds: u64) -> Result<()> {
        calm()?;
        let sleep = required!(self.vt(), sleep)?;
        // SAFETY: the request is valid for 'r.
        checked(|_| unsafe { sleep(self.as_ptr(), nanoseconds) }).and_then(accepted)
    }

    /// Whether the client has left, and the nanoseconds until the deadline.
    ///
    /// # Errors
    /// [`Error::State`] from another thread.
    pub fn state(self) -> Result<(bool, Option<u64>)> {
        let state = required!(self.vt(), state)?;
        let mut out = GwState { size: size_of::<GwState>() as u32, flags: 0, deadline_ns: GW_UNKNOWN };
        // SAFETY: the request is valid for 'r and `out` is writable.
        accepted(checked(|_| unsafe { state(self.as_ptr(), &mut out) })?)?;
        let deadline = (out.deadline_ns != GW_UNKNOWN).then_some(out.deadline_ns);
        Ok((out.flags & GW_STATE_DISCONNECTED != 0, deadline))
    }
}

impl fmt::Debug for RequestRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method().escape_ascii(), self.request_uri().escape_ascii())
    }
}

/// While a panic is on its way through the app's frames, nobody else may run on
/// their thread, as an engine with coroutines would let them: they would find
/// themselves panicking. And the response is lost anyway.
fn calm() -> Result<()> {
    if std::thread::panicking() {
        return Err(Error::State("a request is not read, written or slept in while its app panics".into()));
    }
    Ok(())
}
