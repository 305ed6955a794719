//! Lines that could not be written: counted, and told of once in a while, in one of all
//! the processes that share an access log.

use std::io;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::stats::{Counters, Fault};
use crate::sys::Shared;

/// See the module's text.
#[derive(Debug)]
pub(super) struct Losses {
    /// How many are not told of yet, and the second in which some were told of last.
    words: Shared,
    counters: Counters,
}

const UNTOLD: usize = 0;
const TOLD: usize = 1;

/// How long it is quiet about others.
const QUIET: Duration = Duration::from_secs(10);

impl Losses {
    pub(super) fn new(counters: Counters) -> io::Result<Self> {
        Ok(Self { words: Shared::new(2)?, counters })
    }

    /// So many more.
    pub(super) fn add(&self, lines: u64) {
        if lines > 0 {
            self.words[UNTOLD].fetch_add(lines, Relaxed);
            self.counters.count_many(Fault::LineLost, lines);
        }
    }

    /// Tells of those that are not told of yet, unless it has just told of others.
    pub(super) fn tell(&self, why: &str) {
        if self.words[UNTOLD].load(Relaxed) == 0 {
            return;
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let told = self.words[TOLD].load(Relaxed);
        // A clock that is set back is no reason to be quiet for longer.
        let is_quiet = now.abs_diff(told) < QUIET.as_secs();
        if !is_quiet && self.words[TOLD].compare_exchange(told, now, Relaxed, Relaxed).is_ok() {
            self.say(&format!(": {why}"));
        }
    }

    /// Tells of the others at the end.
    pub(super) fn tell_rest(&self) {
        self.say("");
    }

    fn say(&self, why: &str) {
        let lines = self.words[UNTOLD].swap(0, Relaxed);
        if lines > 0 {
            tracing::warn!("lines of the access log that could not be written: {lines}{why}");
        }
    }
}
