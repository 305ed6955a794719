//! The server as a library.

mod error;
mod host;
mod proxies;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use gateway_spec::abi::host::Host;
use gateway_spec::{App, AppFlags};

use crate::engine::{Engine, Factory, HandOver, Outcome, Ready, Setup, Stop, Stopper, Trigger, Tuning};
use crate::exchange::{Bodies, Places, Proxies, Service, Timeouts};
use crate::net::{Address, Bound, Identity, Listener, Listening, Notifier, Relay};
use crate::protocol::Limits;
use crate::stats::{Board, Counters, Journal};

pub use self::host::{Manner, host, is_run_once, linting_host};

pub use self::error::ServerError;

/// The value of the `Server` header.
pub const NAME: &str = "gateway-server";

/// Serves an app that is linked in, with no ABI between.
///
/// ```no_run
/// use gateway_server::Server;
/// use gateway_spec::prelude::*;
///
/// let app = app_fn(|_, start_response| {
///     start_response.start(Head::new(Status::OK, &[Header::new("Content-Type", "text/plain")]))?;
///     Ok(Body::from("Hello, World!\n"))
/// });
/// Server::new(app).bind("127.0.0.1:0")?.run()?;
/// # Ok::<(), gateway_server::ServerError>(())
/// ```
#[derive(Debug)]
pub struct Server {
    app: Silent<Arc<dyn App>>,
    host: Option<Arc<Host>>,
    engine: Engine,
    listening: Listening,
    listeners: Vec<Listener>,
    identity: Option<Identity>,
    limits: Limits,
    timeouts: Timeouts,
    keep_alive_requests: u64,
    spool_dir: Option<PathBuf>,
    proxies: Proxies,
    /// The engine's own number, unless it is said.
    connections: Option<usize>,
    tuning: Tuning,
    factory: Option<Factory>,
    notifier: Option<Notifier>,
    relay: Option<Relay>,
    board: Option<Arc<Board>>,
    timed: bool,
    journal: Option<Arc<dyn Journal>>,
    stop: Option<(Stop, Stopper)>,
    multiprocess: bool,
    ready: Option<Ready>,
}

/// What says nothing of itself in `Debug`.
struct Silent<T>(T);

impl<T> std::fmt::Debug for Silent<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("...")
    }
}

impl Server {
    /// A server of `app` with the default engine and limits.
    #[must_use]
    pub fn new(app: impl App + 'static) -> Self {
        Self::of(Arc::new(app))
    }

    fn of(app: Arc<dyn App>) -> Self {
        Self {
            app: Silent(app),
            host: None,
            engine: Engine::default(),
            listening: Listening::default(),
            listeners: Vec::new(),
            identity: None,
            limits: Limits::default(),
            timeouts: Timeouts::default(),
            keep_alive_requests: 0,
            spool_dir: None,
            proxies: Proxies::default(),
            connections: None,
            tuning: Engine::default().tuning(),
            factory: None,
            notifier: None,
            relay: None,
            board: None,
            timed: false,
            journal: None,
            stop: None,
            multiprocess: false,
            ready: None,
        }
    }

    /// A server of an app that was created with `host`, which must tell the
    /// truth about `engine`: see [`host`].
    #[must_use]
    pub fn hosting(app: Arc<dyn App>, host: Arc<Host>, engine: Engine) -> Self {
        Self { host: Some(host), engine, ..Self::of(app) }
    }

    /// How to listen: for the calls of [`bind`](Self::bind) that follow.
    #[must_use]
    pub fn listening(mut self, how: Listening) -> Self {
        self.listening = how;
        self
    }

    /// Shows this certificate where TLS is spoken: at `https://` addresses, and, for
    /// the calls of [`bind`](Self::bind) that follow, at TCP addresses without a
    /// scheme.
    #[must_use]
    pub fn identity(mut self, identity: Identity) -> Self {
        self.identity = Some(identity);
        self
    }

    /// Listens on an address, from now on; may be called several times.
    ///
    /// # Errors
    /// [`ServerError::Address`], [`ServerError::Bind`].
    pub fn bind(mut self, address: &str) -> Result<Self, ServerError> {
        let how = Listening { tls: self.listening.tls || self.identity.is_some(), ..self.listening };
        let address: Address = address.parse()?;
        for address in address.expanded()? {
            self.listeners.push(bind(&address, &how)?);
        }
        Ok(self)
    }

    /// Serves at listeners that are bound already.
    #[must_use]
    pub fn listeners(mut self, listeners: Vec<Listener>) -> Self {
        self.listeners.extend(listeners);
        self
    }

