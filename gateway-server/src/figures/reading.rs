//! How the server does at one time.

use crate::stats::{Deeds, Fault, Histogram, Mishap, Standing, Totals, Worker};

/// See the module's text.
#[derive(Clone, Debug)]
pub(super) struct Reading {
    /// When it was read, in seconds since 1970.
    pub(super) time: u64,
    /// For how long the master has been there, in nanoseconds.
    pub(super) age: u64,
    /// Its process.
    pub(super) master: u32,
    pub(super) engine: &'static str,
    pub(super) totals: Totals,
    /// Clients that were ever taken.
    pub(super) accepted: u64,
    /// How often each fault has happened.
    pub(super) faults: Vec<(Fault, u64)>,
    pub(super) deeds: Deeds,
    pub(super) workers: Vec<Member>,
    /// What went wrong last, the latest first.
    pub(super) mishaps: Vec<Mishap>,
}

/// A worker, as its process is seen from outside.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) worker: Worker,
    /// How old its process is, in nanoseconds.
    pub(super) age: u64,
    /// Bytes of memory that it holds.
    pub(super) memory: u64,
}

impl Reading {
    /// Whether a client is served that comes now, and will be for a while.
    pub(super) fn is_ready(&self) -> bool {
        !self.deeds.is_ending && self.standing(Standing::Serving) > 0
    }

    /// How many workers stand there.
    pub(super) fn standing(&self, standing: Standing) -> u64 {
        self.workers.iter().filter(|member| member.worker.standing == standing).count() as u64
    }

    /// What all workers have together of something.
    pub(super) fn sum(&self, of: impl Fn(&Worker) -> u64) -> u64 {
        self.workers.iter().map(|member| of(&member.worker)).sum()
    }

    /// The threads that are in the app, and those that could be; `None` where there are
    /// none of which that can be said.
    pub(super) fn threads(&self) -> Option<(u64, u64)> {
        let serving = self.workers.iter().filter(|member| member.worker.standing != Standing::Starting);
        let each = serving.map(|member| member.worker.threads());
        each.reduce(|all, one| all.zip(one).map(|((busy, idle), (more, most))| (busy + more, idle + most))).flatten()
    }

    /// How often that has happened.
    pub(super) fn fault(&self, fault: Fault) -> u64 {
        self.faults.iter().find(|(other, _)| *other == fault).map_or(0, |(_, count)| *count)
    }
}

/// The shares that are told of durations, and what they are called.
pub(super) const SHARES: [(&str, f64); 4] = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p999", 0.999)];

/// What these shares took at most, in seconds.
pub(super) fn percentiles(histogram: &Histogram) -> [Option<f64>; SHARES.len()] {
    SHARES.map(|(_, share)| histogram.percentile(share).map(seconds))
}

pub(super) fn seconds(nanoseconds: u64) -> f64 {
    nanoseconds as f64 / 1e9
}
