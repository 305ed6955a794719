//! A connection that is driven step by step, by whoever is there: the exchange
//! and its socket, without waiting for either.

use std::io;
use std::net::{Shutdown, TcpStream};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::time::Instant;

use super::clock::Clock;
use super::event_loop::{Context, Task};
use super::poller::Interest;
use super::port::{BodyWait, SocketPort};
use super::reactor::{Connection, Step, Wake};
use super::socket::{receive, send};
use super::waiter::PollWaiter;
use crate::exchange::{Exchange, HIGH_WATER, Port, Want};
use crate::net::Endpoint;

/// The most steps of one connection before the others have their turn.
const SHARE: usize = 64;

/// See the module's text.
#[derive(Debug)]
pub(super) struct Machine {
    exchange: Exchange,
    /// Whether there may be bytes to read.
    readable: bool,
    /// Whether the bytes end with something that shows only when it is read.
    hangup: bool,
    stopping: bool,
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
    pub(super) const fn new(exchange: Exchange) -> Self {
        Self { exchange, readable: false, hangup: false, stopping: false }
    }

    /// The connection without its socket.
    pub(super) const fn exchange(&self) -> &Exchange {
        &self.exchange
    }

    /// Takes note of why it is driven.
    pub(super) fn wake(&mut self, wake: Wake, clock: &Clock) {
        match wake {
            Wake::Ready => self.readable = true,
            Wake::Hangup => (self.readable, self.hangup) = (true, true),
            Wake::Late => self.exchange.tick(clock.now()),
            // A request that is already here is still answered, with `close`.
            Wake::Stop => {
                (self.stopping, self.readable) = (true, true);
                self.exchange.stop(false);
            }
        }
    }

    /// Goes as far as it can without waiting, and without the app, for which
    /// answers wait to be sent with its own if `gather`. Each of its steps is
    /// taken from `share`.
    pub(super) fn drive(&mut self, stream: &TcpStream, clock: &Clock, gather: bool, share: &mut usize) -> Next {
        while *share > 0 {
            *share -= 1;
            let moved = match self.exchange.want() {
                Want::Read if !self.readable && self.stopping && self.exchange.is_idle() => {
                    self.exchange.stop(true);
                    Ok(true)
                }
                Want::Read if !self.readable => return Next::Step(Step::Wait(Interest::Read)),
                Want::Read => self.read(stream, clock),
                Want::Run if gather || !self.exchange.has_answers() => return Next::Call,
                Want::Write | Want::Run => self.write(stream, clock),
                Want::Shutdown => self.shut(stream, clock),
                Want::Close => return Next::Step(Step::Close),
            };
            match moved {
                Ok(true) => {}
                Ok(false) => return Next::Step(Step::Wait(Interest::Write)),
                Err(_) => self.exchange.gone(),
            }
        }
        Next::Step(Step::Again)
    }

    fn read(&mut self, stream: &TcpStream, clock: &Clock) -> io::Result<bool> {
        let room = self.exchange.room().len();
        match receive(stream, &mut self.exchange) {
            Ok(0) => self.exchange.eof(clock.now()),
            Ok(count) => {
                // A short read has taken all there was.
                self.readable = self.hangup || count == room;
                self.exchange.fed(count, clock.now());
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.readable = false,
            Err(error) => return Err(error),
        }
        Ok(true)
    }

    /// Sends; `false` when the socket takes no more.
    fn write(&mut self, stream: &TcpStream, clock: &Clock) -> io::Result<bool> {
        match send(stream, &self.exchange) {
            Ok(count) => self.exchange.sent(count, clock.now()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(error),
        }
        Ok(true)
    }

    fn shut(&mut self, stream: &TcpStream, clock: &Clock) -> io::Result<bool> {
        stream.shutdown(Shutdown::Write)?;
        self.exchange.shut(clock.now());
        Ok(true)
    }

    /// Calls the app, or pulls its body.
    pub(super) fn call(&mut self, port: &mut dyn Port) {
        self.exchange.run(port);
    }
}

/// A connection of a loop that calls the app itself, and waits for it.
#[derive(Debug)]
pub(super) struct Inline {
    stream: TcpStream,
    machine: Machine,
}

impl Connection for Inline {
    fn socket(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

impl Task for Inline {
    fn new(context: &mut Context<'_>, _: usize, stream: TcpStream, endpoint: Endpoint) -> io::Result<Self> {
        let service = context.setup.service.clone();
        let exchange = Exchange::new(service, endpoint.into(), context.clock.now());
        Ok(Self { stream, machine: Machine::new(exchange) })
    }

    fn go(&mut self, context: &mut Context<'_>, wake: Wake) -> Step {
        self.machine.wake(wake, context.clock);
        let mut share = SHARE;
        loop {
            match self.machine.drive(&self.stream, context.clock, true, &mut share) {
                Next::Call => self.call(context),
                Next::Step(step) => return step,
            }
        }
    }

    fn deadline(&self) -> Option<Instant> {
        self.machine.exchange.deadline()
    }

    fn is_answered(&self) -> bool {
        self.machine.exchange.is_lingering()
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
        };
        self.machine.call(&mut port);
    }
}
