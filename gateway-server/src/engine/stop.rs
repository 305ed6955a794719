//! Tells everybody to end: a pipe that becomes readable and stays so, because
//! nobody ever reads it. A signal handler can write to it, any poll sees it.

use std::io::{self, Write as _};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::atomic::Ordering::Relaxed;

use rustix::net::RecvFlags;

use crate::sys::Shared;

/// The end that is watched.
#[derive(Debug)]
pub struct Stop {
    pipe: UnixStream,
    /// What forked processes have to know without a system call.
    shared: Shared,
}

/// Whether somebody has seen the pipe readable.
const SEEN: usize = 0;
/// How many connections only linger.
const LINGERING: usize = 1;

/// A connection that only lingers.
#[derive(Debug)]
pub(super) struct Lingering<'a>(&'a Stop);

impl Drop for Lingering<'_> {
    fn drop(&mut self) {
        self.0.shared[LINGERING].fetch_sub(1, Relaxed);
    }
}

/// The end that says it.
#[derive(Debug)]
pub struct Stopper(UnixStream);

impl Stop {
    /// Both ends.
    ///
    /// # Errors
    /// The system's, when it is out of descriptors.
    pub fn new() -> io::Result<(Self, Stopper)> {
        let (watched, told) = UnixStream::pair()?;
        told.set_nonblocking(true)?;
        Ok((Self { pipe: watched, shared: Shared::new(2)? }, Stopper(told)))
    }

    /// Asks the pipe itself; leaves what is in it.
    pub(super) fn is_told(&self) -> bool {
        let flags = RecvFlags::PEEK | RecvFlags::DONTWAIT;
        rustix::net::recv(&self.pipe, &mut [0], flags).is_ok()
    }

    /// Says that the pipe was seen readable; answers whether nobody had.
    pub(super) fn see(&self) -> bool {
        self.shared[SEEN].swap(1, Relaxed) == 0
    }

    /// Says of a connection, for as long as the answer is kept, that its client
    /// has all it will get: nobody has to wait for its end.
    pub(super) fn linger(&self) -> Lingering<'_> {
        self.shared[LINGERING].fetch_add(1, Relaxed);
        Lingering(self)
    }

    /// How many connections are so.
    pub(super) fn lingering(&self) -> usize {
        usize::try_from(self.shared[LINGERING].load(Relaxed)).unwrap_or(usize::MAX)
    }

    /// Whether anybody has seen it.
    pub(super) fn is_seen(&self) -> bool {
        self.shared[SEEN].load(Relaxed) != 0
    }
}

impl AsFd for Stop {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pipe.as_fd()
    }
}

impl Stopper {
    /// Says it.
    pub fn stop(&self) {
        // A full pipe says it already.
        let _ = (&self.0).write(&[1]);
    }

    /// Another end that says the same, for a signal handler.
    ///
    /// # Errors
    /// The system's, when it is out of descriptors.
    pub fn descriptor(&self) -> io::Result<OwnedFd> {
        self.0.as_fd().try_clone_to_owned()
    }

    /// Another end that says the same.
    ///
    /// # Errors
    /// The system's, when it is out of descriptors.
    pub fn try_clone(&self) -> io::Result<Self> {
        self.0.try_clone().map(Self)
    }
}
