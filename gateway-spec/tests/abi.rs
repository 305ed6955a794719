//! Both sides of the ABI in one process, without a shared library, so that
//! Miri can run all of it:
//!
//!     cargo +nightly miri test -p gateway-spec --test abi
#![allow(unsafe_code)]

use std::borrow::Cow;
use std::cell::Cell;
use std::ffi::c_void;
use std::io::Read as _;
use std::panic::panic_any;
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use gateway_spec::abi::host::{Host, Hosted, RequestHead, Transport};
use gateway_spec::abi::import::{ForeignApp, Module, ModuleError};
use gateway_spec::abi::types::*;
use gateway_spec::abi::view::{RequestRef, Slice};
use gateway_spec::prelude::*;
use gateway_spec::testing::TestClient;
use gateway_spec::{AppFlags, Chunk, Source, View};

gateway_spec::export! {
    /// Answers by path.
    app => answer,
    state [STREAMS_INPUT, NO_SUSPEND] => State::create,
    fails => fails,
    panics => panics,
    bombs => bombs,
    panics_at_the_end => PanicsAtTheEnd::create,
}

thread_local! {
    /// Bodies closed on this thread: each test has one of its own.
    static CLOSES: Cell<usize> = const { Cell::new(0) };
}

fn closes() -> usize {
    CLOSES.get()
}

fn count_close() {
    CLOSES.set(CLOSES.get() + 1);
}

// ----- the apps -----------------------------------------------------------------

/// A panic payload that panics again when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        if !thread::panicking() {
            panic!("the payload's drop");
        }
    }
}

fn answer<'r>(mut environ: Environ<'r>, start: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
    let path = environ.request().path_info();
    match path {
        b"/error" => return Err(Error::app("no database")),
        b"/panic" => panic!("call"),
        b"/panic-bomb" => panic_any(Bomb),
        b"/elsewhere" => return elsewhere(&environ, start),
        _ => {}
    }
    let mut writer = start.start(Head::new(Status::OK, &[Header::new("X-Path", path)]))?;
    let with_spare_room = |text: &str| {
        let mut bytes = Vec::with_capacity(100);
        bytes.extend_from_slice(text.as_bytes());
        bytes
    };
    Ok(match path {
        b"/static" => Body::from("static"),
        b"/static-hook" => Body::from("static").on_close(count_close),
        b"/borrowed" => Body::borrowed(path),
        b"/owned" => Body::from(with_spare_room("owned")),
        b"/owned-empty" => Body::from(with_spare_room("")),
        b"/owned-nothing" => Body::from(Vec::new()),
        b"/owned-hook" => Body::from(with_spare_room("owned")).on_close(count_close),
        b"/shared" => Body::from(Bytes::from(with_spare_room("shared"))),
        b"/parts" => Body::parts([Cow::Borrowed("one "), Cow::Owned("two".to_owned())]).on_close(count_close),
        b"/parts-none" => Body::byte_parts::<&[u8]>([]),
        b"/stream" => Body::chunks((0..3).map(|number| number.to_string())).on_close(count_close),
        b"/stream-length" => Body::chunks(["a", "b"]).with_length(2),
        b"/stream-error" => Body::try_chunks([Ok("a"), Err(Error::Limit("too much".into()))]).on_close(count_close),
        b"/flags" => Body::source(Flags(0)),
        b"/echo" => Body::source(Echo { environ, buffer: [0; 4] }).on_close(count_close),
        b"/empty-hook" => Body::empty().on_close(count_close),
        b"/panic-next" => Body::source(PanicsInNext(false)).on_close(count_close),
        b"/panic-next-bomb" => Body::source(PanicsInNext(true)).on_close(count_close),
        b"/panic-close" => Body::from("closing").on_close(|| panic!("close")),
        b"/panic-close-bomb" => Body::from("closing").on_close(|| panic_any(Bomb)),
        b"/half-given" => {
            // Middleware that has read its inner body and passes it on.
            let mut body = Body::from(with_spare_room("given away"));
            body.next()?;
            body
        }
        b"/write" => {
            writer.send(b"written ")?;
            Body::from("returned")
        }
        b"/input" => {
            let mut text = String::new();
            environ.input().read_to_string(&mut text)?;
            Body::from(text)
        }
        b"/env" => {
            let list = ["HTTP_X_ADDED", "HTTP_X_GONE", "HTTP_X_KEPT", "PATH_INFO", "app.key", "CONTENT_LENGTH"];
            let text = |key| environ.get(key).map_or("-".into(), |value| String::from_utf8_lossy(&value).into_owned());
            Body::from(list.map(text).join(" "))
        }
        _ => Body::empty(),
    })
}

fn status_of<T>(outcome: Result<T>) -> String {
    outcome.map_or_else(|error| error.to_status().to_string(), |_| "0".to_owned())
}

/// Uses the request from another thread while the call runs.
fn elsewhere<'r>(environ: &Environ<'r>, start: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
    let request: RequestRef<'r> = environ.request();
    let all = move || {
        [
            status_of(request.start(Head::new(Status::OK, &[]))),
            status_of(request.read(&mut [0; 4])),
            status_of(request.write(b"x", true)),
            status_of(request.sleep(1)),
            status_of(request.state()),
        ]
    };
    let list = thread::scope(|scope| scope.spawn(all).join().expect("no panic"));
    start.start(Head::new(Status::OK, &[]))?;
    Ok(Body::from(list.join(" ")))
}

struct Flags(u8);

