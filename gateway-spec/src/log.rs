//! `gateway.errors`: lines for the server's log (PEP 3333's `wsgi.errors`).

use std::fmt;

use crate::abi::types::*;
use crate::abi::view::HostRef;

/// How much a log line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Needs somebody's attention.
    Error,
    /// Odd, but handled.
    Warn,
    /// Ordinary.
    Info,
    /// For developers.
    Debug,
    /// The finest detail.
    Trace,
}

impl Level {
    /// The level's number in the C ABI.
    #[must_use]
    pub const fn to_abi(self) -> u32 {
        match self {
            Self::Error => GW_LOG_ERROR,
            Self::Warn => GW_LOG_WARN,
            Self::Info => GW_LOG_INFO,
            Self::Debug => GW_LOG_DEBUG,
            Self::Trace => GW_LOG_TRACE,
        }
    }

    /// The level that a number of the C ABI stands for; one beyond the known
    /// ones is the nearest.
    #[must_use]
    pub const fn from_abi(level: u32) -> Self {
        match level {
            0 | GW_LOG_ERROR => Self::Error,
            GW_LOG_WARN => Self::Warn,
            GW_LOG_INFO => Self::Info,
            GW_LOG_DEBUG => Self::Debug,
            _ => Self::Trace,
        }
    }
}

/// Leveled lines that reach the server's log; usable from any thread.
///
/// ```
/// # use gateway_spec::prelude::*;
/// # fn app<'r>(environ: Environ<'r>, start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
/// environ.errors().warn(format_args!("{} is slow today", "the database"));
/// # start_response.start(Head::new(Status::OK, &[]))?;
/// # Ok(Body::empty())
/// # }
/// # let response = gateway_spec::testing::TestClient::new(gateway_spec::app_fn(app)).get("/").send();
/// # assert_eq!(response.log[0].message, "the database is slow today");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Errors<'r> {
    host: HostRef<'r>,
    target: &'static str,
}

impl<'r> Errors<'r> {
    pub(crate) const fn new(host: HostRef<'r>) -> Self {
        Self { host, target: "app" }
    }

    /// The same under another target, a word that says which part speaks.
    #[must_use]
    pub const fn target(mut self, target: &'static str) -> Self {
        self.target = target;
        self
    }

    /// Writes one line.
    pub fn log(self, level: Level, message: impl fmt::Display) {
        self.host.log(level.to_abi(), self.target, &message.to_string());
    }

    /// Writes a line that needs somebody's attention.
    pub fn error(self, message: impl fmt::Display) {
        self.log(Level::Error, message);
    }

    /// Writes a line about something odd.
    pub fn warn(self, message: impl fmt::Display) {
        self.log(Level::Warn, message);
    }

    /// Writes an ordinary line.
    pub fn info(self, message: impl fmt::Display) {
        self.log(Level::Info, message);
    }

    /// Writes a line for developers.
    pub fn debug(self, message: impl fmt::Display) {
        self.log(Level::Debug, message);
    }
}