    /// Says that other processes serve the same app at the same listeners.
    #[must_use]
    pub fn multiprocess(mut self) -> Self {
        self.multiprocess = true;
        self
    }

    /// Is told to stop by these ends, and not by those of [`stopper`](Self::stopper).
    #[must_use]
    pub fn stopped_by(mut self, ends: (Stop, Stopper)) -> Self {
        self.stop = Some(ends);
        self
    }

    /// Does this once it serves.
    #[must_use]
    pub fn on_ready(mut self, act: impl FnOnce() + Send + 'static) -> Self {
        self.ready = Some(Ready::new(act));
        self
    }

    /// Chooses the concurrency model by name.
    ///
    /// # Errors
    /// [`ServerError::Engine`], which lists the known ones.
    pub fn engine(mut self, name: &str) -> Result<Self, ServerError> {
        self.engine = Engine::named(name).ok_or_else(|| ServerError::Engine(name.to_owned()))?;
        Ok(self)
    }

    /// How much a client may send.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// How long a client may take.
    #[must_use]
    pub fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// How long running requests may take once the server is told to stop.
    #[must_use]
    pub fn graceful(mut self, duration: Duration) -> Self {
        self.tuning.graceful = duration;
        self
    }

    /// The most connections at once; each engine has a number of its own where
    /// this is not called. Beyond it, clients wait in the listener's queue.
    #[must_use]
    pub fn connections(mut self, most: usize) -> Self {
        self.connections = Some(most);
        self
    }

    /// The most requests of one connection; 0 for no limit.
    #[must_use]
    pub fn keep_alive_requests(mut self, most: u64) -> Self {
        self.keep_alive_requests = most;
        self
    }