impl Source for Flags {
    fn next(&mut self) -> Result<Option<Chunk<'_>>> {
        self.0 += 1;
        let bytes: &[u8] = match self.0 {
            1 => b"a",
            2 => b"b",
            _ => return Err(Error::app("pulled after LAST")),
        };
        Ok(Some(Chunk { bytes, flush: self.0 == 1, last: self.0 == 2 }))
    }
}

struct Echo<'r> {
    environ: Environ<'r>,
    buffer: [u8; 4],
}

impl Source for Echo<'_> {
    fn next(&mut self) -> Result<Option<Chunk<'_>>> {
        let count = self.environ.input().read(&mut self.buffer)?;
        Ok((count > 0).then(|| Chunk::new(&self.buffer[..count])))
    }
}

struct PanicsInNext(bool);

impl Source for PanicsInNext {
    fn next(&mut self) -> Result<Option<Chunk<'_>>> {
        if self.0 { panic_any(Bomb) } else { panic!("next") }
    }
}

/// An app whose bodies borrow from it.
struct State {
    greeting: String,
}

impl State {
    fn create(config: &Config<'_>) -> Result<Self> {
        config.only(&["greeting"])?;
        Ok(Self { greeting: config.get("greeting").unwrap_or("hello").to_owned() })
    }
}

impl App for State {
    fn call<'r>(&'r self, _: Environ<'r>, start: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
        start.start(Head::new(Status::OK, &[]))?;
        Ok(Body::byte_parts([self.greeting.as_bytes(), b"!"]).on_close(|| {
            assert!(!self.greeting.is_empty());
            count_close();
        }))
    }

    fn shutdown(&self) {
        count_close();
    }
}

fn fails(_: &Config<'_>) -> Result<State> {
    Err(Error::Unsupported("no such database".into()))
}

fn panics(_: &Config<'_>) -> Result<State> {
    panic!("create");
}

fn bombs(_: &Config<'_>) -> Result<State> {
    panic_any(Bomb);
}

struct PanicsAtTheEnd;

impl PanicsAtTheEnd {
    #[allow(clippy::unnecessary_wraps, reason = "the shape of a constructor")]
    fn create(_: &Config<'_>) -> Result<Self> {
        Ok(Self)
    }
}

impl App for PanicsAtTheEnd {
    fn call<'r>(&'r self, _: Environ<'r>, start: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
        start.start(Head::new(Status::OK, &[]))?;
        Ok(Body::empty())
    }

    fn shutdown(&self) {
        panic!("shutdown");
    }
}

// ----- the host -------------------------------------------------------------------

fn module() -> Module {
    // SAFETY: the entry of this very file, made by `export!`.
    unsafe { Module::check(gateway_entry(0)) }.unwrap()
}

fn host() -> Arc<Host> {
    Host::new("miri", "1", 0, |_, _, _| {})
}

fn no_config() -> Config<'static> {
    Config::from_pairs::<&str, &str>([])
}

fn create(name: &str) -> Result<ForeignApp> {
    let entry = module().apps().find(|entry| entry.name() == name).unwrap();
    module().create(entry, host(), &no_config())
}

/// Makes the app behind it get a request that is built anew.
struct Proxying(ForeignApp);

impl App for Proxying {
    fn call<'r>(&'r self, mut environ: Environ<'r>, start: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
        environ.insert("HTTP_X_ADDED", "added");
        environ.insert("app.key", "value");
        environ.remove("HTTP_X_GONE");
        let mut wrapped = |head: Head<'_>| {
            let mut headers = head.headers.to_vec();
            headers.push(Header::new("X-Wrapped", "yes"));
            start.start(Head { headers: &headers, ..head })
        };
        self.0.call(environ, &mut wrapped)
    }
}

/// Calls the app directly and behind a proxy; answers both.
fn both_ways(path: &str, act: impl Fn(&TestClient<Arc<dyn App>>)) {
    for app in [Arc::new(create("app").unwrap()) as Arc<dyn App>, Arc::new(Proxying(create("app").unwrap()))] {
        CLOSES.set(0);
        act(&TestClient::new(app));
    }
    let _ = path;
}

#[track_caller]
fn check(path: &str, text: &str, length: Option<u64>, closed: usize) {
    both_ways(path, |client| {
        let response = client.get(path).without_lint().send();
        assert_eq!((response.text(), response.length), (text, length), "{path}");
        assert_eq!(closes(), closed, "{path}");
        // Dropped before it was pulled.
        client.get(path).without_lint().leave_after(0).send();
        assert_eq!(closes(), 2 * closed, "{path}");
    });
}

fn failure(path: &str) -> Error {
    let mut found = None;
    let cell = Mutex::new(&mut found);
    both_ways(path, |client| {
        let error = client.get(path).without_lint().try_send().unwrap_err();
        **cell.lock().unwrap() = Some(error);
    });
    found.unwrap()
}

#[test]
fn every_kind_of_body_crosses_the_wall() {
    check("/empty", "", Some(0), 0);
    check("/empty-hook", "", Some(0), 1);
    check("/static", "static", Some(6), 0);
    check("/static-hook", "static", Some(6), 1);
    check("/borrowed", "/borrowed", Some(9), 0);
    check("/owned", "owned", Some(5), 0);
    check("/owned-empty", "", Some(0), 0);
    check("/owned-nothing", "", Some(0), 0);
    check("/owned-hook", "owned", Some(5), 1);
    check("/shared", "shared", Some(6), 0);
    check("/parts", "one two", Some(7), 1);
    check("/parts-none", "", Some(0), 0);
    check("/stream", "012", None, 1);
    check("/stream-length", "ab", Some(2), 0);
    check("/flags", "ab", None, 0);
    check("/half-given", "", Some(0), 0);
}

