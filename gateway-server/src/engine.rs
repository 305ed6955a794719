//! Engines: how many clients are served at once. Each model is one file with
//! the same functions in the same order, chosen by name from [`ENGINES`].
//!
//! | file | purpose |
//! |---|---|
//! | `single` `fork` `thread` `coroutine` | models whose code waits for its client |
//! | `nonblocking` `select` `poll` `epoll` | models that ask who is ready |
//! | `blocking` | serves one connection to its end, by waiting |
//! | `waiter` | how that waits: a thread in poll, a coroutine by suspending |
//! | `event_loop` | many connections on one thread |
//! | `reactor` | who of them has something to do, over a `poller` |
//! | `poller` | what a backend has to do: register, deregister, wait |
//! | `timers` | deadlines of many connections |
//! | `machine` | one connection, driven by steps |
//! | `vacant` | memory for those that do not rest |
//! | `accept` | waits for clients, or for the end |
//! | `crew` `children` | threads and processes, counted and waited for |
//! | `port` | from a running app to its socket |
//! | `socket` | moves an exchange's bytes |
//! | `clock` | reads the time |
//! | `stop` | tells everybody to end |

mod accept;
mod blocking;
mod children;
mod clock;
mod coroutine;
mod crew;
mod epoll;
mod event_loop;
mod fork;
mod leader;
mod machine;
mod nonblocking;
mod poll;
mod poller;
mod port;
mod reactor;
mod select;
mod single;
mod socket;
mod stop;
mod thread;
mod timers;
mod vacant;
mod waiter;

use std::io;
use std::num::NonZero;
use std::os::fd::BorrowedFd;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread as threads;
use std::time::{Duration, Instant};

use gateway_spec::{App, AppFlags};

use crate::exchange::{Bodies, Resting, Service};
use crate::net::{Listener, Notifier, Origin, Relay};
use crate::stats::{Board, Calls, Fault, Pulse};

pub use stop::{Stop, Stopper};

/// A concurrency model.
#[derive(Clone, Copy, Debug)]
pub struct Engine {
    /// The name in `--engine`.
    pub name: &'static str,
    /// One line on how it works.
    pub about: &'static str,
    /// Whether several threads may be inside the app at once.
    pub multithread: bool,
    /// Whether several processes run the app.
    pub multiprocess: bool,
    /// Whether calls for several clients of one process may be under way at once.
    pub interleaves: bool,
    /// What becomes of request bodies that are not small.
    pub bodies: Bodies,
    /// The most connections at once, unless it is said.
    pub connections: usize,
    /// Serves until it is told to stop.
    run: fn(Setup) -> io::Result<Outcome>,
}

/// All engines.
pub const ENGINES: &[Engine] = &[
    leader::ENGINE,
    single::ENGINE,
    fork::ENGINE,
    thread::ENGINE,
    nonblocking::ENGINE,
    select::ENGINE,
    poll::ENGINE,
    epoll::ENGINE,
    coroutine::ENGINE,
];

/// The cap of engines for which a connection is neither a thread nor a process.
const MANY: usize = 16 * 1024;

/// An engine with one thread that never waits for a client.
const fn looping(name: &'static str, about: &'static str, run: fn(Setup) -> io::Result<Outcome>) -> Engine {
    let (bodies, connections) = (Bodies::Collected, MANY);
    Engine { name, about, multithread: false, multiprocess: false, interleaves: false, bodies, connections, run }
}

/// The most calls of the app at once that `leader` makes, unless it is said.
pub const THREADS: usize = 64;

/// How long a request waits for one of them to end, unless it is said.
pub const QUEUE_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a line about clients that are turned away is not said again.
const QUIET: Duration = Duration::from_secs(1);

/// When it is tried again to pass a client on: whoever takes them is busy.
const PASS: Duration = Duration::from_millis(10);

