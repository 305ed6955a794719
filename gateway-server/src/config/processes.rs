//! The flags about processes.

use std::num::NonZero;
use std::path::PathBuf;
use std::time::Duration;

use bytesize::ByteSize;
use clap::{Args, ValueEnum};

use super::flags::{size, time};
use crate::supervisor::{Policy, Wear};

/// What means nothing without a master.
const MASTERS: [&str; 11] = [
    "watch",
    "pre_stop_delay",
    "workers",
    "start_timeout",
    "reload_step",
    "max_requests",
    "max_requests_jitter",
    "max_worker_age",
    "max_worker_rss",
    "max_late_calls",
    "worker_timeout",
];

/// How many processes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Processes")]
pub(super) struct ProcessFlags {
    /// How many processes serve, under a master that replaces and reloads them; 0 or auto: as many as cores
    #[arg(long, value_name = "N", default_value = "1", value_parser = workers)]
    pub(super) workers: Workers,

    /// Serve in this process alone: nobody replaces or reloads it
    #[arg(long, conflicts_with_all = MASTERS)]
    pub(super) no_master: bool,

    /// Write this process's id, the master's where there is one, to FILE, which is removed at the end
    #[arg(long, value_name = "FILE")]
    pub(super) pidfile: Option<PathBuf>,

    /// How long a worker may take to load the module and to create the app
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = time)]
    pub(super) start_timeout: Duration,

    /// At a reload, old workers go when all new ones serve, or one for each
    #[arg(long, value_name = "HOW", default_value = "all")]
    pub(super) reload_step: ReloadStep,

    /// Reload when a module's file has changed
    #[arg(long)]
    pub(super) watch: bool,

    /// Serve on for so long when told to stop, each answer the last of its connection: until balancers have heard of it
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = humantime::parse_duration)]
    pub(super) pre_stop_delay: Duration,

    /// Replace a worker that has had N requests, by one that is ready; 0 for never
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(super) max_requests: u64,

    /// Let each worker have up to N requests more, so that they are not replaced at once [default: a tenth]
    #[arg(long, value_name = "N")]
    pub(super) max_requests_jitter: Option<u64>,

    /// Replace a worker that has served for so long; 0s for never
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = humantime::parse_duration)]
    pub(super) max_worker_age: Duration,

    /// Replace a worker that holds so much memory (RSS) [default: never]
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub(super) max_worker_rss: Option<ByteSize>,

    /// leader: replace a worker with N calls that run on after --request-timeout [default: half of --threads]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(super) max_late_calls: Option<u16>,

    /// Kill and replace a worker one of whose loops has not come round for so long; 0s for never
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = humantime::parse_duration)]
    pub(super) worker_timeout: Duration,
}

impl ProcessFlags {
    /// How a master has its workers serve, where there is one; at most `threads`
    /// calls run at once in each.
    ///
    /// # Errors
    /// A sentence for the user.
    pub(super) fn policy(&self, graceful: Duration, threads: usize) -> Result<Option<Policy>, String> {
        if self.max_requests_jitter.is_some() && self.max_requests == 0 {
            return Err("--max-requests-jitter belongs to --max-requests, which is not given".to_owned());
        }
        let workers = match self.workers {
            Workers::Auto => cores(),
            Workers::Count(count) => count.into(),
        };
        let one_by_one = self.reload_step == ReloadStep::One;
        let policy = Policy {
            workers,
            start_timeout: self.start_timeout,
            graceful,
            pre_stop: self.pre_stop_delay,
            one_by_one,
            wear: self.wear(threads),
        };
        Ok((!self.no_master).then_some(policy))
    }

    fn wear(&self, threads: usize) -> Wear {
        let some = |time: Duration| (!time.is_zero()).then_some(time);
        let jitter = self.max_requests_jitter.unwrap_or(self.max_requests / 10);
        let late_calls = self.max_late_calls.map_or((threads / 2).max(1), usize::from);
        Wear {
            requests: (self.max_requests > 0).then_some((self.max_requests, jitter)),
            age: some(self.max_worker_age),
            memory: self.max_worker_rss.map(|size| size.as_u64()),
            late_calls: Some(late_calls as u64),
            stuck: some(self.worker_timeout),
        }
    }
}

/// `--workers`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Workers {
    Auto,
    Count(u16),
}

/// `--reload-step`
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ReloadStep {
    All,
    One,
}

/// The cores that this process may use.
pub(super) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, NonZero::get)
}

fn workers(text: &str) -> Result<Workers, String> {
    match text {
        "auto" | "0" => Ok(Workers::Auto),
        _ => match text.parse() {
            Ok(count @ 1..=1024) => Ok(Workers::Count(count)),
            _ => Err("write a number from 1 to 1024, or auto".to_owned()),
        },
    }
}
