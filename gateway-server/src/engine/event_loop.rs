//! Serves many connections on one thread: what the engines that ask for
//! readiness have in common. Which descriptors are ready is the poller's part,
//! what a connection does then its [`Task`]'s; here are accepting, deadlines,
//! and the end.

use std::io;
use std::net::TcpStream;
use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use slab::Slab;

use super::accept::PAUSE;
use super::clock::Clock;
use super::poller::{Interest, Poller};
use super::timers::Timers;
use super::{Outcome, Setup};
use crate::net::{AcceptError, Endpoint};

/// The most clients that are accepted before those there are have their turn.
const ACCEPTS: usize = 64;
/// The key of the word to end; listeners follow, then connections.
const STOP: usize = 0;

/// Why a task is woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wake {
    /// Its socket may be ready, or its turn has come.
    Ready,
    /// Its deadline has passed.
    Late,
    /// It is time to end.
    Stop,
    /// The graceful time is over.
    Abandon,
}

/// What a task needs next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// To be woken when its socket is ready.
    Wait(Interest),
    /// To be woken by somebody else: see [`Context::again`].
    Park,
    /// To go on after the others.
    Again,
    /// The end.
    Close,
}

/// One connection's side of the loop.
pub(super) trait Task {
    /// A connection that was just accepted.
    fn new(context: &mut Context<'_>, key: usize, stream: TcpStream, endpoint: Endpoint) -> io::Result<Self>
    where
        Self: Sized;

    /// Goes as far as it can without waiting.
    fn go(&mut self, context: &mut Context<'_>, wake: Wake) -> Step;

    /// When it has to be woken at the latest.
    fn deadline(&self) -> Option<Instant>;

    /// Its socket.
    fn stream(&self) -> &TcpStream;

    /// Whether its client has all it will get, and only has to take it.
    fn is_answered(&self) -> bool;
}

/// What tasks share.
#[derive(Debug)]
pub(super) struct Context<'a> {
    pub(super) setup: &'a Arc<Setup>,
    pub(super) clock: Clock,
    /// Whether readiness is told once.
    pub(super) edge: bool,
    /// The keys of tasks that go on without their sockets.
    pub(super) again: Vec<usize>,
}

struct Entry<T> {
    task: T,
    /// What its socket is watched for.
    interest: Option<Interest>,
    /// When its timer comes up.
    timer: Option<Instant>,
    /// Whether it stands in the list of those that go on. Once is enough: a
    /// poller may tell of it at each turn besides.
    again: bool,
}

/// Whether clients are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Accepting {
    Open,
    /// There are as many as there may be.
    Full,
    /// The machine is out of something.
    Paused(Instant),
    Ended,
}

struct Loop<'a, P, T> {
    context: Context<'a>,
    poller: P,
    tasks: Slab<Entry<T>>,
    timers: Timers,
    accepting: Accepting,
    /// When those that still run are left.
    deadline: Option<Instant>,
}

/// Serves until it is told to stop, then finishes what runs.
pub(super) fn run<P: Poller, T: Task>(setup: &Arc<Setup>, poller: P) -> io::Result<Outcome> {
    let context = Context { setup, clock: Clock::new(), edge: P::EDGE, again: Vec::new() };
    let (tasks, timers) = (Slab::new(), Timers::default());
    Loop::<P, T> { context, poller, tasks, timers, accepting: Accepting::Full, deadline: None }.run()
}

