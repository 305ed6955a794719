//! The process that looks on and tells others what it sees. It is no worker: it has no
//! app, so that it answers while all calls of theirs block, and none of them ends it.

use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, WaitOptions, kill_process, pidfd_open, waitpid};

/// See the module's text.
#[derive(Debug, Default)]
pub(super) struct Onlooker {
    process: Option<Pid>,
    /// Whether it was told to end, and is not to come back.
    is_dismissed: bool,
}

/// What it gets for its end before it is ended.
const PATIENCE: Duration = Duration::from_secs(2);

impl Onlooker {
    /// Whether it is missing.
    pub(super) const fn is_missing(&self) -> bool {
        self.process.is_none() && !self.is_dismissed
    }

    /// It is in this process.
    pub(super) const fn begins(&mut self, process: Pid) {
        self.process = Some(process);
    }

    /// Whether that process was its own, which has ended.
    pub(super) fn ends(&mut self, process: Pid) -> bool {
        self.process.take_if(|own| *own == process).is_some()
    }

    pub(super) fn signal(&self, signal: Signal) {
        if let Some(process) = self.process {
            // It may have ended meanwhile.
            let _ = kill_process(process, signal);
        }
    }

    /// Tells it to end; its end is told like any child's.
    pub(super) fn dismiss(&mut self) {
        self.is_dismissed = true;
        self.signal(Signal::TERM);
    }

    /// Has it end, and waits for that: the last thing that its master does.
    pub(super) fn bury(&mut self) {
        self.dismiss();
        let Some(process) = self.process.take() else { return };
        let patience = Timespec::try_from(PATIENCE).ok();
        if let Ok(end) = pidfd_open(process, PidfdFlags::empty()) {
            while poll(&mut [PollFd::new(&end, PollFlags::IN)], patience.as_ref()) == Err(Errno::INTR) {}
        }
        // One that has ended takes no harm.
        let _ = kill_process(process, Signal::KILL);
        while matches!(waitpid(Some(process), WaitOptions::empty()), Err(Errno::INTR)) {}
    }
}
