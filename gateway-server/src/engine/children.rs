//! The children of the engine `fork`: counted, reaped, and waited for.

use std::collections::HashMap;
use std::io::{self, Read as _};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::time::Instant;

use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitOptions, WaitStatus, kill_process};
use signal_hook::consts::SIGCHLD;
use signal_hook::{SigId, low_level};

use super::socket::wait;
use super::{Outcome, Setup};
use crate::stats::Fault;

/// The children that are alive, by their id, with the clients they serve.
#[derive(Debug)]
pub(super) struct Children {
    alive: HashMap<Pid, String>,
    /// Becomes readable when a child has ended.
    ended: UnixStream,
    handler: SigId,
}

impl Children {
    pub(super) fn new() -> io::Result<Self> {
        let (ended, end) = UnixStream::pair()?;
        ended.set_nonblocking(true)?;
        let handler = low_level::pipe::register(SIGCHLD, end)?;
        Ok(Self { alive: HashMap::new(), ended, handler })
    }

    /// How many are alive.
    pub(super) fn count(&self) -> usize {
        self.alive.len()
    }

    /// Becomes readable when a child has ended.
    pub(super) fn ended(&self) -> BorrowedFd<'_> {
        self.ended.as_fd()
    }

    /// Takes a new child in.
    pub(super) fn add(&mut self, child: Pid, client: String) {
        self.alive.insert(child, client);
    }

    /// Takes leave of all that have ended: one signal may stand for several.
    pub(super) fn reap(&mut self, setup: &Setup) -> io::Result<()> {
        let mut scratch = [0; 256];
        while matches!((&self.ended).read(&mut scratch), Ok(count) if count > 0) {}
        loop {
            match rustix::process::wait(WaitOptions::NOHANG) {
                Ok(Some((child, status))) => {
                    // One that is not known belongs to the app or to whoever
                    // has started this process.
                    if let Some(client) = self.alive.remove(&child) {
                        setup.depart(1);
                        let running = running(setup, child);
                        report(setup, &client, status, &running);
                    }
                }
                Ok(None) | Err(Errno::CHILD) => return Ok(()),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Waits until all have ended, or the graceful time is over; then ends them.
    pub(super) fn wait(mut self, setup: &Setup) -> io::Result<Outcome> {
        let deadline = Instant::now().checked_add(setup.tuning.graceful);
        loop {
            self.reap(setup)?;
            let alive = self.alive.len();
            let mut ended = [PollFd::new(&self.ended, PollFlags::IN)];
            if alive == 0 || !wait(&mut ended, deadline)? {
                for child in self.alive.keys() {
                    // It may have ended meanwhile.
                    let _ = kill_process(*child, Signal::KILL);
                }
                return Ok(Outcome { abandoned: alive.saturating_sub(setup.stop.lingering()) });
            }
        }
    }
}

impl Drop for Children {
    fn drop(&mut self) {
        low_level::unregister(self.handler);
    }
}

/// What a child was about that has ended.
fn running(setup: &Setup, child: Pid) -> Vec<String> {
    let Some(board) = &setup.service.board else { return Vec::new() };
    let process = child.as_raw_nonzero().get().unsigned_abs();
    let running = board.running(Some(process));
    board.bury(process);
    running
}

/// A child that did not end well is said and counted.
fn report(setup: &Setup, client: &str, status: WaitStatus, running: &[String]) {
    let how = match (status.terminating_signal(), status.exit_status()) {
        (Some(signal), _) => format!("signal {signal} ({})", low_level::signal_name(signal).unwrap_or("unknown")),
        (None, Some(code)) if code != 0 => format!("exit code {code}"),
        _ => return,
    };
    let running = if running.is_empty() { String::new() } else { format!("; running: {}", running.join(", ")) };
    tracing::error!("{client}: the process that served this client ended with {how}{running}");
    setup.service.counters.count(Fault::Crashed);
}
