//! The server's side of a request: a [`Transport`] in safe Rust behind the C
//! functions of the ABI.
//!
//! A server implements [`Transport`], fills a [`RequestHead`], and calls the
//! app through a [`Hosted`] request. The functions that the app calls back
//! check that they run on the thread that is inside `call` or `next`; anywhere
//! else they answer STATE and do nothing. That check is what keeps safe code
//! sound: `thread::scope` inside a call can reach the input.

mod head;
mod request;
mod server;

use std::cell::UnsafeCell;
use std::fmt;
use std::marker::{PhantomData, PhantomPinned};
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicUsize, Ordering::Acquire, Ordering::Relaxed, Ordering::Release};
use std::time::Duration;

use self::head::{invalid, raise};
use self::request::raw_request;
use super::guard::{caught, guard};
use super::types::*;
use super::view::{HostRef, RequestRef, Slice, is_array};
use crate::app::App;
use crate::body::{Body, Chunk};
use crate::error::{Error, Result};
use crate::start_response::Head;

pub use request::RequestHead;
pub use server::{Host, LogFn};

/// What a server does for an app while a request runs. All of it is called on
/// the thread that is inside [`Hosted::call`] or [`Hosted::next`].
pub trait Transport {
    /// `start_response`: check with [`Head::check`], copy, keep the state with
    /// [`ResponseState`](crate::ResponseState).
    ///
    /// # Errors
    /// [`Error::Invalid`], [`Error::State`].
    fn start(&mut self, head: Head<'_>) -> Result<()>;

    /// Reads body bytes that follow the preread ones; 0 at the end.
    ///
    /// # Errors
    /// [`Error::truncated`] for a body cut short, [`Error::Gone`].
    fn read(&mut self, buf: &mut [u8]) -> Result<usize>;

    /// Sends bytes of the response body; empty bytes with `flush` send what is
    /// buffered, the head included.
    ///
    /// # Errors
    /// [`Error::State`] before `start`, [`Error::Limit`], [`Error::Gone`].
    fn write(&mut self, bytes: &[u8], flush: bool) -> Result<()>;

    /// Waits.
    ///
    /// # Errors
    /// [`Error::Gone`] when the client left meanwhile.
    fn sleep(&mut self, duration: Duration) -> Result<()>;

    /// Whether the client has left (a reset or a failed write, never its FIN
    /// alone), and how long the deadline is away.
    fn state(&mut self) -> (bool, Option<Duration>);
}

/// No thread is inside the request.
const IDLE: usize = 0;
/// The transport is at work for the thread inside.
const BUSY: usize = 1;

/// A number that no other living thread has, and that is neither IDLE nor BUSY.
pub(super) fn this_thread() -> usize {
    thread_local!(static MARK: u16 = const { 0 });
    MARK.with(|mark| ptr::from_ref(mark).addr())
}

/// A request of a host: the C struct first, so that a pointer to it is a
/// pointer to the whole, then what the C functions need.
#[repr(C)]
pub struct Hosted<'h, T> {
    raw: GwRequest,
    /// IDLE, BUSY, or the thread inside `call` or `next`.
    inside: AtomicUsize,
    transport: UnsafeCell<T>,
    data: PhantomData<&'h ()>,
    pin: PhantomPinned,
}

// SAFETY: the raw part is immutable while shared, and the transport is reached
// only by the thread that `inside` names or that moved it from IDLE to BUSY.
unsafe impl<T: Send> Send for Hosted<'_, T> {}
// SAFETY: as for Send.
unsafe impl<T: Send> Sync for Hosted<'_, T> {}

impl<'h, T: Transport> Hosted<'h, T> {
    const VT: GwRequestVt = GwRequestVt {
        size: size_of::<GwRequestVt>() as u32,
        reserved: 0,
        start_response: Some(start_response::<T>),
        read: Some(read::<T>),
        write: Some(write::<T>),
        sleep: Some(sleep::<T>),
        state: Some(state::<T>),
        get_extension: Some(get_extension),
    };

    /// A request with its data and its transport.
    #[must_use]
    pub fn new(host: HostRef<'h>, head: &RequestHead<'h>, transport: T) -> Self {
        Self {
            raw: raw_request(host, head, const { &Self::VT }),
            inside: AtomicUsize::new(IDLE),
            transport: UnsafeCell::new(transport),
            data: PhantomData,
            pin: PhantomPinned,
        }
    }

