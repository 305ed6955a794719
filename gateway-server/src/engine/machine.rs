//! A connection of a loop whose app calls never wait for the client: the
//! exchange, driven step by step.

use std::io;
use std::net::{Shutdown, TcpStream};
use std::time::Instant;

use super::event_loop::{Context, Step, Task, Wake};
use super::poller::Interest;
use super::port::{BodyWait, SocketPort};
use super::socket::{receive, send};
use super::waiter::PollWaiter;
use crate::exchange::{Exchange, HIGH_WATER, Want};
use crate::net::Endpoint;

/// The most steps of one connection before the others have their turn.
const SHARE: usize = 64;

/// See the module's text.
#[derive(Debug)]
pub(super) struct Machine {
    stream: TcpStream,
    exchange: Exchange,
    /// Whether there may be bytes to read.
    readable: bool,
    stopping: bool,
}

impl Task for Machine {
    fn new(context: &mut Context<'_>, _: usize, stream: TcpStream, endpoint: Endpoint) -> io::Result<Self> {
        let service = context.setup.service.clone();
        let exchange = Exchange::new(service, endpoint.into(), &context.clock.now());
        Ok(Self { stream, exchange, readable: false, stopping: false })
    }

    fn go(&mut self, context: &mut Context<'_>, wake: Wake) -> Step {
        match wake {
            Wake::Ready => self.readable = true,
            Wake::Late => self.exchange.tick(&context.clock.now()),
            // A request that is already here is still answered, with `close`.
            Wake::Stop => {
                (self.stopping, self.readable) = (true, true);
                self.exchange.stop(false);
            }
            Wake::Abandon => return Step::Close,
        }
        self.drive(context)
    }

    fn deadline(&self) -> Option<Instant> {
        self.exchange.deadline()
    }

    fn stream(&self) -> &TcpStream {
        &self.stream
    }

    fn is_answered(&self) -> bool {
        self.exchange.is_lingering()
    }
}

impl Machine {
    fn drive(&mut self, context: &mut Context<'_>) -> Step {
        for _ in 0..SHARE {
            let moved = match self.exchange.want() {
                Want::Read if !self.readable && self.stopping && self.exchange.is_idle() => {
                    self.exchange.stop(true);
                    Ok(())
                }
                Want::Read if !self.readable => return Step::Wait(Interest::Read),
                Want::Read => self.read(context),
                Want::Write => match self.write(context) {
                    Ok(false) => return Step::Wait(Interest::Write),
                    other => other.map(drop),
                },
                Want::Run => {
                    self.call(context);
                    Ok(())
                }
                Want::Shutdown => self.shut(context),
                Want::Close => return Step::Close,
            };
            if moved.is_err() {
                self.exchange.gone();
            }
        }
        Step::Again
    }

    fn read(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        let room = self.exchange.room().len();
        match receive(&self.stream, &mut self.exchange) {
            Ok(0) => self.exchange.eof(&context.clock.now()),
            Ok(count) => {
                // A short read has taken all there was; but what is told once
                // has to be asked until it says so, or a FIN is missed.
                self.readable = context.edge || count == room;
                self.exchange.fed(count, &context.clock.now());
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.readable = false,
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Sends; `false` when the socket takes no more.
    fn write(&mut self, context: &mut Context<'_>) -> io::Result<bool> {
        match send(&self.stream, &self.exchange) {
            Ok(count) => self.exchange.sent(count, &context.clock.now()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(error),
        }
        Ok(true)
    }

    fn call(&mut self, context: &mut Context<'_>) {
        let setup = context.setup;
        let mut port = SocketPort {
            stream: &self.stream,
            clock: &mut context.clock,
            timeouts: &setup.service.timeouts,
            stop: &setup.stop,
            waiter: &mut PollWaiter::new(&setup.stop, &[]),
            body: &mut BodyWait::default(),
            mark: HIGH_WATER,
        };
        self.exchange.run(&mut port);
    }

    fn shut(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        self.stream.shutdown(Shutdown::Write)?;
        self.exchange.shut(&context.clock.now());
        Ok(())
    }
}
