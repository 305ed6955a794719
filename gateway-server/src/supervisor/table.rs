//! The workers that there are.

use std::fmt;
use std::time::Instant;

use super::{Failure, Policy};
use crate::stats::{Deeds, Restart};

/// Which worker: never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Id(pub(super) u64);

/// Where a worker stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It loads its app.
    Starting,
    /// It serves.
    Ready,
    /// It finishes what runs.
    Draining,
    /// It was ended by force.
    Killed,
}

/// A worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Worker {
    pub(super) id: Id,
    /// Which app it has: a reload makes a new one.
    pub(super) generation: u64,
    pub(super) state: State,
    /// Since when it stands there.
    pub(super) since: Instant,
    /// Whether another is to take its place.
    pub(super) worn: bool,
}

impl Worker {
    pub(super) fn set(&mut self, state: State, now: Instant) {
        (self.state, self.since) = (state, now);
    }

    pub(super) const fn is_ending(&self) -> bool {
        matches!(self.state, State::Draining | State::Killed)
    }
}

impl fmt::Display for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "worker {}", self.id.0)
    }
}

/// What the master is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Serving,
    /// The newest generation is not ready.
    Reloading,
    /// The program that is to take over is not ready; since when.
    Upgrading(Instant),
    /// It ends at that time, and all is served until then.
    Leaving(Instant),
    /// The same, and nobody new is let in; until when.
    Shut(Instant),
    Ending,
}

/// All workers, and what is wanted of them.
#[derive(Debug)]
pub(super) struct Table {
    /// In the order in which they were started.
    pub(super) workers: Vec<Worker>,
    /// How many there are to be by now.
    pub(super) want: usize,
    /// The newest.
    pub(super) generation: u64,
    pub(super) mode: Mode,
    /// Whether another reload was asked for meanwhile.
    pub(super) reload_again: bool,
    /// Whether all workers have ever served.
    pub(super) has_served: bool,
    /// Whether it ends because another program has taken over, and for no other
    /// reason so far.
    pub(super) has_left: bool,
    /// How many have failed one after the other.
    pub(super) failures: u32,
    /// Nobody is started before.
    pub(super) not_before: Option<Instant>,
    /// Why the master ends.
    pub(super) failure: Option<Failure>,
    pub(super) policy: Policy,
    /// What has come about, counted.
    pub(super) deeds: Deeds,
    last: u64,
}

impl Table {
    /// A table without workers.
    pub(super) const fn new(policy: Policy) -> Self {
        Self {
            workers: Vec::new(),
            want: policy.workers,
            generation: 1,
            mode: Mode::Serving,
            reload_again: false,
            has_served: false,
            has_left: false,
            failures: 0,
            not_before: None,
            failure: None,
            policy,
            deeds: Deeds::NONE,
            last: 0,
        }
    }

    /// Counts a worker that has to be replaced though nobody has asked.
    pub(super) const fn count(&mut self, why: Restart) {
        self.deeds.restarts[why as usize] += 1;
    }

    /// How things stand, to be shown.
    pub(super) const fn shown(&self) -> Deeds {
        let is_ending = matches!(self.mode, Mode::Leaving(_) | Mode::Shut(_) | Mode::Ending);
        Deeds { wanted: self.want as u64, is_ending, ..self.deeds }
    }

    /// Takes a new worker in.
    pub(super) fn add(&mut self, now: Instant) -> Id {
        self.last += 1;
        let id = Id(self.last);
        self.workers.push(Worker { id, generation: self.generation, state: State::Starting, since: now, worn: false });
        id
    }

    pub(super) fn get(&mut self, id: Id) -> Option<&mut Worker> {
        self.workers.iter_mut().find(|worker| worker.id == id)
    }

    pub(super) fn remove(&mut self, id: Id) -> Option<Worker> {
        let place = self.workers.iter().position(|worker| worker.id == id)?;
        Some(self.workers.remove(place))
    }

    /// Those that are to stay.
    fn newest(&self) -> impl Iterator<Item = &Worker> {
        let stays = |worker: &&Worker| worker.generation == self.generation && !worker.is_ending() && !worker.worn;
        self.workers.iter().filter(stays)
    }

    /// Whether workers of the newest generation are missing.
    pub(super) fn is_short(&self) -> bool {
        self.newest().count() < self.want
    }

    /// Whether as many of the newest generation serve as are wanted.
    pub(super) fn is_serving(&self) -> bool {
        self.newest().filter(|worker| worker.state == State::Ready).count() >= self.want
    }

    /// Gives the newest generation up: who serves now is the newest.
    pub(super) fn fall_back(&mut self) {
        let serving = self.workers.iter().filter(|worker| !worker.is_ending()).map(|worker| worker.generation).max();
        if let Some(generation) = serving {
            self.generation = generation;
        }
    }
}
