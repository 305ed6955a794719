//! One connection driven: by the leader of its loop, who may lose it meanwhile,
//! or by a thread that has lost it.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use super::client::Owned;
use super::station::Lead;
use super::{TICK, Worker, nanoseconds};
use crate::engine::clock::Clock;
use crate::engine::machine::{Next, SHARE};
use crate::engine::poller::Interest;
use crate::engine::port::SocketPort;
use crate::engine::reactor::Step;
use crate::engine::waiter::{Alerts, PollWaiter, Waiter, Woken};
use crate::exchange::HIGH_WATER;
use crate::net::Stream;

/// A connection whose next call waits for a permit.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) number: usize,
    pub(super) key: usize,
    pub(super) owned: Owned,
    /// Since when it waits.
    pub(super) since: Instant,
}

/// See the module's text.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    worker: &'a Arc<Worker>,
    /// The loop.
    number: usize,
    /// Whether a call may begin.
    pub(super) permit: bool,
    /// Calls may block: polling is handed over before them.
    blocking: bool,
    /// Answers wait for those that follow. Not where a call may block, nor where
    /// its loop may answer in its stead: before the answers that wait.
    gathers: bool,
    /// Polling is somebody else's, or will be in a moment.
    handed: bool,
    /// There is more to do in the loop, of which nobody else is told.
    more: bool,
}

/// What a turn ended with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// The connection needs this.
    Step(Step),
    /// Its next call needs a permit.
    Queue,
}

impl<'a> Turn<'a> {
    /// A leader's.
    pub(super) fn leading(worker: &'a Arc<Worker>, number: usize, lead: &Lead<'_>, blocking: bool) -> Self {
        let more = blocking && !lead.reactor.is_drained();
        let gathers = !blocking && worker.setup.service.timeouts.call.is_none();
        Self { worker, number, permit: lead.permit, blocking, gathers, handed: false, more }
    }

    /// That of a thread that leads nothing.
    pub(super) const fn following(worker: &'a Arc<Worker>, number: usize, permit: bool) -> Self {
        Self { worker, number, permit, blocking: true, gathers: false, handed: true, more: false }
    }

    /// Drives a connection as far as it goes.
    pub(super) fn drive(&mut self, owned: &mut Owned, clock: &mut Clock) -> Ended {
        let mut share = SHARE;
        loop {
            let (shared, client, _) = owned.parts();
            match client.machine.drive(&shared.stream, clock, self.gathers, &mut share) {
                Next::Step(step) => return Ended::Step(step),
                Next::Call if self.may_call() => self.call(owned, clock),
                Next::Call => return Ended::Queue,
            }
        }
    }

    fn may_call(&mut self) -> bool {
        self.permit = self.permit || self.worker.pool.acquire();
        self.permit
    }

    fn call(&mut self, owned: &mut Owned, clock: &mut Clock) {
        let setup = &self.worker.setup;
        let (shared, client, claim) = owned.parts();
        let claim = setup.service.timeouts.call.is_some().then_some(claim);
        if self.blocking || client.machine.has_live_input() {
            self.hand_over();
        }
        let start = self.handed.then(|| clock.refresh().instant);
        if let Some(claim) = claim {
            // A stream that goes on has begun when it was first pulled.
            if !client.machine.has_begun() {
                claim.pause();
            }
            shared.called.store(nanoseconds(clock.now().instant).max(1), Relaxed);
        }
        client.body.begin(client.machine.requests());
        let until = setup.service.timeouts.call.and_then(|most| clock.now().instant.checked_add(most));
        let mut port = SocketPort {
            stream: &shared.stream,
            clock,
            timeouts: &setup.service.timeouts,
            stop: &setup.stop,
            body: &mut client.body,
            waiter: self,
            mark: HIGH_WATER,
            claim,
            has_begun: client.machine.has_begun(),
            until,
        };
        client.machine.call(&mut port);
        if let Some(claim) = claim {
            shared.returns(setup.service.board.as_deref());
            if !claim.begin() {
                // The loop has answered in its place.
                client.machine.gone();
            }
        }
        if let Some(start) = start {
            self.judge(start, clock);
        }
    }

    /// A call that has taken long keeps its loop in the blocking mode.
    fn judge(&self, start: Instant, clock: &Clock) {
        let now = clock.now().instant;
        if now.duration_since(start) >= TICK {
            self.worker.loops[self.number].blocked(now);
        }
    }

    /// Lets somebody else poll.
    fn hand_over(&mut self) {
        if std::mem::replace(&mut self.handed, true) {
            return;
        }
        let looped = &self.worker.loops[self.number];
        if !(looped.is_shared() && looped.has_pollers()) {
            self.worker.summon(self.number);
        } else if self.more {
            // What was fetched already wakes nobody.
            looped.poke();
        }
    }
}

impl Waiter for Turn<'_> {
    fn wait(
        &mut self,
        stream: &Stream,
        interest: Interest,
        deadline: Option<Instant>,
        alerts: Alerts,
    ) -> io::Result<Woken> {
        self.hand_over();
        PollWaiter::new(&self.worker.setup.stop, &[]).wait(stream, interest, deadline, alerts)
    }

    fn keeps_time(&self) -> bool {
        !self.handed
    }
}
