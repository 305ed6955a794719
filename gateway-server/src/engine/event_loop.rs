//! Serves many connections on one thread: what the engines that ask for
//! readiness have in common. Who has something to do is the reactor's part,
//! what a connection does then its [`Task`]'s.

use std::io;
use std::sync::Arc;
use std::time::Instant;

use super::clock::Clock;
use super::poller::Poller;
use super::reactor::{Connection, Event, Reactor, Step, Wake};
use super::vacant::Vacant;
use super::{Outcome, Setup};
use crate::exchange::Resting;
use crate::net::{Origin, Stream};
use crate::stats::Calls;

/// One connection's side of the loop.
pub(super) trait Task: Connection + Sized {
    /// How many calls may be under way at once.
    const CALLS: Calls;

    /// A connection that was just accepted.
    fn new(context: &mut Context<'_>, key: usize, stream: Stream, origin: Origin) -> io::Result<Self>;

    /// Goes as far as it can without waiting.
    fn go(&mut self, context: &mut Context<'_>, wake: Wake) -> Step;

    /// When it has to be woken at the latest.
    fn deadline(&self, context: &Context<'_>) -> Option<Instant>;

    /// Whether its client has all it will get, and only has to take it.
    fn is_answered(&self) -> bool;

    /// What is left of it where it waits between two requests, and can be passed on.
    fn resting(&self) -> Option<&Resting>;

    /// The end, whatever it does.
    fn end(&mut self) {}
}

/// What tasks share.
#[derive(Debug)]
pub(super) struct Context<'a> {
    pub(super) setup: &'a Arc<Setup>,
    pub(super) clock: &'a mut Clock,
    /// The keys of tasks that go on without their sockets.
    pub(super) again: &'a mut Vec<usize>,
    /// Memory for connections that do not rest.
    pub(super) vacant: &'a mut Vacant,
}

struct Loop<P, T> {
    reactor: Reactor<P, T>,
    clock: Clock,
    again: Vec<usize>,
    vacant: Vacant,
}

/// Serves until it is told to stop, then finishes what runs.
pub(super) fn run<P: Poller, T: Task>(setup: &Arc<Setup>, poller: P) -> io::Result<Outcome> {
    let reactor = Reactor::new(Arc::clone(setup), poller, setup.tuning.connections)?;
    let mut looped =
        Loop::<P, T> { reactor, clock: Clock::new(), again: Vec::new(), vacant: Vacant::new(&setup.service) };
    setup.serves(T::CALLS);
    while looped.turn()? {}
    Ok(looped.abandon())
}

impl<P: Poller, T: Task> Loop<P, T> {
    /// Does one thing; `false` at the end.
    fn turn(&mut self) -> io::Result<bool> {
        match self.reactor.next(&mut self.clock)? {
            Event::Client(stream, origin) => self.add(stream, origin),
            Event::Task(key, wake) => self.go(key, wake)?,
            Event::Poked | Event::Full => {}
            Event::Over => return Ok(false),
        }
        Ok(true)
    }

    fn add(&mut self, stream: Stream, origin: Origin) {
        let (clock, again, vacant) = (&mut self.clock, &mut self.again, &mut self.vacant);
        self.reactor.add(origin.is_relayed, |setup, key| {
            let mut context = Context { setup, clock, again, vacant };
            T::new(&mut context, key, stream, origin)
        });
    }

    fn go(&mut self, key: usize, wake: Wake) -> io::Result<()> {
        let (clock, again, vacant) = (&mut self.clock, &mut self.again, &mut self.vacant);
        let Some((task, setup)) = self.reactor.task(key) else { return Ok(()) };
        let mut context = Context { setup, clock, again, vacant };
        // The deadline may have moved away since.
        let is_early = |deadline: Instant| deadline > context.clock.now().instant;
        let early = wake == Wake::Late && task.deadline(&context).is_none_or(is_early);
        let mut step = if early { None } else { Some(task.go(&mut context, wake)) };
        let deadline = task.deadline(&context);
        if let Some(Step::Wait(_)) = step
            && setup.stop.is_leaving()
            && let Some(resting) = task.resting().cloned()
            && self.reactor.pass(key, &resting)
        {
            step = Some(Step::Close);
        }
        for key in self.again.drain(..) {
            self.reactor.again(key);
        }
        match step {
            None => self.reactor.arm(key, deadline),
            Some(step) if step == Step::Close || self.reactor.settle(key, step, deadline).is_err() => {
                return self.end(key);
            }
            Some(_) => {}
        }
        Ok(())
    }

    /// Ends a connection.
    fn end(&mut self, key: usize) -> io::Result<()> {
        let mut task = self.reactor.remove(key)?;
        task.end();
        Ok(())
    }

    /// Leaves those that still run.
    fn abandon(mut self) -> Outcome {
        let tasks = self.reactor.drain();
        let running = tasks.iter().filter(|task| !task.is_answered()).count();
        let abandoned = running.saturating_sub(self.reactor.setup.stop.lingering());
        tasks.into_iter().for_each(|mut task| task.end());
        Outcome { abandoned }
    }
}
