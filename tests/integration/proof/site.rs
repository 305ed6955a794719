//! A server with workers that is reloaded and upgraded by its own commands.

use std::fmt;
use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use gateway_tests::artifacts;
use gateway_tests::process::{children, is_there};
use gateway_tests::server::{Server, command, run};
use gateway_tests::wait::until;

use super::ms;

/// Clients may rest for as long as a test takes.
const PATIENT: &[&str] = &["--head-timeout", "1h", "--keep-alive-timeout", "1h"];

pub(crate) struct Site {
    folder: tempfile::TempDir,
    server: Server,
}

/// How long a reload, or an upgrade, has taken.
#[derive(Clone, Copy)]
pub(crate) struct Turn {
    /// Until the new workers served, as the command says that was asked to do it.
    ready: Duration,
    /// From then on until the old ones were gone.
    drained: Option<Duration>,
}

impl Site {
    pub(crate) fn new(more: &[&str]) -> Self {
        Self::at("127.0.0.1:0", more)
    }

    pub(super) fn at(bind: &str, more: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut command = command(&[more, PATIENT, &["--bind", bind]].concat());
        command.arg("--pidfile").arg(folder.path().join("pid")).arg(artifacts::module("probe"));
        command.env("GATEWAY_LOG", "info");
        Self { server: Server::spawn(command, 1), folder }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.server.address()
    }

    pub(crate) fn log(&self) -> String {
        self.server.log()
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("pid")
    }

    /// The process that takes signals: another one after each upgrade.
    pub(super) fn master(&self) -> u32 {
        fs::read_to_string(self.file()).unwrap_or_default().trim().parse().unwrap_or(0)
    }

    pub(super) fn workers(&self) -> Vec<u32> {
        children(self.master())
    }

    /// Waits for this many workers, and for no others that finish.
    pub(super) fn is_whole(&self, count: usize) {
        until("all workers are there", || self.workers().len(), |now| *now == count);
    }

    /// Has all workers replaced.
    pub(super) fn reload(&self, to_the_end: bool) -> Turn {
        self.turn("reload", self.workers(), to_the_end)
    }

    /// Has the program replaced.
    pub(crate) fn upgrade(&self) -> Turn {
        self.turn("upgrade", vec![self.master()], true)
    }

    fn turn(&self, what: &str, old: Vec<u32>, to_the_end: bool) -> Turn {
        let start = Instant::now();
        let output = run(&[what, self.file().to_str().unwrap()]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{what}: {said}\n{}", self.log());
        let (ready, begin) = (start.elapsed(), Instant::now());
        let left = || old.iter().filter(|process| is_there(**process)).count();
        let drained = to_the_end.then(|| {
            until("the old ones are gone", left, |left| *left == 0);
            begin.elapsed()
        });
        Turn { ready, drained }
    }

    /// Kills a worker, and waits until it is gone.
    pub(super) fn kill(&self, worker: u32) {
        signal(worker, "KILL");
        until("it is gone", || is_there(worker), |there| !there);
    }

    /// Has the server stop, and waits for its end.
    pub(crate) fn stop(&self) {
        let master = self.master();
        signal(master, "TERM");
        until("the server ends", || is_there(master), |there| !there);
    }
}

/// Whoever serves by now may be nobody's child.
impl Drop for Site {
    fn drop(&mut self) {
        let master = self.master();
        if master == 0 || !is_there(master) {
            return;
        }
        // Its workers end without it.
        signal(master, if std::thread::panicking() { "KILL" } else { "TERM" });
        if !std::thread::panicking() {
            until("the server ends", || is_there(master), |there| !there);
        }
    }
}

pub(super) fn signal(process: u32, name: &str) {
    let status = Command::new("kill").args(["-s", name, &process.to_string()]).status();
    assert!(status.expect("kill can be run").success(), "there is no process {process}");
}

/// Those of several turns.
#[derive(Default)]
pub(super) struct Times {
    ready: Vec<Duration>,
    drained: Vec<Duration>,
}

impl Times {
    pub(super) fn add(&mut self, turn: Turn) {
        self.ready.push(turn.ready);
        self.drained.extend(turn.drained);
    }
}

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let row = |times: &[Duration]| {
            let mut times = times.to_vec();
            times.sort_unstable();
            let at =
                |part: usize| times.get((times.len() * part / 100).min(times.len() - 1)).map_or(0.0, |time| ms(*time));
            format!("median {:.0} ms, 90 of 100 within {:.0} ms, longest {:.0} ms", at(50), at(90), at(100))
        };
        write!(
            f,
            "  until the new workers serve: {}\n  until the old ones are gone: {}",
            row(&self.ready),
            row(&self.drained)
        )
    }
}
