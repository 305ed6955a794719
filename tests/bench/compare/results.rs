//! All figures of a run, kept in target/bench/results.json.

use std::fmt;
use std::fs;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::options::Options;
use super::peer::Peer;
use super::place::{self, Place};
use super::workload::Job;
use super::{median, page};

/// See the module's text.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Results {
    pub(crate) circumstances: Circumstances,
    pub(crate) rounds: usize,
    pub(crate) seconds: u64,
    pub(crate) peers: Vec<Described>,
    pub(crate) skipped: Vec<String>,
    pub(crate) loads: Vec<Load>,
    /// Bytes for an idle connection.
    pub(crate) memory: Vec<Figure>,
    /// Milliseconds to the first answer.
    pub(crate) starts: Vec<Figure>,
    pub(crate) instructions: Instructions,
}

/// A peer as it was run.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Described {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) command: String,
    /// The commands for other jobs, where they differ.
    pub(crate) variants: Vec<(String, String)>,
    pub(crate) is_ours: bool,
    pub(crate) is_native: bool,
}

/// A workload and what it found.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Load {
    pub(crate) name: String,
    pub(crate) about: String,
    pub(crate) rows: Vec<Row>,
}

/// A peer under a workload, round by round.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) peer: String,
    /// Requests a second.
    pub(crate) rate: Vec<f64>,
    /// Microseconds on the processor for a request.
    pub(crate) cpu: Vec<f64>,
    /// The part of a core that others took meanwhile.
    pub(crate) others: Vec<f64>,
}

/// One kind of figure of a peer.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Figure {
    pub(crate) peer: String,
    pub(crate) values: Vec<f64>,
}

/// Instructions for a request.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Instructions {
    pub(crate) rows: Vec<Counts>,
    /// httparse alone, for the head of a browser.
    pub(crate) httparse: f64,
}

/// A peer's instructions.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Counts {
    pub(crate) peer: String,
    /// One request at a time.
    pub(crate) one: f64,
    /// Sixteen at a time.
    pub(crate) pipelined: f64,
    /// With a browser's header fields.
    pub(crate) browser: f64,
}

/// Where and when it was measured.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Circumstances {
    text: String,
}

impl Results {
    /// The figures that are still to be found.
    pub(crate) fn of(peers: &[Peer], options: &Options) -> Self {
        let peers = peers.iter().map(Described::of).collect();
        Self { rounds: options.rounds, seconds: options.seconds, peers, ..Self::default() }
    }

    /// Keeps them.
    ///
    /// # Panics
    /// When the file cannot be written.
    pub(crate) fn save(&self) {
        let text = serde_json::to_string_pretty(self).expect("figures are JSON");
        fs::write(path(), text + "\n").expect("target is writable");
    }

    /// Those of the last run.
    ///
    /// # Panics
    /// When there was none.
    pub(crate) fn load() -> Self {
        let text = fs::read_to_string(path()).expect("make bench has run");
        serde_json::from_str(&text).expect("target/bench/results.json is of this program")
    }
}

fn path() -> PathBuf {
    place::folder().join("results.json")
}

impl Described {
    fn of(peer: &Peer) -> Self {
        let place = Place::free();
        let line = |job| page::plain(&peer.command(job, &place, true).join(" "), place.address.port());
        let command = line(Job::Plaintext);
        let others = [Job::Echo, Job::Sleep].into_iter().filter(|job| peer.does(*job));
        let others = others.map(|job| (job.path().to_owned(), line(job)));
        let variants = others.filter(|(_, other)| *other != command).collect();
        let (is_ours, is_native) = (peer.is_ours(), peer.is_native());
        Self { name: peer.name.to_owned(), version: peer.version(), command, variants, is_ours, is_native }
    }
}

impl Circumstances {
    /// What stands under tables and pictures.
    pub(crate) fn of(found: &Results) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        // What follows the numbers is whose build it is.
        let kernel = kernel.split('-').next().unwrap_or_default().trim();
        let today = httpdate::HttpDate::from(std::time::SystemTime::now()).to_string();
        let today = today.get("Sun, ".len().."Sun, 06 Nov 1994".len()).unwrap_or_default();
        let mut text = format!(
            "{cores} cores, Linux {kernel}, {today}; server and wrk on a core each; medians of {} interleaved \
             rounds of {} s",
            found.rounds, found.seconds
        );
        let others: Vec<f64> = found.disturbances().collect();
        if let Some(half) = median(&others) {
            let most = others.into_iter().fold(0.0, f64::max);
            text += &format!("; others took {:.0} % of a core, at most {:.0} %", half * 100.0, most * 100.0);
        }
        Self { text }
    }
}

impl Results {
    /// The part of a core that others took, in each round of each peer.
    fn disturbances(&self) -> impl Iterator<Item = f64> {
        self.loads.iter().flat_map(|load| &load.rows).flat_map(|row| &row.others).copied()
    }
}

impl fmt::Display for Circumstances {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