    /// The request as an app sees it.
    #[must_use]
    pub fn request(&self) -> RequestRef<'_> {
        // SAFETY: the pointer covers the whole of `self`, which is borrowed for
        // as long as the answer lives, and `raw_request` filled it: its sizes
        // are those of this version, and its table is there.
        unsafe { RequestRef::from_host(NonNull::from(self).cast()) }
    }

    /// Calls the app. A panic becomes [`Error::Panic`].
    ///
    /// # Errors
    /// The app's, or [`Error::State`] while another thread is inside.
    #[inline]
    pub fn call<'r>(&'r self, app: &'r (impl App + ?Sized)) -> Result<Body<'r>> {
        let _inside = self.enter(this_thread())?;
        let request = self.request();
        caught(|| app.call_request(request))
    }

    /// Pulls a chunk of a body of this request. A panic becomes [`Error::Panic`].
    ///
    /// # Errors
    /// The body's, or [`Error::State`] while another thread is inside.
    #[inline]
    pub fn next<'b>(&self, body: &'b mut Body<'_>) -> Result<Option<Chunk<'b>>> {
        let _inside = self.enter(this_thread())?;
        caught(|| body.next())
    }

    /// Runs `act` as this request's call on this thread, for an app that is
    /// reached in another way than [`Hosted::call`].
    ///
    /// # Errors
    /// Those of `act`, or [`Error::State`] while another thread is inside.
    #[inline]
    pub fn enter_with<'r, R>(&'r self, act: impl FnOnce(RequestRef<'r>) -> Result<R>) -> Result<R> {
        let _inside = self.enter(this_thread())?;
        act(self.request())
    }

    /// Reaches the transport between the calls.
    ///
    /// # Errors
    /// [`Error::State`] while a thread is inside.
    #[inline]
    pub fn with<R>(&self, act: impl FnOnce(&mut T) -> R) -> Result<R> {
        let _busy = self.enter(BUSY)?;
        // SAFETY: `inside` went from IDLE to BUSY here, so nobody else reaches
        // the transport until the guard is dropped.
        Ok(act(unsafe { &mut *self.transport.get() }))
    }

    /// The transport, where no app can be inside.
    pub fn transport(&mut self) -> &mut T {
        self.transport.get_mut()
    }

    /// Where the transport is, for a host that knows that nobody is inside.
    #[must_use]
    pub const fn transport_ptr(&self) -> *mut T {
        self.transport.get()
    }

    fn enter(&self, mark: usize) -> Result<Inside<'_>> {
        // Acquire here and Release in `Inside` hand the transport from the
        // thread that left to the one that enters.
        match self.inside.compare_exchange(IDLE, mark, Acquire, Relaxed) {
            Ok(_) => Ok(Inside(&self.inside)),
            Err(_) => Err(Error::State("another call of this request is running".into())),
        }
    }
}

impl<T> fmt::Debug for Hosted<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.raw.fmt(f)
    }
}

/// Leaves the request when dropped.
struct Inside<'a>(&'a AtomicUsize);

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.store(IDLE, Release);
    }
}

/// Runs `act` on the transport of a request that C gave back to us.
///
/// # Safety
/// `request` is NULL or points to the `GwRequest` at the start of a live
/// `Hosted<T>`, with a provenance that covers all of it.
#[inline]
unsafe fn inside<T: Transport, R>(request: *const GwRequest, act: impl FnOnce(&mut T) -> Result<R>) -> Result<R> {
    if request.is_null() {
        return Err(Error::Invalid("the request is NULL".into()));
    }
    let hosted = request.cast::<Hosted<'_, T>>();
    // SAFETY: the caller's promise; `inside` is an atomic.
    let mark = unsafe { &(*hosted).inside };
    let me = this_thread();
    if mark.load(Relaxed) != me {
        return Err(Error::State("a function of a request works only on the thread inside its call or next".into()));
    }
    // Only this thread can have stored its own mark, so plain stores do. BUSY
    // keeps a callback of the transport from coming back in.
    mark.store(BUSY, Relaxed);
    let _restore = Restore(mark, me);
    // SAFETY: the mark was this thread's and is BUSY now: the access is exclusive.
    act(unsafe { &mut *UnsafeCell::raw_get(&raw const (*hosted).transport) })
}

struct Restore<'a>(&'a AtomicUsize, usize);

impl Drop for Restore<'_> {
    fn drop(&mut self) {
        self.0.store(self.1, Relaxed);
    }
}

