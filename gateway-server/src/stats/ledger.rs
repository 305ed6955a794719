//! What the master shows: since when it is there, whether it ends, and how often its
//! workers had to be replaced, and why.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering::{Relaxed, Release};

use crate::sys::Shared;

/// See the module's text.
pub struct Ledger {
    words: Arc<Shared>,
}

/// What it holds, as it was at one time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Deeds {
    /// Workers that were replaced though nobody asked, by [`Restart`].
    pub restarts: [u64; Restart::ALL.len()],
    /// Reloads: those that went well, and those that did not.
    pub reloads: [u64; 2],
    /// Upgrades that did not go well: after one that did, another program counts.
    pub failed_upgrades: u64,
    /// How many workers there are to be.
    pub wanted: u64,
    /// Whether it ends.
    pub is_ending: bool,
}

/// Why a worker was replaced though nobody asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Restart {
    /// Its process ended badly.
    Crashed,
    /// Its process ended well, though nobody had told it to.
    Left,
    /// It could not start, or not in time.
    Failed,
    /// A loop of it did not come round, and it was killed.
    Stuck,
    /// It was old, large, or had had many requests.
    Worn,
}

impl Deeds {
    /// Nothing.
    pub const NONE: Self =
        Self { restarts: [0; Restart::ALL.len()], reloads: [0; 2], failed_upgrades: 0, wanted: 0, is_ending: false };
}

impl Restart {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Crashed, Self::Left, Self::Failed, Self::Stuck, Self::Worn];

    /// As text.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Crashed => "crashed",
            Self::Left => "left",
            Self::Failed => "failed",
            Self::Stuck => "stuck",
            Self::Worn => "worn",
        }
    }
}

const RESTARTS: usize = 0;
const RELOADS: usize = RESTARTS + Restart::ALL.len();
const UPGRADES: usize = RELOADS + 2;
const WANTED: usize = UPGRADES + 1;
const ENDING: usize = WANTED + 1;
/// How many words it has.
pub(super) const WORDS: usize = ENDING + 1;

impl Ledger {
    pub(super) const fn of(words: Arc<Shared>) -> Self {
        Self { words }
    }

    /// Writes what has come about. Only the master does.
    pub fn write(&self, deeds: &Deeds) {
        let counts = deeds.restarts.into_iter().chain(deeds.reloads).chain([deeds.failed_upgrades, deeds.wanted]);
        self.words.iter().zip(counts).for_each(|(word, count)| word.store(count, Relaxed));
        self.words[ENDING].store(deeds.is_ending.into(), Release);
    }

    /// What is written there.
    #[must_use]
    pub fn read(&self) -> Deeds {
        let of = |place: usize| self.words[place].load(Relaxed);
        Deeds {
            restarts: std::array::from_fn(|place| of(RESTARTS + place)),
            reloads: std::array::from_fn(|place| of(RELOADS + place)),
            failed_upgrades: of(UPGRADES),
            wanted: of(WANTED),
            is_ending: of(ENDING) != 0,
        }
    }
}

impl fmt::Debug for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ledger({:?})", self.read())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::Boards;

    #[test]
    fn what_is_written_is_read() {
        let ledger = Boards::new(1).unwrap().ledger();
        assert_eq!(ledger.read(), Deeds::default());
        let deeds =
            Deeds { restarts: [1, 2, 3, 4, 5], reloads: [6, 7], failed_upgrades: 8, wanted: 9, is_ending: true };
        ledger.write(&deeds);
        assert_eq!(ledger.read(), deeds);
    }
}
