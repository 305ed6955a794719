//! One suite for a Rust module and a C module of the same behaviour, each
//! reached directly, behind middleware that edits the environ and wraps
//! `start_response`, and behind the validator. The expectations do not know
//! which of the six they look at, but for what the middleware adds.

use std::fs;
use std::io::Read as _;
use std::os::fd::AsFd as _;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use gateway_spec::abi::host::{Host, Hosted, RequestHead, Transport};
use gateway_spec::abi::import::ForeignApp;
use gateway_spec::abi::types::GW_HOST_MULTITHREAD;
use gateway_spec::lint::Lint;
use gateway_spec::loader::{self, LoadError, Options, Target};
use gateway_spec::prelude::*;
use gateway_spec::{Level, ResponseState, View};
use gateway_tests::artifacts;
use tempfile::TempDir;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Language {
    Rust,
    C,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Direct,
    Proxied,
    Linted,
}

type Lines = Arc<Mutex<Vec<(Level, String)>>>;

/// An app of the module, created for one test.
struct Fixture {
    app: Option<Arc<dyn App>>,
    way: Way,
    host: Arc<Host>,
    lines: Lines,
    folder: TempDir,
}

/// The module under test. `CONFORMANCE_MODULE` names one that another
/// compiler, or an older version of this crate, has made of the same source.
fn module(language: Language) -> PathBuf {
    match language {
        Language::Rust => match std::env::var_os("CONFORMANCE_MODULE") {
            Some(path) => path.into(),
            None => artifacts::module("conformance"),
        },
        Language::C => artifacts::c_module("tests/plugins/conformance.c", "c_conformance", &[]),
    }
}

fn create(language: Language, name: &str, host: Arc<Host>, config: &Config<'_>) -> Result<ForeignApp, LoadError> {
    let target = Target::parse(&format!("{}:{name}", module(language).display()));
    loader::open(&target, &Options::default())?.create(host, config)
}

impl Fixture {
    fn new(language: Language, way: Way) -> Self {
        let (folder, lines) = (tempfile::tempdir().unwrap(), Lines::default());
        let (file, trace) = (folder.path().join("file"), folder.path().join("trace"));
        fs::write(&file, "0123456789").unwrap();
        let log = Arc::clone(&lines);
        let host = Host::new("conformance-host", "7.5", GW_HOST_MULTITHREAD, move |level, target, message| {
            log.lock().unwrap().push((level, format!("{target}: {message}")));
        });
        let config = [("greeting", "Grüß Gott"), ("file", file.to_str().unwrap()), ("trace", trace.to_str().unwrap())];
        let app = create(language, "app", Arc::clone(&host), &Config::from_pairs(config)).unwrap();
        let app: Arc<dyn App> = match way {
            Way::Direct => Arc::new(app),
            Way::Proxied => Arc::new(Middleware(app)),
            Way::Linted => Arc::new(Lint::new(app)),
        };
        Self { app: Some(app), way, host, lines, folder }
    }

    fn ask(&self, target: &str) -> Answer {
        Ask::new(target).send(self)
    }

    /// What the app has counted so far, this call included.
    #[track_caller]
    fn assert_counts(&self, calls: usize, closes: usize) {
        assert_eq!(self.ask("/counts").text(), format!("calls={calls} closes={closes}"));
    }

    /// The lines about requests: lint adds its own.
    fn lines(&self) -> Vec<(Level, String)> {
        self.lines.lock().unwrap().iter().filter(|(_, line)| !line.starts_with("lint")).cloned().collect()
    }
}

/// Edits the environ and wraps `start_response`, so that the module gets a
/// request that is built anew.
struct Middleware<A>(A);