#[test]
fn a_body_knows_what_is_left_of_it() {
    let app = create("app").unwrap();
    let host = host();
    let lengths = |path: &'static str| {
        let head = RequestHead { path_info: path.as_bytes(), ..RequestHead::EMPTY };
        let hosted = Hosted::new(host.view(), &head, Silent(0));
        let mut body = hosted.call(&app).unwrap();
        let mut lengths = vec![body.length()];
        for _ in 0..4 {
            let _ = hosted.next(&mut body).unwrap();
            lengths.push(body.length());
        }
        lengths
    };
    assert_eq!(lengths("/parts"), [7, 3, 0, 0, 0].map(Some));
    assert_eq!(lengths("/owned"), [5, 0, 0, 0, 0].map(Some));
    assert_eq!(lengths("/stream-length"), [2, 1, 0, 0, 0].map(Some));
    assert_eq!(lengths("/empty"), [0; 5].map(Some));
    // The same before it crosses.
    let mut body = Body::parts(["one ", "two"]);
    let mut own = vec![body.length()];
    for _ in 0..4 {
        let _ = body.next().unwrap();
        own.push(body.length());
    }
    assert_eq!(own, [7, 3, 0, 0, 0].map(Some));
}

#[test]
fn a_stream_that_is_dropped_half_way_closes_once() {
    both_ways("/stream", |client| {
        let response = client.get("/stream").leave_after(1).without_lint().send();
        assert_eq!((response.text(), closes()), ("0", 1));
    });
}

#[test]
fn a_body_that_owns_its_environ_streams_the_input() {
    both_ways("/echo", |client| {
        for preread in [0, 3, 10] {
            let response = client.post("/echo").body("0123456789").arriving(preread, 3).without_lint().send();
            assert_eq!(response.text(), "0123456789");
        }
        assert_eq!(closes(), 3);
    });
}

#[test]
fn the_input_is_read_and_the_write_handle_writes() {
    both_ways("/input", |client| {
        let response = client.post("/input").chunked("the body").arriving(4, 1).without_lint().send();
        assert_eq!(response.text(), "the body");
        let error = client.post("/input").body("the b").truncated().without_lint().try_send().unwrap_err();
        assert!(matches!(error, Error::Io(_)), "{error}");
        let error = client.post("/input").chunked("x").gone().without_lint().try_send().unwrap_err();
        assert!(matches!(error, Error::Gone), "{error}");
        assert_eq!(client.get("/write").without_lint().send().text(), "written returned");
    });
}

#[test]
fn errors_keep_their_meaning() {
    assert_eq!(failure("/error").to_string(), "no database");
    let error = failure("/stream-error");
    assert!(matches!(&error, Error::Limit(text) if text == "too much"), "{error:?}");
    assert_eq!(closes(), 1);
}

#[test]
fn panics_become_errors() {
    for (path, text) in [
        ("/panic", "call"),
        ("/panic-bomb", "a payload that is not text"),
        ("/panic-next", "next"),
        ("/panic-next-bomb", "a payload that is not text"),
    ] {
        let error = failure(path);
        assert!(matches!(&error, Error::Panic(found) if found == text), "{path}: {error:?}");
    }
    assert_eq!(closes(), 1);
}

#[test]
fn a_panic_in_close_is_swallowed() {
    for path in ["/panic-close", "/panic-close-bomb"] {
        both_ways(path, |client| assert_eq!(client.get(path).without_lint().send().text(), "closing"));
    }
}

#[test]
fn a_panic_in_destroy_is_swallowed() {
    drop(create("panics_at_the_end").unwrap());
}

#[test]
fn a_failed_create_keeps_its_error() {
    let error = create("fails").unwrap_err();
    assert!(matches!(&error, Error::Unsupported(text) if text == "no such database"), "{error:?}");
    let error = create("panics").unwrap_err();
    assert!(matches!(&error, Error::Panic(text) if text == "create"), "{error:?}");
    assert!(matches!(create("bombs").unwrap_err(), Error::Panic(_)));
}

#[test]
fn bodies_borrow_from_their_app_and_configuration_reaches_it() {
    let entry = module().apps().find(|entry| entry.name() == "state").unwrap();
    let app = module().create(entry, host(), &Config::from_pairs([("greeting", "hi")])).unwrap();
    let client = TestClient::new(app);
    assert_eq!(client.get("/").without_lint().send().text(), "hi!");
    assert_eq!(closes(), 1);
    drop(client);
    assert_eq!(closes(), 2, "shutdown runs at destroy");
    let error = module().create(entry, host(), &Config::from_pairs([("gretting", "hi")])).unwrap_err();
    assert!(error.to_string().contains("gretting"), "{error}");
}

#[test]
fn a_proxied_request_shows_the_edits() {
    let client = TestClient::new(Proxying(create("app").unwrap()));
    let request = client.get("/env").header("X-Gone", "x").header("X-Kept", "kept").without_lint();
    let response = request.send();
    assert_eq!(response.text(), "added - kept /env value -");
    assert_eq!(response.header("x-wrapped"), Some("yes"));
    assert_eq!(response.header("x-path"), Some("/env"));
}

