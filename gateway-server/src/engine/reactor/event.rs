//! What there is to do, and what comes of it.

#[cfg(doc)]
use super::Reactor;
use crate::engine::poller::Interest;
use crate::net::{Origin, Stream};

/// Why a task is woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) enum Wake {
    /// Its socket may be ready, or its turn has come.
    Ready,
    /// The same, told once: what can be read ends with a FIN or an error, which
    /// shows only to one who reads until then.
    Hangup,
    /// Its deadline has passed.
    Late,
    /// It is time to end.
    Stop,
    /// The same, but a client that waits may come once more.
    Drain,
    /// The same, but a client that waits is passed on: see [`Reactor::pass`].
    Leave,
}

/// What a task needs next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) enum Step {
    /// To be woken when its socket is ready.
    Wait(Interest),
    /// To be woken by somebody else: see [`Reactor::again`].
    Park,
    /// To go on after the others.
    Again,
    /// The end.
    Close,
}

/// What there is to do.
#[derive(Debug)]
pub(in crate::engine) enum Event {
    /// A client has come: see [`Reactor::add`].
    Client(Stream, Origin),
    /// A task is woken. It may have ended since it was said to be ready.
    Task(usize, Wake),
    /// Somebody else has something to say: see [`Reactor::poked_by`].
    Poked,
    /// A client has come for whom there is no room here: others may have some.
    Full,
    /// All have ended, or the graceful time is over.
    Over,
}