unsafe extern "C" fn start_response<T: Transport>(
    request: *const GwRequest,
    head: *const GwHead,
    err: *mut GwBuf,
) -> GwStatus {
    // SAFETY: the ABI's rules for `err`, `request` and `head`.
    unsafe {
        guard(err, || {
            if head.is_null() || ((*head).size as usize) < SIZE_1_0.head {
                return Err(invalid("the head is NULL or too short"));
            }
            let raised = raise(&*head)?;
            if (*head).error.ptr.is_null() {
                inside::<T, _>(request, |transport| transport.start(raised))?;
            } else {
                replace::<T>(request, raised, Slice::from_raw((*head).error))?;
            }
            Ok(GW_OK)
        })
    }
}

/// As `start_response` with a cause. Apart, so that others do not make room
/// for it.
///
/// # Safety
/// As for [`inside`].
#[cold]
unsafe fn replace<T: Transport>(request: *const GwRequest, head: Head<'_>, cause: Slice<'_>) -> Result<()> {
    let cause = Error::app(String::from_utf8_lossy(cause.as_bytes()).into_owned());
    // SAFETY: the caller's promise.
    unsafe { inside::<T, _>(request, |transport| transport.start(head.replacing(&cause))) }
}

unsafe extern "C" fn read<T: Transport>(
    request: *const GwRequest,
    buf: *mut u8,
    cap: usize,
    count: *mut usize,
    err: *mut GwBuf,
) -> GwStatus {
    // SAFETY: the ABI's rules: `buf` is `cap` bytes that the caller owns and
    // that hold some value (memory of another library is never "uninitialised"
    // to this one), `count` is writable.
    unsafe {
        guard(err, || {
            if buf.is_null() || count.is_null() || cap == 0 || !is_array(buf, cap) {
                return Err(Error::Invalid("read needs a buffer and a place for the count".into()));
            }
            let buf = std::slice::from_raw_parts_mut(buf, cap);
            let read = inside::<T, _>(request, |transport| transport.read(buf))?;
            // The other side trusts the count with its memory.
            if read > cap {
                return Err(Error::State("the transport claims to have read more than fits".into()));
            }
            *count = read;
            Ok(if read == 0 { GW_END } else { GW_OK })
        })
    }
}

unsafe extern "C" fn write<T: Transport>(
    request: *const GwRequest,
    bytes: GwStr,
    flags: u32,
    err: *mut GwBuf,
) -> GwStatus {
    // SAFETY: the ABI's rules: `bytes` is readable for the time of the call.
    unsafe {
        guard(err, || {
            if !is_array(bytes.ptr, bytes.len) {
                return Err(Error::Invalid("the bytes are NULL".into()));
            }
            if flags & !GW_WRITE_FLUSH != 0 {
                return Err(Error::Invalid("unknown flags of write".into()));
            }
            let bytes = Slice::from_raw(bytes).as_bytes();
            inside::<T, _>(request, |transport| transport.write(bytes, flags & GW_WRITE_FLUSH != 0))?;
            Ok(GW_OK)
        })
    }
}

/// No extension exists yet; the slot is there so that asking is always allowed.
unsafe extern "C" fn get_extension(_: *const GwRequest, _: GwStr) -> *const std::ffi::c_void {
    ptr::null()
}

unsafe extern "C" fn sleep<T: Transport>(request: *const GwRequest, nanoseconds: u64) -> GwStatus {
    // SAFETY: the ABI's rules for `request`.
    unsafe {
        guard(ptr::null_mut(), || {
            inside::<T, _>(request, |transport| transport.sleep(Duration::from_nanos(nanoseconds)))?;
            Ok(GW_OK)
        })
    }
}

unsafe extern "C" fn state<T: Transport>(request: *const GwRequest, out: *mut GwState) -> GwStatus {
    // SAFETY: the ABI's rules: `out` is writable for its own `size`.
    unsafe {
        guard(ptr::null_mut(), || {
            if out.is_null() || ((*out).size as usize) < SIZE_1_0.state {
                return Err(Error::Invalid("the state is NULL or too short".into()));
            }
            let (gone, deadline) = inside::<T, _>(request, |transport| Ok(transport.state()))?;
            (*out).flags = if gone { GW_STATE_DISCONNECTED } else { 0 };
            (*out).deadline_ns =
                deadline.map_or(GW_UNKNOWN, |left| u64::try_from(left.as_nanos()).unwrap_or(GW_UNKNOWN - 1));
            Ok(GW_OK)
        })
    }
}
