//! What only a server that is linked in can be asked for.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use gateway_spec::abi::host::Host;
use gateway_spec::{Body, Head, Status, app_fn};

use super::{MEMORY, TICK, Worker};
use crate::Server;
use crate::engine::crew::Crew;
use crate::engine::{Engine, Setup, Stop, Stopper};
use crate::exchange::{LINGER, Service, Timeouts};

/// An app whose calls of `/held` and `/begun` last until they are let go; the
/// second one has begun to answer.
struct Held {
    address: SocketAddr,
    stopper: Stopper,
    server: thread::JoinHandle<usize>,
    entered: Receiver<()>,
    go: Sender<()>,
}

impl Held {
    fn start(timeouts: Timeouts) -> Self {
        Self::start_for(timeouts, Duration::from_secs(30))
    }

    fn start_for(timeouts: Timeouts, graceful: Duration) -> Self {
        let (enter, entered) = channel();
        let (go, gone) = channel::<()>();
        let (enter, gone) = (Arc::new(Mutex::new(enter)), Arc::new(Mutex::new(gone)));
        let app = app_fn(move |environ, start_response| {
            let mut writer = start_response.start(Head::new(Status::OK, &[]))?;
            let path = environ.path_info();
            if path == b"/begun" {
                writer.write_all(b"first")?;
            }
            let (enter, gone) = (Arc::clone(&enter), Arc::clone(&gone));
            let hold = move || {
                enter.lock().unwrap().send(()).unwrap();
                gone.lock().unwrap().recv().unwrap();
            };
            if path == b"/stream" {
                let held = std::iter::once_with(move || {
                    hold();
                    "too late"
                });
                return Ok(Body::chunks(std::iter::once("first").chain(held)));
            }
            if path == b"/close" {
                return Ok(Body::chunks(std::iter::repeat([b'x'; 65536])).on_close(hold));
            }
            if path != b"/" {
                hold();
                // Nobody may hear of this any more.
                let _ = writer.write_all(b"too late");
            }
            Ok(Body::from("done"))
        });
        let mut server = Server::new(app).engine("leader").unwrap().timeouts(timeouts).loops(1).threads(3);
        server = server.graceful(graceful).bind("127.0.0.1:0").unwrap();
        let (address, stopper) = (server.addresses()[0].tcp().unwrap(), server.stopper().unwrap());
        let server = thread::spawn(move || server.run().unwrap().abandoned);
        Self { address, stopper, server, entered, go }
    }

    fn ask(&self, path: &str) -> TcpStream {
        let mut client = TcpStream::connect(self.address).unwrap();
        client.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        write!(client, "GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").unwrap();
        client
    }

    fn stop(self) {
        self.stopper.stop();
        assert_eq!(self.server.join().unwrap(), 0);
    }
}

fn answer(mut client: TcpStream) -> String {
    let mut text = String::new();
    client.read_to_string(&mut text).unwrap();
    text
}

/// The client of a call that takes too long is told; the call goes on until it
/// returns, others are served meanwhile, and nothing more is said to that client.
#[test]
fn a_call_that_takes_too_long_is_answered_by_its_loop() {
    let held = Held::start(Timeouts { call: Some(Duration::from_millis(50)), ..Timeouts::default() });
    let late = held.ask("/held");
    held.entered.recv().unwrap();
    let text = answer(late);
    assert!(text.starts_with("HTTP/1.1 504 "), "{text}");
    assert!(text.ends_with("\r\n\r\n"), "{text}");
    assert!(answer(held.ask("/")).ends_with("done"), "others are served");
    held.go.send(()).unwrap();
    assert!(answer(held.ask("/")).ends_with("done"), "and still are");
    held.stop();
}

/// It is told to the end that such a call is still inside: who shuts the app down
/// then would take away what it works with.
#[test]
fn a_call_that_never_returns_is_counted_at_the_end() {
    let timeouts = Timeouts { call: Some(Duration::from_millis(50)), ..Timeouts::default() };
    let held = Held::start_for(timeouts, Duration::from_millis(10));
    let late = held.ask("/held");
    held.entered.recv().unwrap();
    assert!(answer(late).starts_with("HTTP/1.1 504 "));
    held.stopper.stop();
    assert_eq!(held.server.join().unwrap(), 1);
    held.go.send(()).unwrap();
}

