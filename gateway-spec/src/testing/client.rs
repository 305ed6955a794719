//! Requests, and what came of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::transport::{Log, LogLine, Memory};
use crate::abi::host::{Hosted, RequestHead};
use crate::abi::types::GW_HOST_MULTITHREAD;
use crate::app::App;
use crate::body::Body;
use crate::error::{Error, Result};
use crate::headers::Header;
use crate::lint::text::percent_decode;
use crate::lint::{self, Lint};
use crate::log::Level;
use crate::start_response::ResponseState;
use crate::status::Status;

/// Calls an app in this process, and checks it and itself against the rules of
/// the interface (see [`lint`](crate::lint)).
///
/// ```
/// use gateway_spec::prelude::*;
/// use gateway_spec::testing::TestClient;
///
/// let app = app_fn(|environ, start_response| {
///     start_response.start(Head::new(Status::OK, &[Header::new("Content-Type", "text/plain")]))?;
///     Ok(Body::from(environ.url()))
/// });
/// let response = TestClient::new(app).get("/a%20b?c=d").header("Host", "example.org").send();
/// assert_eq!(response.status, Status::OK);
/// assert_eq!(response.text(), "http://example.org/a%20b?c=d");
/// assert_eq!(response.closed, 1);
/// ```
#[derive(Debug)]
pub struct Client<A> {
    app: Lint<A>,
}

impl<A: App> Client<A> {
    /// A client of `app`.
    #[must_use]
    pub fn new(app: A) -> Self {
        Self { app: Lint::new(app) }
    }

    /// A request of any method and target; the target is origin-form, as in
    /// `/path?query`, or `*`.
    pub fn request(&self, method: &str, target: &str) -> Request<'_, A> {
        Request::new(&self.app, method, target)
    }

    /// GET.
    pub fn get(&self, target: &str) -> Request<'_, A> {
        self.request("GET", target)
    }

    /// HEAD.
    pub fn head(&self, target: &str) -> Request<'_, A> {
        self.request("HEAD", target)
    }

    /// POST.
    pub fn post(&self, target: &str) -> Request<'_, A> {
        self.request("POST", target)
    }

    /// PUT.
    pub fn put(&self, target: &str) -> Request<'_, A> {
        self.request("PUT", target)
    }

    /// DELETE.
    pub fn delete(&self, target: &str) -> Request<'_, A> {
        self.request("DELETE", target)
    }
}

/// A request that is being put together.
#[derive(Debug)]
#[must_use = "a request does nothing until it is sent"]
pub struct Request<'c, A> {
    app: &'c Lint<A>,
    method: String,
    target: String,
    script_name: String,
    headers: Vec<(String, Vec<u8>)>,
    env: Vec<(String, String)>,
    body: Vec<u8>,
    chunked: bool,
    preread: Option<usize>,
    piece: usize,
    truncated: bool,
    gone: bool,
    pulls: usize,
    lint: bool,
}

impl<'c, A: App> Request<'c, A> {
    fn new(app: &'c Lint<A>, method: &str, target: &str) -> Self {
        Self {
            app,
            method: method.to_owned(),
            target: target.to_owned(),
            script_name: String::new(),
            headers: Vec::new(),
            env: Vec::new(),
            body: Vec::new(),
            chunked: false,
            preread: None,
            piece: 0,
            truncated: false,
            gone: false,
            pulls: usize::MAX,
            lint: true,
        }
    }

    /// Adds a header.
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    /// Sets a variable beside the standard ones.
    pub fn env(mut self, key: &str, value: &str) -> Self {
        self.env.retain(|(known, _)| known != key);
        self.env.push((key.to_owned(), value.to_owned()));
        self
    }

    /// Mounts the app: SCRIPT_NAME, which the target's path must begin with.
    pub fn script_name(mut self, script_name: &str) -> Self {
        script_name.clone_into(&mut self.script_name);
        self
    }

    /// Sends a body with its Content-Length.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Sends a body without a length, as with chunked.
    pub fn chunked(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self.chunked = true;
        self
    }

    /// How many bytes of the body have arrived when the app is called (all,
    /// unless chunked), and how many one read gives after that (0: as many as
    /// are asked for).
    pub fn arriving(mut self, preread: usize, piece: usize) -> Self {
        self.preread = Some(preread);
        self.piece = piece;
        self
    }

