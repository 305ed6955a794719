//! What has become of all requests.

use std::fmt;
use std::io;
use std::time::Duration;

/// How a request, or a connection, was lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nobody took the connection.
    Refused(io::ErrorKind),
    /// It was closed while its client rested.
    ClosedIdle,
    /// It was closed before the answer, or in the midst of it.
    Closed,
    /// It was reset.
    Reset,
    /// Nothing came for a minute.
    Late,
    /// Something else was answered.
    Wrong(String),
}

impl Fault {
    pub(super) fn of(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Closed,
            io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => Self::Reset,
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Self::Late,
            _ => Self::Wrong(error.to_string()),
        }
    }
}

/// A request without its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    /// How.
    pub fault: Fault,
    /// Which: what was asked, by whom, from which port, as which of its requests.
    pub what: String,
    /// Whether its worker was killed.
    pub excused: bool,
}

/// How many of those that are lost a test that fails shows.
const SHOWN: usize = 20;

/// What has become of all requests.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Requests with the right answer; those of clients that rest are not counted.
    pub answered: u64,
    /// Those of them that were made on a connection of their own.
    pub anew: u64,
    /// Clients that have rested to the end, and were answered then.
    pub rested: u64,
    /// How often `Connection: close` was said to somebody who would have stayed.
    pub told_to_close: u64,
    /// Requests without.
    pub lost: Vec<Lost>,
    /// The longest time until an answer was read.
    pub longest: Duration,
    /// The same of connections that were made for it, with that.
    pub longest_anew: Duration,
}

impl Tally {
    /// Holds that no request was lost and no client that rested was closed.
    ///
    /// # Panics
    /// When one was.
    pub fn holds_that_nothing_is_lost(&self, log: impl FnOnce() -> String) {
        self.holds_of(|_| true, log);
    }

    /// The same but for those whose worker was killed.
    ///
    /// # Panics
    /// When another was.
    pub fn holds_that_only_the_killed_lose(&self, log: impl FnOnce() -> String) {
        self.holds_of(|lost| !lost.excused, log);
    }

    fn holds_of(&self, counts: impl Fn(&Lost) -> bool, log: impl FnOnce() -> String) {
        let lost: Vec<&Lost> = self.lost.iter().filter(|lost| counts(lost)).collect();
        let first: String = lost.iter().take(SHOWN).map(|lost| format!("{lost:?}\n")).collect();
        assert!(lost.is_empty(), "{self}\n{first}{}", log());
    }

    fn count(&self, is_so: impl Fn(&Fault) -> bool) -> usize {
        self.lost.iter().filter(|lost| is_so(&lost.fault)).count()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let idle = self.count(|fault| *fault == Fault::ClosedIdle);
        write!(
            f,
            "{} answered, {} of them on connections of their own; {} lost; {} rested, {idle} closed meanwhile; \
             {} told to close; longest wait {} ms, {} ms with the connection",
            self.answered,
            self.anew,
            self.lost.len() - idle,
            self.rested,
            self.told_to_close,
            self.longest.as_millis(),
            self.longest_anew.as_millis(),
        )
    }
}
