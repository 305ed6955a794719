//! What is measured inside this process: each case a loop without a clock, so
//! that it is timed and counted in the same way.

use std::hint::black_box;
use std::io::{self, IoSlice};
use std::sync::Arc;
use std::time::{Duration, Instant};

use gateway_server::exchange::{Exchange, Now, Pending, Port, Resting, Service, Want};
use gateway_server::logs::{AccessLog, Format};
use gateway_server::net::{Endpoint, Local};
use gateway_server::protocol::Limits;
use gateway_server::protocol::http1::head::Room;
use gateway_server::service::Site;
use gateway_server::stats::{Journal, Record};
use gateway_spec::abi::host::{Host, Hosted, RequestHead};
use gateway_spec::loader::{self, Target};
use gateway_spec::prelude::*;
use gateway_spec::{Config, View};
use gateway_tests::artifacts;

use crate::apps;
use crate::request::{BROWSER, MOUNTED, PLAIN, parse, request};
use crate::sink::Sink;

/// One thing that is measured.
pub(crate) struct Case {
    /// Its name in the tables and for `count`.
    pub(crate) name: &'static str,
    /// Does it `n` times.
    pub(crate) run: Box<dyn FnMut(u64)>,
}

/// A line of the tables: linked in, and over the ABI where that is different.
pub(crate) struct Line {
    pub(crate) about: &'static str,
    pub(crate) linked: &'static str,
    pub(crate) imported: Option<&'static str>,
}

/// The table's lines, in order.
pub(crate) const LINES: &[Line] = &[
    both("call: an empty app", "call-empty", "call-empty-so"),
    both("call: 3 headers, static body", "call-fixed", "call-fixed-so"),
    both("call: 3 headers, owned body", "call-owned", "call-owned-so"),
    both("call: 3 headers, stream of 4 chunks", "call-stream", "call-stream-so"),
    one("Environ of 12 headers, from a parsed head", "environ"),
    one("12 headers from bytes to Environ", "parse-environ"),
    one("of these, httparse alone", "httparse"),
    one("look up HTTP_USER_AGENT", "get-user-agent"),
    one("look up HTTP_X_MISSING", "get-missing"),
    one("look up PATH_INFO", "get-path-info"),
    both("exchange: hello, one at a time", "exchange-hello", "exchange-hello-so"),
    both("exchange: hello, 16 pipelined", "exchange-pipelined", "exchange-pipelined-so"),
    both("exchange: hello, 12 headers", "exchange-browser", "exchange-browser-so"),
    both("exchange: hello, at / beside another", "exchange-beside", "exchange-beside-so"),
    both("exchange: hello, mounted at /app", "exchange-mounted", "exchange-mounted-so"),
    one("hello, with a journal that does nothing", "exchange-told"),
    one("hello, with the access log, combined", "exchange-logged"),
    one("the same, JSON", "exchange-logged-json"),
    one("12 headers, with a journal that does nothing", "exchange-browser-told"),
    one("12 headers, with the access log, combined", "exchange-browser-logged"),
];

const fn both(about: &'static str, linked: &'static str, imported: &'static str) -> Line {
    Line { about, linked, imported: Some(imported) }
}

const fn one(about: &'static str, linked: &'static str) -> Line {
    Line { about, linked, imported: None }
}

