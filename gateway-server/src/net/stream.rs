//! A connection's socket.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::net::{RecvFlags, SendFlags, Shutdown};

/// A connected stream socket, of TCP or Unix: once connected, they are used
/// alike, and so this is a descriptor and nothing else.
#[derive(Debug)]
pub struct Stream(OwnedFd);

impl Stream {
    /// Ends one direction, or both.
    ///
    /// # Errors
    /// The system's; the client may be gone.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        Ok(rustix::net::shutdown(&self.0, how)?)
    }
}

impl From<OwnedFd> for Stream {
    fn from(socket: OwnedFd) -> Self {
        Self(socket)
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Read for &Stream {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        Ok(rustix::net::recv(&self.0, buf, RecvFlags::empty())?.0)
    }
}

impl Write for &Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(rustix::net::send(&self.0, bytes, SendFlags::NOSIGNAL)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Idle connections are counted by the ten thousand.
const _: () = assert!(size_of::<Stream>() == size_of::<std::os::fd::RawFd>());