impl<A: App> App for Middleware<A> {
    fn call<'r>(&'r self, mut environ: Environ<'r>, start: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
        environ.insert("HTTP_X_ADDED", "by middleware");
        environ.insert("app.number", "17");
        environ.insert("HTTP_X_REPLACED", "new");
        environ.remove("HTTP_X_REMOVED");
        let mut tagging = |head: Head<'_>| {
            let mut headers = head.headers.to_vec();
            headers.push(Header::new("X-Proxied", "yes"));
            start.start(Head { headers: &headers, ..head })
        };
        self.0.call(environ, &mut tagging)
    }
}

// ----- the host ---------------------------------------------------------------

/// A request.
#[derive(Clone, Copy)]
struct Ask<'a> {
    target: &'a str,
    headers: &'a [(&'a str, &'a str)],
    body: &'a [u8],
    preread: usize,
    chunked: bool,
    truncated: bool,
    gone: bool,
    deadline: Option<Duration>,
    pulls: usize,
}

/// What came of it.
#[derive(Debug)]
struct Answer {
    outcome: Result<()>,
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    chunks: Vec<(String, bool, bool)>,
    view: String,
    cause: Option<String>,
    writes: Vec<(String, bool)>,
    slept: Duration,
}

impl Answer {
    #[track_caller]
    fn text(&self) -> &str {
        assert!(self.outcome.is_ok(), "{self:?}");
        std::str::from_utf8(&self.body).unwrap()
    }

