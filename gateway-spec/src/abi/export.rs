//! An [`App`] as a C app: what [`export!`](crate::export!) puts into a module.

use std::ffi::c_void;
use std::marker::PhantomData;
use std::ptr::{self, NonNull};

use super::guard::{caught, escape_panics, guard, guard_quiet};
#[cfg(feature = "tracing")]
use super::lodging::Lodging;
use super::types::*;
use super::view::{HostRef, RequestRef, Slice, pairs};
use crate::app::{App, AppFlags, Create};
use crate::body::{Body, Content, View};
use crate::config::Config;
use crate::environ::Environ;
use crate::error::{Error, Result};
use crate::start_response::RequestStart;

/// Compiler and version of this crate, which a module reports as `built_with`.
pub const BUILT_WITH: &str = concat!(env!("GATEWAY_BUILT_WITH"), ", gateway-spec ", env!("CARGO_PKG_VERSION"));

/// Makes a module of one or more apps, in a crate of type `cdylib`.
///
/// On the left the name that stands behind the colon in `lib.so:name`; on the
/// right an app function, or a constructor `fn(&Config) -> Result<impl App>`.
/// A doc comment becomes the text that `gateway-server --list` shows. Flags of
/// [`AppFlags`](crate::AppFlags) stand in brackets behind the name.
///
/// ```
/// use gateway_spec::prelude::*;
///
/// fn hello<'r>(_: Environ<'r>, start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
///     start_response.start(Head::new(Status::OK, &[Header::new("Content-Type", "text/plain")]))?;
///     Ok(Body::from("Hello, World!\n"))
/// }
///
/// struct Upload;
///
/// impl Upload {
///     fn create(config: &Config<'_>) -> Result<Self> {
///         config.only(&[])?;
///         Ok(Self)
///     }
/// }
///
/// impl App for Upload {
///     fn call<'r>(&'r self, _: Environ<'r>, start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
///         start_response.start(Head::new(Status::NO_CONTENT, &[]))?;
///         Ok(Body::empty())
///     }
/// }
///
/// gateway_spec::export! {
///     /// Says hello.
///     app => hello,
///     /// Takes files.
///     upload [STREAMS_INPUT] => Upload::create,
/// }
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! export {
    ($($(#[doc = $doc:literal])* $name:ident $([$($flag:ident),* $(,)?])? => $create:expr),+ $(,)?) => {
        /// The module's table, asked for by the server's loader.
        #[unsafe(no_mangle)]
        pub extern "C" fn gateway_entry(_host_abi: u32) -> *const $crate::abi::types::GwModuleHeader {
            use $crate::abi::{export, types::{GwApp, GwModule}};
            const APPS: &[&GwApp] = &[$({
                static APP: GwApp = export::app(
                    $create,
                    stringify!($name),
                    concat!($($doc, "\n",)* ""),
                    $crate::AppFlags::CONCURRENT$($(.with($crate::AppFlags::$flag))*)?,
                );
                &APP
            }),+];
            static MODULE: GwModule = export::module(
                env!("CARGO_PKG_NAME"),
                env!("CARGO_PKG_VERSION"),
                cfg!(panic = "abort"),
                APPS,
            );
            ::core::ptr::from_ref(&MODULE).cast()
        }
    };
}

/// A module's table, for [`export!`](crate::export!).
#[doc(hidden)]
#[must_use]
pub const fn module(
    name: &'static str,
    version: &'static str,
    panic_abort: bool,
    apps: &'static [&'static GwApp],
) -> GwModule {
    GwModule {
        header: GwModuleHeader {
            magic: GW_MAGIC,
            size: size_of::<GwModule>() as u32,
            abi_major: GW_ABI_MAJOR,
            abi_minor: GW_ABI_MINOR,
            needs_minor: 0,
            reserved: 0,
            flags: if panic_abort { GW_MODULE_PANIC_ABORT } else { 0 },
        },
        name: Slice::new(name.as_bytes()).raw(),
        version: Slice::new(version.as_bytes()).raw(),
        built_with: Slice::new(BUILT_WITH.as_bytes()).raw(),
        apps: apps.as_ptr().cast(),
        apps_len: apps.len(),
        init: None,
        shutdown: None,
        get_extension: None,
    }
}

/// An app's table, for [`export!`](crate::export!). The constructor is given
/// by value as a witness that one exists: [`create`] makes it again.
#[doc(hidden)]
#[must_use]
pub const fn app<M, C: Create<M> + Copy + 'static>(
    _create: C,
    name: &'static str,
    doc: &'static str,
    flags: AppFlags,
) -> GwApp {
    assert!(size_of::<C>() == 0, "export! takes functions, not closures with captured values");
    GwApp {
        size: size_of::<GwApp>() as u32,
        flags: flags.bits(),
        name: Slice::new(name.as_bytes()).raw(),
        doc: Slice::new(doc.as_bytes()).raw(),
        create: Some(create::<M, C>),
        call: Some(call::<C::App>),
        destroy: Some(destroy::<C::App>),
    }
}