/// A router's change is two slices of the path, and no list of variables is made.
#[test]
fn what_a_router_moves_reaches_the_module() {
    struct Router<A>(A);
    impl<A: App> App for Router<A> {
        fn call<'r>(&'r self, mut environ: Environ<'r>, start: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
            environ.enter("/m".len());
            self.0.call(environ, start)
        }
    }
    let check = |app: &dyn Fn() -> Arc<dyn App>, path: &str, script_name: &str, expected: &str| {
        let client = TestClient::new(app());
        let request = client.get(path).script_name(script_name).header("X-Kept", "kept");
        assert_eq!(request.without_lint().send().text(), expected, "{path}");
    };
    let module = || create("app").unwrap();
    check(&|| Arc::new(Router(module())), "/m/env", "", "- - kept /env - -");
    check(&|| Arc::new(Router(module())), "/front/m/env", "/front", "- - kept /env - -");
    check(&|| Arc::new(Router(Router(module()))), "/m/n/env", "", "- - kept /env - -");
    check(&|| Arc::new(Router(Proxying(module()))), "/m/env", "", "added - kept /env value -");
}

#[test]
fn proxies_stand_behind_proxies() {
    struct Outer(Proxying);
    impl App for Outer {
        fn call<'r>(&'r self, mut environ: Environ<'r>, start: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
            environ.insert("HTTP_X_ADDED", "outer, overwritten");
            environ.insert("HTTP_X_GONE", "outer, removed");
            environ.insert("PATH_INFO", "/env");
            self.0.call(environ, start)
        }
    }
    let client = TestClient::new(Outer(Proxying(create("app").unwrap())));
    assert_eq!(client.get("/").without_lint().send().text(), "added - - /env value -");
}

#[test]
fn a_replaced_input_reaches_the_module() {
    struct Decoding(ForeignApp);
    impl App for Decoding {
        fn call<'r>(&'r self, mut environ: Environ<'r>, start: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
            let path = environ.path_info().to_vec();
            environ.set_input(&b"decoded"[..]);
            environ.remove("CONTENT_LENGTH");
            assert_eq!(environ.path_info(), path);
            self.0.call(environ, start)
        }
    }
    let client = TestClient::new(Decoding(create("app").unwrap()));
    for path in ["/input", "/echo"] {
        assert_eq!(client.post(path).body("encoded, and longer").without_lint().send().text(), "decoded");
    }
}

#[test]
fn a_wrapped_request_without_a_body_has_length_zero() {
    // What `content_length` says to a C app: a GET without Content-Length has
    // no body, which is another thing than a body of unknown length.
    static SEEN: AtomicUsize = AtomicUsize::new(7);
    unsafe extern "C" fn look(_: *mut c_void, request: *const GwRequest, _: *mut GwBody, err: *mut GwBuf) -> GwStatus {
        // SAFETY: called by the import with a good request.
        unsafe {
            SEEN.store((*request).content_length as usize, SeqCst);
            start_200(request, err)
        }
    }
    static TABLE: GwApp = table("look", look);
    let client = TestClient::new(Proxying(foreign(&TABLE)));
    client.get("/").without_lint().send();
    assert_eq!(SEEN.load(SeqCst), 0);
}

#[test]
fn another_thread_is_refused() {
    both_ways("/elsewhere", |client| {
        assert_eq!(client.get("/elsewhere").without_lint().send().text(), "-3 -3 -3 -3 -3");
    });
}

#[test]
fn a_body_may_be_pulled_and_closed_by_another_thread() {
    let (app, host) = (create("app").unwrap(), host());
    for path in [&b"/stream"[..], b"/echo", b"/parts", b"/owned"] {
        let head = RequestHead { path_info: path, content_length: Some(4), ..RequestHead::EMPTY };
        let hosted = Hosted::new(host.view(), &head, Silent(4));
        let mut body = hosted.call(&app).unwrap();
        thread::scope(|scope| {
            scope.spawn(|| {
                while let Some(chunk) = hosted.next(&mut body).unwrap() {
                    assert!(!chunk.bytes.is_empty());
                }
                drop(body);
            });
        });
    }
}

// ----- the request's functions --------------------------------------------------------

/// Takes everything, gives zeroes.
struct Silent(usize);

impl Transport for Silent {
    fn start(&mut self, head: Head<'_>) -> Result<()> {
        head.check()
    }
    fn read(&mut self, buf: &mut [u8]) -> Result<usize> {
        let count = self.0.min(buf.len()).min(1);
        buf[..count].fill(0);
        self.0 -= count;
        Ok(count)
    }
    fn write(&mut self, _: &[u8], _: bool) -> Result<()> {
        Ok(())
    }
    fn sleep(&mut self, _: Duration) -> Result<()> {
        Ok(())
    }
    fn state(&mut self) -> (bool, Option<Duration>) {
        (true, Some(Duration::MAX))
    }
}