/// What an engine is given.
#[derive(Debug)]
pub struct Setup {
    /// Where clients connect.
    pub listeners: Vec<Listener>,
    /// The app, and how it is served.
    pub service: Arc<Service>,
    /// Becomes readable when it is time to end.
    pub stop: Stop,
    /// What can be chosen about it.
    pub tuning: Tuning,
    /// Makes the app of each of `fork`'s children, where they do not share one.
    pub factory: Option<Factory>,
    /// Who is told that it ends.
    pub notifier: Option<Notifier>,
    /// What is done once it serves.
    pub ready: Mutex<Option<Ready>>,
    /// By which clients that wait are passed on to those who serve after it.
    pub relay: Option<Relay>,
    /// When it was last said that clients are turned away.
    shed_said: Mutex<Option<Instant>>,
}

/// What can be chosen about an engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tuning {
    /// The most connections at once.
    pub connections: usize,
    /// How long running requests may take once it is time to end.
    pub graceful: Duration,
    /// How `epoll` tells of readiness.
    pub trigger: Trigger,
    /// Bytes of the stack of each of `coroutine`'s coroutines.
    pub stack_size: usize,
    /// How many loops `leader` has.
    pub loops: usize,
    /// The most calls of the app at once that `leader` makes.
    pub threads: usize,
    /// The most requests that wait for one of these calls to end; the others are
    /// turned away. No limit where it is not said.
    pub queue: Option<usize>,
    /// How long each of them may; for ever where it is not said.
    pub queue_timeout: Option<Duration>,
    /// How long a thread of `leader` without work stays.
    pub idle: Duration,
    /// When `leader` lets another thread poll.
    pub hand_over: HandOver,
}

impl Tuning {
    /// How long clients that wait may come once more, at a drain:
    /// a little less than the graceful time, for their closes to be in it.
    pub(crate) fn drain(&self) -> Duration {
        self.graceful.saturating_sub((self.graceful / 4).min(Duration::from_secs(2)))
    }
}

/// When `leader` lets another thread poll.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HandOver {
    /// When a call blocks; and before each call, for a while after one has.
    #[default]
    Auto,
    /// Before each call.
    Always,
    /// Not for a call that blocks, only for one that waits through its environ:
    /// nobody looks whether calls do.
    Never,
}

/// What is done once an engine serves.
pub struct Ready(Box<dyn FnOnce() + Send>);

impl Ready {
    /// Does this.
    pub fn new(act: impl FnOnce() + Send + 'static) -> Self {
        Self(Box::new(act))
    }
}

impl std::fmt::Debug for Ready {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Ready")
    }
}

/// Creates an app.
pub struct Factory(Box<Create>);

type Create = dyn Fn() -> gateway_spec::Result<Arc<dyn App>> + Send + Sync;

impl Factory {
    /// A factory that does this.
    pub fn new(create: impl Fn() -> gateway_spec::Result<Arc<dyn App>> + Send + Sync + 'static) -> Self {
        Self(Box::new(create))
    }

    /// A new app.
    ///
    /// # Errors
    /// The app's.
    pub fn create(&self) -> gateway_spec::Result<Arc<dyn App>> {
        (self.0)()
    }
}

impl std::fmt::Debug for Factory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Factory")
    }
}

/// When epoll tells that a descriptor is ready.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Trigger {
    /// For as long as it is.
    #[default]
    Level,
    /// Once, when it becomes ready.
    Edge,
}

impl Setup {
    /// An engine's part of a server.
    #[must_use]
    pub const fn new(listeners: Vec<Listener>, service: Arc<Service>, stop: Stop, tuning: Tuning) -> Self {
        Self {
            listeners,
            service,
            stop,
            tuning,
            factory: None,
            notifier: None,
            ready: Mutex::new(None),
            relay: None,
            shed_said: Mutex::new(None),
        }
    }

    /// How many calls may run at once: an app that takes one at a time gets one.
    fn calls(&self) -> usize {
        if self.service.app.flags().has(AppFlags::CONCURRENT) { self.tuning.threads } else { 1 }
    }

