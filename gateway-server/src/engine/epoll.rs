//! `epoll`: the kernel keeps the list and gives only those that are ready, so
//! that idle connections cost nothing. Level-triggered it tells of readiness
//! for as long as it lasts, edge-triggered once, when it comes.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::io::Errno;

use super::crew::alone;
use super::event_loop;
use super::machine::Inline;
use super::poller::{Interest, Poller, Ready};
use super::socket::timespec;
use super::{Engine, Outcome, Setup, Trigger, looping};

/// The registry's entry.
pub(super) const ENGINE: Engine =
    looping("epoll", "one thread and epoll(7), level- or edge-triggered (--trigger)", run);

fn run(setup: Setup) -> io::Result<Outcome> {
    alone(setup, |setup| match setup.tuning.trigger {
        Trigger::Level => event_loop::run::<_, Inline>(setup, Set::<false>::new()?),
        Trigger::Edge => event_loop::run::<_, Inline>(setup, Set::<true>::new()?),
    })
}

/// The most events of one wait.
const EVENTS: usize = 256;

/// The kernel's list.
#[derive(Debug)]
pub(super) struct Set<const EDGE: bool> {
    epoll: Arc<OwnedFd>,
    /// What those are watched for that are in it, by their keys.
    watched: Vec<Option<EventFlags>>,
}

impl<const EDGE: bool> Set<EDGE> {
    pub(super) fn new() -> io::Result<Self> {
        let epoll = Arc::new(epoll::create(CreateFlags::CLOEXEC)?);
        Ok(Self { epoll, watched: Vec::new() })
    }
}

impl Set<true> {
    /// What several threads can wait for at once.
    pub(super) fn shared(&self) -> Arc<OwnedFd> {
        Arc::clone(&self.epoll)
    }
}

/// Waits for one that may be ready in a list of edges.
///
/// # Errors
/// The system's.
pub(super) fn wait_for_one(epoll: &OwnedFd, timeout: Duration) -> io::Result<Option<Ready>> {
    let mut room = [MaybeUninit::<Event>::uninit()];
    match epoll::wait(epoll, &mut room, Some(&timespec(timeout))) {
        Ok((events, _)) => Ok(events.first().map(ready::<true>)),
        Err(Errno::INTR) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn ready<const EDGE: bool>(event: &Event) -> Ready {
    let (flags, data) = (event.flags, event.data);
    Ready { key: data.u64() as usize, hangup: EDGE && flags.intersects(ENDS) }
}

/// After what can be read, there is nothing more.
const ENDS: EventFlags = EventFlags::RDHUP.union(EventFlags::HUP).union(EventFlags::ERR);

/// What always matters of a connection.
const EDGES: EventFlags = EventFlags::IN.union(EventFlags::RDHUP).union(EventFlags::ET);

const fn flags(interest: Interest, edge: bool) -> EventFlags {
    match interest {
        Interest::Accept => EventFlags::IN.union(EventFlags::EXCLUSIVE),
        Interest::Word => EventFlags::IN,
        // Room only from when it is wanted on: a Unix socket has an edge of it whenever its
        // peer reads.
        Interest::Write if edge => EDGES.union(EventFlags::OUT),
        _ if edge => EDGES,
        Interest::Read => EventFlags::IN,
        Interest::Write => EventFlags::OUT,
        Interest::Hangup => EventFlags::empty(),
    }
}

impl<const EDGE: bool> Poller for Set<EDGE> {
    fn register(&mut self, fd: BorrowedFd<'_>, key: usize, interest: Interest) -> io::Result<()> {
        if self.watched.len() <= key {
            self.watched.resize(key + 1, None);
        }
        let (data, flags) = (EventData::new_u64(key as u64), flags(interest, EDGE));
        match self.watched[key] {
            None => epoll::add(&self.epoll, fd, data, flags)?,
            // Asking for less would be a system call for nothing.
            Some(watched) if EDGE && watched.contains(flags) => return Ok(()),
            // This tells of what is there already.
            Some(_) => epoll::modify(&self.epoll, fd, data, flags)?,
        }
        self.watched[key] = Some(flags);
        Ok(())
    }

    fn deregister(&mut self, fd: BorrowedFd<'_>, key: usize) {
        if self.watched.get_mut(key).and_then(Option::take).is_some() {
            // A descriptor that is not there any more is forgotten already.
            let _ = epoll::delete(&self.epoll, fd);
        }
    }

    fn closing(&mut self, fd: BorrowedFd<'_>, key: usize) {
        if !EDGE {
            self.deregister(fd, key);
        } else if let Some(watched) = self.watched.get_mut(key) {
            // The close does it. Where a process that the app has forked has
            // the socket still, a wake without a cause is all that can come.
            *watched = None;
        }
    }

    fn wait(&mut self, list: &mut Vec<Ready>, timeout: Option<Duration>) -> io::Result<()> {
        let mut room = [const { MaybeUninit::<Event>::uninit() }; EVENTS];
        match epoll::wait(&self.epoll, &mut room, timeout.map(timespec).as_ref()) {
            Ok((events, _)) => {
                list.extend(events.iter().map(ready::<EDGE>));
                Ok(())
            }
            Err(Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}