    /// The client cuts its body short: what is there is all that comes.
    pub fn truncated(mut self) -> Self {
        self.truncated = true;
        self
    }

    /// The client has left: reads, writes and sleeps fail.
    pub fn gone(mut self) -> Self {
        self.gone = true;
        self
    }

    /// The client leaves after this many chunks of the response.
    pub fn leave_after(mut self, chunks: usize) -> Self {
        self.pulls = chunks;
        self
    }

    /// Does not lint, for a test that breaks a rule on purpose.
    pub fn without_lint(mut self) -> Self {
        self.lint = false;
        self
    }

    /// Sends the request.
    ///
    /// # Panics
    /// When the app fails before it has answered, or breaks a rule: the
    /// message names the rule.
    pub fn send(self) -> Response {
        match self.try_send() {
            Ok(response) => response,
            Err(error) => panic!("the app failed: {error}"),
        }
    }

    /// Sends the request; an error of the app is an error here.
    ///
    /// # Errors
    /// What a server would answer with 500, or cut the connection for.
    pub fn try_send(self) -> Result<Response> {
        let log = Log::default();
        let linted = self.lint;
        let outcome = self.exchange(&log);
        outcome.and_then(|response| response.with_log(&log, linted))
    }

    /// Sends the request and gives the log lines, whatever became of it.
    pub fn send_logged(self) -> (Result<Response>, Vec<LogLine>) {
        let log = Log::default();
        let linted = self.lint;
        let outcome = self.exchange(&log);
        (outcome.and_then(|response| response.with_log(&log, linted)), log.lines())
    }

    fn exchange(self, log: &Log) -> Result<Response> {
        let host = log.host(GW_HOST_MULTITHREAD);
        let owned = self.variables();
        let env: Vec<Header<'_>> = owned.iter().map(|(key, value)| Header::new(key, value)).collect();
        let fields = self.fields();
        let headers: Vec<Header<'_>> = fields.iter().map(|(name, value)| Header::new(name, value)).collect();
        let (path, query) = self.target.split_once('?').unwrap_or((&self.target, ""));
        let path = percent_decode(if path == "*" { b"" } else { path.as_bytes() });
        let path_info = path.strip_prefix(self.script_name.as_bytes()).unwrap_or(&path);
        let preread = self.preread.unwrap_or(if self.chunked { 0 } else { self.body.len() }).min(self.body.len());
        let head = RequestHead {
            method: self.method.as_bytes(),
            script_name: self.script_name.as_bytes(),
            path_info,
            query_string: query.as_bytes(),
            request_uri: self.target.as_bytes(),
            content_length: (!self.chunked).then_some(self.content_length()),
            preread: &self.body[..preread],
            body_complete: false,
            env: &env,
            edited: false,
            headers: &headers,
        };
        let transport = Memory {
            input: self.body[preread..].to_vec(),
            piece: self.piece,
            truncated: self.truncated,
            gone: self.gone,
            ..Memory::default()
        };
        let hosted = Hosted::new(host.view(), &head, transport);
        if self.lint { answer(&hosted, self.app, &self) } else { answer(&hosted, self.app.inner(), &self) }
    }

    /// The length that the headers state: a truncated body promised one more.
    fn content_length(&self) -> u64 {
        self.body.len() as u64 + u64::from(self.truncated)
    }

    fn fields(&self) -> Vec<(String, Vec<u8>)> {
        let mut fields = self.headers.clone();
        let has = |name: &str| fields.iter().any(|(known, _)| known.eq_ignore_ascii_case(name));
        let (host, length) = (!has("host"), !has("content-length"));
        if self.chunked {
            fields.push(("Transfer-Encoding".into(), b"chunked".to_vec()));
        } else if length && (self.content_length() > 0 || matches!(self.method.as_str(), "POST" | "PUT")) {
            fields.push(("Content-Length".into(), self.content_length().to_string().into_bytes()));
        }
        if host {
            fields.insert(0, ("Host".into(), b"localhost".to_vec()));
        }
        fields
    }

    fn variables(&self) -> Vec<(String, String)> {
        let standard = [
            ("SERVER_NAME", "localhost"),
            ("SERVER_PORT", "80"),
            ("SERVER_PROTOCOL", "HTTP/1.1"),
            ("REMOTE_ADDR", "127.0.0.1"),
            ("REMOTE_PORT", "54321"),
            ("gateway.version", crate::VERSION),
            ("gateway.url_scheme", "http"),
            ("gateway.multithread", "1"),
            ("gateway.multiprocess", "0"),
            ("gateway.run_once", "0"),
        ];
        let mut env = self.env.clone();
        for (key, value) in standard {
            if !env.iter().any(|(known, _)| known == key) {
                env.push((key.to_owned(), value.to_owned()));
            }
        }
        env
    }
}

