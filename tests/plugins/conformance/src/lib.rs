//! The Rust half of the conformance suite. It and `../conformance.c` answer
//! every path alike; `integration/conformance.rs` states what with.

use std::fs::File;
use std::io::Read as _;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use gateway_spec::abi::view::RequestRef;
use gateway_spec::prelude::*;
use gateway_spec::{Chunk, Level, Source};

gateway_spec::export! {
    /// Answers by path, as the conformance suite expects.
    app [STREAMS_INPUT] => Conformance::create,
    /// Refuses to be created.
    refuses => refuse,
}

struct Conformance {
    greeting: String,
    host: String,
    file: String,
    trace: String,
    calls: AtomicUsize,
    closes: AtomicUsize,
}

fn refuse(_: &Config<'_>) -> Result<Conformance> {
    Err(Error::app("there is no database today"))
}

impl Conformance {
    fn create(config: &Config<'_>) -> Result<Self> {
        let text = |key| config.get(key).unwrap_or_default().to_owned();
        if let Some(errors) = config.errors() {
            errors.info("created");
        }
        Ok(Self {
            greeting: text("greeting"),
            host: config.server(),
            file: text("file"),
            trace: text("trace"),
            calls: AtomicUsize::new(0),
            closes: AtomicUsize::new(0),
        })
    }

    /// Counts the close of a body.
    fn counted<'r>(&'r self, body: Body<'r>) -> Body<'r> {
        body.on_close(|| {
            self.closes.fetch_add(1, SeqCst);
        })
    }
}

type Start<'s, 'r> = &'s mut dyn StartResponse<'r>;

impl App for Conformance {
    fn call<'r>(&'r self, mut environ: Environ<'r>, start: Start<'_, 'r>) -> Result<Body<'r>> {
        self.calls.fetch_add(1, SeqCst);
        match environ.path_info() {
            b"/never" => return Ok(Body::from("nobody said start")),
            b"/fail" => return fail(&environ),
            b"/fail-long" => return Err(Error::app("x".repeat(2000))),
            b"/crlf" => return refused(start, Header::new("X-Evil", "a\r\nSet-Cookie: b")),
            b"/name" => return refused(start, Header::new("X Evil", "a")),
            b"/hop" => return refused(start, Header::new("Transfer-Encoding", "chunked")),
            b"/bad-status" => return bad_status(&environ, start),
            b"/thread" => return from_another_thread(&environ, start),
            _ => {}
        }
        let plain = [Header::new("Content-Type", "text/plain"), Header::new("X-Case", environ.path_info())];
        let head = Head::new(Status::OK, &plain);
        let mut writer = start.start(head)?;
        Ok(match environ.path_info() {
            b"/empty" => Body::empty(),
            b"/bytes" => Body::from("static bytes\n"),
            b"/owned" => self.counted(Body::from(String::from("owned bytes\n"))),
            b"/borrowed" => Body::borrowed(environ.request().path_info()),
            b"/parts" => self.counted(Body::parts(["one, ", "two, ", "three\n"])),
            b"/stream" => self.counted(chunks()),
            b"/stream-length" => self.counted(chunks().with_length(32)),
            b"/stream-flags" => self.counted(Body::source(Flagged(0))),
            b"/stream-echo" => self.counted(Body::source(Echo { environ, buffer: [0; 4] })),
            b"/stream-fail" => {
                let chunks = [Ok("chunk 0\n"), Err(Error::app("the stream broke"))];
                self.counted(Body::try_chunks(chunks))
            }
            b"/file" => self.counted(Body::file_range(File::open(&self.file)?, 2, 5)),
            b"/echo" => {
                let mut body = Vec::new();
                environ.input().read_to_end(&mut body)?;
                Body::from(body)
            }
            b"/env" => Body::from(variable(&environ)),
            b"/headers" => Body::from(headers(&environ)),
            b"/write" => {
                writer.send(b"first, ")?;
                std::io::Write::flush(&mut writer)?;
                writer.send(b"second, ")?;
                Body::from("third\n")
            }
            b"/replace" => {
                let cause = Error::app("the first head was wrong");
                start.start(Head::new(Status::SERVICE_UNAVAILABLE, &plain).replacing(&cause))?;
                Body::from("replaced\n")
            }
            b"/twice" => Body::from(status_of(start.start(head))),
            b"/replace-late" => {
                writer.send(b"out, ")?;
                let cause = Error::app("too late");
                Body::from(status_of(start.start(head.replacing(&cause))))
            }
            b"/fail-after-start" => return Err(Error::app("second thoughts")),
            b"/log" => {
                for level in [Level::Error, Level::Warn, Level::Info, Level::Debug, Level::Trace] {
                    environ.errors().log(level, "a line");
                }
                Body::empty()
            }
            b"/state" => {
                let deadline = environ.deadline().map_or("none".into(), |left| left.as_nanos().to_string());
                Body::from(format!("gone={} deadline={deadline}", u8::from(environ.is_disconnected())))
            }
            b"/sleep" => Body::from(status_of(environ.sleep(Duration::from_millis(5)))),
            b"/config" => Body::from(self.greeting.as_str()),
            b"/host" => Body::from(self.host.as_str()),
            b"/counts" => Body::from(format!("calls={} closes={}", self.calls.load(SeqCst), self.closes.load(SeqCst))),
            _ => Body::from("no such case"),
        })
    }