#[test]
fn null_arguments_of_the_hosts_functions_are_refused() {
    let host = host();
    let hosted = Hosted::new(host.view(), &RequestHead::EMPTY, Silent(0));
    let outcome = hosted.enter_with(|request| {
        let raw = request.as_ptr();
        let (mut count, mut byte) = (0, 0_u8);
        let mut state = GwState { size: size_of::<GwState>() as u32, flags: 0, deadline_ns: 0 };
        let head = GwHead {
            size: size_of::<GwHead>() as u32,
            status: 200,
            reason: Slice::new(b"").raw(),
            headers: ptr::null(),
            headers_len: 0,
            error: GwStr { ptr: ptr::null(), len: 0 },
        };
        let none = GwStr { ptr: ptr::null(), len: 0 };
        // SAFETY: a good request; each NULL is the point of its call.
        unsafe {
            let vt = &*(*raw).vt;
            let (start, read) = (vt.start_response.unwrap(), vt.read.unwrap());
            let (write, sleep, ask) = (vt.write.unwrap(), vt.sleep.unwrap(), vt.state.unwrap());
            let null = ptr::null_mut();
            assert_eq!(start(ptr::null(), &head, null), GW_INVALID);
            assert_eq!(start(raw, ptr::null(), null), GW_INVALID);
            assert_eq!(start(raw, &GwHead { size: 8, ..head }, null), GW_INVALID);
            assert_eq!(start(raw, &head, null), GW_OK);
            assert_eq!(read(ptr::null(), &mut byte, 1, &mut count, null), GW_INVALID);
            assert_eq!(read(raw, ptr::null_mut(), 1, &mut count, null), GW_INVALID);
            assert_eq!(read(raw, &mut byte, 0, &mut count, null), GW_INVALID);
            assert_eq!(read(raw, &mut byte, 1, ptr::null_mut(), null), GW_INVALID);
            assert_eq!(read(raw, &mut byte, 1, &mut count, null), GW_END);
            assert_eq!(write(ptr::null(), none, 0, null), GW_INVALID);
            assert_eq!(write(raw, none, 0, null), GW_OK);
            assert_eq!(sleep(ptr::null(), 0), GW_INVALID);
            assert_eq!(ask(ptr::null(), &mut state), GW_INVALID);
            assert_eq!(ask(raw, ptr::null_mut()), GW_INVALID);
            assert_eq!(ask(raw, &mut GwState { size: 4, flags: 0, deadline_ns: 0 }), GW_INVALID);
            assert_eq!(ask(raw, &mut state), GW_OK);
            // An error text into no memory, and into too little.
            let mut text = [0_u8; 4];
            let mut err = GwBuf { ptr: ptr::null_mut(), cap: 0, len: 0 };
            assert_eq!(start(raw, ptr::null(), &mut err), GW_INVALID);
            err = GwBuf { ptr: text.as_mut_ptr(), cap: text.len(), len: 0 };
            assert_eq!(start(raw, ptr::null(), &mut err), GW_INVALID);
            assert_eq!(err.len, 4);
            assert_eq!(&text, b"the ");
        }
        assert_eq!((state.flags, state.deadline_ns), (GW_STATE_DISCONNECTED, GW_UNKNOWN - 1));
        Ok(())
    });
    outcome.unwrap();
    let raw = host.view().as_ptr();
    let none = GwStr { ptr: ptr::null(), len: 0 };
    // SAFETY: a good host; each NULL is the point of its call.
    unsafe {
        (*raw).log.unwrap()(ptr::null(), 1, none, none);
        (*raw).log.unwrap()(raw, 0, none, none);
        assert!((*raw).get_extension.unwrap()(raw, none).is_null());
        assert!((*raw).get_extension.unwrap()(ptr::null(), none).is_null());
    }
}

#[test]
fn null_arguments_of_a_modules_functions_are_refused() {
    // SAFETY: this file's own tables, from `export!`; each NULL is the point of
    // its call.
    unsafe {
        let table = &*gateway_entry(0).cast::<GwModule>();
        let app = &**table.apps;
        let (create, call, destroy) = (app.create.unwrap(), app.call.unwrap(), app.destroy.unwrap());
        let null = ptr::null_mut::<GwBuf>();
        assert_eq!(create(ptr::null(), ptr::null(), 0, ptr::null_mut(), null), GW_INVALID);
        let mut this = ptr::null_mut();
        assert_eq!(create(ptr::null(), ptr::null(), 0, &mut this, null), GW_OK);
        let host = host();
        let head = RequestHead { path_info: b"/stream", ..RequestHead::EMPTY };
        let hosted = Hosted::new(host.view(), &head, Silent(0));
        let request = hosted.request().as_ptr();
        let mut body = empty_body();
        assert_eq!(call(ptr::null_mut(), request, &mut body, null), GW_INVALID);
        assert_eq!(call(this, ptr::null(), &mut body, null), GW_UNSUPPORTED);
        assert_eq!(call(this, request, ptr::null_mut(), null), GW_UNSUPPORTED);
        body.size = 8;
        assert_eq!(call(this, request, &mut body, null), GW_UNSUPPORTED);
        body = empty_body();
        let status = hosted.enter_with(|_| Ok(call(this, request, &mut body, null)));
        assert_eq!(status.unwrap(), GW_OK);
        let vt = &*body.vt;
        let mut chunk = GwChunk { size: size_of::<GwChunk>() as u32, flags: 0, bytes: Slice::new(b"").raw() };
        assert_eq!(vt.next.unwrap()(ptr::null_mut(), &mut chunk, null), GW_INVALID);
        assert_eq!(vt.next.unwrap()(&mut body, ptr::null_mut(), null), GW_INVALID);
        chunk.size = 4;
        assert_eq!(vt.next.unwrap()(&mut body, &mut chunk, null), GW_INVALID);
        chunk.size = size_of::<GwChunk>() as u32;
        assert_eq!(vt.next.unwrap()(&mut body, &mut chunk, null), GW_OK);
        vt.close.unwrap()(ptr::null_mut());
        vt.close.unwrap()(&mut body);
        destroy(this);
        destroy(ptr::null_mut());
    }
}

