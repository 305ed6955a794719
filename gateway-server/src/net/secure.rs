//! A connection's socket and its TLS, which one thread at a time has.

use std::io::{self, IoSlice, Read, Write};
use std::os::fd::OwnedFd;
use std::sync::MutexGuard;

use rustix::io::Errno;
use rustix::net::{RecvFlags, SendAncillaryBuffer, SendFlags, Shutdown, recv, send, sendmsg};

use super::session::Session;

/// See the module's text.
#[derive(Debug)]
pub struct Secure<'a> {
    socket: Raw<'a>,
    session: MutexGuard<'a, Session>,
}

impl<'a> Secure<'a> {
    pub(super) const fn new(socket: &'a OwnedFd, session: MutexGuard<'a, Session>) -> Self {
        Self { socket: Raw(socket), session }
    }

    /// See [`Session::receive`].
    ///
    /// # Errors
    /// The system's; [`Errno::AGAIN`] where nothing has arrived, and
    /// [`Errno::PROTO`] where this cannot go on.
    #[cold]
    pub fn receive(mut self, room: &mut [u8]) -> Result<(usize, bool), Errno> {
        self.session.receive(&mut self.socket, room).map_err(|error| match Errno::from_io_error(&error) {
            Some(errno) => errno,
            None => Errno::PROTO,
        })
    }

    /// See [`Session::send`].
    ///
    /// # Errors
    /// As there.
    #[cold]
    pub fn send(mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.session.send(&mut self.socket, slices)
    }

    /// See [`Session::flush`].
    ///
    /// # Errors
    /// As there.
    #[cold]
    pub fn flush(mut self) -> io::Result<()> {
        self.session.flush(&mut self.socket)
    }

    /// See [`Session::holds_bytes`].
    #[cold]
    #[must_use]
    pub fn holds_bytes(self) -> bool {
        self.session.holds_bytes()
    }

    /// See [`Session::is_plain`].
    #[must_use]
    pub fn is_plain(self) -> bool {
        self.session.is_plain()
    }

    /// See [`Session::fault`].
    #[must_use]
    pub fn fault(self) -> Option<String> {
        self.session.fault().map(str::to_owned)
    }

    /// Says that nothing follows, then closes the sending side.
    pub(super) fn finish(mut self) -> io::Result<()> {
        self.session.finish(&mut self.socket)?;
        Ok(rustix::net::shutdown(self.socket.0, Shutdown::Write)?)
    }
}

/// The socket beneath.
#[derive(Debug)]
struct Raw<'a>(&'a OwnedFd);

impl Read for Raw<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        Ok(retried(|| recv(self.0, &mut *buf, RecvFlags::empty()))?.0)
    }
}

impl Write for Raw<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(retried(|| send(self.0, bytes, SendFlags::NOSIGNAL))?)
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match slices {
            [one] => self.write(one),
            _ => Ok(retried(|| sendmsg(self.0, slices, &mut SendAncillaryBuffer::default(), SendFlags::NOSIGNAL))?),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Runs a call again when a signal interrupted it.
fn retried<T>(mut call: impl FnMut() -> Result<T, Errno>) -> Result<T, Errno> {
    loop {
        match call() {
            Err(Errno::INTR) => {}
            other => return other,
        }
    }
}
