//! The Rust mirror of `include/gateway.h`: the same names in the same order,
//! layouts held by the assertions at the end of this file.
//!
//! Nothing here has behaviour. Every rule about ownership, lifetime and
//! threads is stated once, in the header and in `docs/ABI.md`; the other files
//! of this folder are the only ones that act on these types.

use std::ffi::c_void;
use std::mem::offset_of;

/// The first field of every module header: a number, in native byte order. Its
/// bytes spell `"gateway\0"` where the least significant one comes first.
pub const GW_MAGIC: u64 = u64::from_le_bytes(*b"gateway\0");
/// Major version of the ABI. Modules and hosts of different majors refuse each other.
pub const GW_ABI_MAJOR: u16 = 1;
/// Minor version of the ABI. Grows when a table grows at its end.
pub const GW_ABI_MINOR: u16 = 0;
/// "No length is known", in every field that holds a length.
pub const GW_UNKNOWN: u64 = u64::MAX;

/// Result of every fallible function: zero, [`GW_END`], or a negative error.
pub type GwStatus = i32;
/// Done as asked.
pub const GW_OK: GwStatus = 0;
/// No more data; not an error.
pub const GW_END: GwStatus = 1;
/// The app failed; the text says how.
pub const GW_APP: GwStatus = -1;
/// The app panicked, and the panic was caught on its side.
pub const GW_PANIC: GwStatus = -2;
/// The call is not allowed now, or not from this thread.
pub const GW_STATE: GwStatus = -3;
/// An argument breaks a rule (a header with CR LF, a status of 99).
pub const GW_INVALID: GwStatus = -4;
/// Reading or writing failed (a request body cut short).
pub const GW_IO: GwStatus = -5;
/// The client has left.
pub const GW_GONE: GwStatus = -6;
/// A limit was reached (more bytes than Content-Length declared).
pub const GW_LIMIT: GwStatus = -7;
/// The other side does not know what was asked for.
pub const GW_UNSUPPORTED: GwStatus = -8;
/// Out of memory.
pub const GW_NOMEM: GwStatus = -9;

/// Host flag: several threads may be inside the app at once.
pub const GW_HOST_MULTITHREAD: u32 = 1;
/// Host flag: several processes serve the same app.
pub const GW_HOST_MULTIPROCESS: u32 = 2;
/// Host flag: the process is expected to serve one request only.
pub const GW_HOST_RUN_ONCE: u32 = 4;

/// Module flag: a panic in this module ends the process.
pub const GW_MODULE_PANIC_ABORT: u32 = 1;
/// Module flag: the module starts threads of its own.
pub const GW_MODULE_THREADS: u32 = 2;
/// Module flag: a process that has created an app may fork.
pub const GW_MODULE_FORK_SAFE: u32 = 4;

/// App flag: `call` may run on several threads at once.
pub const GW_APP_CONCURRENT: u32 = 1;
/// App flag: call before the request body is complete; the app reads it as it comes.
pub const GW_APP_STREAMS_INPUT: u32 = 2;
/// App flag: never suspend a call in read, write or sleep; block its thread.
pub const GW_APP_NO_SUSPEND: u32 = 4;

/// Request flag: `preread` is the whole body, no `read` is needed.
pub const GW_REQUEST_BODY_COMPLETE: u32 = 1;
/// Request flag: `env` may hold `HTTP_*` entries, which win over the headers.
pub const GW_REQUEST_EDITED: u32 = 2;

/// Write flag: send what is buffered now.
pub const GW_WRITE_FLUSH: u32 = 1;

/// Chunk flag: no chunk follows this one.
pub const GW_CHUNK_LAST: u32 = 1;
/// Chunk flag: send this chunk before the next one is pulled.
pub const GW_CHUNK_FLUSH: u32 = 2;

/// State flag: the client has left (reset, or a failed write; never FIN alone).
pub const GW_STATE_DISCONNECTED: u32 = 1;