/// All cases, set up.
pub(crate) fn all() -> Vec<Case> {
    let linked: [(&str, Arc<dyn App>); 5] = [
        ("empty", Arc::new(app_fn(apps::empty))),
        ("fixed", Arc::new(app_fn(apps::fixed))),
        ("owned", Arc::new(app_fn(apps::owned))),
        ("stream", Arc::new(app_fn(apps::stream))),
        ("hello", Arc::new(app_fn(apps::hello))),
    ];
    let mut cases = Vec::new();
    for (name, app) in linked {
        for (suffix, app) in [("", app), ("-so", imported(name))] {
            if name == "hello" {
                cases.push(case(format!("exchange-hello{suffix}"), exchange(Arc::clone(&app), PLAIN, 1)));
                cases.push(case(format!("exchange-pipelined{suffix}"), exchange(Arc::clone(&app), PLAIN, 16)));
                cases.push(case(format!("exchange-browser{suffix}"), exchange(Arc::clone(&app), BROWSER, 1)));
                cases.push(case(format!("exchange-beside{suffix}"), exchange(site(&app), PLAIN, 1)));
                cases.push(case(format!("exchange-mounted{suffix}"), exchange(site(&app), MOUNTED, 1)));
            } else {
                cases.push(case(format!("call-{name}{suffix}"), calls(app)));
            }
        }
    }
    cases.extend(logged());
    cases.push(case("environ".into(), environ));
    cases.push(case("parse-environ".into(), parse_environ));
    cases.push(case("httparse".into(), split));
    for (name, key) in [("user-agent", "HTTP_USER_AGENT"), ("missing", "HTTP_X_MISSING"), ("path-info", "PATH_INFO")] {
        cases.push(case(format!("get-{name}"), move |n| lookup(key, n)));
    }
    cases
}

