//! A poller that always says yes.

use gateway_spec::abi::host::Host;
use gateway_spec::{Error, app_fn};

use super::*;
use crate::engine::{Engine, Stop};
use crate::exchange::Service;
use crate::net::Listener;

impl Connection for TcpStream {
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

#[test]
fn who_goes_on_stands_in_the_list_once() {
    let app = app_fn(|_, _| Err(Error::app("never called")));
    let service = Service::new(Arc::new(app), Host::new("test", "1", 0, |_, _, _| {}));
    let listener = Listener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = listener.address();
    let (stop, _stopper) = Stop::new().unwrap();
    let setup = Arc::new(Setup::new(vec![listener], Arc::new(service), stop, Engine::default().tuning()));
    let mut reactor = Reactor::<_, TcpStream>::new(setup, Eager(Vec::new()), 8).unwrap();
    let _client = TcpStream::connect(address).unwrap();
    let (mut turns, mut clock) = (0, Clock::new());
    while turns < 100 {
        match reactor.next(&mut clock).unwrap() {
            Event::Client(stream, _) => reactor.add(|_, _| Ok(stream)),
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
