//! How a coroutine waits: by letting others run.

use std::io;
use std::thread;
use std::time::Instant;

use corosensei::Yielder;
use gateway_spec::AppFlags;

use super::pool::{POOL, Pool};
use super::{Answer, Ask};
use crate::engine::Setup;
use crate::engine::poller::Interest;
use crate::engine::socket::wait_one;
use crate::engine::waiter::{Alerts, PollWaiter, Waiter, Woken};
use crate::net::Stream;
use crate::stats::RequestId;

/// The most steps of one connection before the others have their turn.
const SHARE: u32 = 16;

/// A coroutine, which waits by suspending.
pub(super) struct Suspender<'a> {
    setup: &'a Setup,
    yielder: &'a Yielder<Answer, Ask>,
    key: usize,
    /// The app takes one call at a time.
    exclusive: bool,
    /// The app must not be suspended.
    unsuspendable: bool,
    has_turn: bool,
    /// Steps since it has let others run.
    steps: u32,
    /// Inside an app that must not be suspended.
    stays: bool,
}

impl<'a> Suspender<'a> {
    pub(super) fn new(setup: &'a Setup, yielder: &'a Yielder<Answer, Ask>, key: usize) -> Self {
        let flags = setup.service.app.flags();
        let (exclusive, unsuspendable) = (!flags.has(AppFlags::CONCURRENT), flags.has(AppFlags::NO_SUSPEND));
        Self { setup, yielder, key, exclusive, unsuspendable, has_turn: false, steps: 0, stays: false }
    }

    /// Lets others run on this thread, which is about another request meanwhile.
    fn suspend(&self, ask: Ask) -> Answer {
        let id = RequestId::enter(None);
        let answer = self.yielder.suspend(ask);
        RequestId::enter(id);
        answer
    }
}

impl Waiter for Suspender<'_> {
    fn wait(
        &mut self,
        stream: &Stream,
        interest: Interest,
        deadline: Option<Instant>,
        alerts: Alerts,
    ) -> io::Result<Woken> {
        // A panic that is on its way is the thread's: nobody else may run. (A
        // module has its own; there, gateway-spec refuses.)
        if self.stays || thread::panicking() {
            return PollWaiter::new(&self.setup.stop, &[]).wait(stream, interest, deadline, alerts);
        }
        self.steps = 0;
        let mut woken = Woken { stop: true, ..Woken::default() };
        if !(alerts.stop && self.setup.stop.is_seen()) {
            woken = self.suspend(Ask::Socket { interest, deadline, stop: alerts.stop })?;
        }
        if woken.stop {
            woken.ready = wait_one(stream, interest.flags(), Some(Instant::now()))?;
        }
        Ok(woken)
    }

    fn enter(&mut self, call: bool) {
        self.stays = self.unsuspendable;
        if call && self.exclusive {
            self.has_turn = true;
            if !POOL.with_borrow_mut(|pool| pool.take(self.key)) {
                while !POOL.with_borrow_mut(|pool| pool.has_come(self.key)) {
                    // Only woken for its turn, or for nothing.
                    let _ = self.suspend(Ask::Turn);
                }
            }
        }
    }

    fn step(&mut self) -> io::Result<()> {
        self.steps += 1;
        if self.steps >= SHARE && !self.stays && !thread::panicking() {
            self.steps = 0;
            self.suspend(Ask::Others)?;
        }
        Ok(())
    }

    fn leave(&mut self) {
        self.stays = false;
        if std::mem::take(&mut self.has_turn) {
            POOL.with_borrow_mut(Pool::give);
        }
    }
}

impl Drop for Suspender<'_> {
    fn drop(&mut self) {
        // A mistake of the server's must not keep the turn.
        self.leave();
    }
}
