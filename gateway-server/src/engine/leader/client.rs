//! A connection of this engine: in its loop's hands, or in those of a thread.

use std::os::fd::{AsFd as _, BorrowedFd};
use std::sync::atomic::AtomicU64;

use crate::engine::machine::Machine;
use crate::engine::port::BodyWait;
use crate::engine::reactor::{Connection, Wake};
use crate::net::Stream;
use crate::sys::{self, Notes};

/// Where the loop keeps a connection.
pub(super) type Place = sys::Place<Shared, Client>;
/// The right to drive one.
pub(super) type Owned = sys::Owned<Shared, Client>;

/// What a connection's owner and its loop see at once.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) stream: Stream,
    /// When the call began that is running, in nanoseconds; 0 without one.
    /// Only kept where calls have a deadline.
    pub(super) called: AtomicU64,
}

/// What only its owner sees.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) machine: Machine,
    pub(super) body: BodyWait,
    /// Whether its loop is told of its socket.
    pub(super) watched: bool,
}

impl Connection for Place {
    fn socket(&self) -> BorrowedFd<'_> {
        self.shared().stream.as_fd()
    }
}

const READY: Notes = Notes::number(0);
const HANGUP: Notes = Notes::number(1);
const STOP: Notes = Notes::number(2);
const DRAIN: Notes = Notes::number(3);

/// What an owner has to be told of a wake. Deadlines are the loop's: it looks
/// again later.
pub(super) const fn note(wake: Wake) -> Notes {
    match wake {
        // Whoever has it looks whether it waits, and so whether it is passed on.
        Wake::Ready | Wake::Leave => READY,
        Wake::Hangup => HANGUP,
        Wake::Stop => STOP,
        Wake::Drain => DRAIN,
        Wake::Late => Notes::NONE,
    }
}

/// The wakes that were noted.
pub(super) fn wakes(notes: Notes) -> impl Iterator<Item = Wake> {
    let all = [(READY, Wake::Ready), (HANGUP, Wake::Hangup), (STOP, Wake::Stop), (DRAIN, Wake::Drain)];
    all.into_iter().filter(move |(note, _)| notes.has(*note)).map(|(_, wake)| wake)
}
