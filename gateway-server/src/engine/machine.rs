//! A connection that is driven step by step, by whoever is there: the exchange
//! and its socket, without waiting for either.

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::time::Instant;

use rustix::io::Errno;

use super::clock::Clock;
use super::event_loop::{Context, Task};
use super::poller::Interest;
use super::port::{BodyWait, SocketPort};
use super::reactor::{Connection, Step, Wake};
use super::socket::{before_read, holds_bytes, over, receive, send, shut, unreadable};
use super::vacant::Vacant;
use super::waiter::PollWaiter;
use crate::exchange::{Exchange, HIGH_WATER, Port, Resting, Timeouts, Want};
use crate::net::{Origin, Stream};
use crate::stats::Calls;

/// The most steps of one connection before the others have their turn.
pub(super) const SHARE: usize = 64;

/// See the module's text.
#[derive(Debug)]
pub(super) struct Machine {
    state: State,
    /// Whether there may be bytes to read.
    readable: bool,
    /// Whether the bytes end with something that shows only when it is read.
    hangup: bool,
    stopping: bool,
    /// Whether its deadline has passed.
    late: bool,
}

/// What a connection holds.
#[derive(Debug)]
enum State {
    /// No buffers: it waits for a request.
    Resting(Resting),
    /// What it needs for one.
    Busy(Box<Exchange>),
    /// It is over.
    Ended,
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// The app.
    Call,
    /// Something else than going on.
    Step(Step),
}

impl Machine {
    /// A connection that was just accepted.
    pub(super) fn new(origin: Origin, clock: &Clock) -> Self {
        let state = State::Resting(Resting::new(origin, clock.now()));
        Self { state, readable: false, hangup: false, stopping: false, late: false }
    }

    /// Whether its client has all it has asked for, and only has to take it.
    pub(super) fn is_answered(&self) -> bool {
        match &self.state {
            State::Resting(_) => true,
            State::Busy(exchange) => exchange.is_lingering(),
            State::Ended => false,
        }
    }

    /// When it has to be woken at the latest.
    pub(super) fn deadline(&self, timeouts: &Timeouts) -> Option<Instant> {
        match &self.state {
            State::Resting(resting) => resting.deadline(timeouts),
            State::Busy(exchange) => exchange.deadline(),
            State::Ended => None,
        }
    }

    /// What is left of it, where it waits between two requests, and could do so in
    /// another process.
    pub(super) fn resting(&self) -> Option<&Resting> {
        match &self.state {
            State::Resting(resting) => Some(resting).filter(|resting| resting.endpoint().is_movable()),
            State::Busy(_) | State::Ended => None,
        }
    }

    /// How many requests have begun on it.
    pub(super) fn requests(&self) -> u64 {
        match &self.state {
            State::Resting(resting) => resting.requests(),
            State::Busy(exchange) => exchange.requests(),
            State::Ended => 0,
        }
    }

    /// Whether the call that comes next may wait for its client's body.
    pub(super) fn has_live_input(&self) -> bool {
        matches!(&self.state, State::Busy(exchange) if exchange.has_live_input())
    }

    /// Whether the answer that runs has begun: a call more of the app may follow.
    pub(super) fn has_begun(&self) -> bool {
        matches!(&self.state, State::Busy(exchange) if exchange.has_begun())
    }

    /// Takes note of why it is driven, and the memory that it needs for that.
    // Always, like what follows: one request passes through all of it.
    #[inline(always)]
    pub(super) fn wake(&mut self, wake: Wake, vacant: &mut Vacant) {
        let mut exchange = match std::mem::replace(&mut self.state, State::Ended) {
            State::Resting(resting) => vacant.resume(resting),
            State::Busy(exchange) => exchange,
            State::Ended => return,
        };
        match wake {
            Wake::Ready => self.readable = true,
            Wake::Hangup => (self.readable, self.hangup) = (true, true),
            // Seen to when it is driven: that may close a body, whose app may
            // take its time.
            Wake::Late => self.late = true,
            Wake::Drain => exchange.stop(false),
            // Not its doing.
            Wake::Leave => {}
            // A request that is already here is still answered, with `close`.
            Wake::Stop => {
                (self.stopping, self.readable) = (true, true);
                exchange.stop(false);
            }
        }
        self.state = State::Busy(exchange);
    }

    /// Gives back the memory, if it rests now or is over.
    #[inline(always)]
    pub(super) fn rest(&mut self, step: Step, vacant: &mut Vacant) {
        let State::Busy(exchange) = &mut self.state else { return };
        let state = match exchange.rest() {
            Some(resting) => State::Resting(resting),
            None if step == Step::Close => {
                exchange.vacate();
                State::Ended
            }
            None => return,
        };
        if let State::Busy(exchange) = std::mem::replace(&mut self.state, state) {
            vacant.keep(exchange);
        }
    }

