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
    /// Clients at a listener: never edge-triggered, and one of several who wait
    /// for the same is enough, where the system can tell them apart.
    Accept,
    /// A word to all who wait for it: never edge-triggered.
    Word,
}

impl Interest {
    /// As poll(2) has it.
    pub(super) const fn flags(self) -> PollFlags {
        match self {
            Self::Read | Self::Accept | Self::Word => PollFlags::IN,
            Self::Write => PollFlags::OUT,
            Self::Hangup => PollFlags::empty(),
        }
    }
}

/// One that may be ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ready {
    pub(super) key: usize,
    /// What can be read ends with a FIN or an error, and nobody tells of that
    /// again.
    pub(super) hangup: bool,
}

impl Ready {
    /// One that is told of for as long as it is ready.
    pub(super) const fn again(key: usize) -> Self {
        Self { key, hangup: false }
    }
}

/// Watches many descriptors, each under a key: small numbers, used again.
pub(super) trait Poller {
    /// Watches a descriptor, or changes what it is watched for.
    ///
    /// # Errors
    /// One more than this backend can watch, or the system's.
    fn register(&mut self, fd: BorrowedFd<'_>, key: usize, interest: Interest) -> io::Result<()>;

    /// Forgets a descriptor, before it is closed; one that is not watched is
    /// no error.
    fn deregister(&mut self, fd: BorrowedFd<'_>, key: usize);

    /// Forgets a descriptor that is about to be closed.
    fn closing(&mut self, fd: BorrowedFd<'_>, key: usize) {
        self.deregister(fd, key);
    }

    /// Waits, and gives those that may be ready.
    ///
    /// # Errors
    /// The system's.
    fn wait(&mut self, ready: &mut Vec<Ready>, timeout: Option<Duration>) -> io::Result<()>;
}

/// What every backend owes, whatever it asks the system.
#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::os::fd::AsFd as _;
    use std::os::unix::net::UnixStream;

    use super::*;
    use crate::engine::{epoll, nonblocking, poll, select};

    const KEY: usize = 7;

    fn ready(poller: &mut impl Poller) -> Vec<usize> {
        let mut ready = Vec::new();
        poller.wait(&mut ready, Some(Duration::ZERO)).unwrap();
        ready.iter().map(|ready| ready.key).collect()
    }

    /// How a backend tells.
    #[derive(Clone, Copy, PartialEq)]
    enum Tells {
        /// For as long as a descriptor is ready.
        Level,
        /// When it becomes ready.
        Edge,
        /// Of everybody, at each turn.
        Guesses,
    }

    fn check(mut poller: impl Poller, tells: Tells) {
        let level = tells != Tells::Edge;
        let (mut here, mut there) = UnixStream::pair().unwrap();
        let (other, _kept) = UnixStream::pair().unwrap();
        poller.register(other.as_fd(), KEY + 1, Interest::Accept).unwrap();
        poller.register(here.as_fd(), KEY, Interest::Read).unwrap();
        if tells != Tells::Guesses {
            assert_eq!(ready(&mut poller), [0; 0], "nothing was sent");
        }
        there.write_all(b"a").unwrap();
        assert!(ready(&mut poller).contains(&KEY));
        assert_eq!(ready(&mut poller).contains(&KEY), level, "told once, or for as long as it is");
        here.read_exact(&mut [0]).unwrap();
        here.write_all(b"b").unwrap();
        there.read_exact(&mut [0]).unwrap();
        if tells != Tells::Guesses {
            assert_eq!(ready(&mut poller), [0; 0], "there is more room, and nobody asked for it");
        }
        poller.register(here.as_fd(), KEY, Interest::Write).unwrap();
        assert!(ready(&mut poller).contains(&KEY), "there is room to write, and was before");
        drop(there);
        assert!(ready(&mut poller).contains(&KEY), "a hang-up always shows");
        poller.deregister(here.as_fd(), KEY);
        poller.deregister(here.as_fd(), KEY);
        assert!(!ready(&mut poller).contains(&KEY), "it is forgotten, and a second time is no error");
        poller.register(here.as_fd(), KEY, Interest::Read).unwrap();
        assert!(ready(&mut poller).contains(&KEY), "it is watched anew");
        poller.deregister(here.as_fd(), KEY);
        poller.deregister(other.as_fd(), KEY + 1);
        assert_eq!(ready(&mut poller), [0; 0]);
    }

    /// What cannot be watched spoils nothing for whoever comes next.
    #[test]
    fn a_failed_registration_leaves_no_trace() {
        let file = std::fs::File::open("/proc/self/exe").unwrap();
        let mut set = epoll::Set::<false>::new().unwrap();
        assert!(set.register(file.as_fd(), KEY, Interest::Read).is_err());
        let (here, mut there) = UnixStream::pair().unwrap();
        there.write_all(b"a").unwrap();
        set.register(here.as_fd(), KEY, Interest::Read).unwrap();
        assert_eq!(ready(&mut set), [KEY]);
    }

    #[test]
    fn nonblocking() {
        check(nonblocking::Everybody::default(), Tells::Guesses);
    }

    #[test]
    fn select() {
        check(select::Lists::new(), Tells::Level);
    }

    #[test]
    fn poll() {
        check(poll::List::default(), Tells::Level);
    }

    #[test]
    fn epoll_level() {
        check(epoll::Set::<false>::new().unwrap(), Tells::Level);
    }

    #[test]
    fn epoll_edge() {
        check(epoll::Set::<true>::new().unwrap(), Tells::Edge);
    }
}
