//! What a worker says to its master: that it serves, or why it cannot.

use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use super::Failure;

const READY: u8 = b'R';
const FAILED: u8 = b'F';

/// The worker's end.
#[derive(Debug)]
pub struct Link {
    socket: UnixStream,
    was_ready: AtomicBool,
}

impl Link {
    /// The end of a process that was started with it.
    #[must_use]
    pub fn of(socket: OwnedFd) -> Self {
        Self { socket: socket.into(), was_ready: AtomicBool::new(false) }
    }

    /// Says that the worker serves. A master that is not there any more is told
    /// nothing.
    pub fn ready(&self) {
        self.was_ready.store(true, Relaxed);
        let _ = (&self.socket).write_all(&[READY]);
    }

    /// Whether it has said that.
    #[must_use]
    pub fn was_ready(&self) -> bool {
        self.was_ready.load(Relaxed)
    }

    /// Says why it cannot. Nothing follows.
    pub fn failed(&self, failure: &Failure) {
        let text = failure.text.as_bytes();
        let _ = (&self.socket).write_all(&[&[FAILED, failure.code], text].concat());
    }
}

impl AsFd for Link {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// The master's end, and what has come over it.
#[derive(Debug)]
pub(super) struct Heard {
    socket: UnixStream,
    said: Vec<u8>,
    was_ready: bool,
}

impl Heard {
    /// Both ends.
    ///
    /// # Errors
    /// The system's, when it is out of descriptors.
    pub(super) fn new() -> io::Result<(Self, Link)> {
        let (here, there) = UnixStream::pair()?;
        here.set_nonblocking(true)?;
        Ok((
            Self { socket: here, said: Vec::new(), was_ready: false },
            Link { socket: there, was_ready: AtomicBool::new(false) },
        ))
    }

    /// Whether the worker has said that it serves.
    pub(super) const fn was_ready(&self) -> bool {
        self.was_ready
    }

    /// Reads what has come; answers whether the worker has just said that it
    /// serves.
    pub(super) fn listen(&mut self) -> bool {
        // It ends with nothing there, or with the worker.
        let _ = self.socket.read_to_end(&mut self.said);
        let ready = self.said.first() == Some(&READY);
        ready && !std::mem::replace(&mut self.was_ready, true)
    }

    /// Why the worker could not serve, if it has said so.
    pub(super) fn failure(&mut self) -> Option<Failure> {
        self.listen();
        match self.said.as_slice() {
            [FAILED, code, text @ ..] => {
                Some(Failure { code: *code, text: String::from_utf8_lossy(text).into_owned() })
            }
            _ => None,
        }
    }
}

impl AsFd for Heard {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_says_once_that_it_serves() {
        let (mut heard, link) = Heard::new().unwrap();
        assert!(!heard.listen());
        link.ready();
        assert!(heard.listen());
        link.ready();
        assert!(!heard.listen());
        drop(link);
        assert_eq!((heard.listen(), heard.failure()), (false, None));
    }

    #[test]
    fn a_worker_says_why_it_cannot() {
        let (mut heard, link) = Heard::new().unwrap();
        let failure = Failure { code: 2, text: "no such file\nand more".to_owned() };
        link.failed(&failure);
        assert!(!heard.listen());
        drop(link);
        assert_eq!(heard.failure(), Some(failure));
        // One that says nothing.
        assert_eq!(Heard::new().unwrap().0.failure(), None);
    }
}
