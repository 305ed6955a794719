//! How the one who serves a connection waits: a thread in poll(2), a coroutine
//! by letting others run.

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::time::Instant;

use rustix::event::{PollFd, PollFlags};

use super::Stop;
use super::poller::Interest;
use super::socket::wait;
use crate::net::Stream;
use crate::stats::Pulse;

/// What may end a wait besides its socket and its deadline.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Alerts {
    /// It is time to end.
    pub(super) stop: bool,
    /// From then on, another client that waits to be served.
    pub(super) others: Option<Instant>,
}

/// What ended a wait: nothing of it is set when the deadline did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Woken {
    pub(super) ready: bool,
    pub(super) stop: bool,
    pub(super) others: bool,
}

/// See the module's text.
pub(super) trait Waiter {
    /// Waits for a socket.
    ///
    /// # Errors
    /// The system's; the connection is over then.
    fn wait(
        &mut self,
        stream: &Stream,
        interest: Interest,
        deadline: Option<Instant>,
        alerts: Alerts,
    ) -> io::Result<Woken>;

    /// Whether another client waits to be served.
    fn is_crowded(&mut self) -> bool {
        false
    }

    /// Something was done without waiting. One who shares its thread lets the
    /// others run now and then.
    ///
    /// # Errors
    /// The connection is over.
    fn step(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// Whether the time that was read last is good enough: nobody waits here.
    fn keeps_time(&self) -> bool {
        false
    }

    /// The app is about to run; for a `call`, where it takes one at a time,
    /// this waits for its turn.
    fn enter(&mut self, _call: bool) {}

    /// The app has returned.
    fn leave(&mut self) {}
}

/// A thread, which waits in poll(2).
#[derive(Debug)]
pub(super) struct PollWaiter<'a> {
    stop: &'a Stop,
    /// Where other clients come from, for one that serves one at a time.
    others: &'a [BorrowedFd<'a>],
    /// What was waited for last: its memory is used again.
    fds: Vec<PollFd<'a>>,
    /// That of the loop whose thread this is.
    pulse: Option<&'a Pulse>,
}

impl<'a> PollWaiter<'a> {
    pub(super) const fn new(stop: &'a Stop, others: &'a [BorrowedFd<'a>]) -> Self {
        Self { stop, others, fds: Vec::new(), pulse: None }
    }

    /// Says of a loop that it waits while this does.
    pub(super) fn felt(self, pulse: Option<&'a Pulse>) -> Self {
        Self { pulse, ..self }
    }

    fn ask(
        &mut self,
        stream: &Stream,
        interest: Interest,
        deadline: Option<Instant>,
        stop: bool,
        others: bool,
    ) -> io::Result<Woken> {
        let mut fds = reuse(std::mem::take(&mut self.fds));
        fds.push(PollFd::from_borrowed_fd(stream.as_fd(), interest.flags()));
        if stop {
            fds.push(PollFd::from_borrowed_fd(self.stop.as_fd(), PollFlags::IN));
        }
        if others {
            fds.extend(self.others.iter().map(|fd| PollFd::from_borrowed_fd(*fd, PollFlags::IN)));
        }
        self.pulse.inspect(|pulse| pulse.rest());
        wait(&mut fds, deadline)?;
        self.pulse.inspect(|pulse| pulse.work());
        let is_set = |fd: &PollFd<'_>| !fd.revents().is_empty();
        let woken = Woken {
            ready: is_set(&fds[0]),
            stop: stop && is_set(&fds[1]),
            others: fds[1 + usize::from(stop)..].iter().any(is_set),
        };
        self.fds = reuse(fds);
        Ok(woken)
    }
}

impl Waiter for PollWaiter<'_> {
    fn wait(
        &mut self,
        stream: &Stream,
        interest: Interest,
        deadline: Option<Instant>,
        alerts: Alerts,
    ) -> io::Result<Woken> {
        let others = alerts.others.filter(|_| !self.others.is_empty());
        let patient = others.filter(|from| *from > Instant::now() && deadline.is_none_or(|deadline| deadline > *from));
        if let Some(from) = patient {
            let woken = self.ask(stream, interest, Some(from), alerts.stop, false)?;
            if woken != Woken::default() {
                return Ok(woken);
            }
        }
        self.ask(stream, interest, deadline, alerts.stop, others.is_some())
    }

    fn is_crowded(&mut self) -> bool {
        let mut fds = reuse(std::mem::take(&mut self.fds));
        fds.extend(self.others.iter().map(|fd| PollFd::from_borrowed_fd(*fd, PollFlags::IN)));
        let crowded = !fds.is_empty() && wait(&mut fds, Some(Instant::now())).unwrap_or(false);
        self.fds = fds;
        crowded
    }
}

/// An empty list in the memory of another.
fn reuse<'b>(mut list: Vec<PollFd<'_>>) -> Vec<PollFd<'b>> {
    list.clear();
    // Nothing is converted: the collection keeps the list's memory.
    list.into_iter().map(|_| unreachable!("the list is empty")).collect()
}
