//! What each side must not take on trust from the other: safe Rust that lies
//! to a C module, C that makes a mistake, lives that end in the wrong order.
//! Miri runs this file.
#![allow(unsafe_code, missing_docs)]

use std::ffi::c_void;
use std::io::Read;
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use gateway_spec::abi::guard::caught;
use gateway_spec::abi::host::{Host, Hosted, RequestHead, Transport};
use gateway_spec::abi::import::{ForeignApp, Module};
use gateway_spec::abi::types::*;
use gateway_spec::prelude::*;
use gateway_spec::{AppFlags, Chunk, Source};

// ----- modules, as a C compiler would make them --------------------------------

/// What a module of this file does; the rest is the same for all.
#[derive(Clone, Copy)]
struct Parts {
    create: GwCreateFn,
    call: GwCallFn,
    destroy: GwDestroyFn,
    init: Option<unsafe extern "C" fn(*const GwHost, *mut GwBuf) -> GwStatus>,
    shutdown: Option<unsafe extern "C" fn()>,
    flags: u32,
}

const PARTS: Parts = Parts {
    create: create_nothing,
    call: call_empty,
    destroy: destroy_nothing,
    init: None,
    shutdown: None,
    flags: GW_APP_CONCURRENT,
};

const fn text(text: &'static str) -> GwStr {
    GwStr { ptr: text.as_ptr(), len: text.len() }
}

/// Keeps a value for good, as a module's tables are kept; a static that points
/// to it tells Miri that it is no leak.
fn forever<T>(value: T) -> &'static T {
    static KEPT: Mutex<Vec<AtomicPtr<c_void>>> = Mutex::new(Vec::new());
    let value: &'static T = Box::leak(Box::new(value));
    KEPT.lock().unwrap().push(AtomicPtr::new(ptr::from_ref(value).cast_mut().cast()));
    value
}

fn module(parts: Parts) -> Module {
    let app: &'static GwApp = forever(GwApp {
        size: size_of::<GwApp>() as u32,
        flags: parts.flags,
        name: text("app"),
        doc: text(""),
        create: Some(parts.create),
        call: Some(parts.call),
        destroy: Some(parts.destroy),
    });
    let apps: &'static [*const GwApp] = forever([ptr::from_ref(app)]);
    let header = GwModuleHeader {
        magic: GW_MAGIC,
        size: size_of::<GwModule>() as u32,
        abi_major: GW_ABI_MAJOR,
        abi_minor: GW_ABI_MINOR,
        needs_minor: 0,
        reserved: 0,
        flags: 0,
    };
    let table: &'static GwModule = forever(GwModule {
        header,
        name: text("m"),
        version: text("1"),
        built_with: text("test"),
        apps: apps.as_ptr(),
        apps_len: 1,
        init: parts.init,
        shutdown: parts.shutdown,
        get_extension: None,
    });
    // SAFETY: a table as the ABI states it, leaked.
    unsafe { Module::check(ptr::from_ref(table).cast()) }.expect("the table keeps the rules")
}

fn host() -> Arc<Host> {
    Host::new("h", "1", 0, |_, _, _| {})
}

fn create(module: Module) -> ForeignApp {
    let entry = module.apps().next().expect("there is one app");
    module.create(entry, host(), &Config::from_pairs::<&str, &str>([])).expect("the app can be created")
}

unsafe extern "C" fn create_nothing(
    _: *const GwHost,
    _: *const GwPair,
    _: usize,
    _: *mut *mut c_void,
    _: *mut GwBuf,
) -> GwStatus {
    GW_OK
}

unsafe extern "C" fn destroy_nothing(_: *mut c_void) {}

unsafe fn start(request: *const GwRequest, headers: *const GwPair, count: usize, err: *mut GwBuf) -> GwStatus {
    let none = GwStr { ptr: ptr::null(), len: 0 };
    let head = GwHead {
        size: size_of::<GwHead>() as u32,
        status: 200,
        reason: none,
        headers,
        headers_len: count,
        error: none,
    };
    // SAFETY: the host's request, used inside its call.
    unsafe { ((*(*request).vt).start_response.unwrap())(request, &head, err) }
}

unsafe extern "C" fn call_empty(
    _: *mut c_void,
    request: *const GwRequest,
    _: *mut GwBody,
    err: *mut GwBuf,
) -> GwStatus {
    // SAFETY: as for `start`.
    unsafe { start(request, ptr::null(), 0, err) }
}

/// A transport that claims to have read as much as it is told to.
struct Claims(fn(usize) -> usize);

impl Transport for Claims {
    fn start(&mut self, head: Head<'_>) -> Result<()> {
        head.check()
    }
    fn read(&mut self, buf: &mut [u8]) -> Result<usize> {
        Ok((self.0)(buf.len()))
    }
    fn write(&mut self, _: &[u8], _: bool) -> Result<()> {
        Ok(())
    }
    fn sleep(&mut self, _: Duration) -> Result<()> {
        Ok(())
    }
    fn state(&mut self) -> (bool, Option<Duration>) {
        (false, None)
    }
}