    fn shutdown(&self) {
        if !self.trace.is_empty() {
            let _ = std::fs::write(&self.trace, "destroyed\n");
        }
    }
}

fn status_of<T>(outcome: Result<T>) -> String {
    match outcome {
        Ok(_) => "0".to_owned(),
        Err(error) => error.to_status().to_string(),
    }
}

/// Fails with the status that the query names.
fn fail<'r>(environ: &Environ<'_>) -> Result<Body<'r>> {
    let status = std::str::from_utf8(environ.query_string())?.parse().unwrap_or(-1);
    Err(Error::from_status(status, "as asked".into()))
}

/// Reports with what status a head with this header was refused.
fn refused<'r>(start: Start<'_, 'r>, header: Header<'_>) -> Result<Body<'r>> {
    let status = status_of(start.start(Head::new(Status::OK, &[header])));
    start.start(Head::new(Status::OK, &[]))?;
    Ok(Body::from(status))
}

/// `Status` lets no bad one be made, so only C can send it; the answer is the
/// status that the refusal would have.
fn bad_status<'r>(environ: &Environ<'_>, start: Start<'_, 'r>) -> Result<Body<'r>> {
    let code = std::str::from_utf8(environ.query_string())?.parse().unwrap_or(0);
    start.start(Head::new(Status::OK, &[]))?;
    Ok(Body::from(status_of(Status::new(code))))
}

fn from_another_thread<'r>(environ: &Environ<'r>, start: Start<'_, 'r>) -> Result<Body<'r>> {
    let request: RequestRef<'r> = environ.request();
    let elsewhere = thread::scope(|scope| {
        let all = move || {
            [
                status_of(request.start(Head::new(Status::OK, &[]))),
                status_of(request.read(&mut [0; 8])),
                status_of(request.write(b"stray", false)),
                status_of(request.sleep(1)),
                status_of(request.state()),
            ]
        };
        scope.spawn(all).join().map_err(|_| Error::app("the thread panicked"))
    })?;
    start.start(Head::new(Status::OK, &[]))?;
    Ok(Body::from(elsewhere.join(" ")))
}

fn chunks<'r>() -> Body<'r> {
    Body::chunks((0..4).map(|number| format!("chunk {number}\n")))
}

fn variable(environ: &Environ<'_>) -> Vec<u8> {
    let name = String::from_utf8_lossy(environ.query_string());
    match environ.get(&name) {
        Some(value) => [b"=", &*value].concat(),
        None => b"not there".to_vec(),
    }
}

fn headers(environ: &Environ<'_>) -> Vec<u8> {
    environ.headers().iter().flat_map(|header| [header.name(), b": ", header.value(), b"\n"].concat()).collect()
}

/// Gives `a`, then `b` with FLUSH, then `c` with LAST; a fourth pull is an error.
struct Flagged(u8);

impl Source for Flagged {
    fn next(&mut self) -> Result<Option<Chunk<'_>>> {
        self.0 += 1;
        Ok(Some(match self.0 {
            1 => Chunk::new(b"a"),
            2 => Chunk { flush: true, ..Chunk::new(b"b") },
            3 => Chunk { last: true, ..Chunk::new(b"c") },
            _ => return Err(Error::app("pulled after LAST")),
        }))
    }
}

/// Streams the input, four bytes at a time.
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