/// The client of a call that is late and has begun to answer sees that it is cut.
fn is_cut(path: &str) {
    let held = Held::start(Timeouts { call: Some(Duration::from_millis(50)), ..Timeouts::default() });
    let late = held.ask(path);
    held.entered.recv().unwrap();
    let text = answer(late);
    assert!(text.starts_with("HTTP/1.1 200 OK") && text.ends_with("5\r\nfirst\r\n"), "{text}");
    held.go.send(()).unwrap();
    held.stop();
}

/// A response that has begun cannot be replaced.
#[test]
fn a_late_call_that_has_begun_to_answer_is_cut() {
    is_cut("/begun");
}

/// So is one whose first chunk has gone out before the second was asked for: in
/// the midst of a body, the words of another response would be a part of it.
#[test]
fn a_late_stream_that_has_begun_is_cut() {
    is_cut("/stream");
}

/// What was answered before, on the same connection, is not taken back by a
/// call that is late: its 504 would be read as the answer to the one before.
#[test]
fn a_late_call_leaves_the_answers_before_it() {
    let call = Some(Duration::from_millis(50));
    let held = Held::start(Timeouts { call, keep_alive: 2 * MEMORY, ..Timeouts::default() });
    let pipeline = |requests: &[u8]| {
        let mut client = TcpStream::connect(held.address).unwrap();
        client.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        client.write_all(requests).unwrap();
        client
    };
    // Once this one has been idle for too long, no call has blocked lately.
    assert!(answer(pipeline(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")).ends_with("done"));
    let late = pipeline(b"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /held HTTP/1.1\r\nHost: a\r\n\r\n");
    held.entered.recv().unwrap();
    let text = answer(late);
    assert!(text.starts_with("HTTP/1.1 200 OK") && text.contains("\r\n\r\ndoneHTTP/1.1 504 "), "{text}");
    held.go.send(()).unwrap();
    held.stop();
}

/// A body is closed by the app's code, also where its client takes nothing of it
/// for too long: nobody waits for that.
#[test]
fn a_close_that_blocks_holds_nobody_up() {
    let held = Held::start(Timeouts { write: Duration::from_millis(50), ..Timeouts::default() });
    let stuck = held.ask("/close");
    held.entered.recv().unwrap();
    assert!(answer(held.ask("/")).ends_with("done"), "others are served");
    held.go.send(()).unwrap();
    drop(stuck);
    held.stop();
}

/// A connection that somebody drives is looked after so often: a time limit of
/// nothing must not make that a loop that never rests.
#[test]
fn nobody_looks_all_the_time() {
    let of = |timeouts: Timeouts| super::soonest(&timeouts, None);
    assert_eq!(of(Timeouts { keep_alive: Duration::ZERO, ..Timeouts::default() }), LINGER);
    assert_eq!(of(Timeouts { head: Duration::from_nanos(1), ..Timeouts::default() }), TICK);
    assert_eq!(of(Timeouts { call: Some(10 * TICK), ..Timeouts::default() }), 10 * TICK);
}

/// A loop that ends later does not make it one.
#[test]
fn nothing_runs_after_a_failure() {
    let app = app_fn(|_, _| Ok(Body::from("never called")));
    let service = Service::new(Arc::new(app), Host::new("test", "1", 0, |_, _, _| {}));
    let (stop, _stopper) = Stop::new().unwrap();
    let setup = Setup::new(Vec::new(), Arc::new(service), stop, Engine::default().tuning());
    let worker = Worker::new(Arc::new(setup), Crew::new().unwrap()).unwrap();
    worker.fail(std::io::Error::other("a test"));
    worker.end(0);
    assert!(!worker.runs());
}

/// One that is in time is answered by the app, however many calls came before.
#[test]
fn a_deadline_is_for_one_call() {
    let held = Held::start(Timeouts { call: Some(Duration::from_secs(600)), ..Timeouts::default() });
    for _ in 0..3 {
        let client = held.ask("/held");
        held.entered.recv().unwrap();
        held.go.send(()).unwrap();
        assert!(answer(client).contains("too late"), "it was not");
    }
    held.stop();
}
