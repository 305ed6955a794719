//! A server under load, and among idle connections.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

use gateway_tests::artifacts;
use gateway_tests::process::{all_cpu, cpu, family, memory};
use gateway_tests::server::Server;
use gateway_tests::wait::until;

use super::Form;
use crate::request::PLAIN;

/// How many connections are busy: enough to keep a core so, and few enough to
/// leave select(2) a thousand for idle ones.
pub(crate) const BUSY: usize = 8;
/// The engines' own cap, which takes no part in this.
const CAP: &str = "6000";
/// How many idle connections are opened at a time.
const BATCH: usize = 200;
/// How long wrk asks, and how long a server is watched that has nothing to do.
const BURST: &str = "-d2s";
const WATCHED: Duration = Duration::from_millis(500);

/// How much of a core others may take, and how often it is tried to be alone.
pub(crate) const DISTURBED: f64 = 0.1;
const TRIES: usize = 2;

/// What a load found.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    /// Requests a second.
    pub(crate) rate: f64,
    /// The time, in microseconds, within which 99 of 100 were answered.
    pub(crate) p99: f64,
    /// The server's time on its core, in microseconds for a request.
    pub(crate) cpu: f64,
    /// The part of a core that others on the machine took meanwhile.
    pub(crate) others: f64,
}

/// A server with its idle connections.
pub(crate) struct Subject {
    form: Form,
    server: Server,
    idle: Vec<TcpStream>,
}

impl Subject {
    /// A server on a core of its own.
    pub(crate) fn start(form: Form) -> Self {
        let target = format!("{}:hello", artifacts::profile_dir().join("libgateway_bench.so").display());
        let cap: &[&str] = if form.engine == "single" { &[] } else { &["--connections", CAP] };
        let arguments = [&["--engine", form.engine], form.flags, cap, &["--bind", "127.0.0.1:0", &target]].concat();
        let mut pinned = on_core(0);
        pinned.arg(artifacts::server()).args(&arguments).env("GATEWAY_LOG", "warn");
        Self { form, server: Server::spawn(pinned, 1), idle: Vec::new() }
    }

    /// Opens connections until so many are idle; `false` where the engine's cap
    /// is below that. Each has been served once: that is what idle ones are.
    pub(crate) fn grow(&mut self, count: usize) -> bool {
        if count > most_idle(self.form) {
            return false;
        }
        while self.idle.len() < count {
            let batch = BATCH.min(count - self.idle.len());
            let mut opened: Vec<TcpStream> = (0..batch).map(|_| self.server.connect()).collect();
            for stream in &mut opened {
                stream.write_all(PLAIN).expect("the server reads");
            }
            for stream in &mut opened {
                let count = stream.read(&mut [0; 1024]).expect("the server answers");
                assert!(count > 0, "{} has shed a connection:\n{}", self.form.name, self.server.log());
            }
            self.idle.append(&mut opened);
        }
        true
    }

    /// Memory of the server and its children.
    pub(crate) fn memory(&self) -> u64 {
        family(self.server.id()).into_iter().map(memory).sum()
    }

    /// The part of a core that it uses for nothing.
    pub(crate) fn awake(&self) -> f64 {
        let (before, started) = (self.spent(), Instant::now());
        std::thread::sleep(WATCHED);
        (self.spent() - before).as_secs_f64() / started.elapsed().as_secs_f64()
    }

    /// Asks for a while, over so many connections; nothing where any answer was
    /// missing. Done again where others were busy meanwhile, since what they took
    /// was not there for the server or for wrk; the least disturbed time counts.
    pub(crate) fn load(&self, connections: usize) -> Option<Load> {
        let mut quietest: Option<Load> = None;
        for _ in 0..TRIES {
            let (started, others) = (Instant::now(), self.others());
            let found = self.burst(connections)?;
            let others = self.others().saturating_sub(others).as_secs_f64() / started.elapsed().as_secs_f64();
            if quietest.is_none_or(|load| others < load.others) {
                quietest = Some(Load { others, ..found });
            }
            if others < DISTURBED {
                break;
            }
            eprintln!("others took {:.0} % of a core", others * 100.0);
        }
        quietest
    }

    fn burst(&self, connections: usize) -> Option<Load> {
        let before = self.spent();
        let output = on_core(1)
            .args(["wrk", "-t1", BURST, "--latency", "-c", &connections.to_string(), &self.server.url("/")])
            .output()
            .expect("wrk can be run");
        let spent = self.spent_in_all() - before;
        let report = String::from_utf8_lossy(&output.stdout).into_owned();
        if ["Socket errors", "Non-2xx"].iter().any(|fault| report.contains(fault)) {
            eprintln!("{}: {report}", self.form.name);
            return None;
        }
        let word = |mark: &str, at: usize| report.lines().find(|line| line.contains(mark))?.split_whitespace().nth(at);
        let requests: f64 = word("requests in", 0)?.parse().ok()?;
        let cpu = spent.as_secs_f64() * 1e6 / requests;
        Some(Load { rate: word("Requests/sec:", 1)?.parse().ok()?, p99: micros(word("99%", 1)?)?, cpu, others: 0.0 })
    }

    /// The time that others than the server and this program, wrk included,
    /// have spent.
    fn others(&self) -> Duration {
        all_cpu().saturating_sub(self.spent() + cpu(std::process::id()))
    }

    /// Time on processors, of the server and its children.
    fn spent(&self) -> Duration {
        family(self.server.id()).into_iter().map(cpu).sum()
    }

    /// The same once the children of busy connections have ended: their time is
    /// then their parent's.
    fn spent_in_all(&self) -> Duration {
        if self.form.engine == "fork" {
            let others = || family(self.server.id()).len() - 1;
            until("busy children end", others, |count| *count <= self.idle.len());
        }
        self.spent()
    }
}

/// How many idle connections an engine holds beside the busy ones.
fn most_idle(form: Form) -> usize {
    match form.engine {
        "single" => 0,
        // A process each, and what select(2) can watch.
        "fork" | "select" => 1000,
        _ => usize::MAX,
    }
}

/// A program that runs on this core only, or anywhere if there is no such core.
fn on_core(core: usize) -> Command {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut command = Command::new("taskset");
    command.args(["-c", &(core % cores).to_string()]);
    command
}

/// `1.25ms` in microseconds.
fn micros(text: &str) -> Option<f64> {
    let units = [("us", 1.0), ("ms", 1e3), ("s", 1e6)];
    units.into_iter().find_map(|(unit, size)| Some(text.strip_suffix(unit)?.parse::<f64>().ok()? * size))
}
