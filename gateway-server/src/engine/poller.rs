//! How a loop learns which of many descriptors are ready. A backend is one
//! file: kqueue or io_uring would be one more.

use std::io;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use rustix::event::PollFlags;

/// What a descriptor is watched for. A hang-up or an error always shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Interest {
    /// Bytes to read.
    Read,
    /// Room to write.
    Write,
    /// Nothing but a hang-up.
    Hangup,
    /// Clients at a listener, or the word to end: never edge-triggered.
    Accept,
}

impl Interest {
    /// As poll(2) has it.
    pub(super) const fn flags(self) -> PollFlags {
        match self {
            Self::Read | Self::Accept => PollFlags::IN,
            Self::Write => PollFlags::OUT,
            Self::Hangup => PollFlags::empty(),
        }
    }
}

/// Watches many descriptors, each under a key: small numbers, used again.
pub(super) trait Poller {
    /// Whether readiness is told once, when it comes, and for everything: who
    /// is told reads until there is nothing more.
    const EDGE: bool = false;

    /// Watches a descriptor, or changes what it is watched for.
    ///
    /// # Errors
    /// One more than this backend can watch, or the system's.
    fn register(&mut self, fd: BorrowedFd<'_>, key: usize, interest: Interest) -> io::Result<()>;

    /// Forgets a descriptor, before it is closed; one that is not watched is
    /// no error.
    fn deregister(&mut self, fd: BorrowedFd<'_>, key: usize);

    /// Waits, and gives the keys of those that may be ready.
    ///
    /// # Errors
    /// The system's.
    fn wait(&mut self, ready: &mut Vec<usize>, timeout: Option<Duration>) -> io::Result<()>;
}
