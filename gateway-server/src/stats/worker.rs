//! What others see of a worker.

use std::fs;
use std::sync::OnceLock;
use std::time::Instant;

/// See the module's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Worker {
    /// Its number: never used again.
    pub number: u64,
    /// Its process.
    pub process: u32,
    /// Since when that is there, in nanoseconds of [`clock`].
    pub born: u64,
    /// Where it stands.
    pub standing: Standing,
    /// How many requests it has had.
    pub requests: u64,
    /// Calls that run on though their clients have been told.
    pub late_calls: u64,
    /// Clients that are there.
    pub connections: u64,
    /// Requests that wait for a call to end.
    pub queued: u64,
    /// Requests whose answer is not over.
    pub in_flight: u64,
    /// Those whose app is called.
    pub calling: u64,
    /// How many may be called at once.
    pub calls: Calls,
    /// Those in flight as text, without their queries.
    pub running: Vec<String>,
}

/// Where a worker stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    /// It loads its app.
    Starting,
    /// It serves.
    Serving,
    /// It finishes what runs.
    Draining,
}

impl Standing {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Starting, Self::Serving, Self::Draining];

    pub(super) const fn of(word: u64) -> Self {
        match word {
            0 => Self::Starting,
            1 => Self::Serving,
            _ => Self::Draining,
        }
    }

    /// As text.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Serving => "serving",
            Self::Draining => "draining",
        }
    }
}

/// How many calls may run at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Calls {
    /// There is no such number: they are suspended, and others run meanwhile.
    Any,
    /// One for each client that is there, which has a thread of its own.
    EachClient,
    /// So many.
    Most(u32),
}

impl Calls {
    pub(super) fn word(self) -> u64 {
        match self {
            Self::Any => 0,
            Self::EachClient => u64::MAX,
            Self::Most(most) => most.into(),
        }
    }

    pub(super) fn of(word: u64) -> Self {
        match word {
            0 => Self::Any,
            most => u32::try_from(most).map_or(Self::EachClient, Self::Most),
        }
    }
}

/// Nanoseconds since the first time that anybody asked, in this process or the one that
/// it was forked from.
#[must_use]
pub fn clock() -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed().as_nanos() as u64
}

/// Bytes of memory that a process holds (resident set size); none where that cannot be
/// read.
#[must_use]
pub fn memory(process: u32) -> u64 {
    let text = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    kib.unwrap_or(0).saturating_mul(1024)
}

impl Worker {
    /// Its threads that are in the app, and those that could be; `None` where it has no
    /// such threads.
    #[must_use]
    pub fn threads(&self) -> Option<(u64, u64)> {
        let all = match self.calls {
            Calls::Any => return None,
            Calls::EachClient => self.connections,
            Calls::Most(most) => most.into(),
        };
        // Read one after the other, while both change.
        let busy = self.calling.min(all);
        Some((busy, all - busy))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_holds_memory() {
        assert!(memory(std::process::id()) > 1 << 20);
        assert_eq!(memory(u32::MAX), 0);
    }

    #[test]
    fn calls_come_back_from_their_word() {
        for calls in [Calls::Any, Calls::EachClient, Calls::Most(1), Calls::Most(u32::MAX)] {
            assert_eq!(Calls::of(calls.word()), calls);
        }
    }
}