/// Body kind: no bytes.
pub const GW_BODY_EMPTY: u32 = 0;
/// Body kind: one run of bytes.
pub const GW_BODY_BYTES: u32 = 1;
/// Body kind: several runs of bytes, sent as they are.
pub const GW_BODY_PARTS: u32 = 2;
/// Body kind: pulled chunk by chunk through `next`.
pub const GW_BODY_STREAM: u32 = 3;
/// Body kind: a range of a file.
pub const GW_BODY_FILE: u32 = 4;

/// Log level of a line that needs somebody's attention.
pub const GW_LOG_ERROR: u32 = 1;
/// Log level of a line about something odd.
pub const GW_LOG_WARN: u32 = 2;
/// Log level of an ordinary line.
pub const GW_LOG_INFO: u32 = 3;
/// Log level of a line for developers.
pub const GW_LOG_DEBUG: u32 = 4;
/// Log level of the finest detail.
pub const GW_LOG_TRACE: u32 = 5;

/// Borrowed bytes, not NUL-terminated; the layout of `struct iovec`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct GwStr {
    /// First byte; may be NULL where `len` is 0.
    pub ptr: *const u8,
    /// Number of bytes.
    pub len: usize,
}

/// A name and its value: a header, a variable, a line of configuration.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct GwPair {
    /// The name.
    pub key: GwStr,
    /// The value. A NULL `ptr` in `env` means "removed".
    pub val: GwStr,
}

/// The caller's memory for an error text; cut where it does not fit.
#[repr(C)]
#[derive(Debug)]
pub struct GwBuf {
    /// First byte of the memory.
    pub ptr: *mut u8,
    /// Bytes that fit.
    pub cap: usize,
    /// Bytes written by the callee.
    pub len: usize,
}

/// What the server offers, valid from `create` until `destroy` has returned.
#[repr(C)]
#[derive(Debug)]
pub struct GwHost {
    /// Bytes of this table that the host filled.
    pub size: u32,
    /// `GW_HOST_*`.
    pub flags: u32,
    /// The host's ABI major.
    pub abi_major: u16,
    /// The host's ABI minor.
    pub abi_minor: u16,
    /// Zero.
    pub reserved: u32,
    /// The server's name, as in `Server`.
    pub name: GwStr,
    /// The server's version.
    pub version: GwStr,
    /// Writes a line to the server's log. `[any thread]`
    pub log: Option<unsafe extern "C" fn(*const GwHost, u32, GwStr, GwStr)>,
    /// Asks for an optional power by name; NULL when unknown. `[any thread]`
    pub get_extension: Option<unsafe extern "C" fn(*const GwHost, GwStr) -> *const c_void>,
}

/// What an app gives to `start_response`; copied before that returns.
#[repr(C)]
#[derive(Debug)]
pub struct GwHead {
    /// Bytes of this struct that the app filled.
    pub size: u32,
    /// 200 to 999.
    pub status: u32,
    /// The reason phrase; empty for the standard one.
    pub reason: GwStr,
    /// The response headers, in order.
    pub headers: *const GwPair,
    /// Number of headers.
    pub headers_len: usize,
    /// NULL `ptr` for a first call; the cause's text for a replacing one.
    pub error: GwStr,
}

/// What `state` answers.
#[repr(C)]
#[derive(Debug)]
pub struct GwState {
    /// Bytes of this struct that the caller provides.
    pub size: u32,
    /// `GW_STATE_*`.
    pub flags: u32,
    /// Nanoseconds until the request's deadline, or [`GW_UNKNOWN`].
    pub deadline_ns: u64,
}

/// The functions of a request. `[the thread inside call or next]`
#[repr(C)]
#[derive(Debug)]
pub struct GwRequestVt {
    /// Bytes of this table that the host filled.
    pub size: u32,
    /// Zero.
    pub reserved: u32,
    /// Sets, or with `error` replaces, the response head.
    pub start_response: Option<unsafe extern "C" fn(*const GwRequest, *const GwHead, *mut GwBuf) -> GwStatus>,
    /// Reads body bytes that follow `preread`: OK with a count, END, or an error.
    pub read: Option<unsafe extern "C" fn(*const GwRequest, *mut u8, usize, *mut usize, *mut GwBuf) -> GwStatus>,
    /// Sends bytes of the response body (PEP 3333's `write`).
    pub write: Option<unsafe extern "C" fn(*const GwRequest, GwStr, u32, *mut GwBuf) -> GwStatus>,
    /// Waits for a number of nanoseconds; engines may serve others meanwhile.
    pub sleep: Option<unsafe extern "C" fn(*const GwRequest, u64) -> GwStatus>,
    /// Asks whether the client is gone and how long the deadline is away.
    pub state: Option<unsafe extern "C" fn(*const GwRequest, *mut GwState) -> GwStatus>,
    /// Asks for an optional power over this request by name; NULL when unknown.
    pub get_extension: Option<unsafe extern "C" fn(*const GwRequest, GwStr) -> *const c_void>,
}