impl<P: Poller, T: Task> Loop<'_, P, T> {
    fn run(mut self) -> io::Result<Outcome> {
        self.poller.register(self.context.setup.stop.as_fd(), STOP, Interest::Accept)?;
        self.open()?;
        let mut ready = Vec::new();
        loop {
            self.turn(&mut ready)?;
            if let Some(deadline) = self.deadline {
                let late = Instant::now() >= deadline;
                if late || self.tasks.is_empty() {
                    return Ok(self.abandon());
                }
            }
        }
    }

    /// Waits, and lets everybody who can go on do so.
    fn turn(&mut self, ready: &mut Vec<usize>) -> io::Result<()> {
        self.poller.wait(ready, self.timeout())?;
        for key in ready.drain(..) {
            self.wake(key)?;
        }
        let first = self.first();
        for key in std::mem::take(&mut self.context.again) {
            if let Some(entry) = self.tasks.get_mut(key - first) {
                entry.again = false;
            }
            self.go(key, Wake::Ready)?;
        }
        self.expire()
    }

    /// The key of the first connection.
    fn first(&self) -> usize {
        STOP + 1 + self.context.setup.listeners.len()
    }

    /// How long to wait when nothing is ready.
    fn timeout(&self) -> Option<Duration> {
        if !self.context.again.is_empty() {
            return Some(Duration::ZERO);
        }
        let pause = match self.accepting {
            Accepting::Paused(until) => Some(until),
            _ => None,
        };
        let next = [self.timers.next(), pause, self.deadline].into_iter().flatten().min()?;
        Some(next.saturating_duration_since(Instant::now()))
    }

    fn wake(&mut self, key: usize) -> io::Result<()> {
        match key {
            STOP => self.stop(),
            _ if key < self.first() => self.accept(key - STOP - 1),
            _ => self.go(key, Wake::Ready),
        }
    }

    // ----- connections -------------------------------------------------------

    fn go(&mut self, key: usize, wake: Wake) -> io::Result<()> {
        let first = self.first();
        // It may have ended since it was said to be ready.
        let Some(entry) = self.tasks.get_mut(key - first) else { return Ok(()) };
        let step = entry.task.go(&mut self.context, wake);
        let fd = entry.task.stream().as_fd();
        match step {
            Step::Wait(interest) if entry.interest == Some(interest) => {}
            Step::Wait(interest) => match self.poller.register(fd, key, interest) {
                Ok(()) => entry.interest = Some(interest),
                // It would never be woken again.
                Err(error) => {
                    self.context.setup.shed(&error);
                    return self.end(key);
                }
            },
            Step::Park => {
                self.poller.deregister(fd, key);
                entry.interest = None;
            }
            Step::Again if entry.again => {}
            Step::Again => {
                entry.again = true;
                self.context.again.push(key);
            }
            Step::Close => return self.end(key),
        }
        self.timers.arm(key, &mut entry.timer, entry.task.deadline());
        Ok(())
    }

    /// Ends a connection.
    fn end(&mut self, key: usize) -> io::Result<()> {
        let mut entry = self.tasks.remove(key - self.first());
        entry.task.go(&mut self.context, Wake::Abandon);
        self.poller.deregister(entry.task.stream().as_fd(), key);
        if self.accepting == Accepting::Full { self.open() } else { Ok(()) }
    }

    /// Wakes those whose deadline has passed.
    fn expire(&mut self) -> io::Result<()> {
        let (now, first) = (Instant::now(), self.first());
        while let Some((at, key)) = self.timers.due(now) {
            let Some(entry) = self.tasks.get_mut(key - first) else { continue };
            if entry.timer != Some(at) {
                continue;
            }
            entry.timer = None;
            match entry.task.deadline() {
                Some(deadline) if deadline <= now => self.go(key, Wake::Late)?,
                deadline => self.timers.arm(key, &mut entry.timer, deadline),
            }
        }
        if matches!(self.accepting, Accepting::Paused(until) if until <= now) {
            self.open()?;
        }
        Ok(())
    }

    // ----- accepting -----------------------------------------------------------

    /// Takes clients from now on.
    fn open(&mut self) -> io::Result<()> {
        for (place, listener) in self.context.setup.listeners.iter().enumerate() {
            self.poller.register(listener.as_fd(), STOP + 1 + place, Interest::Accept)?;
        }
        self.accepting = Accepting::Open;
        Ok(())
    }

    /// Leaves clients in the listeners' queues, and says until when.
    fn close(&mut self, accepting: Accepting) {
        for (place, listener) in self.context.setup.listeners.iter().enumerate() {
            self.poller.deregister(listener.as_fd(), STOP + 1 + place);
        }
        self.accepting = accepting;
    }

    fn accept(&mut self, place: usize) -> io::Result<()> {
        let setup = self.context.setup;
        for _ in 0..ACCEPTS {
            if self.accepting != Accepting::Open {
                break;
            }
            if self.tasks.len() >= setup.tuning.connections {
                self.close(Accepting::Full);
                break;
            }
            match setup.listeners[place].accept() {
                Ok((stream, endpoint)) => self.add(stream, endpoint)?,
                Err(AcceptError::Retry) => break,
                Err(AcceptError::Shed(error)) => {
                    setup.shed(&error);
                    self.close(Accepting::Paused(Instant::now() + PAUSE));
                }
                // Whoever sees it first that it is time to end closes them.
                Err(AcceptError::Fatal(_)) if setup.stop.is_told() => return self.stop(),
                Err(AcceptError::Fatal(error)) => return Err(error),
            }
        }
        Ok(())
    }

    /// Takes a connection in. One that cannot be served is dropped: shed, and
    /// said.
    fn add(&mut self, stream: TcpStream, endpoint: Endpoint) -> io::Result<()> {
        let key = self.first() + self.tasks.vacant_key();
        let poller = &mut self.poller;
        let task = T::new(&mut self.context, key, stream, endpoint).and_then(|task| {
            poller.register(task.stream().as_fd(), key, Interest::Read)?;
            Ok(task)
        });
        match task {
            Ok(task) => {
                self.tasks.insert(Entry { task, interest: Some(Interest::Read), timer: None, again: false });
                self.go(key, Wake::Ready)
            }
            Err(error) => {
                self.context.setup.shed(&error);
                Ok(())
            }
        }
    }

    // ----- the end -------------------------------------------------------------

    fn stop(&mut self) -> io::Result<()> {
        let setup = self.context.setup;
        // Some pollers only guess that it is ready.
        if self.accepting == Accepting::Ended || !setup.stop.is_told() {
            return Ok(());
        }
        setup.stop.see();
        self.close(Accepting::Ended);
        self.poller.deregister(setup.stop.as_fd(), STOP);
        setup.listeners.iter().for_each(crate::net::Listener::close);
        self.deadline = Instant::now().checked_add(setup.tuning.graceful);
        let keys: Vec<usize> = self.tasks.iter().map(|(place, _)| self.first() + place).collect();
        keys.into_iter().try_for_each(|key| self.go(key, Wake::Stop))
    }

    /// Leaves those that still run.
    fn abandon(mut self) -> Outcome {
        let running = self.tasks.iter().filter(|(_, entry)| !entry.task.is_answered()).count();
        let abandoned = running.saturating_sub(self.context.setup.stop.lingering());
        for (_, mut entry) in std::mem::take(&mut self.tasks) {
            entry.task.go(&mut self.context, Wake::Abandon);
        }
        Outcome { abandoned }
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::BorrowedFd;

    use gateway_spec::abi::host::Host;
    use gateway_spec::{Error, app_fn};

    use super::*;
    use crate::engine::{Engine, Stop};
    use crate::exchange::Service;
    use crate::net::Listener;

    /// Never has enough.
    struct Greedy(TcpStream);

    impl Task for Greedy {
        fn new(_: &mut Context<'_>, _: usize, stream: TcpStream, _: Endpoint) -> io::Result<Self> {
            Ok(Self(stream))
        }

        fn go(&mut self, _: &mut Context<'_>, _: Wake) -> Step {
            Step::Again
        }

        fn deadline(&self) -> Option<Instant> {
            None
        }

        fn stream(&self) -> &TcpStream {
            &self.0
        }

        fn is_answered(&self) -> bool {
            false
        }
    }

    /// Says of each key, at each turn, that it may be ready.
    struct Eager(Vec<usize>);

    impl Poller for Eager {
        fn register(&mut self, _: BorrowedFd<'_>, key: usize, _: Interest) -> io::Result<()> {
            self.0.push(key);
            Ok(())
        }

        fn deregister(&mut self, _: BorrowedFd<'_>, key: usize) {
            self.0.retain(|known| *known != key);
        }

        fn wait(&mut self, ready: &mut Vec<usize>, _: Option<Duration>) -> io::Result<()> {
            ready.extend_from_slice(&self.0);
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
        let context = Context { setup: &setup, clock: Clock::new(), edge: false, again: Vec::new() };
        let (poller, accepting) = (Eager(Vec::new()), Accepting::Full);
        let (tasks, timers) = (Slab::new(), Timers::default());
        let mut looped = Loop::<_, Greedy> { context, poller, tasks, timers, accepting, deadline: None };
        looped.open().unwrap();
        let _client = TcpStream::connect(address).unwrap();
        let mut ready = Vec::new();
        while looped.tasks.is_empty() {
            looped.turn(&mut ready).unwrap();
        }
        for _ in 0..100 {
            looped.turn(&mut ready).unwrap();
        }
        assert_eq!(looped.context.again.len(), 1);
    }
}