/// Calls an app with a body of unknown length; gives what became of it.
fn call(app: &dyn App, claims: fn(usize) -> usize) -> std::result::Result<Option<u64>, String> {
    let host = host();
    let head = RequestHead { content_length: None, ..RequestHead::EMPTY };
    let hosted = Hosted::new(host.view(), &head, Claims(claims));
    hosted.call(app).map(|body| body.length()).map_err(|error| error.to_string())
}

// ----- counts that are too large -------------------------------------------------

/// Reads into four bytes, and believes the count as `gateway.h` lets it.
unsafe extern "C" fn call_read(_: *mut c_void, request: *const GwRequest, _: *mut GwBody, err: *mut GwBuf) -> GwStatus {
    let mut buf = [0; 4];
    let mut count = 0;
    // SAFETY: the host's request, used inside its call.
    let status = unsafe {
        let status = start(request, ptr::null(), 0, err);
        if status != GW_OK {
            return status;
        }
        ((*(*request).vt).read.unwrap())(request, buf.as_mut_ptr(), 4, &mut count, err)
    };
    if status < 0 {
        return status;
    }
    assert!(count <= 4, "the host broke the contract");
    GW_OK
}

#[test]
fn a_transport_that_reads_too_much_is_an_error() {
    let app = create(module(Parts { call: call_read, ..PARTS }));
    assert_eq!(call(&app, |_| 0), Ok(Some(0)));
    assert_eq!(call(&app, |size| size), Ok(Some(0)));
    assert!(call(&app, |size| size + 1000).unwrap_err().contains("more than fits"));
}

#[test]
fn middleware_whose_reader_reads_too_much_is_an_error() {
    struct Liar;
    impl Read for Liar {
        fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
            Ok(buf.len() + 1000)
        }
    }
    struct Replaces(ForeignApp);
    impl App for Replaces {
        fn call<'r>(&'r self, mut environ: Environ<'r>, start: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
            environ.set_input(Liar);
            self.0.call(environ, start)
        }
    }
    let app = Replaces(create(module(Parts { call: call_read, ..PARTS })));
    assert!(call(&app, |_| 0).unwrap_err().contains("more than fits"));
}

// ----- NULL with a length --------------------------------------------------------

#[test]
fn arrays_at_null_are_refused() {
    unsafe extern "C" fn headers(
        _: *mut c_void,
        request: *const GwRequest,
        _: *mut GwBody,
        err: *mut GwBuf,
    ) -> GwStatus {
        // SAFETY: as for `start`; NULL is the point.
        unsafe { start(request, ptr::null(), 1, err) }
    }
    unsafe extern "C" fn value(_: *mut c_void, request: *const GwRequest, _: *mut GwBody, err: *mut GwBuf) -> GwStatus {
        let pair = GwPair { key: text("A"), val: GwStr { ptr: ptr::null(), len: 3 } };
        // SAFETY: as for `start`.
        unsafe { start(request, &pair, 1, err) }
    }
    for broken in [headers as GwCallFn, value] {
        let app = create(module(Parts { call: broken, ..PARTS }));
        assert!(call(&app, |_| 0).unwrap_err().contains("NULL"));
    }
}

/// Bodies that no host can use: each is an error, and none is followed.
#[test]
fn bodies_at_nothing_are_refused() {
    macro_rules! body {
        ($kind:expr, $field:ident: $content:expr) => {{
            unsafe extern "C" fn call(
                _: *mut c_void,
                request: *const GwRequest,
                out: *mut GwBody,
                err: *mut GwBuf,
            ) -> GwStatus {
                // SAFETY: `out` is the host's; the rest as for `start`.
                unsafe {
                    (*out).kind = $kind;
                    (*out).content.$field = $content;
                    start(request, ptr::null(), 0, err)
                }
            }
            call as GwCallFn
        }};
    }
    let nothing = [
        body!(GW_BODY_BYTES, bytes: GwStr { ptr: ptr::null(), len: 5 }),
        body!(GW_BODY_PARTS, parts: GwParts { ptr: ptr::null(), len: 5 }),
        body!(GW_BODY_PARTS, parts: GwParts { ptr: ptr::dangling(), len: usize::MAX }),
        body!(GW_BODY_FILE, file: GwFile { fd: -1, reserved: 0, offset: 0, length: 100 }),
    ];
    for broken in nothing {
        let app = create(module(Parts { call: broken, ..PARTS }));
        assert!(call(&app, |_| 0).unwrap_err().contains("the app returned a body"));
    }
}

// ----- a module's life -----------------------------------------------------------

#[test]
fn a_null_handle_comes_back_as_it_was() {
    static SEEN: AtomicPtr<c_void> = AtomicPtr::new(ptr::dangling_mut());
    unsafe extern "C" fn destroy(this: *mut c_void) {
        SEEN.store(this, SeqCst);
    }
    drop(create(module(Parts { destroy, ..PARTS })));
    assert!(SEEN.load(SeqCst).is_null());
}