/// What somebody costs who is told of each answer.
fn logged() -> Vec<Case> {
    let hello = || -> Arc<dyn App> { Arc::new(app_fn(apps::hello)) };
    let log = |format: &str| -> Arc<dyn Journal> {
        let format: Format = format.parse().expect("a format");
        let log = AccessLog::to_file("/dev/null".as_ref(), format).expect("there is a /dev/null");
        log.begin().expect("a thread can be started");
        log
    };
    let cases: [(&str, &'static [u8], Arc<dyn Journal>); 5] = [
        ("exchange-told", PLAIN, Arc::new(Deaf)),
        ("exchange-logged", PLAIN, log("combined")),
        ("exchange-logged-json", PLAIN, log("json")),
        ("exchange-browser-told", BROWSER, Arc::new(Deaf)),
        ("exchange-browser-logged", BROWSER, log("combined")),
    ];
    let of = |(name, request, journal): (&str, _, _)| {
        case(name.to_owned(), exchange_of(Service { journal: Some(journal), ..service(hello()) }, request, 1))
    };
    cases.into_iter().map(of).collect()
}

/// A journal that nothing is written into.
#[derive(Debug)]
struct Deaf;

impl Journal for Deaf {
    fn note(&self, record: &Record<'_>) {
        black_box(record);
    }
}

fn case(name: String, run: impl FnMut(u64) + 'static) -> Case {
    Case { name: name.leak(), run: Box::new(run) }
}

fn host() -> Arc<Host> {
    Host::new("bench", "1.0", 0, |_, _, _| {})
}

/// The app of this name out of this crate's own module.
fn imported(name: &str) -> Arc<dyn App> {
    let path = artifacts::profile_dir().join("libgateway_bench.so");
    let module = loader::open(&Target::parse(&format!("{}:{name}", path.display())), &loader::Options::default());
    let app = module.and_then(|module| module.create(host(), &Config::from_pairs([("", ""); 0])));
    Arc::new(app.expect("cargo build --release -p gateway-bench makes the module"))
}

/// The app at the root, and once more at a place of its own.
fn site(app: &Arc<dyn App>) -> Arc<dyn App> {
    let places = ["/", "/app"].map(|place| place.parse().expect("this is a place"));
    Arc::new(Site::new(places.map(|place| (place, Arc::clone(app)))))
}

/// A whole call: the app, its head serialised, its body taken, its body closed.
fn calls(app: Arc<dyn App>) -> impl FnMut(u64) {
    let host = host();
    move |n| {
        let hosted = Hosted::new(host.view(), &RequestHead::EMPTY, Sink::default());
        let app: &dyn App = black_box(&*app);
        for _ in 0..n {
            let mut body = hosted.call(app).expect("the app answers");
            match body.view() {
                View::Empty => {}
                View::Bytes(bytes) => put(&hosted, bytes),
                _ => {
                    while let Some(chunk) = hosted.next(&mut body).expect("the stream goes on") {
                        put(&hosted, chunk.bytes);
                    }
                }
            }
            drop(body);
            hosted.with(Sink::reset).expect("nobody is inside");
        }
    }
}

fn put(hosted: &Hosted<'_, Sink>, bytes: &[u8]) {
    hosted.with(|sink| sink.out.extend_from_slice(bytes)).expect("nobody is inside");
}

/// The request and its environ out of a head that is parsed.
fn environ(n: u64) {
    let (mut room, mut path, host) = (Room::default(), Vec::new(), host());
    let head = parse(BROWSER, &mut room, &mut path, &Limits::default());
    let mut hosted = Hosted::new(host.view(), &RequestHead::EMPTY, Sink::default());
    for _ in 0..n {
        hosted.set_head(host.view(), &request(black_box(&head), black_box(&room.headers)));
        black_box(&Environ::new(hosted.request()));
    }
}

/// The same from the bytes on.
fn parse_environ(n: u64) {
    let (host, limits) = (host(), Limits::default());
    let mut room = Room::default();
    for _ in 0..n {
        let mut path = Vec::new();
        let head = parse(black_box(BROWSER), &mut room, &mut path, &limits);
        let hosted = Hosted::new(host.view(), &request(&head, &room.headers), Sink::default());
        black_box(&Environ::new(hosted.request()));
    }
}

/// What httparse takes for a whole head, as other servers call it.
fn split(n: u64) {
    let mut fields = [httparse::EMPTY_HEADER; 16];
    for _ in 0..n {
        let mut request = httparse::Request::new(&mut fields);
        black_box(request.parse(black_box(BROWSER))).expect("the request is well formed");
        black_box(request.headers.len());
    }
}

fn lookup(key: &str, n: u64) {
    let (mut room, mut path, host) = (Room::default(), Vec::new(), host());
    let head = parse(BROWSER, &mut room, &mut path, &Limits::default());
    let hosted = Hosted::new(host.view(), &request(&head, &room.headers), Sink::default());
    let environ = Environ::new(hosted.request());
    for _ in 0..n {
        black_box(black_box(&environ).get(black_box(key)));
    }
}

/// A kept-alive connection without its socket: `n` requests, `depth` at a time.
fn exchange(app: Arc<dyn App>, request: &'static [u8], depth: usize) -> impl FnMut(u64) {
    exchange_of(service(app), request, depth)
}

fn service(app: Arc<dyn App>) -> Service {
    Service { multithread: true, ..Service::new(app, host()) }
}

fn exchange_of(service: Service, request: &'static [u8], depth: usize) -> impl FnMut(u64) {
    let service = Arc::new(service);
    let local = Arc::new(Local::new("127.0.0.1", 8000));
    let endpoint = Endpoint::new(local, Some(([127, 0, 0, 1], 50000).into()));
    let now = Now { instant: Instant::now(), date: *b"Sun, 06 Nov 1994 08:49:37 GMT" };
    let (mut exchange, mut resting) = (Exchange::vacant(service), Some(Resting::new(endpoint, &now)));
    let input = request.repeat(depth);
    move |n| {
        for _ in 0..n.div_ceil(depth as u64) {
            // As an engine does it when a socket is ready, and afterwards.
            exchange.resume(resting.take().expect("it rests between two requests"));
            exchange.room()[..input.len()].copy_from_slice(&input);
            exchange.fed(input.len(), &now);
            loop {
                match exchange.want() {
                    Want::Run => exchange.run(&mut Still(now)),
                    Want::Write => {
                        let Pending::Bytes { bytes, .. } = exchange.pending() else { panic!("hello is one run") };
                        let count = black_box(bytes).len();
                        exchange.sent(count, &now);
                    }
                    Want::Read => break resting = exchange.rest(),
                    want => panic!("a kept-alive connection wants {want:?}"),
                }
            }
        }
    }
}

/// A port at which time stands still.
struct Still(Now);

impl Port for Still {
    fn fill(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Ok(0)
    }

    fn send(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        Ok(slices.iter().map(|slice| slice.len()).sum())
    }

    fn sleep(&mut self, _: Duration) -> bool {
        true
    }

    fn is_gone(&mut self) -> bool {
        false
    }

    fn is_closing(&mut self) -> bool {
        false
    }

    fn now(&mut self) -> &Now {
        &self.0
    }
}