/// Calls the app and pulls its body, as a server does.
fn answer<A: App, B>(hosted: &Hosted<'_, Memory>, app: &A, request: &Request<'_, B>) -> Result<Response> {
    let closes = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&closes);
    let mut body = hosted.call(app)?.on_close(move || {
        count.fetch_add(1, Ordering::SeqCst);
    });
    let length = body.length();
    let outcome = pull(hosted, &mut body, request);
    crate::abi::guard::caught(|| {
        drop(body);
        Ok(())
    })?;
    let committed = outcome?;
    hosted.with(|memory| {
        let status = memory.head.status.ok_or_else(|| Error::State("start_response was not called".into()))?;
        memory.state.finish();
        Ok(Response {
            status,
            reason: memory.head.reason.take().unwrap_or_else(|| status.reason().to_owned()),
            headers: std::mem::take(&mut memory.head.headers),
            body: std::mem::take(&mut memory.body),
            length,
            committed,
            log: Vec::new(),
            warnings: Vec::new(),
            closed: closes.load(Ordering::SeqCst),
        })
    })?
}

/// Pulls the body into memory; answers whether the head went out before its end.
fn pull<B>(hosted: &Hosted<'_, Memory>, body: &mut Body<'_>, request: &Request<'_, B>) -> Result<bool> {
    let state = hosted.with(|memory| memory.state)?;
    if state == ResponseState::Idle {
        return Err(Error::State("the app returned without calling start_response".into()));
    }
    let bodiless =
        request.method == "HEAD" || hosted.with(|memory| memory.head.status.is_some_and(Status::forbids_body))?;
    let mut pulls = if bodiless { 0 } else { request.pulls };
    while pulls > 0 {
        let Some(chunk) = hosted.next(body)? else { break };
        let last = chunk.last;
        let bytes = chunk.bytes;
        hosted.with(|memory| {
            if !bytes.is_empty() {
                memory.state.commit()?;
                memory.body.extend_from_slice(bytes);
            }
            Ok::<(), Error>(())
        })??;
        if last {
            break;
        }
        pulls -= 1;
    }
    hosted.with(|memory| memory.state == ResponseState::Committed)
}

/// What came of a request.
#[derive(Clone, Debug)]
pub struct Response {
    /// The status code.
    pub status: Status,
    /// The reason phrase: the app's, or the registered one.
    pub reason: String,
    /// The headers, in the app's order.
    pub headers: Vec<(Vec<u8>, Vec<u8>)>,
    /// The body, as far as it was sent; empty for HEAD, 204 and 304.
    pub body: Vec<u8>,
    /// The body's length as the app's [`Body`] knew it.
    pub length: Option<u64>,
    /// Whether bytes went out, so that the head was committed.
    pub committed: bool,
    /// The lines that the app wrote to `gateway.errors`.
    pub log: Vec<LogLine>,
    /// What lint has to say of rules that are a SHOULD: each text begins with
    /// the rule's id.
    pub warnings: Vec<String>,
    /// How many times the body was closed: 1, always.
    pub closed: usize,
}

impl Response {
    /// Adds the log. What lint finds at the close of the body comes too late
    /// for the exchange to fail, so it fails here.
    fn with_log(mut self, log: &Log, linted: bool) -> Result<Self> {
        for line in log.lines() {
            if line.target != lint::TARGET {
                let found = if linted { lint::check_line(&line.target, &line.message) } else { Vec::new() };
                self.warnings.extend(found.iter().map(ToString::to_string));
                self.log.push(line);
            } else if line.level == Level::Error {
                return Err(Error::app(line.message));
            } else {
                self.warnings.push(line.message);
            }
        }
        Ok(self)
    }

    /// The value of the first header of that name, if it is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let (_, value) = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name.as_bytes()))?;
        std::str::from_utf8(value).ok()
    }

    /// The body as text.
    ///
    /// # Panics
    /// When it is not UTF-8.
    #[must_use]
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("the response body is not UTF-8")
    }
}
