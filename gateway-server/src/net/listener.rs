//! A listening socket.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::io::Errno;
use rustix::net::{SocketFlags, acceptfrom_with};

use super::{Endpoint, Local};
use crate::sys::defer_accept;

/// How many clients may wait to be accepted; the system has a limit of its own.
const BACKLOG: i32 = 4096;

/// A client that says nothing is told of after so many seconds; any other with
/// its first bytes. So a loop is woken once for it and not twice, and what it
/// reads first is there. In that second the system has it, and a server that
/// ends says nothing to it: it gets a reset for what it sends then, as one does
/// that sends while its idle connection is closed.
const SILENCE: i32 = 1;

/// A socket that clients connect to; bound once.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    address: SocketAddr,
    is_shared: bool,
    /// What the last connection's end here was called; most are called alike.
    last: Mutex<(SocketAddr, Arc<Local>)>,
}

/// What an error of accept means.
#[derive(Debug)]
pub enum AcceptError {
    /// That connection is gone, or none was waiting: go on.
    Retry,
    /// The machine is out of something that comes back: pause, go on.
    Shed(io::Error),
    /// The listener itself is broken.
    Fatal(io::Error),
}

impl Listener {
    /// Binds and listens.
    ///
    /// # Errors
    /// The system's: the address is in use, not ours, or needs privileges.
    pub fn bind(address: SocketAddr) -> io::Result<Self> {
        let socket = TcpListener::bind(address)?;
        // Accept follows a poll; a client that left in between must not block it.
        socket.set_nonblocking(true)?;
        // Connections have it from here: what is written goes out at once.
        rustix::net::sockopt::set_tcp_nodelay(&socket, true)?;
        // Where the system does not take it, clients come at once.
        let _ = defer_accept(socket.as_fd(), SILENCE);
        // std listens with a queue of 128, which a burst of clients overruns.
        rustix::net::listen(&socket, BACKLOG)?;
        let address = socket.local_addr()?;
        let last = Mutex::new((address, named(address)));
        Ok(Self { socket, address, is_shared: false, last })
    }

    /// The address that it is bound to, with the port that was taken.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Says that other processes accept clients here as well: it is not this one's
    /// to close.
    pub const fn share(&mut self) {
        self.is_shared = true;
    }

    /// Whether they do.
    #[must_use]
    pub const fn is_shared(&self) -> bool {
        self.is_shared
    }

    /// Accepts nobody any more, in no process: a socket that others have
    /// inherited is theirs to close. Where the system does not take it, clients
    /// wait until the process ends.
    pub fn close(&self) {
        if self.is_shared {
            return;
        }
        let _ = rustix::net::shutdown(&self.socket, rustix::net::Shutdown::Both);
    }

    /// Takes a connection, non-blocking, and names its ends.
    ///
    /// # Errors
    /// By class, see [`AcceptError`].
    pub fn accept(&self) -> Result<(TcpStream, Endpoint), AcceptError> {
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let (stream, remote) = acceptfrom_with(&self.socket, flags).map_err(classify)?;
        let stream = TcpStream::from(stream);
        let remote = remote.and_then(|remote| SocketAddr::try_from(remote).ok());
        // A wildcard address says nothing about which one the client chose.
        let local = if self.address.ip().is_unspecified() { stream.local_addr() } else { Ok(self.address) };
        let local = local.map_err(|_| AcceptError::Retry)?;
        Ok((stream, Endpoint::new(self.local(local), remote)))
    }

    /// The name of an end here, shared by the connections that have it.
    fn local(&self, address: SocketAddr) -> Arc<Local> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.0 != address {
            *last = (address, named(address));
        }
        Arc::clone(&last.1)
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

fn named(address: SocketAddr) -> Arc<Local> {
    Arc::new(Local::new(address.ip(), address.port()))
}

/// accept(2): errors of the connection that was waiting are passed on by
/// Linux and mean nothing for the next one.
fn classify(error: Errno) -> AcceptError {
    match error {
        Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM => AcceptError::Shed(error.into()),
        Errno::BADF | Errno::INVAL | Errno::NOTSOCK | Errno::OPNOTSUPP | Errno::FAULT => {
            AcceptError::Fatal(error.into())
        }
        _ => AcceptError::Retry,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accept_errors_have_classes() {
        let class = classify;
        assert!(matches!(class(Errno::INTR), AcceptError::Retry));
        assert!(matches!(class(Errno::CONNABORTED), AcceptError::Retry));
        assert!(matches!(class(Errno::AGAIN), AcceptError::Retry));
        assert!(matches!(class(Errno::MFILE), AcceptError::Shed(_)));
        assert!(matches!(class(Errno::BADF), AcceptError::Fatal(_)));
    }
}
