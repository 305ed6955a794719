//! Where all is read from: memory that the master and its workers share, and /proc.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::process::{Pid, getppid};

use super::reading::{Member, Reading};
use crate::protocol::Refusal;
use crate::stats::{Boards, Fault, Recent, clock, memory};

/// See the module's text.
#[derive(Debug)]
pub struct Source {
    boards: Arc<Boards>,
    recent: Arc<Recent>,
    engine: &'static str,
    master: Pid,
}

impl Source {
    /// What the workers of this master show, which serve by this engine.
    #[must_use]
    pub const fn new(boards: Arc<Boards>, recent: Arc<Recent>, engine: &'static str, master: Pid) -> Self {
        Self { boards, recent, engine, master }
    }

    /// Whether the master is there still.
    pub(super) fn has_master(&self) -> bool {
        getppid() == Some(self.master)
    }

    /// How things are now.
    pub(super) fn read(&self) -> Reading {
        let now = clock();
        let faults = Refusal::ALL.iter().map(|&refusal| Fault::Refused(refusal)).chain(Fault::OTHERS);
        let member = |worker: crate::stats::Worker| Member {
            age: now.saturating_sub(worker.born),
            memory: memory(worker.process),
            worker,
        };
        Reading {
            time: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs()),
            age: now.saturating_sub(self.boards.begun()),
            master: self.master.as_raw_nonzero().get().unsigned_abs(),
            engine: self.engine,
            totals: self.boards.totals(),
            accepted: self.boards.accepted(),
            faults: faults.map(|fault| (fault, self.boards.faults(fault))).collect(),
            deeds: self.boards.ledger().read(),
            workers: self.boards.workers().into_iter().map(member).collect(),
            mishaps: self.recent.latest(),
        }
    }
}
