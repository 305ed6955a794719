//! What all connections of a server share.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use gateway_spec::abi::host::Host;
use gateway_spec::{App, Status};

use super::places::Places;
use super::proxies::Proxies;
use crate::protocol::Limits;
use crate::stats::{Board, Counters, Fault, Journal, Sample};

/// The app, and how it is served. Immutable once the server runs.
#[derive(Clone)]
pub struct Service {
    /// The app; dropped before the host it may point to.
    pub app: Arc<dyn App>,
    /// The server as the app sees it.
    pub host: Arc<Host>,
    /// How much a client may send.
    pub limits: Limits,
    /// How long things may take.
    pub timeouts: Timeouts,
    /// The most requests of one connection; 0 for no limit.
    pub keep_alive_requests: u64,
    /// What becomes of request bodies that are not small.
    pub bodies: Bodies,
    /// How many requests of [`Bodies::Admitted`] may read theirs live.
    pub live: Option<Arc<Places>>,
    /// Where bodies that are too large for memory are kept; the system's
    /// folder for temporary files where it is not said.
    pub spool_dir: Option<PathBuf>,
    /// Whose word is taken about who a client is.
    pub proxies: Proxies,
    /// What went wrong, counted.
    pub counters: Arc<Counters>,
    /// Where requests are shown to the master, where there is one.
    pub board: Option<Arc<Board>>,
    /// Whether answers are counted on the board, and how long they take.
    pub timed: bool,
    /// Who is told of each answer.
    pub journal: Option<Arc<dyn Journal>>,
    /// The `Server` header.
    pub server: &'static str,
    /// `gateway.multithread`.
    pub multithread: bool,
    /// `gateway.multiprocess`.
    pub multiprocess: bool,
    /// `gateway.run_once`: each process answers one request.
    pub run_once: bool,
}

/// What becomes of a request body that is chunked or not small.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bodies {
    /// The app is called at once, and reads it as it comes.
    Live,
    /// It is complete before the app is called, so that a slow client holds
    /// nobody up.
    Collected,
    /// Live while one of the places of [`Service::live`] is free, and else
    /// collected. The place is taken until the request is over.
    Admitted,
}

impl Service {
    /// One app, served as a server with one thread does by default.
    #[must_use]
    pub fn new(app: Arc<dyn App>, host: Arc<Host>) -> Self {
        Self {
            app,
            host,
            limits: Limits::default(),
            timeouts: Timeouts::default(),
            keep_alive_requests: 0,
            bodies: Bodies::Live,
            live: None,
            spool_dir: None,
            proxies: Proxies::default(),
            counters: Arc::default(),
            board: None,
            timed: false,
            journal: None,
            server: "gateway-server",
            multithread: false,
            multiprocess: false,
            run_once: false,
        }
    }

    /// Whether anybody wants to know of answers.
    #[inline]
    pub(super) const fn is_observed(&self) -> bool {
        self.timed || self.journal.is_some()
    }

    /// Counts a call that takes too long, and the 504 that its client gets, if it had not
    /// got anything.
    pub fn count_overdue(&self, unanswered: bool) {
        self.counters.count(Fault::Overdue);
        if let Some(board) = self.board.as_ref().filter(|_| self.timed && unanswered) {
            board.count(&Sample { status: Status::GATEWAY_TIMEOUT.code(), bytes: 0, took: None });
        }
    }

    /// The variables that are the same for all requests.
    pub(super) fn variables(&self) -> [(&'static str, &'static str); 5] {
        let flag = |set| if set { "1" } else { "0" };
        [
            ("gateway.version", gateway_spec::VERSION),
            ("gateway.url_scheme", "http"),
            ("gateway.multithread", flag(self.multithread)),
            ("gateway.multiprocess", flag(self.multiprocess)),
            ("gateway.run_once", flag(self.run_once)),
        ]
    }
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Service({}, {:?}, {:?})", self.server, self.limits, self.timeouts)
    }
}

/// How long a client may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// From the first byte of a head, or the start of the connection, to the
    /// head's end.
    pub head: Duration,
    /// Between two requests.
    pub keep_alive: Duration,
    /// Before the body's minimum rate is asked for.
    pub body_grace: Duration,
    /// Bytes per second that a body must bring after that.
    pub body_rate: u64,
    /// Without any progress of a response.
    pub write: Duration,
    /// For one call of the app; only `leader` keeps it. The client gets 504, or
    /// its connection is cut where the response has begun, and the call goes on
    /// until it returns.
    pub call: Option<Duration>,
}

impl Timeouts {
    /// The time for which a connection of so many requests may wait for the
    /// next.
    pub(super) const fn idle(&self, requests: u64) -> Duration {
        if requests > 0 { self.keep_alive } else { self.head }
    }

    /// The time within which `received` bytes of a body must be followed by more.
    #[must_use]
    pub fn body(&self, received: u64) -> Duration {
        self.body_grace + Duration::from_secs(received / self.body_rate.max(1))
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(10),
            keep_alive: Duration::from_secs(75),
            body_grace: Duration::from_secs(10),
            body_rate: 512,
            write: Duration::from_secs(30),
            call: None,
        }
    }
}
