//! Clients: taken while there is room for them and the machine has what they
//! need, left in the listeners' queues else.

use std::io;
use std::os::fd::AsFd as _;
use std::time::{Duration, Instant};

use super::{Connection, Event, LISTENERS, Reactor, Wake};
use crate::engine::accept::PAUSE;
use crate::engine::poller::{Interest, Poller};
use crate::net::{AcceptError, Origin, Stream};

/// How long clients are left to other processes.
const BACK: Duration = Duration::from_millis(5);

/// Whether clients are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Accepting {
    Open,
    /// There are as many as there may be.
    Full,
    /// The machine is out of something.
    Paused(Instant),
    Ended,
}

impl<P: Poller, T: Connection> Reactor<P, T> {
    /// Takes clients from now on.
    pub(super) fn open(&mut self) -> io::Result<()> {
        for (place, listener) in self.setup.listeners.iter().enumerate() {
            self.poller.register(listener.as_fd(), LISTENERS + place, Interest::Accept)?;
        }
        self.accepting = Accepting::Open;
        Ok(())
    }

    /// Looks for clients without having been told of any: who was told had no
    /// room.
    pub(in crate::engine) fn look_for_clients(&mut self) {
        if self.accepting == Accepting::Open {
            self.woken.extend((LISTENERS..self.first).map(|key| (key, Wake::Ready)));
        }
    }

    /// Leaves clients in the listeners' queues, and says until when.
    pub(super) fn close(&mut self, accepting: Accepting) {
        for (place, listener) in self.setup.listeners.iter().enumerate() {
            self.poller.deregister(listener.as_fd(), LISTENERS + place);
        }
        self.accepting = accepting;
    }

    /// Leaves clients to other processes, where they would wait here and not there.
    pub(in crate::engine) fn stand_back(&mut self) {
        if self.accepting == Accepting::Open && self.setup.is_behind() {
            tracing::debug!("clients are left to other workers for now");
            self.close(Accepting::Paused(Instant::now() + BACK));
        }
    }

    /// Takes clients again, unless they are still left to others.
    pub(super) fn come_back(&mut self, now: Instant) -> io::Result<()> {
        if self.setup.is_behind() {
            self.accepting = Accepting::Paused(now + BACK);
            return Ok(());
        }
        self.open()
    }

    /// Takes a client from the listener with this key.
    pub(super) fn accept(&mut self, key: usize) -> io::Result<Option<(Stream, Origin)>> {
        // Told of once more: the next wait tells it anew.
        if self.accepting != Accepting::Open || self.accepts == 0 {
            return Ok(None);
        }
        match self.setup.listeners[key - LISTENERS].accept() {
            Ok(client) => {
                // There may be more; but those there are have their turn first.
                self.accepts -= 1;
                if self.accepts > 0 {
                    self.woken.push_back((key, Wake::Ready));
                }
                return Ok(Some(client));
            }
            Err(AcceptError::Retry) => {}
            Err(AcceptError::Shed(error)) => {
                self.setup.shed(&error);
                self.close(Accepting::Paused(Instant::now() + PAUSE));
            }
            // Whoever sees it first that it is time to end closes them.
            Err(AcceptError::Fatal(_)) if self.setup.stop.is_told() => self.stop()?,
            Err(AcceptError::Fatal(error)) => return Err(error),
        }
        Ok(None)
    }

    /// Takes those who wait: where others share the listeners, the system has told
    /// nobody but this loop of them; and a listener that is closed resets them.
    pub(super) fn take_last(&mut self) {
        if self.accepting == Accepting::Open {
            for listener in &self.setup.listeners {
                let room = self.most.saturating_sub(self.tasks.len() + self.last.len());
                self.last.extend(std::iter::from_fn(|| listener.accept().ok()).take(room));
            }
        }
    }
}

pub(super) fn client((stream, origin): (Stream, Origin)) -> Event {
    Event::Client(stream, origin)
}
