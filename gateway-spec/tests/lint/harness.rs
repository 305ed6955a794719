//! A scripted server around `Lint`, and the macro that makes the tests.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use gateway_spec::abi::host::{Host, Hosted, RequestHead, Transport};
use gateway_spec::lint::{self, Lint, Requirement, Rule, Seen, Violation};
use gateway_spec::prelude::*;
use gateway_spec::{Level, ResponseState, View};

/// Makes two tests of each rule, and the list that is compared with the table.
macro_rules! rules {
    ($($id:literal, $holds:ident: $good:expr, $broken:ident: $bad:expr;)*) => {
        pub(super) const TESTED: &[(&str, &str, &str)] = &[$(($id, stringify!($holds), stringify!($broken))),*];
        $(
            #[test]
            fn $holds() {
                crate::lint::harness::check_holds($id, $good);
            }

            #[test]
            fn $broken() {
                crate::lint::harness::check_broken($id, $bad);
            }
        )*
    };
}
pub(crate) use rules;

/// What came of an exchange.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// The rules that lint reported.
    pub(crate) ids: Vec<&'static str>,
    /// The error of the exchange.
    pub(crate) error: Option<String>,
    /// Lint's lines in the log.
    pub(crate) lines: Vec<(Level, String)>,
    /// Whether lint had a log to write to.
    pub(crate) logged: bool,
    /// The bytes of the response.
    pub(crate) sent: Vec<u8>,
}

pub(crate) fn check_holds(id: &str, outcome: Outcome) {
    assert_eq!(outcome.ids, [""; 0], "{id} should hold: {outcome:?}");
    assert!(outcome.lines.is_empty(), "{outcome:?}");
}

pub(crate) fn check_broken(id: &str, mut outcome: Outcome) {
    outcome.ids.dedup();
    assert_eq!(outcome.ids, [id], "{outcome:?}");
    let rule = lint::rule(id).expect("the id is in the table");
    let blamed = outcome.error.as_deref().is_some_and(|error| error.starts_with(&format!("{id}: ")));
    let level = match rule.level {
        Requirement::Must => Level::Error,
        Requirement::Should => Level::Warn,
    };
    if outcome.logged {
        let told = |(at, text): &(Level, String)| *at == level && text.starts_with(&format!("{id}: "));
        assert!(outcome.lines.iter().all(told) && !outcome.lines.is_empty(), "{outcome:?}");
        // What is found when the body is closed comes too late for an error.
        let late = id.starts_with("CLOSE-04");
        assert_eq!(blamed, rule.level == Requirement::Must && !late, "{outcome:?}");
    }
}

/// The outcome of a check that is given its facts.
pub(crate) fn by_value(id: &str, run: impl Fn(&Rule) -> Seen) -> Outcome {
    let rule = lint::rule(id).expect("the id is in the table");
    Outcome { ids: run(rule).map(|_| rule.id).into_iter().collect(), ..Outcome::default() }
}

/// The outcome of the checks of a line or a module.
pub(crate) fn found(violations: Vec<Violation>) -> Outcome {
    Outcome { ids: violations.iter().map(Violation::id).collect(), ..Outcome::default() }
}

/// What one read of the server's gives.
pub(crate) type Given = Result<&'static [u8], fn() -> Error>;

type Pairs = Vec<(String, Vec<u8>)>;

/// A request, and how the server behaves.
#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) method: &'static str,
    pub(crate) script_name: &'static [u8],
    pub(crate) path_info: &'static [u8],
    pub(crate) query: &'static [u8],
    pub(crate) uri: &'static [u8],
    pub(crate) env: Pairs,
    pub(crate) headers: Pairs,
    pub(crate) length: Option<u64>,
    pub(crate) preread: &'static [u8],
    pub(crate) complete: bool,
    pub(crate) edited: bool,
    /// What the reads give, one after the other; then the end.
    pub(crate) reads: Vec<Given>,
    /// What `start` answers, where it is not to accept.
    pub(crate) refuse: Option<(usize, fn() -> Error)>,
    /// What `write` answers, where it is not to accept.
    pub(crate) write_error: Option<fn() -> Error>,
    /// How often the body is pulled again after it was over.
    pub(crate) again: usize,
    /// After how many pulls the client leaves.
    pub(crate) pulls: usize,
}