    /// Nothing keeps it from serving any more, with so many calls at once.
    fn serves(&self, calls: Calls) {
        if let Some(board) = &self.service.board {
            board.seat().set_busy(false);
            board.set_calls(calls);
        }
        let act = self.ready.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Ready(act)) = act {
            act();
        }
        if let Some(notifier) = &self.notifier {
            notifier.notify("READY=1");
        }
    }

    /// It is time to end: nobody else is let in. A client that connects from here
    /// on is refused at once, instead of waiting for a server that will not come.
    fn close(&self) {
        let is_first = self.stop.see();
        self.service.board.as_ref().inspect(|board| board.seat().leave());
        let all_end = self.stop.all_end();
        self.listeners.iter().for_each(|listener| listener.close(all_end));
        if let Some(notifier) = self.notifier.as_ref().filter(|_| is_first) {
            notifier.notify("STOPPING=1");
        }
    }

    /// Whether clients wait here while another process could serve more.
    fn is_behind(&self) -> bool {
        self.service.board.as_ref().is_some_and(|board| board.seat().is_behind())
    }

    /// The pulse of one more loop, where a master feels it.
    fn pulse(&self) -> Option<Pulse> {
        self.service.board.as_ref().and_then(Board::pulse)
    }

    /// A client is here, whom perhaps another process has accepted.
    fn arrives(&self, is_relayed: bool) {
        self.service.board.iter().for_each(|board| board.arrive(is_relayed));
    }

    /// So many clients have gone.
    fn depart(&self, count: usize) {
        self.service.board.iter().for_each(|board| board.depart(count));
    }

    /// A client is here until the answer is dropped.
    fn guest(&self, origin: &Origin) -> Guest<'_> {
        self.arrives(origin.is_relayed);
        Guest(self)
    }

    /// Passes a client on that waits between two requests; `false` where that
    /// cannot be now.
    fn pass(&self, stream: BorrowedFd<'_>, resting: &Resting) -> bool {
        let passed = self.relay.as_ref().map(|relay| relay.pass(stream, resting.endpoint(), resting.requests()));
        matches!(passed, Some(Ok(())))
    }

    /// A client could not be served: counted each time, said once in a while.
    fn shed(&self, why: &io::Error) {
        self.service.counters.count(Fault::Shed);
        let (now, mut said) = (Instant::now(), self.shed_said.lock().unwrap_or_else(PoisonError::into_inner));
        if said.is_none_or(|said| now.duration_since(said) > QUIET) {
            *said = Some(now);
            tracing::warn!("clients are turned away for now: {why}");
        }
    }
}

/// A client who is served to the end by who has this.
struct Guest<'a>(&'a Setup);

impl Drop for Guest<'_> {
    fn drop(&mut self) {
        self.0.depart(1);
    }
}

impl Engine {
    /// What is chosen about it where nobody chooses.
    #[must_use]
    pub fn tuning(&self) -> Tuning {
        Tuning {
            connections: self.connections,
            graceful: Duration::from_secs(30),
            trigger: Trigger::Level,
            stack_size: 256 * 1024,
            loops: threads::available_parallelism().map_or(1, NonZero::get),
            threads: THREADS,
            queue: None,
            queue_timeout: Some(QUEUE_TIMEOUT),
            idle: Duration::from_secs(10),
            hand_over: HandOver::Auto,
        }
    }
}

/// How a run ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Connections that were still busy when the graceful time was over.
    pub abandoned: usize,
}

impl Engine {
    /// The engine of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        ENGINES.iter().copied().find(|engine| engine.name == name)
    }

    /// The names, for a message.
    #[must_use]
    pub fn names() -> String {
        ENGINES.iter().map(|engine| engine.name).collect::<Vec<_>>().join(", ")
    }

    /// Serves until it is told to stop, then finishes what runs.
    ///
    /// # Errors
    /// A listener that is broken.
    pub fn run(&self, setup: Setup) -> io::Result<Outcome> {
        (self.run)(setup)
    }
}

/// Leader/followers.
impl Default for Engine {
    fn default() -> Self {
        leader::ENGINE
    }
}