#[test]
fn a_request_is_entered_by_one_thread_and_not_from_within() {
    struct Twice<'a>(&'a AtomicUsize);
    impl App for Twice<'_> {
        fn call<'r>(&'r self, environ: Environ<'r>, start: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
            start.start(Head::new(Status::OK, &[]))?;
            self.0.fetch_add(usize::from(environ.sleep(Duration::ZERO).is_ok()), SeqCst);
            Ok(Body::empty())
        }
    }
    let (host, count) = (host(), AtomicUsize::new(0));
    let hosted = Hosted::new(host.view(), &RequestHead::EMPTY, Silent(0));
    let app = Twice(&count);
    // Inside `with`, as inside a transport's function, nobody gets in.
    let nested = hosted.with(|_| hosted.call(&app).map(drop)).unwrap();
    assert!(matches!(nested, Err(Error::State(_))));
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| match hosted.call(&app) {
                Ok(_) => {}
                Err(error) => assert!(matches!(error, Error::State(_))),
            });
        }
    });
    drop(hosted.call(&app).unwrap());
    assert!(count.load(SeqCst) >= 2);
}

// ----- modules made by hand, as C makes them ---------------------------------------------

fn empty_body() -> GwBody {
    GwBody {
        size: size_of::<GwBody>() as u32,
        kind: GW_BODY_EMPTY,
        vt: ptr::null(),
        data: ptr::null_mut(),
        content: GwBodyContent { room: [0; 4] },
    }
}

unsafe extern "C" fn create_null(
    _: *const GwHost,
    _: *const GwPair,
    _: usize,
    _: *mut *mut c_void,
    _: *mut GwBuf,
) -> GwStatus {
    GW_OK
}

unsafe extern "C" fn destroy_null(_: *mut c_void) {}

const fn table(name: &'static str, call: GwCallFn) -> GwApp {
    GwApp {
        size: size_of::<GwApp>() as u32,
        flags: GW_APP_CONCURRENT,
        name: Slice::new(name.as_bytes()).raw(),
        doc: Slice::new(b"").raw(),
        create: Some(create_null),
        call: Some(call),
        destroy: Some(destroy_null),
    }
}

fn header(size: usize) -> GwModuleHeader {
    GwModuleHeader {
        magic: GW_MAGIC,
        size: size as u32,
        abi_major: GW_ABI_MAJOR,
        abi_minor: GW_ABI_MINOR,
        needs_minor: 0,
        reserved: 0,
        flags: 0,
    }
}

fn module_of(apps: &'static [&'static GwApp]) -> GwModule {
    GwModule {
        header: header(size_of::<GwModule>()),
        name: Slice::new(b"by hand").raw(),
        version: GwStr { ptr: ptr::null(), len: 0 },
        built_with: Slice::new(b"\xff").raw(),
        apps: apps.as_ptr().cast(),
        apps_len: apps.len(),
        init: None,
        shutdown: None,
        get_extension: None,
    }
}

/// Keeps a value for good, as a module's tables are kept; a static that points
/// to it tells Miri that it is no leak.
fn forever<T>(value: T) -> &'static T {
    struct Kept(#[allow(dead_code, reason = "only kept")] *const c_void);
    // SAFETY: never followed.
    unsafe impl Send for Kept {}
    static KEPT: Mutex<Vec<Kept>> = Mutex::new(Vec::new());
    let value: &'static T = Box::leak(Box::new(value));
    KEPT.lock().unwrap().push(Kept(ptr::from_ref(value).cast()));
    value
}

/// An app of a table, imported.
fn foreign(app: &'static GwApp) -> ForeignApp {
    let apps: &'static [&'static GwApp] = forever([app]);
    let table: &'static GwModule = forever(module_of(apps));
    // SAFETY: a table as the ABI states it, leaked.
    let module = unsafe { Module::check(ptr::from_ref(table).cast()) }.unwrap();
    let entry = module.apps().next().unwrap();
    module.create(entry, host(), &no_config()).unwrap()
}

unsafe fn start_200(request: *const GwRequest, err: *mut GwBuf) -> GwStatus {
    let head = GwHead {
        size: size_of::<GwHead>() as u32,
        status: 200,
        reason: GwStr { ptr: ptr::null(), len: 0 },
        headers: ptr::null(),
        headers_len: 0,
        error: GwStr { ptr: ptr::null(), len: 0 },
    };
    // SAFETY: the caller's request.
    unsafe { (*(*request).vt).start_response.unwrap()(request, &head, err) }
}

unsafe extern "C" fn close_counting(_: *mut GwBody) {
    count_close();
}

unsafe extern "C" fn next_empty_then_end(body: *mut GwBody, chunk: *mut GwChunk, _: *mut GwBuf) -> GwStatus {
    // SAFETY: called by the import with both.
    unsafe {
        if !(*body).data.is_null() {
            return GW_END;
        }
        (*body).data = ptr::without_provenance_mut(1);
        (*chunk).bytes = GwStr { ptr: ptr::null(), len: 0 };
    }
    GW_OK
}