/// `GET /` of HTTP/1.1.
pub(crate) fn get() -> Case {
    let env = [
        ("SERVER_NAME", "localhost"),
        ("SERVER_PORT", "80"),
        ("SERVER_PROTOCOL", "HTTP/1.1"),
        ("gateway.version", "1.0"),
        ("gateway.url_scheme", "http"),
        ("gateway.multithread", "1"),
        ("gateway.multiprocess", "0"),
        ("gateway.run_once", "0"),
    ];
    Case {
        method: "GET",
        script_name: b"",
        path_info: b"/",
        query: b"",
        uri: b"/",
        env: env.map(|(key, value)| (key.to_owned(), value.into())).to_vec(),
        headers: vec![("Host".to_owned(), b"localhost".to_vec())],
        length: Some(0),
        preread: b"",
        complete: false,
        edited: false,
        reads: Vec::new(),
        refuse: None,
        write_error: None,
        again: 0,
        pulls: usize::MAX,
    }
}

/// `POST /` with a body of this length, which `reads` give.
pub(crate) fn post(length: u64, reads: &[Given]) -> Case {
    let case = Case { method: "POST", length: Some(length), reads: reads.to_vec(), ..get() };
    case.header("Content-Length", length.to_string())
}

impl Case {
    /// Sets a variable.
    pub(crate) fn env(mut self, key: &str, value: impl AsRef<[u8]>) -> Self {
        self.env.retain(|(known, _)| known != key);
        self.env.push((key.to_owned(), value.as_ref().to_vec()));
        self
    }

    pub(crate) fn no_env(mut self, key: &str) -> Self {
        self.env.retain(|(known, _)| known != key);
        self
    }

    pub(crate) fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    /// Sends the request to an app that answers `ok`.
    pub(crate) fn ok(self) -> Outcome {
        self.serve(app_fn(|_, start_response| {
            start_response.start(Head::new(Status::OK, &[Header::new("Content-Type", "text/plain")]))?;
            Ok(Body::from("ok"))
        }))
    }

    /// Sends the request to an app that reads all of its body before.
    pub(crate) fn reading(self) -> Outcome {
        self.serve(app_fn(|mut environ, start_response| {
            std::io::copy(&mut environ.input(), &mut std::io::sink())?;
            start_response.start(Head::new(Status::NO_CONTENT, &[]))?;
            Ok(Body::empty())
        }))
    }

    /// Sends the request to `app`, behind lint.
    pub(crate) fn serve(self, app: impl App) -> Outcome {
        self.serve_lint(&Lint::new(app))
    }

    pub(crate) fn serve_lint(&self, lint: &Lint<impl App>) -> Outcome {
        let log = Arc::new(Mutex::new(Vec::new()));
        let lines = Arc::clone(&log);
        let host = Host::new("test-server", "1.2", 0, move |level, target, message| {
            if target == lint::TARGET {
                lines.lock().unwrap().push((level, message.to_owned()));
            }
        });
        let env: Vec<Header<'_>> = self.env.iter().map(|(key, value)| Header::new(key, value)).collect();
        let headers: Vec<Header<'_>> = self.headers.iter().map(|(name, value)| Header::new(name, value)).collect();
        let hosted = Hosted::new(host.view(), &self.head(&env, &headers), Script::new(self));
        let error = self.exchange(&hosted, lint).err().map(|error| error.to_string());
        let sent = hosted.with(|script| std::mem::take(&mut script.sent)).unwrap();
        let lines = log.lock().unwrap().clone();
        let ids = lint.violations().iter().map(Violation::id).collect();
        Outcome { ids, error, lines, logged: true, sent }
    }

