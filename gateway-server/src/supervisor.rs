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
//! | `onlooker` | a process beside the workers, which tells others how they do |
//! | `control` | where `gateway-server reload` asks, and hears what came of it |
//! | `files` | files and folders whose change is a reason to reload |
//! | `link` | what a worker says to its master |
//! | `vitals` | how a worker does, as seen from outside |
//! | `bond` | has a worker end with its master |

mod bond;
mod control;
mod files;
mod link;
mod master;
mod onlooker;
mod plan;
mod process;
mod table;
mod vitals;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::Pid;

use crate::stats::{Board, Boards};

pub use self::bond::end_with;
pub use self::control::ask;
pub use self::files::Watched;
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
    /// How long all are served still after the word to end, for balancers to hear
    /// of it.
    pub pre_stop: Duration,
    /// Whether at a reload one old worker goes for each new one that serves, and
    /// not all of them when all new ones do.
    pub one_by_one: bool,
    /// When a worker is replaced though it serves.
    pub wear: Wear,
}

/// When a worker is replaced though it serves: nothing stands for never.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wear {
    /// After so many requests, and up to so many more, which are different for
    /// each worker.
    pub requests: Option<(u64, u64)>,
    /// After so long.
    pub age: Option<Duration>,
    /// When it holds so many bytes of memory.
    pub memory: Option<u64>,
    /// With so many calls that run on though their clients have been told.
    pub late_calls: Option<u64>,
    /// When one of its loops has not come round for so long; at once, because it
    /// does not hear that it should end.
    pub stuck: Option<Duration>,
}

/// What a worker does.
pub trait Work {
    /// What it is a reason to reload that it changes.
    fn watched(&self) -> &[Watched] {
        &[]
    }

    /// Prepares the new process, the worker of this number, before any signal arrives in
    /// it. It has the handlers of its master no more.
    ///
    /// # Errors
    /// The system's; the process ends.
    fn settle(&mut self, number: u64) -> io::Result<()>;

    /// Serves, to the end, and shows on the board what it does; answers the exit
    /// code.
    fn serve(&mut self, link: Link, board: Arc<Board>) -> u8;

    /// Whether there is to be a process beside the workers that looks on.
    fn has_onlooker(&self) -> bool {
        false
    }

    /// Looks on, to the end; answers the exit code.
    fn look_on(&mut self, _boards: Arc<Boards>) -> u8 {
        0
    }

    /// In the master: all workers serve for the first time.
    fn serving(&mut self) {}

    /// In the master: opens its log anew; `false` where there is none that its
    /// workers would have to open too.
    fn log_anew(&mut self) -> bool {
        false
    }

    /// In the master: a reload has begun.
    fn reloading(&mut self) {}

    /// In the master: it is over, well or not.
    fn reloaded(&mut self) {}

    /// In the master, each second: some worker serves, and its loops turn.
    fn alive(&mut self) {}

    /// In the master: starts the program that is to take over, which says over the
    /// link whether it can.
    ///
    /// # Errors
    /// Why it cannot be started.
    fn upgrade(&mut self, link: Link) -> io::Result<Pid>;

    /// In the master: that has taken over.
    fn upgraded(&mut self, _by: Pid) {}

    /// In the master: the end has begun.
    fn stopping(&mut self) {}

    /// In the master: all workers are told in a moment that they end.
    fn shut(&mut self) {}

    /// In the master: all workers are told now that they end. It may come again.
    fn ending(&mut self) {}
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