/// One request. All of it stays valid until its body is closed.
#[repr(C)]
#[derive(Debug)]
pub struct GwRequest {
    /// Bytes of this struct that the host filled.
    pub size: u32,
    /// `GW_REQUEST_*`.
    pub flags: u32,
    /// The request's functions.
    pub vt: *const GwRequestVt,
    /// The host, as given to `create`.
    pub host: *const GwHost,
    /// REQUEST_METHOD.
    pub method: GwStr,
    /// SCRIPT_NAME.
    pub script_name: GwStr,
    /// PATH_INFO, percent-decoded once.
    pub path_info: GwStr,
    /// QUERY_STRING, without the question mark.
    pub query_string: GwStr,
    /// REQUEST_URI, exactly as received.
    pub request_uri: GwStr,
    /// Length of the body, or [`GW_UNKNOWN`] (chunked).
    pub content_length: u64,
    /// The first bytes of the body, as far as they have been read.
    pub preread: GwStr,
    /// The other CGI and `gateway.*` variables.
    pub env: *const GwPair,
    /// Number of variables.
    pub env_len: usize,
    /// The request headers, ordered and lossless, as received.
    pub headers: *const GwPair,
    /// Number of headers.
    pub headers_len: usize,
}

/// One piece of a streamed body, valid until the next `next` or `close`.
#[repr(C)]
#[derive(Debug)]
pub struct GwChunk {
    /// Bytes of this struct that the caller provides.
    pub size: u32,
    /// `GW_CHUNK_*`.
    pub flags: u32,
    /// The bytes.
    pub bytes: GwStr,
}

/// The functions of a body; one call at a time, on any thread.
#[repr(C)]
#[derive(Debug)]
pub struct GwBodyVt {
    /// Bytes of this table that the app filled.
    pub size: u32,
    /// Zero.
    pub reserved: u32,
    /// Releases the body. Called exactly once, always.
    pub close: Option<unsafe extern "C" fn(*mut GwBody)>,
    /// Gives the next chunk of a stream: OK, END, or an error.
    pub next: Option<unsafe extern "C" fn(*mut GwBody, *mut GwChunk, *mut GwBuf) -> GwStatus>,
}

/// Several runs of bytes.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct GwParts {
    /// The first run.
    pub ptr: *const GwStr,
    /// Number of runs.
    pub len: usize,
}

/// A range of a file; the host never moves the file position.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct GwFile {
    /// An open descriptor; the app's own, closed by the body's `close`.
    pub fd: i32,
    /// Zero.
    pub reserved: u32,
    /// First byte of the range.
    pub offset: u64,
    /// Bytes in the range.
    pub length: u64,
}

/// What a body holds, by its kind.
#[repr(C)]
#[derive(Clone, Copy)]
pub union GwBodyContent {
    /// For [`GW_BODY_BYTES`].
    pub bytes: GwStr,
    /// For [`GW_BODY_PARTS`].
    pub parts: GwParts,
    /// For [`GW_BODY_STREAM`]: the exact length, or [`GW_UNKNOWN`].
    pub stream_length: u64,
    /// For [`GW_BODY_FILE`].
    pub file: GwFile,
    /// Room for kinds to come.
    pub room: [u64; 4],
}

