//! A peer's process: started on its core, tried out, ended with its children.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use gateway_tests::process::{cpu, family, private_memory};

use super::peer::Peer;
use super::place::{self, Place};
use super::workload::Job;

/// How long a peer may take to start, and to end.
const PATIENCE: Duration = Duration::from_secs(60);
const END: Duration = Duration::from_secs(15);
const PAUSE: Duration = Duration::from_millis(1);

/// See the module's text.
pub(crate) struct Running {
    child: Child,
    pub(crate) address: SocketAddr,
    log: std::path::PathBuf,
}

impl Running {
    /// Starts a peer for a job on the servers' core, and holds that it answers
    /// as it should.
    pub(crate) fn start(peer: &Peer, job: Job) -> Result<Self, String> {
        let place = Place::free();
        let running = Self::spawn(peer.name, &place, &peer.command(job, &place, true), &on_core(0))?;
        running.wait(peer.name)?;
        job.verify(running.address).map_err(|why| running.failed(peer.name, &why))?;
        Ok(running)
    }

    /// Starts a command behind another one, as `taskset` or `valgrind`.
    pub(crate) fn spawn(name: &str, at: &Place, command: &[String], before: &[String]) -> Result<Self, String> {
        let path = place::folder().join(format!("{}.log", name.replace(' ', "-")));
        let log = File::create(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let again = log.try_clone().map_err(|error| error.to_string())?;
        let (program, arguments) = before.split_first().expect("taskset or valgrind");
        let child = Command::new(program)
            .args(arguments)
            .args(command)
            .current_dir(place::sources().join("python"))
            .env("PEER_FILE", place::file())
            .env("GATEWAY_LOG", "warn")
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(again)
            .spawn()
            .map_err(|error| format!("{name}: {program}: {error}"))?;
        Ok(Self { child, address: at.address, log: path })
    }

    /// Waits until it accepts.
    pub(crate) fn wait(&self, name: &str) -> Result<(), String> {
        self.wait_until(name, || TcpStream::connect(self.address).is_ok())
    }

    /// Waits until it is ready, as the caller knows it.
    pub(crate) fn wait_until(&self, name: &str, is_ready: impl Fn() -> bool) -> Result<(), String> {
        let end = Instant::now() + PATIENCE;
        while !is_ready() {
            if Instant::now() > end || !self.is_there() {
                return Err(self.failed(name, "it did not start"));
            }
            sleep(PAUSE);
        }
        Ok(())
    }

    fn is_there(&self) -> bool {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()));
        stat.is_ok_and(|stat| !stat.contains(") Z "))
    }

    fn failed(&self, name: &str, why: &str) -> String {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let last: Vec<&str> = log.lines().rev().take(3).collect();
        format!("{name}: {why}; its last words: {}", last.into_iter().rev().collect::<Vec<_>>().join(" | "))
    }

    /// Time on processors, its children's included.
    pub(crate) fn spent(&self) -> Duration {
        family(self.child.id()).into_iter().map(cpu).sum()
    }

    /// Memory that is its own and nobody else's, its children's included.
    pub(crate) fn memory(&self) -> u64 {
        family(self.child.id()).into_iter().map(private_memory).sum()
    }

    /// Asks it to end, and waits for that; `false` if it had to be killed.
    pub(crate) fn end(&mut self) -> bool {
        let all = family(self.child.id());
        signal("TERM", &all[..1]);
        let end = Instant::now() + END;
        while matches!(self.child.try_wait(), Ok(None)) {
            if Instant::now() > end {
                signal("KILL", &all);
                let _ = self.child.wait();
                return false;
            }
            sleep(PAUSE);
        }
        true
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}

fn signal(name: &str, processes: &[u32]) {
    let ids = processes.iter().map(u32::to_string);
    let _ = Command::new("kill").args(["-s", name]).args(ids).stderr(Stdio::null()).status();
}

/// The words before a command that keep it on one core; anywhere if there is no
/// such core.
pub(crate) fn on_core(core: usize) -> Vec<String> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    vec!["taskset".to_owned(), "-c".to_owned(), (core % cores).to_string()]
}