/// Bodies that C may make and Rust never does; which, says the path.
unsafe extern "C" fn odd_bodies(
    _: *mut c_void,
    request: *const GwRequest,
    out: *mut GwBody,
    err: *mut GwBuf,
) -> GwStatus {
    static VT: GwBodyVt =
        GwBodyVt { size: size_of::<GwBodyVt>() as u32, reserved: 0, close: Some(close_counting), next: None };
    static STREAM: GwBodyVt = GwBodyVt {
        size: size_of::<GwBodyVt>() as u32,
        reserved: 0,
        close: Some(close_counting),
        next: Some(next_empty_then_end),
    };
    static SHORT: GwBodyVt = GwBodyVt { size: 8, reserved: 0, close: Some(close_counting), next: None };
    static NO_CLOSE: GwBodyVt = GwBodyVt { size: size_of::<GwBodyVt>() as u32, reserved: 0, close: None, next: None };
    let null = GwStr { ptr: ptr::null(), len: 0 };
    // SAFETY: called by the import with a good request and body.
    unsafe {
        let status = start_200(request, err);
        if status != GW_OK {
            return status;
        }
        let out = &mut *out;
        out.vt = &raw const VT;
        match Slice::from_raw((*request).path_info).as_bytes() {
            b"/null-bytes" => (out.kind, out.content.bytes) = (GW_BODY_BYTES, null),
            b"/null-parts" => (out.kind, out.content.parts) = (GW_BODY_PARTS, GwParts { ptr: ptr::null(), len: 0 }),
            b"/no-file" => {
                out.kind = GW_BODY_FILE;
                out.content.file = GwFile { fd: -1, reserved: 0, offset: u64::MAX, length: u64::MAX };
            }
            b"/unknown" => out.kind = 99,
            b"/stream" => {
                (out.kind, out.vt, out.content.stream_length) = (GW_BODY_STREAM, &raw const STREAM, GW_UNKNOWN);
            }
            b"/short-vt" => out.vt = &raw const SHORT,
            b"/no-close" => out.vt = &raw const NO_CLOSE,
            b"/failed" => {
                out.kind = 99;
                return GW_GONE;
            }
            _ => {}
        }
    }
    GW_OK
}

#[test]
fn odd_bodies_of_c_are_taken_or_refused() {
    static TABLE: GwApp = table("odd", odd_bodies);
    let client = TestClient::new(foreign(&TABLE));
    let closed_by = |path: &str| {
        CLOSES.set(0);
        let outcome = client.get(path).without_lint().try_send();
        (outcome.map(|response| response.text().to_owned()), closes())
    };
    for path in ["/empty", "/null-bytes", "/null-parts", "/stream"] {
        let (outcome, closed) = closed_by(path);
        assert_eq!((outcome.unwrap(), closed), (String::new(), 1), "{path}");
    }
    let (outcome, closed) = closed_by("/no-close");
    assert_eq!((outcome.unwrap(), closed), (String::new(), 0));
    // A table that is too short has no close that could be trusted.
    for (path, closes) in [("/unknown", 1), ("/no-file", 1), ("/short-vt", 0)] {
        let (outcome, closed) = closed_by(path);
        assert!(matches!(outcome, Err(Error::Unsupported(_))), "{path}");
        assert_eq!(closed, closes, "{path}");
    }
    // What a failed call left in `out` is not looked at.
    let (outcome, closed) = closed_by("/failed");
    assert!(matches!(outcome, Err(Error::Gone)));
    assert_eq!(closed, 0);
}

// ----- growth ------------------------------------------------------------------------------

#[repr(C)]
struct Larger<T> {
    known: T,
    of_a_later_minor: [u64; 4],
}

#[test]
fn tables_of_a_later_minor_are_taken() {
    static LATER: Larger<GwApp> = Larger {
        known: GwApp { size: size_of::<Larger<GwApp>>() as u32, ..table("later", odd_bodies) },
        of_a_later_minor: [7; 4],
    };
    let apps: &'static [&'static GwApp] = forever([&LATER.known]);
    let mut known = module_of(apps);
    known.header.size = size_of::<Larger<GwModule>>() as u32;
    known.header.abi_minor = 9;
    let table = forever(Larger { known, of_a_later_minor: [7; 4] });
    // SAFETY: a table as the ABI states it, leaked.
    let module = unsafe { Module::check(ptr::from_ref(table).cast()) }.unwrap();
    assert_eq!((module.abi(), module.names()), ((1, 9), vec!["later"]));
    let app = module.create(module.apps().next().unwrap(), host(), &no_config()).unwrap();
    assert_eq!(TestClient::new(app).get("/").without_lint().send().text(), "");
}

#[test]
fn an_app_takes_larger_structs_of_a_later_host() {
    let host = host();
    let hosted = Hosted::new(host.view(), &RequestHead { path_info: b"/owned", ..RequestHead::EMPTY }, Silent(0));
    // SAFETY: this file's own tables and a good request. The later host's
    // structs stand before memory that the app does not know.
    unsafe {
        let app = &**(*gateway_entry(0).cast::<GwModule>()).apps;
        let mut this = ptr::null_mut();
        assert_eq!(app.create.unwrap()(host.view().as_ptr(), ptr::null(), 0, &mut this, ptr::null_mut()), GW_OK);
        let mut out = Larger { known: empty_body(), of_a_later_minor: [7; 4] };
        out.known.size = size_of::<Larger<GwBody>>() as u32;
        let call = app.call.unwrap();
        let inside = |request: RequestRef<'_>| Ok(call(this, request.as_ptr(), &mut out.known, ptr::null_mut()));
        assert_eq!(hosted.enter_with(inside).unwrap(), GW_OK);
        assert_eq!(Slice::from_raw(out.known.content.bytes).as_bytes(), b"owned");
        (*out.known.vt).close.unwrap()(&mut out.known);
        assert_eq!(out.of_a_later_minor, [7; 4]);
        app.destroy.unwrap()(this);
    }
}