/// The response body: the host's struct, filled by the app.
#[repr(C)]
pub struct GwBody {
    /// Bytes of this struct that the host provides.
    pub size: u32,
    /// `GW_BODY_*`.
    pub kind: u32,
    /// The body's functions; NULL when there is nothing to close and nothing to pull.
    pub vt: *const GwBodyVt,
    /// The app's own.
    pub data: *mut c_void,
    /// By `kind`.
    pub content: GwBodyContent,
}

/// The frozen first 24 bytes of a module, the same in every major.
#[repr(C)]
#[derive(Debug)]
pub struct GwModuleHeader {
    /// [`GW_MAGIC`].
    pub magic: u64,
    /// Bytes of the module table that the module filled, this header included.
    pub size: u32,
    /// The major that the module was built for.
    pub abi_major: u16,
    /// The minor that the module was built for.
    pub abi_minor: u16,
    /// The lowest host minor that the module can live with.
    pub needs_minor: u16,
    /// Zero.
    pub reserved: u16,
    /// `GW_MODULE_*`.
    pub flags: u32,
}

/// What `gateway_entry` returns: static, for the life of the process.
#[repr(C)]
#[derive(Debug)]
pub struct GwModule {
    /// The frozen header.
    pub header: GwModuleHeader,
    /// The module's name.
    pub name: GwStr,
    /// The module's version.
    pub version: GwStr,
    /// Compiler and library it was built with: for diagnostics only.
    pub built_with: GwStr,
    /// The apps.
    pub apps: *const *const GwApp,
    /// Number of apps.
    pub apps_len: usize,
    /// Called once before the first `create`; may be NULL.
    pub init: Option<unsafe extern "C" fn(*const GwHost, *mut GwBuf) -> GwStatus>,
    /// Called once after the last `destroy`; may be NULL.
    pub shutdown: Option<unsafe extern "C" fn()>,
    /// Offers an optional power by name; may be NULL.
    pub get_extension: Option<unsafe extern "C" fn(GwStr) -> *const c_void>,
}

/// Makes an app: OK with a handle in `out`, or an error with its text.
pub type GwCreateFn =
    unsafe extern "C" fn(*const GwHost, *const GwPair, usize, *mut *mut c_void, *mut GwBuf) -> GwStatus;
/// Answers one request: OK with a body in `out`, or an error with its text.
pub type GwCallFn = unsafe extern "C" fn(*mut c_void, *const GwRequest, *mut GwBody, *mut GwBuf) -> GwStatus;
/// Ends an app, after the last of its bodies was closed.
pub type GwDestroyFn = unsafe extern "C" fn(*mut c_void);

/// One app of a module: static, for the life of the process.
#[repr(C)]
#[derive(Debug)]
pub struct GwApp {
    /// Bytes of this table that the module filled.
    pub size: u32,
    /// `GW_APP_*`.
    pub flags: u32,
    /// The name in `lib.so:name`.
    pub name: GwStr,
    /// One line or more about the app; may be empty.
    pub doc: GwStr,
    /// Makes the app. `[one at a time]`
    pub create: Option<GwCreateFn>,
    /// Answers one request. `[concurrent with CONCURRENT, else one at a time]`
    pub call: Option<GwCallFn>,
    /// Ends the app. `[one at a time]`
    pub destroy: Option<GwDestroyFn>,
}

/// The one symbol of a module, `gateway_entry`.
pub type GwEntryFn = unsafe extern "C" fn(host_abi: u32) -> *const GwModuleHeader;

// SAFETY: these tables are immutable once they are published, and every
// pointer in them points to equally immutable data that lives as long.
unsafe impl Sync for GwModule {}
// SAFETY: as for GwModule.
unsafe impl Sync for GwApp {}
// SAFETY: as for GwModule; only function pointers inside.
unsafe impl Sync for GwBodyVt {}
// SAFETY: as for GwModule; only function pointers inside.
unsafe impl Sync for GwRequestVt {}