unsafe extern "C" fn create<M, C: Create<M> + Copy + 'static>(
    host: *const GwHost,
    config: *const GwPair,
    config_len: usize,
    out: *mut *mut c_void,
    err: *mut GwBuf,
) -> GwStatus {
    // SAFETY: the ABI's rules for the arguments of `create`.
    unsafe {
        guard(err, || {
            if out.is_null() {
                return Err(Error::Invalid("create needs a place for the app".into()));
            }
            // Before the app's own code, which may set a hook of its own.
            escape_panics();
            // SAFETY: C has no bytes (`app` asserts it), so any aligned address
            // holds one; `app` was given a value, so the type has values.
            let constructor = NonNull::<C>::dangling().as_ref();
            let config = read_config(pairs(config, config_len))?.with_host(HostRef::from_raw(host));
            // Before the app, which may speak to it from the first moment.
            #[cfg(feature = "tracing")]
            let lodging = Lodging::new(host);
            let kept = Kept {
                app: constructor.create(&config)?,
                #[cfg(feature = "tracing")]
                _lodging: lodging,
            };
            *out = Box::into_raw(Box::new(kept)).cast();
            Ok(GW_OK)
        })
    }
}

/// What the host has a handle of.
struct Kept<A> {
    app: A,
    // Dropped after the app, which may speak to the host until then.
    #[cfg(feature = "tracing")]
    _lodging: Lodging,
}

fn read_config<'h>(list: &[crate::Header<'_>]) -> Result<Config<'h>> {
    let text = |bytes: &[u8]| {
        std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| Error::app("the configuration is not UTF-8"))
    };
    let list = list.iter().map(|pair| Ok((text(pair.name())?, text(pair.value())?)));
    Ok(Config::from_pairs(list.collect::<Result<Vec<_>>>()?))
}

unsafe extern "C" fn call<A: App>(
    this: *mut c_void,
    request: *const GwRequest,
    out: *mut GwBody,
    err: *mut GwBuf,
) -> GwStatus {
    // SAFETY: `this` came from `create`, lives until `destroy`, and is only
    // shared; the request and `out` keep the ABI's rules.
    unsafe {
        guard(err, || {
            let kept = this.cast::<Kept<A>>().as_ref().ok_or_else(|| Error::Invalid("the app is NULL".into()))?;
            let request = RequestRef::from_raw(request)
                .ok_or_else(|| Error::Unsupported("the request is NULL or older than version 1.0".into()))?;
            if out.is_null() || ((*out).size as usize) < SIZE_1_0.body {
                return Err(Error::Unsupported("the body is NULL or older than version 1.0".into()));
            }
            let body = kept.app.call(Environ::new(request), &mut RequestStart(request))?;
            lower(body, &mut *out, request.host().as_ptr());
            Ok(GW_OK)
        })
    }
}

unsafe extern "C" fn destroy<A: App>(this: *mut c_void) {
    guard_quiet(|| {
        if !this.is_null() {
            // SAFETY: from `create`, and destroyed once.
            let kept = unsafe { Box::from_raw(this.cast::<Kept<A>>()) };
            // Apart: a second panic while the first unwinds ends the process.
            guard_quiet(|| kept.app.shutdown());
            drop(kept);
        }
    });
}

/// Fills the host's struct from a body.
#[inline]
fn lower(mut body: Body<'_>, out: &mut GwBody, host: *const GwHost) {
    out.vt = ptr::null();
    out.data = ptr::null_mut();
    match body.plain() {
        Some(Content::Empty) => out.kind = GW_BODY_EMPTY,
        Some(Content::Borrowed(bytes)) => {
            out.kind = GW_BODY_BYTES;
            out.content.bytes = Slice::new(bytes).raw();
        }
        Some(Content::Owned(bytes)) => lower_vec(std::mem::take(bytes), out),
        _ => return lower_boxed(body, out, host),
    }
    // None of these has anything left to drop, which the compiler cannot see.
    std::mem::forget(body);
}

