//! The threads of an engine: counted, and waited for, but never joined. One
//! that hangs in its app must not keep the process from ending.

use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags};

use super::accept::arrival;
use super::socket::wait;
use super::{Outcome, Setup, Stop};

/// The threads that are alive.
#[derive(Debug)]
pub(super) struct Crew {
    alive: AtomicUsize,
    /// Becomes readable when a thread ends.
    ended: UnixStream,
    end: UnixStream,
}

impl Crew {
    pub(super) fn new() -> io::Result<Arc<Self>> {
        let (ended, end) = UnixStream::pair()?;
        ended.set_nonblocking(true)?;
        end.set_nonblocking(true)?;
        Ok(Arc::new(Self { alive: AtomicUsize::new(0), ended, end }))
    }

    /// How many threads are alive.
    pub(super) fn alive(&self) -> usize {
        self.alive.load(SeqCst)
    }

    /// Becomes readable when a thread ends.
    pub(super) fn ended(&self) -> BorrowedFd<'_> {
        self.ended.as_fd()
    }

    /// Starts a thread.
    ///
    /// # Errors
    /// Where none can be had; `work` is dropped then.
    pub(super) fn start(self: &Arc<Self>, name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
        let member = Member::new(self);
        let work = move || {
            let _member = member;
            work();
        };
        let started = thread::Builder::new().name(name.to_owned()).spawn(work);
        started.map(drop).map_err(|error| io::Error::new(error.kind(), format!("no thread can be started: {error}")))
    }

    /// Forgets the ends that were told so far.
    pub(super) fn clear(&self) {
        let mut scratch = [0; 256];
        while matches!((&self.ended).read(&mut scratch), Ok(count) if count > 0) {}
    }

    /// Waits until all threads have ended, or the time is over.
    pub(super) fn wait(&self, stop: &Stop, time: Duration) -> io::Result<Outcome> {
        let deadline = Instant::now().checked_add(time);
        loop {
            self.clear();
            let alive = self.alive.load(SeqCst);
            let mut ended = [PollFd::new(&self.ended, PollFlags::IN)];
            if alive == 0 || !wait(&mut ended, deadline)? {
                return Ok(Outcome { abandoned: alive.saturating_sub(stop.lingering()) });
            }
        }
    }
}

/// How much later than the thread itself its watcher gives up.
pub(super) const MARGIN: Duration = Duration::from_millis(500);

/// Serves on one thread that is not the first: that one keeps the graceful
/// time, also when the app hangs.
pub(super) fn alone(setup: Setup, serve: fn(&Arc<Setup>) -> io::Result<Outcome>) -> io::Result<Outcome> {
    let (setup, crew) = (Arc::new(setup), Crew::new()?);
    let place = Arc::new(Mutex::new(None));
    let (theirs, told) = (Arc::clone(&setup), Arc::clone(&place));
    crew.start("connections", move || {
        let outcome = serve(&theirs);
        *told.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
    })?;
    // Either it is time to end, or the thread has ended by itself.
    arrival(&setup, false, Some(crew.ended()), None)?;
    let stuck = crew.wait(&setup.stop, setup.tuning.graceful.saturating_add(MARGIN))?;
    let told = place.lock().unwrap_or_else(PoisonError::into_inner).take();
    match told {
        Some(outcome) => outcome,
        None if crew.alive() == 0 => Err(io::Error::other("the thread that serves has panicked")),
        None => Ok(stuck),
    }
}

/// A thread's place in the crew, given up however the thread ends.
struct Member(Arc<Crew>);

impl Member {
    fn new(crew: &Arc<Crew>) -> Self {
        crew.alive.fetch_add(1, SeqCst);
        Self(Arc::clone(crew))
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.0.alive.fetch_sub(1, SeqCst);
        // A full pipe wakes the waiter as well.
        let _ = (&self.0.end).write(&[1]);
    }
}
