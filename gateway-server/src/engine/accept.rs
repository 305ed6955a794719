//! Waits for clients, or for the end.

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags};

use super::Setup;
use super::socket::wait;
use crate::net::{AcceptError, Listener, Origin, Stream};
use crate::stats::Pulse;

/// How long accepting pauses when the machine is out of descriptors.
pub(super) const PAUSE: Duration = Duration::from_millis(100);

/// What a wait brought.
pub(super) enum Arrival<'a> {
    /// Somebody waits at these listeners.
    Clients(Vec<&'a Listener>),
    /// One of the other descriptors is ready.
    Other,
    /// It is time to end.
    Stop,
}

/// Waits for clients (if `open`), for `other`, or for the end.
pub(super) fn arrival<'a>(
    setup: &'a Setup,
    open: bool,
    other: Option<BorrowedFd<'_>>,
    pulse: Option<&Pulse>,
) -> io::Result<Arrival<'a>> {
    let listeners = if open { &setup.listeners[..] } else { &[] };
    let mut fds = vec![PollFd::from_borrowed_fd(setup.stop.as_fd(), PollFlags::IN)];
    fds.extend(listeners.iter().map(|listener| PollFd::new(listener, PollFlags::IN)));
    fds.extend(other.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)));
    pulse.inspect(|pulse| pulse.rest());
    wait(&mut fds, None)?;
    pulse.inspect(|pulse| pulse.work());
    let is_set = |fd: &PollFd<'_>| !fd.revents().is_empty();
    if is_set(&fds[0]) {
        setup.close();
        return Ok(Arrival::Stop);
    }
    let ready = listeners.iter().zip(&fds[1..]).filter(|(_, fd)| is_set(fd)).map(|(listener, _)| listener);
    let ready: Vec<&Listener> = ready.collect();
    Ok(if ready.is_empty() { Arrival::Other } else { Arrival::Clients(ready) })
}

/// Takes one connection; `None` when there is none to be had now.
pub(super) fn take(setup: &Setup, listener: &Listener) -> io::Result<Option<(Stream, Origin)>> {
    match listener.accept() {
        Ok(connection) => Ok(Some(connection)),
        Err(AcceptError::Retry) => Ok(None),
        Err(AcceptError::Shed(error)) => {
            setup.shed(&error);
            let mut stop = [PollFd::from_borrowed_fd(setup.stop.as_fd(), PollFlags::IN)];
            wait(&mut stop, Some(Instant::now() + PAUSE))?;
            Ok(None)
        }
        // Whoever sees it first that it is time to end closes the listeners.
        Err(AcceptError::Fatal(_)) if setup.stop.is_told() => Ok(None),
        Err(AcceptError::Fatal(error)) => Err(error),
    }
}
