//! The way from a running app to its socket.

use std::io::{self, IoSlice, Read as _};
use std::time::{Duration, Instant};

use rustix::event::PollFlags;

use super::Stop;
use super::clock::Clock;
use super::poller::Interest;
use super::socket::{before_read, retried, send_slices, wait_one};
use super::waiter::{Alerts, Waiter};
use crate::exchange::{Now, Port, Timeouts};
use crate::net::Stream;
use crate::sys::Claim;

/// How long an app has waited for the body of its request, over all calls.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct BodyWait {
    /// Which request.
    request: u64,
    waited: Duration,
    received: u64,
}

impl BodyWait {
    /// Counts anew if this is another request.
    pub(super) fn begin(&mut self, request: u64) {
        if self.request != request {
            *self = Self { request, ..Self::default() };
        }
    }
}

/// A port over a socket, which waits as its waiter does.
#[derive(Debug)]
pub(super) struct SocketPort<'a, W> {
    pub(super) stream: &'a Stream,
    pub(super) clock: &'a mut Clock,
    pub(super) timeouts: &'a Timeouts,
    pub(super) stop: &'a Stop,
    pub(super) waiter: &'a mut W,
    pub(super) body: &'a mut BodyWait,
    /// Up to so many bytes may stay unsent rather than be waited for.
    pub(super) mark: usize,
    /// The right to send, where it can be revoked.
    pub(super) claim: Option<Claim<'a>>,
    /// Whether the answer had begun before that.
    pub(super) has_begun: bool,
    /// Until when the call may last.
    pub(super) until: Option<Instant>,
}

impl<W: Waiter> Port for SocketPort<'_, W> {
    fn fill(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let mut stream = self.stream;
        loop {
            match retried(|| stream.read(buf)) {
                Ok(count) => {
                    self.body.received += count as u64;
                    self.waiter.step()?;
                    return Ok(count);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    // Only the time that the client takes counts, not the app's.
                    let start = Instant::now();
                    let allowed = self.timeouts.body(self.body.received).saturating_sub(self.body.waited);
                    let deadline = start.checked_add(allowed);
                    let woken = self.waiter.wait(stream, before_read(stream), deadline, Alerts::default())?;
                    self.body.waited += start.elapsed();
                    if !woken.ready {
                        return Err(io::ErrorKind::TimedOut.into());
                    }
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn send(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        if self.claim.is_some_and(|claim| !claim.begin()) {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        self.has_begun = true;
        let deadline = Instant::now().checked_add(self.timeouts.write);
        loop {
            match send_slices(self.stream, slices) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let length: usize = slices.iter().map(|slice| slice.len()).sum();
                    if length <= self.mark {
                        return Err(error);
                    }
                    if !self.waiter.wait(self.stream, Interest::Write, deadline, Alerts::default())?.ready {
                        return Err(io::ErrorKind::TimedOut.into());
                    }
                }
                Ok(count) => {
                    self.waiter.step()?;
                    return Ok(count);
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn sleep(&mut self, duration: Duration) -> bool {
        let deadline = Instant::now().checked_add(duration);
        loop {
            // Asking for no event, one is still told of a hang-up or an error.
            match self.waiter.wait(self.stream, Interest::Hangup, deadline, Alerts::default()) {
                // A coroutine may be woken for nothing.
                Ok(woken) if woken.ready && !self.is_gone() => {}
                Ok(woken) => return !woken.ready,
                Err(_) => return false,
            }
        }
    }

    fn is_gone(&mut self) -> bool {
        wait_one(self.stream, PollFlags::empty(), Some(Instant::now())).unwrap_or(true)
    }

    fn left(&mut self) -> Option<Duration> {
        self.until.map(|until| until.saturating_duration_since(Instant::now()))
    }

    fn is_overdue(&mut self) -> bool {
        // One that has begun is cut, not answered by somebody else.
        !self.has_begun && self.claim.is_some_and(|claim| !claim.begin())
    }

    fn is_closing(&mut self) -> bool {
        // Where one client at a time is served, one that waits is a reason.
        self.stop.is_closing(self.stream.is_secure()) || self.waiter.is_crowded()
    }

    fn now(&mut self) -> &Now {
        if self.waiter.keeps_time() { self.clock.now() } else { self.clock.refresh() }
    }

    fn time(&mut self) -> &Now {
        self.clock.refresh()
    }
}
