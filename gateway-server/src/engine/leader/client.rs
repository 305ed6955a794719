//! A connection of this engine: in its loop's hands, or in those of a thread.

use std::os::fd::{AsFd as _, BorrowedFd};
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{AcqRel, Relaxed};

use rustix::net::Shutdown;

use crate::engine::machine::Machine;
use crate::engine::poller::Interest;
use crate::engine::port::BodyWait;
use crate::engine::reactor::{Connection, Step, Wake};
use crate::net::{Scheme, Stream};
use crate::stats::Board;
use crate::sys::{self, Notes};

/// Where the loop keeps a connection.
pub(super) type Place = sys::Place<Shared, Client>;
/// The right to drive one.
pub(super) type Owned = sys::Owned<Shared, Client>;

/// What a connection's owner and its loop see at once.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) stream: Stream,
    /// When the call began that is running, in nanoseconds; 0 without one; or that
    /// it is late. Only kept where calls have a deadline.
    pub(super) called: AtomicU64,
    /// What its client speaks.
    pub(super) scheme: Scheme,
}

/// Instead of when a call began: its client is told that it takes too long.
const LATE: u64 = u64::MAX;

impl Shared {
    pub(super) const fn new(stream: Stream, scheme: Scheme) -> Self {
        Self { stream, called: AtomicU64::new(0), scheme }
    }

    /// Nothing follows what was sent, which is whole or not.
    pub(super) fn end(&self, is_whole: bool) {
        if is_whole && self.stream.shutdown(Shutdown::Write).is_ok() {
            return;
        }
        match self.scheme {
            // Nothing else than the connection's end may tell where an answer ends.
            Scheme::Uwsgi | Scheme::Scgi if !is_whole => self.stream.reset(),
            _ => {
                let _ = self.stream.shutdown(Shutdown::Both);
            }
        }
    }

    /// Has the call that began then be late, which the board shows; `false` where it
    /// has returned.
    pub(super) fn make_late(&self, called: u64, board: Option<&Board>) -> bool {
        // Before, so that it is not taken back before it is there.
        board.inspect(|board| board.begin_late());
        let is_late = self.called.compare_exchange(called, LATE, AcqRel, Relaxed).is_ok();
        board.filter(|_| !is_late).inspect(|board| board.end_late());
        is_late
    }

    /// The call has returned.
    pub(super) fn returns(&self, board: Option<&Board>) {
        let was_late = self.called.swap(0, AcqRel) == LATE;
        board.filter(|_| was_late).inspect(|board| board.end_late());
    }
}

/// What only its owner sees.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) machine: Machine,
    pub(super) body: BodyWait,
    /// What its loop is told of its socket. With edges that is never less than before: who is
    /// told of room is told of bytes too.
    pub(super) watched: Option<Interest>,
}

impl Client {
    /// What is to be done about one that needs this next: where it waits, whatever else it
    /// was watched for before.
    pub(super) fn watch(&mut self, step: Step) -> Step {
        let Step::Wait(interest) = step else { return step };
        if self.watched != Some(Interest::Write) {
            self.watched = Some(interest);
        }
        self.waits()
    }

    /// To be woken by what it is watched for.
    pub(super) fn waits(&self) -> Step {
        Step::Wait(self.watched.unwrap_or(Interest::Read))
    }
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

#[cfg(test)]
mod tests {
    use std::io::{ErrorKind, Read as _};
    use std::net::{TcpListener, TcpStream};
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixStream;

    use super::*;
    use crate::stats::Crowd;

    /// What a client reads of an answer that is ended in the stead of its call.
    fn ended(scheme: Scheme, is_whole: bool) -> Result<usize, ErrorKind> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (stream, _) = listener.accept().unwrap();
        Shared::new(Stream::from(OwnedFd::from(stream)), scheme).end(is_whole);
        client.read_to_end(&mut Vec::new()).map_err(|error| error.kind())
    }

    #[test]
    fn what_is_as_long_as_its_connection_and_not_whole_is_reset() {
        for scheme in [Scheme::Uwsgi, Scheme::Scgi] {
            assert_eq!(ended(scheme, false), Err(ErrorKind::ConnectionReset), "{scheme:?}");
            assert_eq!(ended(scheme, true), Ok(0), "{scheme:?}");
        }
        assert_eq!((ended(Scheme::Http, false), ended(Scheme::FastCgi, false)), (Ok(0), Ok(0)));
    }

    /// A call that returns while it is looked at is no late one, which nobody would
    /// take back from the board.
    #[test]
    fn a_late_call_is_counted_until_it_returns() {
        let (stream, _client) = UnixStream::pair().unwrap();
        let shared = Shared::new(Stream::from(OwnedFd::from(stream)), Scheme::Http);
        shared.called.store(7, Relaxed);
        let board = Board::new(Crowd::new().unwrap().seat(1)).unwrap();
        assert!(shared.make_late(7, Some(&board)));
        assert_eq!(board.late_calls(), 1);
        shared.returns(Some(&board));
        assert_eq!(board.late_calls(), 0);
        // It is over, or another one has begun.
        assert!(!shared.make_late(7, Some(&board)));
        assert_eq!(board.late_calls(), 0);
        shared.returns(Some(&board));
        assert_eq!(board.late_calls(), 0);
        assert!(!shared.make_late(7, None));
    }
}