/// An owned buffer needs no box: pointer and length are the bytes, the
/// capacity travels as `data`.
fn lower_vec(bytes: Vec<u8>, out: &mut GwBody) {
    static VT: GwBodyVt =
        GwBodyVt { size: size_of::<GwBodyVt>() as u32, reserved: 0, close: Some(close_vec), next: None };
    let mut bytes = std::mem::ManuallyDrop::new(bytes);
    out.kind = GW_BODY_BYTES;
    out.vt = &raw const VT;
    out.data = ptr::without_provenance_mut(bytes.capacity());
    out.content.bytes = GwStr { ptr: bytes.as_mut_ptr(), len: bytes.len() };
}

unsafe extern "C" fn close_vec(body: *mut GwBody) {
    guard_quiet(|| {
        if body.is_null() {
            return;
        }
        // SAFETY: the host gives back the struct that `lower_vec` filled, once.
        unsafe {
            let bytes = (*body).content.bytes;
            drop(Vec::from_raw_parts(bytes.ptr.cast_mut(), bytes.len, (*body).data.addr()));
        }
    });
}

/// A body that stays in Rust while the host holds its handle.
struct Boxed<'r> {
    body: Body<'r>,
    parts: Vec<GwStr>,
    /// For the one thing that cannot be told otherwise: a panic in close.
    host: *const GwHost,
    marker: PhantomData<&'r ()>,
}

#[inline(never)]
fn lower_boxed(body: Body<'_>, out: &mut GwBody, host: *const GwHost) {
    static VT: GwBodyVt =
        GwBodyVt { size: size_of::<GwBodyVt>() as u32, reserved: 0, close: Some(close_boxed), next: Some(next_boxed) };
    let mut boxed = Box::new(Boxed { body, parts: Vec::new(), host, marker: PhantomData });
    (out.kind, out.content) = match boxed.body.view() {
        View::Empty => (GW_BODY_EMPTY, GwBodyContent { stream_length: 0 }),
        View::Bytes(bytes) => (GW_BODY_BYTES, GwBodyContent { bytes: Slice::new(bytes).raw() }),
        View::Parts(parts) => {
            boxed.parts = parts.map(|part| Slice::new(part).raw()).collect();
            let parts = GwParts { ptr: boxed.parts.as_ptr(), len: boxed.parts.len() };
            (GW_BODY_PARTS, GwBodyContent { parts })
        }
        View::Stream(length) => (GW_BODY_STREAM, GwBodyContent { stream_length: length.unwrap_or(GW_UNKNOWN) }),
        View::File(range) => {
            use std::os::fd::AsRawFd as _;
            let file = GwFile { fd: range.fd.as_raw_fd(), reserved: 0, offset: range.offset, length: range.length };
            (GW_BODY_FILE, GwBodyContent { file })
        }
    };
    out.vt = &raw const VT;
    out.data = Box::into_raw(boxed).cast();
}

unsafe extern "C" fn close_boxed(body: *mut GwBody) {
    guard_quiet(|| {
        if body.is_null() {
            return;
        }
        // SAFETY: the host gives back the struct that `lower_boxed` filled,
        // once; the host outlives its bodies.
        let (boxed, host) = unsafe {
            let boxed = Box::from_raw((*body).data.cast::<Boxed<'_>>());
            let host = HostRef::from_raw(boxed.host);
            (boxed, host)
        };
        let closed = caught(|| {
            drop(boxed);
            Ok(())
        });
        if let Err(error) = closed {
            host.log(GW_LOG_ERROR, "app", &format!("{error} in close"));
        }
    });
}

unsafe extern "C" fn next_boxed(body: *mut GwBody, chunk: *mut GwChunk, err: *mut GwBuf) -> GwStatus {
    // SAFETY: the host gives back the struct that `lower_boxed` filled, before
    // its close and from one thread at a time; `chunk` is writable.
    unsafe {
        guard(err, || {
            if body.is_null() || chunk.is_null() || ((*chunk).size as usize) < SIZE_1_0.chunk {
                return Err(Error::Invalid("next needs a body and a chunk of at least version 1.0".into()));
            }
            let boxed = &mut *(*body).data.cast::<Boxed<'_>>();
            let Some(next) = boxed.body.next()? else { return Ok(GW_END) };
            let last = if next.last { GW_CHUNK_LAST } else { 0 };
            let flush = if next.flush { GW_CHUNK_FLUSH } else { 0 };
            (*chunk).flags = last | flush;
            (*chunk).bytes = Slice::new(next.bytes).raw();
            Ok(GW_OK)
        })
    }
}