    #[track_caller]
    fn error(&self) -> &Error {
        self.outcome.as_ref().expect_err("this should have failed")
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

#[derive(Default)]
struct Wire {
    input: Vec<u8>,
    at: usize,
    truncated: bool,
    gone: bool,
    deadline: Option<Duration>,
    state: ResponseState,
    status: u16,
    headers: Vec<(String, String)>,
    cause: Option<String>,
    body: Vec<u8>,
    writes: Vec<(String, bool)>,
    slept: Duration,
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

impl Transport for Wire {
    fn start(&mut self, head: Head<'_>) -> Result<()> {
        head.check()?;
        self.state.start(head.error.is_some())?;
        self.status = head.status.code();
        self.cause = head.error.map(ToString::to_string);
        self.headers = head.headers.iter().map(|header| (text(header.name()), text(header.value()))).collect();
        Ok(())
    }

    fn read(&mut self, buf: &mut [u8]) -> Result<usize> {
        if self.gone {
            return Err(Error::Gone);
        }
        let left = &self.input[self.at..];
        if left.is_empty() && self.truncated {
            return Err(Error::truncated());
        }
        // Never as much as is asked for, as on a socket.
        let count = left.len().min(buf.len()).min(3);
        buf[..count].copy_from_slice(&left[..count]);
        self.at += count;
        Ok(count)
    }

    fn write(&mut self, bytes: &[u8], flush: bool) -> Result<()> {
        if !bytes.is_empty() || flush {
            self.state.commit()?;
        }
        self.writes.push((text(bytes), flush));
        self.body.extend_from_slice(bytes);
        Ok(())
    }

    fn sleep(&mut self, duration: Duration) -> Result<()> {
        self.slept += duration;
        if self.gone { Err(Error::Gone) } else { Ok(()) }
    }

    fn state(&mut self) -> (bool, Option<Duration>) {
        (self.gone, self.deadline)
    }
}

impl<'a> Ask<'a> {
    fn new(target: &'a str) -> Self {
        let (headers, body) = (&[][..], &b""[..]);
        let (chunked, truncated, gone) = (false, false, false);
        Self { target, headers, body, preread: 0, chunked, truncated, gone, deadline: None, pulls: usize::MAX }
    }

    fn send(self, fixture: &Fixture) -> Answer {
        let (path, query) = self.target.split_once('?').unwrap_or((self.target, ""));
        let length = self.body.len() + usize::from(self.truncated);
        let length_text = length.to_string();
        let mut headers = vec![Header::new("Host", "example.org")];
        headers.extend(self.headers.iter().map(|(name, value)| Header::new(*name, *value)));
        if self.chunked {
            headers.push(Header::new("Transfer-Encoding", "chunked"));
        } else if length > 0 {
            headers.push(Header::new("Content-Length", &length_text));
        }
        let env = ENV.map(|(key, value)| Header::new(key, value));
        let head = RequestHead {
            method: if self.body.is_empty() { b"GET" } else { b"POST" },
            path_info: path.as_bytes(),
            query_string: query.as_bytes(),
            request_uri: self.target.as_bytes(),
            content_length: (!self.chunked).then_some(length as u64),
            preread: &self.body[..self.preread],
            env: &env,
            headers: &headers,
            ..RequestHead::EMPTY
        };
        let wire = Wire {
            input: self.body[self.preread..].to_vec(),
            truncated: self.truncated,
            gone: self.gone,
            deadline: self.deadline,
            ..Wire::default()
        };
        let hosted = Hosted::new(fixture.host.view(), &head, wire);
        let mut answer = Pulled::default();
        let outcome = answer.exchange(&hosted, fixture.app.as_deref().unwrap(), self.pulls);
        let Pulled { chunks, view } = answer;
        hosted
            .with(|wire| Answer {
                outcome,
                status: wire.status,
                headers: std::mem::take(&mut wire.headers),
                body: std::mem::take(&mut wire.body),
                chunks,
                view,
                cause: wire.cause.take(),
                writes: std::mem::take(&mut wire.writes),
                slept: wire.slept,
            })
            .unwrap()
    }
}

const ENV: [(&str, &str); 10] = [
    ("SERVER_NAME", "example.org"),
    ("SERVER_PORT", "80"),
    ("SERVER_PROTOCOL", "HTTP/1.1"),
    ("REMOTE_ADDR", "127.0.0.1"),
    ("REMOTE_PORT", "54321"),
    ("gateway.version", gateway_spec::VERSION),
    ("gateway.url_scheme", "http"),
    ("gateway.multithread", "1"),
    ("gateway.multiprocess", "0"),
    ("gateway.run_once", "0"),
];

#[derive(Default)]
struct Pulled {
    chunks: Vec<(String, bool, bool)>,
    view: String,
}

impl Pulled {
    /// Calls the app and pulls its body, as a server does.
    fn exchange(&mut self, hosted: &Hosted<'_, Wire>, app: &dyn App, pulls: usize) -> Result<()> {
        let mut body = hosted.call(app)?;
        self.view = describe(&body);
        for _ in 0..pulls {
            let Some(chunk) = hosted.next(&mut body)? else { break };
            let last = chunk.last;
            self.chunks.push((text(chunk.bytes), chunk.flush, last));
            let bytes = chunk.bytes;
            hosted.with(|wire| {
                if !bytes.is_empty() {
                    wire.state.commit()?;
                }
                wire.body.extend_from_slice(bytes);
                Ok::<(), Error>(())
            })??;
            if last {
                break;
            }
        }
        drop(body);
        hosted.with(|wire| wire.state.commit().map(drop))?
    }
}

fn describe(body: &Body<'_>) -> String {
    match body.view() {
        View::Empty => "empty".into(),
        View::Bytes(bytes) => format!("bytes {}", text(bytes)),
        View::Parts(parts) => format!("parts {:?}", parts.map(text).collect::<Vec<_>>()),
        View::Stream(length) => format!("stream {length:?}"),
        View::File(range) => {
            let file = fs::File::from(range.fd.as_fd().try_clone_to_owned().unwrap());
            let mut content = vec![0; range.length as usize];
            file.read_exact_at(&mut content, range.offset).unwrap();
            format!("file {}", text(&content))
        }
    }
}

// ----- bodies -----------------------------------------------------------------

/// The body, and how the server sees it; lint sees everything as it likes.
#[track_caller]
fn check_body(fixture: &Fixture, target: &str, body: &str, view: &str) -> Answer {
    let answer = fixture.ask(target);
    assert_eq!(answer.text(), body);
    assert_eq!(answer.status, 200);
    if fixture.way != Way::Linted {
        assert_eq!(answer.view, view);
    }
    answer
}

fn empty_body(fixture: &Fixture) {
    check_body(fixture, "/empty", "", "empty");
}

fn static_bytes(fixture: &Fixture) {
    check_body(fixture, "/bytes", "static bytes\n", "bytes static bytes\n");
}

fn owned_bytes(fixture: &Fixture) {
    check_body(fixture, "/owned", "owned bytes\n", "bytes owned bytes\n");
    fixture.assert_counts(2, 1);
}

fn bytes_of_the_request(fixture: &Fixture) {
    check_body(fixture, "/borrowed", "/borrowed", "bytes /borrowed");
}

fn parts(fixture: &Fixture) {
    let view = r#"parts ["one, ", "two, ", "three\n"]"#;
    check_body(fixture, "/parts", "one, two, three\n", view);
    fixture.assert_counts(2, 1);
}

const CHUNKS: &str = "chunk 0\nchunk 1\nchunk 2\nchunk 3\n";

fn stream(fixture: &Fixture) {
    let answer = check_body(fixture, "/stream", CHUNKS, "stream None");
    assert_eq!(answer.chunks.len(), 4);
    fixture.assert_counts(2, 1);
}

fn stream_with_length(fixture: &Fixture) {
    check_body(fixture, "/stream-length", CHUNKS, "stream Some(32)");
    fixture.assert_counts(2, 1);
}

fn stream_with_flags(fixture: &Fixture) {
    let answer = check_body(fixture, "/stream-flags", "abc", "stream None");
    let expected = [("a", false, false), ("b", true, false), ("c", false, true)];
    assert_eq!(answer.chunks, expected.map(|(bytes, flush, last)| (bytes.to_owned(), flush, last)));
    fixture.assert_counts(2, 1);
}

fn stream_closed_early(fixture: &Fixture) {
    for pulls in [0, 1, 3] {
        let answer = Ask { pulls, ..Ask::new("/stream") }.send(fixture);
        assert_eq!(answer.chunks.len(), pulls);
        assert!(answer.outcome.is_ok());
    }
    fixture.assert_counts(4, 3);
}

fn error_in_a_stream(fixture: &Fixture) {
    let answer = fixture.ask("/stream-fail");
    assert!(answer.error().to_string().contains("the stream broke"), "{answer:?}");
    assert!(matches!(answer.error(), Error::App(_)));
    assert_eq!(answer.body, b"chunk 0\n");
    fixture.assert_counts(2, 1);
}

fn range_of_a_file(fixture: &Fixture) {
    let answer = check_body(fixture, "/file", "23456", "file 23456");
    assert_eq!(answer.header("Content-Type"), Some("text/plain"));
    fixture.assert_counts(2, 1);
}

// ----- input --------------------------------------------------------------------

const UPLOAD: &[u8] = b"The quick brown fox jumps over the lazy dog.";

fn echo(fixture: &Fixture) {
    for path in ["/echo", "/stream-echo"] {
        for preread in [0, 1, 20, UPLOAD.len()] {
            for chunked in [false, true] {
                let answer = Ask { body: UPLOAD, preread, chunked, ..Ask::new(path) }.send(fixture);
                assert_eq!(answer.text().as_bytes(), UPLOAD, "{path}, {preread} bytes, chunked {chunked}");
            }
        }
        assert_eq!(fixture.ask(path).text(), "");
    }
}

fn input_cut_short(fixture: &Fixture) {
    for path in ["/echo", "/stream-echo"] {
        let answer = Ask { body: UPLOAD, preread: 5, truncated: true, ..Ask::new(path) }.send(fixture);
        assert!(matches!(answer.error(), Error::Io(_)), "{answer:?}");
        assert!(answer.error().to_string().contains("cut short"), "{answer:?}");
    }
}

fn client_gone(fixture: &Fixture) {
    let answer = Ask { body: UPLOAD, gone: true, ..Ask::new("/echo") }.send(fixture);
    assert!(matches!(answer.error(), Error::Gone), "{answer:?}");
    let answer = Ask { gone: true, ..Ask::new("/sleep") }.send(fixture);
    assert_eq!(answer.text(), "-6");
}

// ----- variables and headers ------------------------------------------------------

const HEADERS: &[(&str, &str)] = &[
    ("Accept-Language", "de"),
    ("X-Twice", "one"),
    ("x-twice", "two"),
    ("Cookie", "a=1"),
    ("Cookie", "b=2"),
    ("X_Under", "score"),
    ("X-Over", "dash"),
    ("X_Over", "shadow"),
    ("Proxy", "http://evil.example"),
    ("Content-Type", "text/x-test"),
    ("X-Empty", ""),
    ("X-Removed", "here"),
    ("X-Replaced", "old"),
];

fn variables(fixture: &Fixture) {
    let proxied = fixture.way == Way::Proxied;
    let by_way = |direct, behind| if proxied { behind } else { direct };
    for (name, expected) in [
        ("REQUEST_METHOD", "=GET"),
        ("SCRIPT_NAME", "="),
        ("PATH_INFO", "=/env"),
        ("QUERY_STRING", "=QUERY_STRING"),
        ("REQUEST_URI", "=/env?REQUEST_URI"),
        ("SERVER_NAME", "=example.org"),
        ("gateway.version", "=1.0"),
        ("CONTENT_TYPE", "=text/x-test"),
        ("CONTENT_LENGTH", "not there"),
        ("HTTP_HOST", "=example.org"),
        ("HTTP_ACCEPT_LANGUAGE", "=de"),
        ("HTTP_X_TWICE", "=one, two"),
        ("HTTP_COOKIE", "=a=1; b=2"),
        ("HTTP_X_UNDER", "not there"),
        ("HTTP_X_OVER", "=dash"),
        ("HTTP_PROXY", "not there"),
        ("HTTP_CONTENT_TYPE", "not there"),
        ("HTTP_CONTENT_LENGTH", "not there"),
        ("HTTP_X_EMPTY", "="),
        ("HTTP_", "not there"),
        ("http_host", "not there"),
        ("NOTHING", "not there"),
        ("HTTP_X_ADDED", by_way("not there", "=by middleware")),
        ("app.number", by_way("not there", "=17")),
        ("HTTP_X_REMOVED", by_way("=here", "not there")),
        ("HTTP_X_REPLACED", by_way("=old", "=new")),
    ] {
        let target = format!("/env?{name}");
        let answer = Ask { headers: HEADERS, ..Ask::new(&target) }.send(fixture);
        assert_eq!(answer.text(), expected, "{name}");
    }
}

fn content_length_of_a_body(fixture: &Fixture) {
    let ask = Ask { body: UPLOAD, preread: UPLOAD.len(), ..Ask::new("/env?CONTENT_LENGTH") };
    assert_eq!(ask.send(fixture).text(), "=44");
    let ask = Ask { chunked: true, ..ask };
    assert_eq!(ask.send(fixture).text(), "not there");
}

fn headers_in_order_as_received(fixture: &Fixture) {
    let answer = Ask { headers: HEADERS, ..Ask::new("/headers") }.send(fixture);
    let list: String = HEADERS.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
    assert_eq!(answer.text(), format!("Host: example.org\n{list}"));
}

fn response_headers(fixture: &Fixture) {
    let answer = fixture.ask("/bytes");
    let mut expected = vec![("Content-Type", "text/plain"), ("X-Case", "/bytes")];
    if fixture.way == Way::Proxied {
        expected.push(("X-Proxied", "yes"));
    }
    let found: Vec<_> = answer.headers.iter().map(|(name, value)| (&**name, &**value)).collect();
    assert_eq!(found, expected);
}

// ----- start_response, write ---------------------------------------------------------

fn write_handle(fixture: &Fixture) {
    let answer = fixture.ask("/write");
    assert_eq!(answer.text(), "first, second, third\n");
    let writes: Vec<_> = answer.writes.iter().map(|(bytes, flush)| (&**bytes, *flush)).collect();
    assert_eq!(writes.iter().filter(|(bytes, _)| !bytes.is_empty()).count(), 2);
    assert!(writes.contains(&("", true)), "{writes:?}");
}

fn a_second_head_with_an_error_replaces(fixture: &Fixture) {
    let answer = fixture.ask("/replace");
    assert_eq!((answer.status, answer.text()), (503, "replaced\n"));
    let cause = answer.cause.as_deref().unwrap_or_default();
    assert!(cause.contains("the first head was wrong"), "{cause}");
}

fn a_second_head_without_an_error_is_refused(fixture: &Fixture) {
    let answer = fixture.ask("/twice");
    assert_eq!((answer.status, answer.text()), (200, "-3"));
}

fn a_head_after_the_first_byte_is_refused(fixture: &Fixture) {
    assert_eq!(fixture.ask("/replace-late").text(), "out, -3");
}

fn heads_that_http_does_not_allow_are_refused(fixture: &Fixture) {
    for path in ["/crlf", "/name", "/hop"] {
        let answer = fixture.ask(path);
        assert_eq!(answer.text(), "-4", "{path}");
        assert_eq!(answer.header("X-Evil"), None);
        assert_eq!(answer.header("Set-Cookie"), None);
    }
}

fn statuses_outside_the_range_are_refused(fixture: &Fixture) {
    // The last one is 200 in its lower 16 bits.
    for code in [0, 99, 100, 101, 199, 1000, 65736] {
        assert_eq!(fixture.ask(&format!("/bad-status?{code}")).text(), "-4", "{code}");
    }
}

fn without_a_head_there_is_no_answer(fixture: &Fixture) {
    let answer = fixture.ask("/never");
    assert!(matches!(answer.error(), Error::State(_)), "{answer:?}");
}

// ----- errors ---------------------------------------------------------------------------

fn errors_keep_their_meaning_and_text(fixture: &Fixture) {
    for status in -9..=-1 {
        let answer = fixture.ask(&format!("/fail?{status}"));
        assert_eq!(answer.error().to_status(), status);
        let silent = matches!(answer.error(), Error::Gone | Error::NoMemory);
        assert!(silent || answer.error().to_string().contains("as asked"), "{answer:?}");
        assert_eq!(answer.status, 0);
    }
    for unknown in [-10, -99] {
        let answer = fixture.ask(&format!("/fail?{unknown}"));
        assert!(matches!(answer.error(), Error::App(_)), "{answer:?}");
    }
}

fn long_error_texts_are_cut(fixture: &Fixture) {
    let answer = fixture.ask("/fail-long");
    assert_eq!(answer.error().to_string(), "x".repeat(512));
}

fn an_error_after_start(fixture: &Fixture) {
    let answer = fixture.ask("/fail-after-start");
    assert!(answer.error().to_string().contains("second thoughts"), "{answer:?}");
    assert_eq!(answer.body, b"");
}

// ----- the host's services ------------------------------------------------------------------

fn log_lines_of_each_level(fixture: &Fixture) {
    fixture.ask("/log");
    let line = |level| (level, "app: a line".to_owned());
    let expected = [Level::Error, Level::Warn, Level::Info, Level::Debug, Level::Trace].map(line);
    let lines = fixture.lines();
    assert_eq!(lines[0], (Level::Info, "app: created".to_owned()));
    assert_eq!(lines[1..], expected);
}

fn state_of_the_request(fixture: &Fixture) {
    assert_eq!(fixture.ask("/state").text(), "gone=0 deadline=none");
    let ask = Ask { gone: true, deadline: Some(Duration::from_nanos(12_345_678_901)), ..Ask::new("/state") };
    assert_eq!(ask.send(fixture).text(), "gone=1 deadline=12345678901");
}

fn sleep(fixture: &Fixture) {
    let answer = fixture.ask("/sleep");
    assert_eq!((answer.text(), answer.slept), ("0", Duration::from_millis(5)));
}

fn another_thread_is_refused(fixture: &Fixture) {
    let answer = fixture.ask("/thread");
    assert_eq!(answer.text(), "-3 -3 -3 -3 -3");
    assert_eq!((answer.writes.len(), answer.slept), (0, Duration::ZERO));
}

fn configuration(fixture: &Fixture) {
    assert_eq!(fixture.ask("/config").text(), "Grüß Gott");
    assert_eq!(fixture.ask("/host").text(), "conformance-host/7.5");
}

fn calls_at_once(fixture: &Fixture) {
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..25 {
                    assert_eq!(fixture.ask("/stream").text(), CHUNKS);
                }
            });
        }
    });
    fixture.assert_counts(101, 100);
}