#[test]
fn the_host_of_init_lives_until_after_shutdown() {
    static KEPT: AtomicPtr<GwHost> = AtomicPtr::new(ptr::null_mut());
    unsafe extern "C" fn init(host: *const GwHost, _: *mut GwBuf) -> GwStatus {
        KEPT.store(host.cast_mut(), SeqCst);
        GW_OK
    }
    unsafe extern "C" fn shutdown() {
        let host = KEPT.load(SeqCst);
        // SAFETY: valid from init until shutdown has returned, says the ABI.
        unsafe { ((*host).log.unwrap())(host, GW_LOG_INFO, text("m"), text("bye")) }
    }
    let module = module(Parts { init: Some(init), shutdown: Some(shutdown), ..PARTS });
    drop(create(module));
    module.shutdown().unwrap();
}

#[test]
fn shutdown_comes_once_and_after_the_last_app() {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    unsafe extern "C" fn shutdown() {
        COUNT.fetch_add(1, SeqCst);
    }
    let module = module(Parts { shutdown: Some(shutdown), ..PARTS });
    let (first, second) = (create(module), create(module));
    drop(first);
    assert!(module.shutdown().unwrap_err().to_string().contains("1 apps"));
    drop(second);
    module.shutdown().unwrap();
    module.shutdown().unwrap();
    assert_eq!(COUNT.load(SeqCst), 1);
    let again = module.create(module.apps().next().unwrap(), host(), &Config::from_pairs::<&str, &str>([]));
    assert!(again.unwrap_err().to_string().contains("shut down"));
}

/// A C module may count its apps in a plain variable.
#[test]
fn apps_are_created_and_destroyed_one_at_a_time() {
    static mut ALIVE: usize = 0;
    unsafe extern "C" fn create_counted(
        _: *const GwHost,
        _: *const GwPair,
        _: usize,
        _: *mut *mut c_void,
        _: *mut GwBuf,
    ) -> GwStatus {
        // SAFETY: one at a time, says the ABI; Miri sees it where that is not so.
        unsafe { ALIVE += 1 };
        GW_OK
    }
    unsafe extern "C" fn destroy(_: *mut c_void) {
        // SAFETY: as above.
        unsafe { ALIVE -= 1 };
    }
    let module = module(Parts { create: create_counted, destroy, ..PARTS });
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| drop(create(module)));
        }
    });
    module.shutdown().unwrap();
    // SAFETY: the threads are joined.
    assert_eq!(unsafe { ALIVE }, 0);
}

#[test]
fn an_app_of_another_module_is_refused() {
    let (one, other) = (module(PARTS), module(PARTS));
    let outcome = one.create(other.apps().next().unwrap(), host(), &Config::from_pairs::<&str, &str>([]));
    assert!(outcome.unwrap_err().to_string().contains("another module"));
}

/// An app that takes one call at a time, called from inside its own call.
#[test]
fn a_call_from_inside_a_call_does_not_wait_for_itself() {
    let app = create(module(Parts { flags: 0, ..PARTS }));
    let host = host();
    let hosted = Hosted::new(host.view(), &RequestHead::EMPTY, Claims(|_| 0));
    let inner = Mutex::new(None);
    let outcome = hosted.enter_with(|request| {
        let mut start = |_: Head<'_>| {
            let other = Hosted::new(host.view(), &RequestHead::EMPTY, Claims(|_| 0));
            *inner.lock().unwrap() = Some(other.call(&app).map(drop).map_err(|error| error.to_string()));
            Ok(gateway_spec::Writer::from_sink(Vec::new()))
        };
        app.call(Environ::new(request), &mut start).map(drop)
    });
    outcome.unwrap();
    let inner = inner.into_inner().unwrap().expect("start_response was called");
    assert!(inner.unwrap_err().contains("inside its own call"));
}

// ----- two panics at once --------------------------------------------------------

#[test]
fn a_body_whose_drop_and_hook_both_panic_is_survived() {
    struct Panics;
    impl Source for Panics {
        fn next(&mut self) -> Result<Option<Chunk<'_>>> {
            Ok(None)
        }
    }
    impl Drop for Panics {
        fn drop(&mut self) {
            panic!("the content")
        }
    }
    let body = Body::source(Panics).on_close(|| panic!("the hook"));
    let outcome = caught(|| {
        drop(body);
        Ok(())
    });
    assert!(outcome.unwrap_err().to_string().contains("the content"));
}

#[test]
fn an_app_whose_shutdown_and_drop_both_panic_is_survived() {
    struct Panics;
    impl App for Panics {
        fn call<'r>(&'r self, _: Environ<'r>, _: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
            Ok(Body::empty())
        }
        fn shutdown(&self) {
            panic!("shutdown")
        }
    }
    impl Drop for Panics {
        fn drop(&mut self) {
            panic!("drop")
        }
    }
    fn make(_: &Config<'_>) -> Result<Panics> {
        Ok(Panics)
    }
    let table = gateway_spec::abi::export::app(make, "x", "", AppFlags::CONCURRENT);
    let mut this = ptr::null_mut();
    // SAFETY: the arguments are as the ABI states them; the app is destroyed once.
    unsafe {
        assert_eq!(table.create.unwrap()(ptr::null(), ptr::null(), 0, &mut this, ptr::null_mut()), GW_OK);
        table.destroy.unwrap()(this);
    }
}