/// The sizes that the tables had in version 1.0: the least that a peer may
/// state. Written as the end of the last field of 1.0, so that they stay when
/// tables grow.
#[derive(Debug)]
pub struct Sizes {
    /// Of [`GwHead`].
    pub head: usize,
    /// Of [`GwState`].
    pub state: usize,
    /// Of [`GwRequestVt`].
    pub request_vt: usize,
    /// Of [`GwRequest`].
    pub request: usize,
    /// Of [`GwChunk`].
    pub chunk: usize,
    /// Of [`GwBodyVt`].
    pub body_vt: usize,
    /// Of [`GwBody`].
    pub body: usize,
    /// Of [`GwModule`].
    pub module: usize,
    /// Of [`GwApp`].
    pub app: usize,
}

/// See [`Sizes`].
pub const SIZE_1_0: Sizes = Sizes {
    head: offset_of!(GwHead, error) + size_of::<GwStr>(),
    state: offset_of!(GwState, deadline_ns) + size_of::<u64>(),
    request_vt: offset_of!(GwRequestVt, get_extension) + size_of::<usize>(),
    request: offset_of!(GwRequest, headers_len) + size_of::<usize>(),
    chunk: offset_of!(GwChunk, bytes) + size_of::<GwStr>(),
    body_vt: offset_of!(GwBodyVt, next) + size_of::<usize>(),
    body: offset_of!(GwBody, content) + size_of::<GwBodyContent>(),
    module: offset_of!(GwModule, get_extension) + size_of::<usize>(),
    app: offset_of!(GwApp, destroy) + size_of::<usize>(),
};

/// Declares sizes and offsets, asserts them at compile time where pointers
/// have 64 bits, and keeps them as a table that the header is compared with.
macro_rules! layout {
    ($($ty:ident: $size:literal { $($field:ident: $offset:literal),* $(,)? })*) => {
        #[cfg(target_pointer_width = "64")]
        const _: () = {
            $(
                assert!(size_of::<$ty>() == $size);
                $(assert!(offset_of!($ty, $field) == $offset);)*
            )*
        };

        /// Every struct with its size and the offsets of its fields, on a
        /// 64-bit target: `(struct, size, [(field, offset)])`.
        pub const LAYOUT: &[(&str, usize, &[(&str, usize)])] = &[
            $((stringify!($ty), size_of::<$ty>(), &[
                $((stringify!($field), offset_of!($ty, $field))),*
            ])),*
        ];
    };
}

layout! {
    GwStr: 16 { ptr: 0, len: 8 }
    GwPair: 32 { key: 0, val: 16 }
    GwBuf: 24 { ptr: 0, cap: 8, len: 16 }
    GwHost: 64 {
        size: 0, flags: 4, abi_major: 8, abi_minor: 10, reserved: 12, name: 16,
        version: 32, log: 48, get_extension: 56,
    }
    GwHead: 56 { size: 0, status: 4, reason: 8, headers: 24, headers_len: 32, error: 40 }
    GwState: 16 { size: 0, flags: 4, deadline_ns: 8 }
    GwRequestVt: 56 {
        size: 0, reserved: 4, start_response: 8, read: 16, write: 24, sleep: 32, state: 40, get_extension: 48,
    }
    GwRequest: 160 {
        size: 0, flags: 4, vt: 8, host: 16, method: 24, script_name: 40, path_info: 56,
        query_string: 72, request_uri: 88, content_length: 104, preread: 112, env: 128,
        env_len: 136, headers: 144, headers_len: 152,
    }
    GwChunk: 24 { size: 0, flags: 4, bytes: 8 }
    GwBodyVt: 24 { size: 0, reserved: 4, close: 8, next: 16 }
    GwParts: 16 { ptr: 0, len: 8 }
    GwFile: 24 { fd: 0, reserved: 4, offset: 8, length: 16 }
    GwBody: 56 { size: 0, kind: 4, vt: 8, data: 16, content: 24 }
    GwModuleHeader: 24 {
        magic: 0, size: 8, abi_major: 12, abi_minor: 14, needs_minor: 16, reserved: 18, flags: 20,
    }
    GwModule: 112 {
        header: 0, name: 24, version: 40, built_with: 56, apps: 72, apps_len: 80, init: 88,
        shutdown: 96, get_extension: 104,
    }
    GwApp: 64 {
        size: 0, flags: 4, name: 8, doc: 24, create: 40, call: 48, destroy: 56,
    }
}
