//! A worker's process, as the master sees it.

use std::io;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitOptions, WaitStatus, kill_process, wait};
use signal_hook::low_level::signal_name;

use super::link::Heard;
use super::plan::End;
use super::table::Id;
use super::vitals::Watch;

/// See the module's text.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) id: Id,
    pub(super) pid: Pid,
    pub(super) heard: Heard,
    pub(super) watch: Watch,
}

/// The signal by which a worker is told to finish what runs, and to let clients
/// that wait come once more.
pub(super) const DRAIN: Signal = Signal::USR2;

/// The signal by which it is told to have each answer be the last of its connection.
pub(super) const PART: Signal = Signal::WINCH;

impl Process {
    /// Sends it a signal. One that has ended meanwhile needs none.
    pub(super) fn signal(&self, signal: Signal) {
        let _ = kill_process(self.pid, signal);
    }
}

/// The next child that has ended.
///
/// # Errors
/// The system's.
pub(super) fn reap() -> io::Result<Option<(Pid, WaitStatus)>> {
    loop {
        match wait(WaitOptions::NOHANG) {
            Ok(ended) => return Ok(ended),
            Err(Errno::CHILD) => return Ok(None),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// How a process has ended.
pub(super) fn end(status: WaitStatus, process: &mut Process) -> End {
    let clean = status.exit_status() == Some(0);
    End { how: how(status), clean, why: process.heard.failure(), running: process.watch.running() }
}

/// The same as text.
pub(super) fn how(status: WaitStatus) -> String {
    match (status.terminating_signal(), status.exit_status()) {
        (Some(signal), _) => format!("signal {signal} ({})", signal_name(signal).unwrap_or("unknown")),
        (None, Some(code)) => format!("exit code {code}"),
        (None, None) => "an unknown status".to_owned(),
    }
}