    /// Goes as far as it can without waiting, and without the app, for which
    /// answers wait to be sent with its own if `gather`. Each of its steps is
    /// taken from `share`.
    #[inline(always)]
    pub(super) fn drive(&mut self, stream: &Stream, clock: &Clock, gather: bool, share: &mut usize) -> Next {
        let State::Busy(exchange) = &mut self.state else { return Next::Step(Step::Close) };
        if std::mem::take(&mut self.late) {
            exchange.tick(clock.now());
        }
        while *share > 0 {
            *share -= 1;
            match exchange.want() {
                Want::Read if self.readable || holds_bytes(stream) => {
                    self.readable = read(exchange, stream, clock).unwrap_or(self.hangup);
                }
                Want::Read if self.stopping && exchange.is_idle() => exchange.stop(true),
                Want::Read => return Next::Step(Step::Wait(before_read(stream))),
                Want::Run if gather || !exchange.has_answers() => return Next::Call,
                Want::Write | Want::Run if write(exchange, stream, clock) => {}
                Want::Write | Want::Run => return Next::Step(Step::Wait(Interest::Write)),
                Want::Shutdown if shut(stream, exchange, clock.now()) => {}
                Want::Shutdown => return Next::Step(Step::Wait(Interest::Write)),
                Want::Close => {
                    over(stream, exchange);
                    return Next::Step(Step::Close);
                }
            }
        }
        Next::Step(Step::Again)
    }

    /// Its client is gone, or has been answered by somebody else.
    pub(super) fn gone(&mut self) {
        if let State::Busy(exchange) = &mut self.state {
            exchange.gone();
        }
    }

    /// Answers the request that is ready in the stead of the app.
    pub(super) fn turn_away(&mut self, clock: &Clock) {
        if let State::Busy(exchange) = &mut self.state {
            exchange.turn_away(clock.now());
        }
    }

    /// Calls the app, or pulls its body.
    pub(super) fn call(&mut self, port: &mut dyn Port) {
        if let State::Busy(exchange) = &mut self.state {
            exchange.run(port);
        }
    }
}

/// Reads; answers whether there may be more, if that is certain. A short read
/// has taken all bytes there were.
#[inline(always)]
fn read(exchange: &mut Exchange, stream: &Stream, clock: &Clock) -> Option<bool> {
    match receive(stream, exchange) {
        Ok((0, _)) => exchange.eof(clock.now()),
        Ok((count, is_full)) => {
            exchange.fed(count, clock.now());
            return is_full.then_some(true);
        }
        Err(Errno::AGAIN) => return Some(false),
        Err(_) => unreadable(stream, exchange, clock.now()),
    }
    Some(true)
}

/// Sends; `false` when the socket takes no more.
#[inline(always)]
fn write(exchange: &mut Exchange, stream: &Stream, clock: &Clock) -> bool {
    match send(stream, exchange) {
        Ok(count) => exchange.sent(count, clock.now()),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => return false,
        Err(_) => exchange.gone(),
    }
    true
}

/// A connection of a loop that calls the app itself, and waits for it.
#[derive(Debug)]
pub(super) struct Inline {
    stream: Stream,
    machine: Machine,
}

impl Connection for Inline {
    fn socket(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

impl Task for Inline {
    const CALLS: Calls = Calls::Most(1);

    fn new(context: &mut Context<'_>, _: usize, stream: Stream, origin: Origin) -> io::Result<Self> {
        Ok(Self { stream, machine: Machine::new(origin, context.clock) })
    }

    fn go(&mut self, context: &mut Context<'_>, wake: Wake) -> Step {
        self.machine.wake(wake, context.vacant);
        let mut share = SHARE;
        let step = loop {
            match self.machine.drive(&self.stream, context.clock, true, &mut share) {
                Next::Call => self.call(context),
                Next::Step(step) => break step,
            }
        };
        self.machine.rest(step, context.vacant);
        step
    }

    fn deadline(&self, context: &Context<'_>) -> Option<Instant> {
        self.machine.deadline(&context.setup.service.timeouts)
    }

    fn is_answered(&self) -> bool {
        self.machine.is_answered()
    }

    fn resting(&self) -> Option<&Resting> {
        self.machine.resting()
    }
}

impl Inline {
    fn call(&mut self, context: &mut Context<'_>) {
        let setup = context.setup;
        let mut port = SocketPort {
            stream: &self.stream,
            clock: context.clock,
            timeouts: &setup.service.timeouts,
            stop: &setup.stop,
            waiter: &mut PollWaiter::new(&setup.stop, &[]),
            body: &mut BodyWait::default(),
            mark: HIGH_WATER,
            claim: None,
            has_begun: false,
            until: None,
        };
        self.machine.call(&mut port);
    }
}
