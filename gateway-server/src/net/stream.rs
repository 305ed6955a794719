//! A connection's socket.

use std::io::{self, IoSlice, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Mutex, PoisonError};

use rustix::net::{RecvFlags, SendFlags, Shutdown};

use super::identity::Identity;
use super::secure::Secure;
use super::session::Session;

/// A connected stream socket, of TCP or Unix: once connected, they are used
/// alike, and so this is a descriptor, and the TLS of those that speak it.
#[derive(Debug)]
pub struct Stream {
    socket: OwnedFd,
    /// A loop may answer in place of the thread that has the connection, so that
    /// both may speak at once.
    session: Option<Box<Mutex<Session>>>,
}

impl Stream {
    /// A client that is to speak TLS.
    ///
    /// # Errors
    /// None that is known.
    pub fn secure(socket: OwnedFd, identity: &Identity) -> io::Result<Self> {
        Ok(Self { socket, session: Some(Box::new(Mutex::new(Session::new(identity)?))) })
    }

    /// Whether it speaks TLS.
    #[must_use]
    pub const fn is_secure(&self) -> bool {
        self.session.is_some()
    }

    /// By way of its TLS, where it has that: everything else than what is said or
    /// heard is the socket's.
    #[inline(always)]
    #[must_use]
    pub fn by_tls(&self) -> Option<Secure<'_>> {
        self.session.as_deref().map(|session| locked(&self.socket, session))
    }

    /// Ends the sending side without a word: a client that speaks TLS can tell that
    /// something is missing.
    ///
    /// # Errors
    /// The system's; the client may be gone.
    pub fn cut(&self) -> io::Result<()> {
        Ok(rustix::net::shutdown(&self.socket, Shutdown::Write)?)
    }

    /// Breaks the connection off, for a client that would take its end for that of what
    /// it was sent. Unix sockets know nothing but an end.
    pub fn reset(&self) {
        if rustix::net::connect_unspec(&self.socket).is_err() {
            let _ = rustix::net::shutdown(&self.socket, Shutdown::Both);
        }
    }

    /// Ends one direction, or both. A client that speaks TLS is told before that
    /// nothing follows, unless both end.
    ///
    /// # Errors
    /// The system's; the client may be gone. `WouldBlock` where it takes no more,
    /// and so cannot be told yet.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        match self.by_tls() {
            Some(tls) if how == Shutdown::Write => tls.finish(),
            _ => Ok(rustix::net::shutdown(&self.socket, how)?),
        }
    }
}

#[cold]
fn locked<'a>(socket: &'a OwnedFd, session: &'a Mutex<Session>) -> Secure<'a> {
    Secure::new(socket, session.lock().unwrap_or_else(PoisonError::into_inner))
}

impl From<OwnedFd> for Stream {
    fn from(socket: OwnedFd) -> Self {
        Self { socket, session: None }
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl Read for &Stream {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self.by_tls() {
            Some(tls) => Ok(tls.receive(buf)?.0),
            None => Ok(rustix::net::recv(&self.socket, buf, RecvFlags::empty())?.0),
        }
    }
}

impl Write for &Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.by_tls() {
            Some(tls) => tls.send(&[IoSlice::new(bytes)]),
            None => Ok(rustix::net::send(&self.socket, bytes, SendFlags::NOSIGNAL)?),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Idle connections are counted by the ten thousand. A word more than the
/// descriptor's is where TLS is, for those that have it: eight bytes, beside the
/// kilobytes that the system keeps for a socket.
const _: () = assert!(size_of::<Stream>() <= 2 * size_of::<usize>());
