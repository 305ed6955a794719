//! The master: it starts workers, watches over them, and never serves itself.
//! It knows no engine, no protocol and no app; what a worker does is told by
//! whoever runs it.
//!
//! ```text
//! signal, word of a worker, end of a process, time -> event -> plan (pure) -> actions -> system calls
//! ```
//!
//! | file | purpose |
//! |---|---|
//! | `plan` | what is to be done about an event: a pure function |
//! | `table` | the workers that there are |
//! | `master` | turns what happens into events, and actions into what happens |
//! | `process` | a worker's process, as the master sees it |
//! | `link` | what a worker says to its master |

mod link;
mod master;
mod plan;
mod process;
mod table;

use std::io;
use std::time::Duration;

pub use self::link::Link;
pub use self::master::run;

/// How many workers, and how long they may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// How many workers there are to be.
    pub workers: usize,
    /// How long a worker may take until it serves.
    pub start_timeout: Duration,
    /// How long running requests may take once a worker is told to end.
    pub graceful: Duration,
    /// Whether at a reload one old worker goes for each new one that serves, and
    /// not all of them when all new ones do.
    pub one_by_one: bool,
}

/// What a worker does.
pub trait Work {
    /// Prepares the new process, before any signal arrives in it. It has the
    /// handlers of its master no more.
    ///
    /// # Errors
    /// The system's; the process ends.
    fn settle(&mut self) -> io::Result<()>;

    /// Serves, to the end; answers the exit code.
    fn serve(&mut self, link: Link) -> u8;

    /// In the master: all workers serve for the first time.
    fn serving(&mut self) {}

    /// In the master: the end has begun.
    fn stopping(&mut self) {}
}

/// Why a worker cannot serve, or a master does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The exit code that says it.
    pub code: u8,
    /// The same for people.
    pub text: String,
}

impl Failure {
    /// Anything that is not the command line's fault.
    const fn of(text: String) -> Self {
        Self { code: 1, text }
    }
}