    fn head<'a>(&'a self, env: &'a [Header<'a>], headers: &'a [Header<'a>]) -> RequestHead<'a> {
        RequestHead {
            method: self.method.as_bytes(),
            script_name: self.script_name,
            path_info: self.path_info,
            query_string: self.query,
            request_uri: self.uri,
            content_length: self.length,
            preread: self.preread,
            body_complete: self.complete,
            env,
            edited: self.edited,
            headers,
        }
    }

    fn exchange(&self, hosted: &Hosted<'_, Script>, app: &impl App) -> Result<()> {
        let mut body = hosted.call(app)?;
        let outcome = self.pull(hosted, &mut body);
        // A server has to live with a close that panics.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(body)));
        outcome
    }

    fn pull(&self, hosted: &Hosted<'_, Script>, body: &mut Body<'_>) -> Result<()> {
        let bodiless = self.method == "HEAD" || hosted.with(|script| matches!(script.status, 204 | 304))?;
        if bodiless || !matches!(body.view(), View::Stream(_)) {
            return Ok(());
        }
        let mut again = self.again;
        for _ in 0..self.pulls {
            let chunk = hosted.next(body);
            let over = !matches!(&chunk, Ok(Some(chunk)) if !chunk.last);
            if let Ok(Some(chunk)) = &chunk {
                hosted.with(|script| script.sent.extend_from_slice(chunk.bytes))?;
            }
            if over && again == 0 {
                return chunk.map(drop);
            }
            again -= usize::from(over);
        }
        Ok(())
    }
}

/// The server's side.
struct Script {
    reads: VecDeque<Given>,
    refuse: Option<(usize, fn() -> Error)>,
    write_error: Option<fn() -> Error>,
    starts: usize,
    state: ResponseState,
    status: u16,
    sent: Vec<u8>,
}

impl Script {
    fn new(case: &Case) -> Self {
        Self {
            reads: case.reads.clone().into(),
            refuse: case.refuse,
            write_error: case.write_error,
            starts: 0,
            state: ResponseState::Idle,
            status: 0,
            sent: Vec::new(),
        }
    }
}

impl Transport for Script {
    fn start(&mut self, head: Head<'_>) -> Result<()> {
        self.starts += 1;
        if let Some((at, error)) = self.refuse
            && at == self.starts
        {
            return Err(error());
        }
        head.check()?;
        self.state.start(head.error.is_some())?;
        self.status = head.status.code();
        Ok(())
    }

    fn read(&mut self, buf: &mut [u8]) -> Result<usize> {
        let bytes = self.reads.pop_front().unwrap_or(Ok(b"")).map_err(|error| error())?;
        buf[..bytes.len()].copy_from_slice(bytes);
        Ok(bytes.len())
    }

    fn write(&mut self, bytes: &[u8], flush: bool) -> Result<()> {
        if let Some(error) = self.write_error {
            return Err(error());
        }
        if flush || !bytes.is_empty() {
            self.state.commit()?;
        }
        self.sent.extend_from_slice(bytes);
        Ok(())
    }

    fn sleep(&mut self, _: Duration) -> Result<()> {
        Ok(())
    }

    fn state(&mut self) -> (bool, Option<Duration>) {
        (false, None)
    }
}

/// Answers GET with this head and this text.
pub(crate) fn answer(status: u16, headers: &[(&str, &[u8])], body: &'static str) -> Outcome {
    respond(get(), status, None, headers, body)
}

pub(crate) fn respond(
    case: Case,
    status: u16,
    reason: Option<&str>,
    headers: &[(&str, &[u8])],
    body: &'static str,
) -> Outcome {
    case.serve(app_fn(|_, start_response| {
        let mut list: Vec<Header<'_>> = headers.iter().map(|(name, value)| Header::new(*name, *value)).collect();
        if !body.is_empty() && !list.iter().any(|header| header.is("content-type")) {
            list.push(Header::new("Content-Type", "text/plain"));
        }
        start_response.start(Head { reason, ..Head::new(Status::new(status)?, &list) })?;
        Ok(Body::from(body))
    }))
}

/// Starts with 200 and these headers, Content-Type among them.
pub(crate) fn start<'r>(
    start_response: &mut dyn StartResponse<'r>,
    headers: &[Header<'_>],
) -> Result<gateway_spec::Writer<'r>> {
    let list = [headers, &[Header::new("Content-Type", "text/plain")]].concat();
    start_response.start(Head::new(Status::OK, &list))
}