fn destroyed_once_and_only_at_the_end(language: Language) {
    let mut fixture = Fixture::new(language, Way::Direct);
    let trace = fixture.folder.path().join("trace");
    fixture.ask("/owned");
    assert!(!trace.exists());
    fixture.app = None;
    let mut text = String::new();
    fs::File::open(trace).unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(text, "destroyed\n");
}

fn a_refused_create_gives_its_text(language: Language) {
    let host = Host::new("conformance-host", "7.5", 0, |_, _, _| {});
    let none: [(&str, &str); 0] = [];
    let Err(error) = create(language, "refuses", host, &Config::from_pairs(none)) else { panic!("created") };
    assert!(error.to_string().contains("there is no database today"), "{error}");
}

/// Runs cases in a module of their own.
macro_rules! suite {
    ($name:ident, $language:ident, $way:ident: $($case:ident)*) => {
        mod $name {
            use super::{Fixture, Language, Way};
            $(#[test]
            fn $case() {
                super::$case(&Fixture::new(Language::$language, Way::$way));
            })*
        }
    };
}

/// Every case on every module and way; what breaks a rule on purpose is not
/// for the validator.
macro_rules! conformance {
    (keep the rules: $($good:ident)* ; break one: $($bad:ident)* ; once: $($once:ident)*) => {
        suite!(rust_direct, Rust, Direct: $($good)* $($bad)*);
        suite!(rust_proxied, Rust, Proxied: $($good)* $($bad)*);
        suite!(rust_linted, Rust, Linted: $($good)*);
        suite!(c_direct, C, Direct: $($good)* $($bad)*);
        suite!(c_proxied, C, Proxied: $($good)* $($bad)*);
        suite!(c_linted, C, Linted: $($good)*);
        mod rust {
            $(#[test]
            fn $once() {
                super::$once(super::Language::Rust);
            })*
        }
        mod c {
            $(#[test]
            fn $once() {
                super::$once(super::Language::C);
            })*
        }
    };
}

conformance! {
    keep the rules:
        empty_body static_bytes owned_bytes bytes_of_the_request parts
        stream stream_with_length stream_with_flags stream_closed_early error_in_a_stream range_of_a_file
        echo input_cut_short client_gone
        variables content_length_of_a_body headers_in_order_as_received response_headers
        write_handle a_second_head_with_an_error_replaces
        errors_keep_their_meaning_and_text long_error_texts_are_cut an_error_after_start
        log_lines_of_each_level state_of_the_request sleep another_thread_is_refused
        configuration calls_at_once;
    break one:
        a_second_head_without_an_error_is_refused a_head_after_the_first_byte_is_refused
        heads_that_http_does_not_allow_are_refused statuses_outside_the_range_are_refused
        without_a_head_there_is_no_answer;
    once:
        destroyed_once_and_only_at_the_end a_refused_create_gives_its_text
}
