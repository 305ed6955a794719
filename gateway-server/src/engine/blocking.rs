//! Serves one connection to its end, on the thread that calls it: what the
//! engines that block have in common.

use std::io::{self, IoSlice, Read as _};
use std::net::{Shutdown, TcpStream};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags};

use super::clock::Clock;
use super::socket::{receive, retried, send, send_slices, wait, wait_one};
use super::{Setup, Stop};
use crate::exchange::{Exchange, Now, Port, Timeouts, Want};
use crate::net::Endpoint;

/// How long, and for how many bytes, a closing connection is read on, so that
/// the client gets its answer before a reset.
const LINGER: Duration = Duration::from_secs(2);
const LINGER_BYTES: usize = 4 << 20;

/// A connection while it is served.
struct Connection<'a> {
    stream: &'a TcpStream,
    exchange: Exchange,
    clock: Clock,
    timeouts: Timeouts,
    stop: &'a Stop,
    stopped: bool,
    /// Descriptors whose readiness ends an idle connection.
    others: &'a [BorrowedFd<'a>],
    /// What was waited for last: its memory is used again.
    fds: Vec<PollFd<'a>>,
    body: BodyWait,
}

/// How long an app has waited for the body of its request, over all calls.
#[derive(Clone, Copy, Default)]
struct BodyWait {
    /// Which request.
    request: u64,
    waited: Duration,
    received: u64,
}

/// Serves a connection to its end. An idle one ends when `others` are ready.
pub(super) fn serve(setup: &Setup, stream: &TcpStream, endpoint: Endpoint, others: &[BorrowedFd<'_>]) {
    let mut clock = Clock::new();
    let exchange = Exchange::new(setup.service.clone(), endpoint.into(), &clock.now());
    let timeouts = setup.service.timeouts;
    Connection {
        stream,
        exchange,
        clock,
        timeouts,
        stop: &setup.stop,
        stopped: false,
        others,
        fds: Vec::new(),
        body: BodyWait::default(),
    }
    .run();
}

impl Connection<'_> {
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
                Want::Linger => return self.linger(),
                Want::Close => return,
            };
            if moved.is_err() {
                self.exchange.gone();
            }
        }
    }

    fn read(&mut self) -> io::Result<()> {
        if !self.wait_readable()? {
            return Ok(());
        }
        match receive(self.stream, &mut self.exchange) {
            Ok(0) => self.exchange.eof(&self.clock.now()),
            Ok(count) => self.exchange.fed(count, &self.clock.now()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn write(&mut self) -> io::Result<()> {
        match send(self.stream, &self.exchange) {
            Ok(count) => self.exchange.sent(count, &self.clock.now()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                if !wait_one(self.stream, PollFlags::OUT, self.exchange.deadline())? {
                    self.exchange.tick(&self.clock.now());
                }
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn call(&mut self) {
        let request = self.exchange.requests();
        if self.body.request != request {
            self.body = BodyWait { request, ..BodyWait::default() };
        }
        let mut port = BlockingPort {
            stream: self.stream,
            clock: &mut self.clock,
            timeouts: &self.timeouts,
            stop: self.stop,
            others: self.others,
            body: &mut self.body,
        };
        self.exchange.run(&mut port);
    }

    /// Waits for bytes; `false` when something else came first and was dealt with.
    fn wait_readable(&mut self) -> io::Result<bool> {
        let idle = self.exchange.is_idle();
        let fds = &mut self.fds;
        fds.clear();
        fds.push(PollFd::from_borrowed_fd(self.stream.as_fd(), PollFlags::IN));
        if !self.stopped {
            fds.push(PollFd::from_borrowed_fd(self.stop.as_fd(), PollFlags::IN));
        }
        if idle {
            fds.extend(self.others.iter().map(|fd| PollFd::from_borrowed_fd(*fd, PollFlags::IN)));
        }
        if !wait(fds, self.exchange.deadline())? {
            self.exchange.tick(&self.clock.now());
            return Ok(false);
        }
        let is_set = |fd: &PollFd<'_>| !fd.revents().is_empty();
        let readable = is_set(&fds[0]);
        if !self.stopped && is_set(&fds[1]) {
            self.stopped = true;
        } else if readable {
            return Ok(true);
        }
        // A request that is already here is still answered, with `close`.
        self.exchange.stop(!readable);
        Ok(false)
    }

    /// Ends without a reset: a client that is still sending would lose the
    /// answer (RFC 9112, section 9.6).
    fn linger(&mut self) {
        if self.stream.shutdown(Shutdown::Write).is_err() {
            return;
        }
        let deadline = Instant::now() + LINGER;
        let mut scratch = [0; 16 * 1024];
        let mut left = LINGER_BYTES;
        let mut stream = self.stream;
        while left > 0 {
            let mut fds = vec![PollFd::from_borrowed_fd(stream.as_fd(), PollFlags::IN)];
            fds.extend(self.others.iter().map(|fd| PollFd::from_borrowed_fd(*fd, PollFlags::IN)));
            // The time is over, or somebody else waits.
            if !matches!(wait(&mut fds, Some(deadline)), Ok(true)) || fds[0].revents().is_empty() {
                return;
            }
            match retried(|| stream.read(&mut scratch)) {
                Ok(count @ 1..) => left = left.saturating_sub(count),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                _ => return,
            }
        }
    }
}

/// The port of an engine that may block.
struct BlockingPort<'a> {
    stream: &'a TcpStream,
    clock: &'a mut Clock,
    timeouts: &'a Timeouts,
    stop: &'a Stop,
    others: &'a [BorrowedFd<'a>],
    body: &'a mut BodyWait,
}

impl Port for BlockingPort<'_> {
    fn fill(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let mut stream = self.stream;
        loop {
            match retried(|| stream.read(buf)) {
                Ok(count) => {
                    self.body.received += count as u64;
                    return Ok(count);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    // Only the time that the client takes counts, not the app's.
                    let start = Instant::now();
                    let allowed = self.timeouts.body(self.body.received).saturating_sub(self.body.waited);
                    let came = wait_one(stream, PollFlags::IN, start.checked_add(allowed))?;
                    self.body.waited += start.elapsed();
                    if !came {
                        return Err(io::ErrorKind::TimedOut.into());
                    }
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn send(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let deadline = Instant::now().checked_add(self.timeouts.write);
        loop {
            match send_slices(self.stream, slices, false) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if !wait_one(self.stream, PollFlags::OUT, deadline)? {
                        return Err(io::ErrorKind::TimedOut.into());
                    }
                }
                other => return other,
            }
        }
    }

    fn sleep(&mut self, duration: Duration) -> bool {
        // Asking for no event, poll still tells of a hang-up or an error.
        match wait_one(self.stream, PollFlags::empty(), Instant::now().checked_add(duration)) {
            Ok(gone) => !gone,
            Err(_) => false,
        }
    }

    fn is_gone(&mut self) -> bool {
        wait_one(self.stream, PollFlags::empty(), Some(Instant::now())).unwrap_or(true)
    }

    fn is_closing(&mut self) -> bool {
        // Where one client at a time is served, one that waits is a reason.
        let is_waiting = |fd: &BorrowedFd<'_>| {
            let mut fds = [PollFd::from_borrowed_fd(*fd, PollFlags::IN)];
            wait(&mut fds, Some(Instant::now())).unwrap_or(false)
        };
        self.stop.is_seen() || self.others.iter().any(is_waiting)
    }

    fn now(&mut self) -> Now {
        self.clock.now()
    }
}
