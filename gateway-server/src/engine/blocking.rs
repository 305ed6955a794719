//! Serves one connection to its end, on the thread or coroutine that calls it:
//! what `single`, `fork`, `thread` and `coroutine` have in common.

use std::io;
use std::os::fd::AsFd as _;
use std::time::{Duration, Instant};

use rustix::io::Errno;

use super::clock::Clock;
use super::poller::Interest;
use super::port::{BodyWait, SocketPort};
use super::socket::{before_read, holds_bytes, over, receive, send, shut, unreadable};
use super::stop::Lingering;
use super::waiter::{Alerts, Waiter};
use super::{PASS, Setup};
use crate::exchange::{Exchange, Want};
use crate::net::{Origin, Stream};

/// How long a client that has said nothing yet keeps others waiting, where one
/// is served at a time.
const PATIENCE: Duration = Duration::from_millis(250);

/// The longest time after which it is tried again to pass a client on: each
/// connection tries for itself, and there may be many.
const PASS_LONGEST: Duration = Duration::from_secs(1);

/// A connection while it is served.
struct Connection<'a, W> {
    setup: &'a Setup,
    stream: &'a Stream,
    exchange: Exchange,
    clock: Clock,
    waiter: &'a mut W,
    since: Instant,
    stopped: bool,
    /// Until when a client that waits may come once more, at the end.
    close_at: Option<Instant>,
    /// In what time it is tried again to pass it on.
    pass_in: Duration,
    lingering: Option<Lingering<'a>>,
    body: BodyWait,
}

/// Serves a connection to its end.
pub(super) fn serve(setup: &Setup, stream: &Stream, origin: Origin, waiter: &mut impl Waiter) {
    let mut clock = Clock::new();
    let now = *clock.refresh();
    let (since, body) = (now.instant, BodyWait::default());
    let exchange = Exchange::new(setup.service.clone(), origin, &now);
    let (stopped, close_at, pass_in, lingering) = (false, None, PASS, None);
    Connection { setup, stream, exchange, clock, waiter, since, stopped, close_at, pass_in, lingering, body }.run();
}

impl<W: Waiter> Connection<'_, W> {
    fn run(&mut self) {
        loop {
            let moved = match self.exchange.want() {
                Want::Read => self.read(),
                Want::Write => self.write(),
                // The app may take long: what is answered goes out before.
                Want::Run if self.exchange.has_answers() => self.write(),
                Want::Run => {
                    self.call();
                    Ok(())
                }
                Want::Shutdown => self.shut(),
                Want::Close => return over(self.stream, &self.exchange),
            };
            if moved.and_then(|()| self.waiter.step()).is_err() {
                self.exchange.gone();
            }
        }
    }

    fn read(&mut self) -> io::Result<()> {
        if !holds_bytes(self.stream) && !self.wait_readable()? {
            return Ok(());
        }
        match receive(self.stream, &mut self.exchange) {
            Ok((0, _)) => self.exchange.eof(self.clock.refresh()),
            Ok((count, _)) => self.exchange.fed(count, self.clock.refresh()),
            Err(Errno::AGAIN) => {}
            Err(_) => unreadable(self.stream, &mut self.exchange, self.clock.refresh()),
        }
        Ok(())
    }

    fn write(&mut self) -> io::Result<()> {
        match send(self.stream, &self.exchange) {
            Ok(count) => self.exchange.sent(count, self.clock.refresh()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return self.wait_writable(),
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn wait_writable(&mut self) -> io::Result<()> {
        let deadline = self.exchange.deadline();
        if !self.waiter.wait(self.stream, Interest::Write, deadline, Alerts::default())?.ready {
            self.exchange.tick(self.clock.refresh());
        }
        Ok(())
    }

    fn call(&mut self) {
        self.waiter.enter(self.exchange.is_ready());
        self.body.begin(self.exchange.requests());
        let mut port = SocketPort {
            stream: self.stream,
            clock: &mut self.clock,
            timeouts: &self.setup.service.timeouts,
            stop: &self.setup.stop,
            waiter: self.waiter,
            body: &mut self.body,
            mark: 0,
            claim: None,
            has_begun: false,
            until: None,
        };
        self.exchange.run(&mut port);
        self.waiter.leave();
    }

    fn shut(&mut self) -> io::Result<()> {
        if !shut(self.stream, &mut self.exchange, self.clock.refresh()) {
            return self.wait_writable();
        }
        self.lingering = Some(self.setup.stop.linger());
        Ok(())
    }

    /// Passes the connection on, if it waits between two requests; it is over here
    /// then.
    #[cold]
    fn pass(&mut self) -> bool {
        let Some(resting) = self.exchange.rest() else { return false };
        let is_passed = self.setup.pass(self.stream.as_fd(), &resting);
        if !is_passed {
            self.exchange.resume(resting);
            self.pass_in = (self.pass_in * 2).min(PASS_LONGEST);
        }
        is_passed
    }

    /// Waits for bytes; `false` when something else came first and was dealt with.
    fn wait_readable(&mut self) -> io::Result<bool> {
        let lingering = self.exchange.is_lingering();
        let leaving = self.stopped && self.close_at.is_some() && self.setup.stop.is_leaving();
        let leaving = leaving && self.exchange.is_movable();
        if leaving && self.pass() {
            return Ok(false);
        }
        // A client that has only just come is about to speak; one that has had
        // an answer can ask again elsewhere (RFC 9112, section 9.3.1).
        let others = match self.exchange.requests() {
            _ if lingering => Some(self.since),
            0 => self.since.checked_add(PATIENCE),
            _ => Some(self.since),
        };
        let others = others.filter(|_| lingering || self.exchange.is_idle());
        let alerts = Alerts { stop: !self.stopped && !lingering, others };
        let pass_at = if leaving { Instant::now().checked_add(self.pass_in) } else { None };
        let deadline = [self.exchange.deadline(), self.close_at, pass_at].into_iter().flatten().min();
        let woken = self.waiter.wait(self.stream, before_read(self.stream), deadline, alerts)?;
        if woken.stop {
            self.stopped = true;
            if self.setup.stop.is_draining() {
                self.close_at = Instant::now().checked_add(self.setup.tuning.drain());
                if !self.setup.stop.is_leaving() {
                    self.exchange.stop(false);
                }
                return Ok(false);
            }
        } else if woken.ready {
            return Ok(true);
        } else if !woken.others {
            let now = self.clock.refresh();
            self.exchange.tick(now);
            if self.close_at.is_some_and(|time| time <= now.instant) {
                self.close_at = None;
                self.exchange.stop(true);
            }
            return Ok(false);
        }
        if lingering {
            self.exchange.gone();
        } else {
            // A request that is already here is still answered, with `close`.
            self.exchange.stop(!woken.ready);
        }
        Ok(false)
    }
}
