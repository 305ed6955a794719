//! A connection without a socket: an [`Exchange`] that is fed from a script, as
//! a blocking engine would feed it from a client.

use std::collections::VecDeque;
use std::io::{self, IoSlice, Read as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use gateway_server::exchange::{Bodies, Exchange, Now, Pending, Port, Service, Want};
use gateway_server::net::{Endpoint, Local, Scheme};
use gateway_spec::abi::host::Host;
use gateway_spec::prelude::*;

use crate::fixtures::{After, Content, Request, latin1};

/// What the app of a script does with a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// It reads it to its end.
    Read,
    /// It leaves it.
    Left,
}

/// How a script ended.
#[derive(Debug)]
pub struct Outcome {
    /// The requests that the app saw; a body that it did not read is empty.
    pub seen: Vec<Request>,
    /// What the client got.
    pub output: Vec<u8>,
    /// Whether the connection waited for more when there was no more.
    pub after: After,
    /// The most that the connection had room for at once.
    pub room: usize,
}

/// Serves a client that sends these pieces and then closes its sending side.
///
/// # Panics
/// When the exchange comes to no end.
#[must_use]
pub fn serve<'b>(pieces: impl IntoIterator<Item = &'b [u8]>, body: Body, bodies: Bodies) -> Outcome {
    serve_as(Scheme::Http, pieces, body, bodies)
}

/// Serves a client, or a web server, that speaks this.
///
/// # Panics
/// When the exchange comes to no end.
#[must_use]
pub fn serve_as<'b>(scheme: Scheme, pieces: impl IntoIterator<Item = &'b [u8]>, body: Body, bodies: Bodies) -> Outcome {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let service = Arc::new(service(recorder(Arc::clone(&seen), body), bodies));
    let endpoint = Endpoint::new(Arc::new(Local::default().speaking(scheme)), None);
    let now = Now { instant: Instant::now(), date: *b"Sun, 06 Nov 1994 08:49:37 GMT" };
    let mut exchange = Exchange::new(service, endpoint, &now);
    let mut script = Script { input: pieces.into_iter().map(<[u8]>::to_vec).collect(), output: Vec::new(), now };
    let (mut after, mut room) = (After::Closes, 0);
    let length: usize = script.input.iter().map(Vec::len).sum();
    // Each turn takes or gives some bytes, or runs the app.
    for _ in 0..200 + 20 * length {
        match exchange.want() {
            Want::Read => {
                room = room.max(exchange.room().len());
                match script.fill(exchange.room()).unwrap_or(0) {
                    0 => {
                        if exchange.is_idle() {
                            after = After::Stays;
                        }
                        exchange.eof(&now);
                    }
                    count => exchange.fed(count, &now),
                }
            }
            Want::Write => {
                let count = match exchange.pending() {
                    Pending::Bytes { bytes, .. } => script.send(&[IoSlice::new(bytes)]).unwrap_or(0),
                    Pending::Slices(slices) => script.send(slices.as_slices()).unwrap_or(0),
                    Pending::File { .. } => unreachable!("the app has no files"),
                };
                exchange.sent(count, &now);
            }
            Want::Run => exchange.run(&mut script),
            Want::Shutdown => exchange.shut(&now),
            Want::Close => {
                drop(exchange);
                let seen = std::mem::take(&mut *seen.lock().unwrap_or_else(PoisonError::into_inner));
                return Outcome { seen, output: script.output, after, room };
            }
        }
    }
    panic!("the exchange comes to no end");
}

fn service(app: impl App + 'static, bodies: Bodies) -> Service {
    let host = Host::new("test", "1", 0, |_, _, _| {});
    Service { bodies, ..Service::new(Arc::new(app), host) }
}

/// An app that notes what it sees, and answers with a word.
fn recorder(seen: Arc<Mutex<Vec<Request>>>, body: Body) -> impl App + 'static {
    app_fn(move |mut environ: Environ<'_>, start_response| {
        let mut content = Vec::new();
        if body == Body::Read {
            environ.input().read_to_end(&mut content)?;
        }
        let headers = environ.headers().iter();
        let request = Request {
            method: environ.method().to_owned(),
            target: latin1(environ.request_uri()),
            path: latin1(environ.path_info()),
            query: latin1(environ.query_string()),
            version: environ.server_protocol().to_owned(),
            host: environ.get("HTTP_HOST").map(|host| latin1(&host)),
            headers: headers.map(|header| (latin1(header.name()), latin1(header.value()))).collect(),
            body: Content::of(&content),
            keep_alive: true,
        };
        seen.lock().unwrap_or_else(PoisonError::into_inner).push(request);
        start_response.start(Head::new(Status::OK, &[]))?;
        Ok(gateway_spec::Body::from("seen"))
    })
}

/// The client's side.
struct Script {
    input: VecDeque<Vec<u8>>,
    output: Vec<u8>,
    now: Now,
}

impl Port for Script {
    fn fill(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let Some(mut piece) = self.input.pop_front() else { return Ok(0) };
        let count = piece.len().min(buf.len());
        buf[..count].copy_from_slice(&piece[..count]);
        if count < piece.len() {
            self.input.push_front(piece.split_off(count));
        }
        Ok(count)
    }

    fn send(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let before = self.output.len();
        slices.iter().for_each(|slice| self.output.extend_from_slice(slice));
        Ok(self.output.len() - before)
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
        &self.now
    }
}
