//! The server as a library.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use gateway_spec::abi::host::Host;
use gateway_spec::abi::types::GW_HOST_MULTITHREAD;
use gateway_spec::{App, Level, escape};

use crate::engine::{Engine, Outcome, Setup, Stop, Stopper};
use crate::exchange::{Service, Timeouts};
use crate::net::{Address, AddressError, Listener};
use crate::protocol::Limits;

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
    app: AppOf,
    host: Option<Arc<Host>>,
    engine: Engine,
    listeners: Vec<Listener>,
    limits: Limits,
    timeouts: Timeouts,
    connections: usize,
    graceful: Duration,
    stop: Option<(Stop, Stopper)>,
}

/// An app that says nothing of itself in `Debug`.
struct AppOf(Arc<dyn App>);

impl std::fmt::Debug for AppOf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("app")
    }
}

/// Why a server cannot run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// The address is none.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// The address cannot be bound.
    #[error("cannot listen on {address}: {error}{}", hint(error))]
    Bind {
        /// Which address.
        address: String,
        /// The system's reason.
        error: io::Error,
    },
    /// There is no engine of that name.
    #[error("there is no engine \"{0}\"; known: {known}", known = Engine::names())]
    Engine(String),
    /// Nothing was bound.
    #[error("the server has no address: call bind first")]
    NoAddress,
    /// The system refuses what every server needs.
    #[error("{0}")]
    Io(#[from] io::Error),
}

fn hint(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => "; another process has it: stop that one, or choose another port",
        io::ErrorKind::PermissionDenied => "; ports below 1024 need privileges: choose a higher one",
        io::ErrorKind::AddrNotAvailable => "; it is not an address of this machine",
        _ => "",
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
            app: AppOf(app),
            host: None,
            engine: Engine::default(),
            listeners: Vec::new(),
            limits: Limits::default(),
            timeouts: Timeouts::default(),
            connections: 1024,
            graceful: Duration::from_secs(30),
            stop: None,
        }
    }

    /// A server of an app that was created with `host`, which must tell the
    /// truth about `engine`: see [`host`].
    #[must_use]
    pub fn hosting(app: Arc<dyn App>, host: Arc<Host>, engine: Engine) -> Self {
        Self { host: Some(host), engine, ..Self::of(app) }
    }

    /// Listens on an address, from now on; may be called several times.
    ///
    /// # Errors
    /// [`ServerError::Address`], [`ServerError::Bind`].
    pub fn bind(mut self, address: &str) -> Result<Self, ServerError> {
        let address: Address = address.parse()?;
        let bound = Listener::bind(address.resolve()?);
        let listener = bound.map_err(|error| ServerError::Bind { address: address.to_string(), error })?;
        self.listeners.push(listener);
        Ok(self)
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
        self.graceful = duration;
        self
    }

    /// The addresses that are bound, with the ports that were taken.
    #[must_use]
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.listeners.iter().map(Listener::address).collect()
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

    /// Serves until it is told to stop, finishes what runs, and shuts the app
    /// down, unless one of its calls is still running.
    ///
    /// # Errors
    /// [`ServerError::NoAddress`], or a listener that broke.
    pub fn run(self) -> Result<Outcome, ServerError> {
        if self.listeners.is_empty() {
            return Err(ServerError::NoAddress);
        }
        let (stop, _stopper) = self.stop.map_or_else(Stop::new, Ok)?;
        let app = self.app.0;
        let service = Service {
            app: Arc::clone(&app),
            host: self.host.unwrap_or_else(|| host(self.engine)),
            limits: self.limits,
            timeouts: self.timeouts,
            server: NAME,
            multithread: self.engine.multithread,
            multiprocess: false,
        };
        let setup = Arc::new(Setup {
            listeners: self.listeners,
            service: Arc::new(service),
            stop,
            connections: self.connections,
            graceful: self.graceful,
            shedding: AtomicBool::new(false),
        });
        let outcome = self.engine.run(&setup)?;
        if outcome.abandoned == 0 {
            app.shutdown();
        }
        Ok(outcome)
    }
}

/// This server as an app sees it when `engine` runs it. Its log lines go to
/// `tracing`.
#[must_use]
pub fn host(engine: Engine) -> Arc<Host> {
    Host::new(NAME, env!("CARGO_PKG_VERSION"), flags(engine), log)
}

/// The same for a server that lints: a line that breaks a rule is told of.
#[must_use]
pub fn linting_host(engine: Engine) -> Arc<Host> {
    Host::new(NAME, env!("CARGO_PKG_VERSION"), flags(engine), |level, target, message| {
        log(level, target, message);
        for violation in gateway_spec::lint::check_line(target, message) {
            log(Level::Warn, "lint", &violation.to_string());
        }
    })
}

fn flags(engine: Engine) -> u32 {
    if engine.multithread { GW_HOST_MULTITHREAD } else { 0 }
}

/// Writes a line of the app's to the log.
fn log(level: Level, part: &str, message: &str) {
    let (part, message) = (escape(part), escape(message));
    match level {
        Level::Error => tracing::error!(target: "app", "{part}: {message}"),
        Level::Warn => tracing::warn!(target: "app", "{part}: {message}"),
        Level::Info => tracing::info!(target: "app", "{part}: {message}"),
        Level::Debug => tracing::debug!(target: "app", "{part}: {message}"),
        Level::Trace => tracing::trace!(target: "app", "{part}: {message}"),
    }
}
