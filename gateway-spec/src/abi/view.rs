//! Safe views of the ABI's borrowed data: [`Slice`], [`Header`] and
//! [`RequestRef`] carry in a lifetime what the C side states in prose.

use std::fmt;
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ptr::{self, NonNull};

use super::types::*;
use crate::error::{Error, Result};
use crate::start_response::Head;

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
        if self.raw.len == 0 {
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
    if len == 0 {
        return &[];
    }
    // SAFETY: Header is repr(C) over two transparent GwStr: the layout of
    // GwPair. The caller promises length, contents and lifetime.
    unsafe { std::slice::from_raw_parts(ptr.cast::<Header<'a>>(), len) }
}

/// The raw form of an array of pairs.
pub(crate) const fn raw_pairs(pairs: &[Header<'_>]) -> *const GwPair {
    pairs.as_ptr().cast::<GwPair>()
}

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
        let cause = head.error.map(ToString::to_string);
        let raw = GwHead {
            size: size_of::<GwHead>() as u32,
            status: u32::from(head.status.code()),
            reason: Slice::new(head.reason.unwrap_or_default().as_bytes()).raw(),
            headers: raw_pairs(head.headers),
            headers_len: head.headers.len(),
            error: cause.as_ref().map_or(Slice::null(), |cause| Slice::new(cause.as_bytes())).raw(),
        };
        let start = required!(self.vt(), start_response)?;
        // SAFETY: the request is valid for 'r, `raw` and all it points to live
        // until the call returns, and the host copies before that.
        checked(|err| unsafe { start(self.as_ptr(), &raw, err) }).map(drop)
    }

    /// Reads body bytes that follow [`preread`](Self::preread); 0 at the end.
    ///
    /// # Errors
    /// [`Error::Io`] for a body cut short, [`Error::Gone`], [`Error::State`].
    pub fn read(self, buf: &mut [u8]) -> Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        let read = required!(self.vt(), read)?;
        let mut count = 0;
        // SAFETY: the request is valid for 'r; `buf` is writable for its length.
        let status = checked(|err| unsafe { read(self.as_ptr(), buf.as_mut_ptr(), buf.len(), &mut count, err) })?;
        match status {
            GW_END => Ok(0),
            _ if count > buf.len() => Err(Error::Unsupported("the host claims to have read more than fits".into())),
            _ => Ok(count),
        }
    }

    /// Sends response bytes; with `flush`, all that is buffered.
    ///
    /// # Errors
    /// [`Error::Limit`] beyond the declared length, [`Error::Gone`],
    /// [`Error::State`].
    pub fn write(self, bytes: &[u8], flush: bool) -> Result<()> {
        let write = required!(self.vt(), write)?;
        let flags = if flush { GW_WRITE_FLUSH } else { 0 };
        // SAFETY: the request is valid for 'r; the bytes are read before the return.
        checked(|err| unsafe { write(self.as_ptr(), Slice::new(bytes).raw(), flags, err) }).map(drop)
    }

    /// Waits; an engine with coroutines serves others meanwhile.
    ///
    /// # Errors
    /// [`Error::Gone`] when the client left meanwhile, [`Error::State`].
    pub fn sleep(self, nanoseconds: u64) -> Result<()> {
        let sleep = required!(self.vt(), sleep)?;
        // SAFETY: the request is valid for 'r.
        checked(|_| unsafe { sleep(self.as_ptr(), nanoseconds) }).map(drop)
    }

    /// Whether the client has left, and the nanoseconds until the deadline.
    ///
    /// # Errors
    /// [`Error::State`] from another thread.
    pub fn state(self) -> Result<(bool, Option<u64>)> {
        let state = required!(self.vt(), state)?;
        let mut out = GwState { size: size_of::<GwState>() as u32, flags: 0, deadline_ns: GW_UNKNOWN };
        // SAFETY: the request is valid for 'r and `out` is writable.
        checked(|_| unsafe { state(self.as_ptr(), &mut out) })?;
        let deadline = (out.deadline_ns != GW_UNKNOWN).then_some(out.deadline_ns);
        Ok((out.flags & GW_STATE_DISCONNECTED != 0, deadline))
    }
}

impl fmt::Debug for RequestRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method().escape_ascii(), self.request_uri().escape_ascii())
    }
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
    // SAFETY: the callee has written `len` bytes, at most `cap`.
    let text = unsafe { std::slice::from_raw_parts(buf.ptr, buf.len.min(buf.cap)) };
    Err(Error::from_status(status, String::from_utf8_lossy(text).into_owned()))
}

/// The host as the app sees it: a pointer that is valid for `'r`.
#[derive(Clone, Copy)]
pub struct HostRef<'r> {
    raw: *const GwHost,
    marker: PhantomData<&'r GwHost>,
}

// SAFETY: the table is immutable and its functions may be called from any thread.
unsafe impl Send for HostRef<'_> {}
// SAFETY: as for Send.
unsafe impl Sync for HostRef<'_> {}

impl<'r> HostRef<'r> {
    /// Wraps a host that came over the ABI.
    ///
    /// # Safety
    /// `raw` is NULL (then every answer is empty), or points to a host of at
    /// least version 1.0 that is valid for `'r`.
    #[must_use]
    pub const unsafe fn from_raw(raw: *const GwHost) -> Self {
        Self { raw, marker: PhantomData }
    }

    /// The raw form; may be NULL.
    #[must_use]
    pub const fn as_ptr(self) -> *const GwHost {
        self.raw
    }

    fn table(self) -> Option<&'r GwHost> {
        // SAFETY: `from_raw` promises NULL or a table valid for 'r.
        unsafe { self.raw.as_ref() }
    }

    /// The server's name, empty when unknown.
    #[must_use]
    pub fn name(self) -> &'r [u8] {
        // SAFETY: the table's strings live as long as the table.
        self.table().map_or(&[], |raw| unsafe { Slice::from_raw(raw.name) }.as_bytes())
    }

    /// The server's version, empty when unknown.
    #[must_use]
    pub fn version(self) -> &'r [u8] {
        // SAFETY: the table's strings live as long as the table.
        self.table().map_or(&[], |raw| unsafe { Slice::from_raw(raw.version) }.as_bytes())
    }

    /// The `GW_HOST_*` flags.
    #[must_use]
    pub fn flags(self) -> u32 {
        self.table().map_or(0, |raw| raw.flags)
    }

    /// Writes a line to the server's log.
    pub fn log(self, level: u32, target: &str, message: &str) {
        if let Some(log) = self.table().and_then(|raw| raw.log) {
            let (target, message) = (Slice::new(target.as_bytes()), Slice::new(message.as_bytes()));
            // SAFETY: the host is valid, and reads the strings before it returns.
            unsafe { log(self.raw, level, target.raw(), message.raw()) }
        }
    }
}

impl fmt::Debug for HostRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.name().escape_ascii(), self.version().escape_ascii())
    }
}
