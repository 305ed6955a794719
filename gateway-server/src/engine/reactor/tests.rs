//! A poller that always says yes.

use std::io::Write as _;
use std::net::TcpStream;

use gateway_spec::abi::host::Host;
use gateway_spec::{Error, app_fn};
use rustix::event::{PollFd, PollFlags};

use super::*;
use crate::engine::socket::wait;
use crate::engine::{Engine, Stop, Stopper};
use crate::exchange::Service;
use crate::net::{Listener, Listening};

impl Connection for Stream {
    fn socket(&self) -> BorrowedFd<'_> {
        self.as_fd()
    }
}

/// Says of each key, at each turn, that it may be ready.
#[derive(Debug)]
struct Eager(Vec<usize>);

impl Poller for Eager {
    fn register(&mut self, _: BorrowedFd<'_>, key: usize, _: Interest) -> io::Result<()> {
        self.0.push(key);
        Ok(())
    }

    fn deregister(&mut self, _: BorrowedFd<'_>, key: usize) {
        self.0.retain(|known| *known != key);
    }

    fn wait(&mut self, ready: &mut Vec<Ready>, _: Option<Duration>) -> io::Result<()> {
        ready.extend(self.0.iter().map(|key| Ready::again(*key)));
        Ok(())
    }
}

/// Keeps what it was asked for. A client waits at the first time, and nobody
/// later.
#[derive(Debug, Default)]
struct Asked(Vec<Option<Duration>>);

impl Poller for Asked {
    fn register(&mut self, _: BorrowedFd<'_>, _: usize, _: Interest) -> io::Result<()> {
        Ok(())
    }

    fn deregister(&mut self, _: BorrowedFd<'_>, _: usize) {}

    fn wait(&mut self, ready: &mut Vec<Ready>, timeout: Option<Duration>) -> io::Result<()> {
        ready.extend(self.0.is_empty().then_some(Ready::again(LISTENERS)));
        self.0.push(timeout);
        Ok(())
    }
}

fn listener() -> Listener {
    Listener::bind(&"127.0.0.1:0".parse().unwrap(), &Listening::default()).unwrap()
}

/// A client of whom the system tells: it has said something.
fn client_of(listener: &Listener) -> TcpStream {
    let mut client = TcpStream::connect(listener.address().unwrap().tcp().unwrap()).unwrap();
    client.write_all(b"G").unwrap();
    wait(&mut [PollFd::new(listener, PollFlags::IN)], None).unwrap();
    client
}

fn reactor_at<P: Poller>(listener: Listener, poller: P) -> (Reactor<P, Stream>, Stopper) {
    let app = app_fn(|_, _| Err(Error::app("never called")));
    let service = Service::new(Arc::new(app), Host::new("test", "1", 0, |_, _, _| {}));
    let (stop, stopper) = Stop::new().unwrap();
    let setup = Arc::new(Setup::new(vec![listener], Arc::new(service), stop, Engine::default().tuning()));
    (Reactor::new(setup, poller, 8).unwrap(), stopper)
}

fn reactor<P: Poller>(poller: P) -> (Reactor<P, Stream>, TcpStream, Stopper) {
    let listener = listener();
    let client = client_of(&listener);
    let (reactor, stopper) = reactor_at(listener, poller);
    (reactor, client, stopper)
}

/// The system may have told only this loop of who waits at a listener that others
/// share. As long as one is not taken there is more to do.
#[test]
fn who_waits_at_a_shared_listener_is_taken_at_the_end() {
    let mut listener = listener();
    listener.share();
    let _client = client_of(&listener);
    let (mut reactor, stopper) = reactor_at(listener, Eager(vec![STOP]));
    stopper.stop();
    let mut clock = Clock::new();
    reactor.wait(&mut clock, Duration::ZERO).unwrap();
    let (key, _) = reactor.take().unwrap();
    assert!(reactor.look_after(key).unwrap().is_none() && !reactor.is_drained());
    assert!(matches!(reactor.next_at_once(&mut clock), Ok(Some(Event::Client(..)))));
    assert!(reactor.is_drained());
    assert!(matches!(reactor.next_at_once(&mut clock), Ok(Some(Event::Over))));
}

#[test]
fn who_goes_on_stands_in_the_list_once() {
    let (mut reactor, _client, _stopper) = reactor(Eager(Vec::new()));
    let (mut turns, mut clock) = (0, Clock::new());
    while turns < 100 {
        match reactor.next(&mut clock).unwrap() {
            Event::Client(stream, _) => reactor.add(false, |_, _| Ok(stream)),
            Event::Task(key, _) => {
                // Watched, and going on besides: it never has enough.
                reactor.settle(key, Step::Wait(Interest::Read), None).unwrap();
                reactor.settle(key, Step::Again, None).unwrap();
                turns += 1;
            }
            Event::Over | Event::Poked | Event::Full => unreachable!("nobody has said so"),
        }
    }
    // Its own place, and that of the listener.
    assert!(reactor.again.len() + reactor.woken.len() <= 2, "{reactor:?}");
}

/// Whoever asks what there is to do at once has others who wait for it: also
/// where who was to go on has ended meanwhile.
#[test]
fn at_once_is_at_once() {
    let (mut reactor, _client, _stopper) = reactor(Asked::default());
    let mut clock = Clock::new();
    let Event::Client(stream, _) = reactor.next(&mut clock).unwrap() else { panic!("a client waits") };
    reactor.add(false, |_, _| Ok(stream));
    let Event::Task(key, _) = reactor.next(&mut clock).unwrap() else { panic!("it has come") };
    reactor.settle(key, Step::Again, None).unwrap();
    drop(reactor.remove(key).unwrap());
    assert!(reactor.next_at_once(&mut clock).unwrap().is_none());
    assert_eq!(reactor.poller.0, [None, Some(Duration::ZERO)]);
}

/// Where one cannot be passed on, thousands are not asked about, nor taken from
/// the poller for it, until it is tried again.
#[test]
fn one_that_cannot_be_passed_on_stands_for_all() {
    let (mut reactor, _client, _stopper) = reactor(Eager(Vec::new()));
    let mut clock = Clock::new();
    let Event::Client(stream, origin) = reactor.next(&mut clock).unwrap() else { panic!("a client waits") };
    let resting = Resting::new(origin, clock.refresh());
    reactor.add(false, |_, _| Ok(stream));
    let Event::Task(key, _) = reactor.next(&mut clock).unwrap() else { panic!("it has come") };
    for is_asked_about in [true, false] {
        reactor.settle(key, Step::Wait(Interest::Read), None).unwrap();
        // There is nobody to take it.
        assert!(!reactor.pass(key, &resting));
        assert_ne!(reactor.poller.0.contains(&key), is_asked_about, "{reactor:?}");
    }
    reactor.expire(Instant::now() + PASS).unwrap();
    assert!(!reactor.pass(key, &resting) && !reactor.poller.0.contains(&key));
}