#[test]
fn a_request_that_is_too_short_is_refused() {
    let host = host();
    let hosted = Hosted::new(host.view(), &RequestHead::EMPTY, Silent(0));
    // SAFETY: copies of a good request, changed only in what `from_raw` checks.
    unsafe {
        assert!(RequestRef::from_raw(ptr::null()).is_none());
        let mut copy = ptr::read(hosted.request().as_ptr());
        copy.size = 100;
        assert!(RequestRef::from_raw(&copy).is_none());
        copy.size = size_of::<GwRequest>() as u32;
        assert!(RequestRef::from_raw(&copy).is_some());
        let short = GwRequestVt { size: 40, ..ptr::read(copy.vt) };
        copy.vt = &short;
        assert!(RequestRef::from_raw(&copy).is_none());
        copy.vt = ptr::null();
        assert!(RequestRef::from_raw(&copy).is_none());
    }
}

#[test]
fn the_module_checks_are_made_in_order() {
    static TABLE: GwApp = table("only", odd_bodies);
    let apps: &'static [&'static GwApp] = forever([&TABLE]);
    let check = |change: fn(&mut GwModule)| {
        let mut module = module_of(apps);
        change(&mut module);
        // SAFETY: a table as the ABI states it, leaked.
        unsafe { Module::check(ptr::from_ref(forever(module)).cast()) }.map(drop)
    };
    // SAFETY: NULL is the point.
    assert!(matches!(unsafe { Module::check(ptr::null()) }, Err(ModuleError::NoTable)));
    check(|_| {}).unwrap();
    let bad = |module: &mut GwModule| {
        module.header.needs_minor = 3;
        module.apps_len = 0;
    };
    assert!(matches!(check(bad), Err(ModuleError::NeedsNewerHost { needs: 3, .. })));
    let bad = |module: &mut GwModule| (module.header.size, module.header.needs_minor) = (80, 3);
    assert!(matches!(check(bad), Err(ModuleError::TooShort { .. })));
    let bad = |module: &mut GwModule| (module.header.size, module.header.abi_major) = (80, 2);
    assert!(matches!(check(bad), Err(ModuleError::Major { .. })));
    let bad = |module: &mut GwModule| (module.header.magic, module.header.abi_major) = (1, 2);
    assert!(matches!(check(bad), Err(ModuleError::Magic(1))));
    assert!(matches!(check(|module| module.apps = ptr::null()), Err(ModuleError::Null(_))));
    assert!(matches!(check(|module| module.apps_len = 0), Err(ModuleError::Empty)));
}

#[test]
fn init_runs_once_and_its_failure_stays() {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    unsafe extern "C" fn init(_: *const GwHost, err: *mut GwBuf) -> GwStatus {
        COUNT.fetch_add(1, SeqCst);
        // SAFETY: the import gives memory for the text.
        unsafe {
            ptr::copy_nonoverlapping(b"closed".as_ptr(), (*err).ptr, 6);
            (*err).len = 6;
        }
        GW_APP
    }
    static TABLE: GwApp = table("only", odd_bodies);
    let mut known = module_of(forever([&TABLE]));
    known.init = Some(init);
    // SAFETY: a table as the ABI states it, leaked.
    let module = unsafe { Module::check(ptr::from_ref(forever(known)).cast()) }.unwrap();
    for _ in 0..2 {
        let error = module.create(module.apps().next().unwrap(), host(), &no_config()).unwrap_err();
        assert_eq!(error.to_string(), "closed");
    }
    assert_eq!(COUNT.load(SeqCst), 1);
    module.shutdown().unwrap();
    assert!(module.extension("gateway.poll/1").is_null());
}

#[test]
fn the_export_states_what_it_is() {
    let module = module();
    assert_eq!(module.name(), "gateway-spec");
    assert!(module.built_with().contains("rustc"), "{}", module.built_with());
    assert!(!module.panic_aborts());
    let app = module.apps().next().unwrap();
    assert_eq!((app.name(), app.doc().trim()), ("app", "Answers by path."));
    assert!(app.flags().has(AppFlags::CONCURRENT) && !app.flags().has(AppFlags::STREAMS_INPUT));
    let state = module.apps().nth(1).unwrap();
    assert!(state.flags().has(AppFlags::STREAMS_INPUT.with(AppFlags::NO_SUSPEND)));
}

#[test]
#[cfg_attr(miri, ignore = "a file descriptor's positional reads")]
fn a_range_of_a_file_crosses_the_wall() {
    struct OfAFile(std::path::PathBuf);
    impl App for OfAFile {
        fn call<'r>(&'r self, _: Environ<'r>, start: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
            start.start(Head::new(Status::OK, &[]))?;
            Ok(Body::file_range(std::fs::File::open(&self.0)?, 1, 3).on_close(count_close))
        }
    }
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "0123456789").unwrap();
    let app = OfAFile(file.path().to_owned());
    let host = host();
    let hosted = Hosted::new(host.view(), &RequestHead::EMPTY, Silent(0));
    let mut body = hosted.call(&app).unwrap();
    assert!(matches!(body.view(), View::File(range) if (range.offset, range.length) == (1, 3)));
    assert_eq!(hosted.next(&mut body).unwrap().unwrap().bytes, b"123");
    assert!(hosted.next(&mut body).unwrap().is_none());
    drop(body);
    assert_eq!(closes(), 1);
}
