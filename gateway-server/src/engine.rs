//! Engines: how many clients are served at once. Each model is one file with
//! the same functions in the same order, chosen by name from [`ENGINES`].
//!
//! | file | purpose |
//! |---|---|
//! | `single` `thread` | the models |
//! | `blocking` | the loop that serves one connection to its end |
//! | `accept` | waits for clients, or for the end |
//! | `crew` | the threads, counted and waited for |
//! | `socket` | moves an exchange's bytes |
//! | `clock` | reads the time |
//! | `stop` | tells everybody to end |

mod accept;
mod blocking;
mod clock;
mod crew;
mod single;
mod socket;
mod stop;
mod thread;

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use crate::exchange::Service;
use crate::net::Listener;

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
    /// Serves until it is told to stop.
    run: fn(&Arc<Setup>) -> io::Result<Outcome>,
}

/// All engines.
pub const ENGINES: &[Engine] = &[single::ENGINE, thread::ENGINE];

/// What an engine is given.
#[derive(Debug)]
pub struct Setup {
    /// Where clients connect.
    pub listeners: Vec<Listener>,
    /// The app, and how it is served.
    pub service: Arc<Service>,
    /// Becomes readable when it is time to end.
    pub stop: Stop,
    /// The most connections at once.
    pub connections: usize,
    /// How long running requests may take after that.
    pub graceful: Duration,
    /// Whether accepting pauses because the machine is out of something.
    pub shedding: AtomicBool,
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
    pub fn run(&self, setup: &Arc<Setup>) -> io::Result<Outcome> {
        (self.run)(setup)
    }
}

/// A thread per connection, until there is a better one.
impl Default for Engine {
    fn default() -> Self {
        thread::ENGINE
    }
}