    /// Where engines that collect large request bodies keep them; the system's
    /// folder for temporary files where this is not called.
    #[must_use]
    pub fn spool_dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.spool_dir = Some(dir.into());
        self
    }

    /// How the engine `epoll` is told of readiness.
    #[must_use]
    pub fn trigger(mut self, trigger: Trigger) -> Self {
        self.tuning.trigger = trigger;
        self
    }

    /// How many loops the engine `leader` has: threads that poll at once. The
    /// cores that this process may use where this is not called; never more
    /// than calls or connections at once.
    #[must_use]
    pub fn loops(mut self, count: usize) -> Self {
        self.tuning.loops = count;
        self
    }

    /// The most calls of the app at once that the engine `leader` makes; 64
    /// where this is not called. An app that takes one call at a time gets one.
    #[must_use]
    pub fn threads(mut self, most: usize) -> Self {
        self.tuning.threads = most.max(1);
        self
    }

    /// The most requests that wait for a call of the engine `leader` to end, and how
    /// long each may: the others get 503. No limit, and 30 seconds, where this is not
    /// called.
    #[must_use]
    pub fn queue(mut self, most: Option<usize>, time: Option<Duration>) -> Self {
        (self.tuning.queue, self.tuning.queue_timeout) = (most, time);
        self
    }

    /// How long a thread of the engine `leader` stays that has nothing to do;
    /// 10 seconds where this is not called.
    #[must_use]
    pub fn idle(mut self, duration: Duration) -> Self {
        self.tuning.idle = duration;
        self
    }

    /// When the engine `leader` lets another thread poll.
    #[must_use]
    pub fn hand_over(mut self, when: HandOver) -> Self {
        self.tuning.hand_over = when;
        self
    }

    /// Bytes of the stack of each coroutine of the engine `coroutine`; 256 KiB
    /// where this is not called.
    #[must_use]
    pub fn stack_size(mut self, bytes: usize) -> Self {
        self.tuning.stack_size = bytes;
        self
    }

    /// Lets each child of the engine `fork` create an app of its own.
    #[must_use]
    pub fn create_in_child(mut self, factory: Factory) -> Self {
        self.factory = Some(factory);
        self
    }

    /// Tells a service manager when this server is ready, and when it begins to
    /// end.
    #[must_use]
    pub fn notifier(mut self, notifier: Notifier) -> Self {
        self.notifier = Some(notifier);
        self
    }

    /// Passes clients that wait on to those who serve after it.
    #[must_use]
    pub fn relay(mut self, relay: Relay) -> Self {
        self.relay = Some(relay);
        self
    }

    /// Shows its master what it does.
    #[must_use]
    pub fn board(mut self, board: Arc<Board>) -> Self {
        self.board = Some(board);
        self
    }

    /// Counts answers on its board, and how long they take.
    #[must_use]
    pub fn timed(mut self) -> Self {
        self.timed = true;
        self
    }

    /// Tells this of each answer.
    #[must_use]
    pub fn journal(mut self, journal: Arc<dyn Journal>) -> Self {
        self.journal = Some(journal);
        self
    }

    /// The addresses that are bound, with the ports that were taken.
    #[must_use]
    pub fn addresses(&self) -> Vec<Bound> {
        self.listeners.iter().filter_map(Listener::address).collect()
    }

    /// What stops this server from another thread or a signal handler.
    ///
    /// # Errors
    /// The system's, when it is out of descriptors.
    pub fn stopper(&mut self) -> Result<Stopper, ServerError> {
        if self.stop.is_none() {
            self.stop = Some(Stop::new()?);
        }
        match &self.stop {
            Some((_, stopper)) => Ok(stopper.try_clone()?),
            None => Err(ServerError::NoAddress),
        }
    }

    /// Gives the certificate to those that show it.
    fn identify(&mut self) -> Result<(), ServerError> {
        for listener in &mut self.listeners {
            match (&self.identity, listener.address()) {
                (Some(identity), _) => listener.identify(identity),
                (None, Some(bound @ Bound::Tls(_))) => return Err(ServerError::NoIdentity(bound)),
                (None, _) => {}
            }
        }
        Ok(())
    }

    /// Serves until it is told to stop, finishes what runs, and shuts the app
    /// down, unless one of its calls is still running.
    ///
    /// # Errors
    /// [`ServerError::NoAddress`], or a listener that broke.
    pub fn run(mut self) -> Result<Outcome, ServerError> {
        if self.listeners.is_empty() {
            return Err(ServerError::NoAddress);
        }
        for listener in &mut self.listeners {
            listener.trust(&self.proxies.trusted, self.proxies.announced);
            listener.allow(&self.proxies.fronts);
        }
        self.identify()?;
        let (stop, _stopper) = self.stop.map_or_else(Stop::new, Ok)?;
        let (app, engine) = (self.app.0, self.engine);
        let run_once = is_run_once(engine, self.keep_alive_requests);
        let tuning = Tuning { connections: self.connections.unwrap_or(engine.connections), ..self.tuning };
        let counters = match &self.board {
            Some(board) => Counters::shown(Arc::clone(board)),
            None if engine.multiprocess => Counters::shared()?,
            None => Counters::new(),
        };
        let service = Arc::new(Service {
            app: Arc::clone(&app),
            host: self.host.unwrap_or_else(|| host(&Manner { engine, run_once, multiprocess: self.multiprocess })),
            limits: self.limits,
            timeouts: self.timeouts,
            keep_alive_requests: self.keep_alive_requests,
            bodies: bodies(engine, &*app),
            live: live(engine, &*app, &tuning),
            spool_dir: self.spool_dir,
            proxies: self.proxies,
            counters: Arc::new(counters),
            timed: self.timed && self.board.is_some(),
            board: self.board.clone(),
            journal: self.journal,
            server: NAME,
            multithread: engine.multithread,
            multiprocess: engine.multiprocess || self.multiprocess,
            run_once,
        });
        let counters = Arc::clone(&service.counters);
        let mut setup = Setup::new(self.listeners, service, stop, tuning);
        (setup.factory, setup.notifier, setup.relay) = (self.factory, self.notifier, self.relay);
        setup.ready = Mutex::new(self.ready);
        let outcome = engine.run(setup)?;
        let faults = counters.summary();
        if !faults.is_empty() {
            tracing::info!("faults: {faults}");
        }
        if outcome.abandoned == 0 {
            app.shutdown();
        }
        Ok(outcome)
    }
}

/// An app that takes one call at a time must not wait for a client in it, where
/// others wait for their turn.
fn bodies(engine: Engine, app: &dyn App) -> Bodies {
    if engine.interleaves && !app.flags().has(AppFlags::CONCURRENT) { Bodies::Collected } else { engine.bodies }
}

/// An app that says so reads large bodies live, in at most half of its calls:
/// the others are for clients that are quick.
fn live(engine: Engine, app: &dyn App, tuning: &Tuning) -> Option<Arc<Places>> {
    let admitted = bodies(engine, app) == Bodies::Admitted && app.flags().has(AppFlags::STREAMS_INPUT);
    admitted.then(|| Places::new(tuning.threads / 2))
}

/// Binds an address.
///
/// # Errors
/// [`ServerError::Bind`].
pub fn bind(address: &Address, how: &Listening) -> Result<Listener, ServerError> {
    Listener::bind(address, how).map_err(|error| ServerError::Bind { address: address.clone(), error })
}
