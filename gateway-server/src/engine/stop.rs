//! Tells everybody to end: a pipe that becomes readable and stays so, because
//! nobody ever reads it. A signal handler can write to it, any poll sees it.

use std::io::{self, Write as _};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use rustix::net::RecvFlags;
use signal_hook::low_level;

use crate::sys::{Shared, set_on_signal};

/// The end that is watched.
#[derive(Debug)]
pub struct Stop {
    pipe: UnixStream,
    /// What forked processes have to know without a system call.
    shared: Arc<Shared>,
    /// Not nothing once all end who accept at the same listeners.
    all_end: Option<Arc<Shared>>,
}

/// What is to be known, in bits: nothing, for nearly all of the time.
const STATE: usize = 0;
/// How many connections only linger.
const LINGERING: usize = 1;

/// Somebody has seen the pipe readable.
const SEEN: u64 = 1;
/// Clients that wait may come once more.
const DRAINING: u64 = 2;
/// They are passed on.
const LEAVING: u64 = 4;
/// Each answer is the last of its connection.
const PARTING: u64 = 8;

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
pub struct Stopper {
    pipe: UnixStream,
    shared: Arc<Shared>,
}

impl Stop {
    /// Both ends.
    ///
    /// # Errors
    /// The system's, when it is out of descriptors.
    pub fn new() -> io::Result<(Self, Stopper)> {
        let (watched, told) = UnixStream::pair()?;
        told.set_nonblocking(true)?;
        let shared = Arc::new(Shared::new(2)?);
        Ok((Self { pipe: watched, shared: Arc::clone(&shared), all_end: None }, Stopper { pipe: told, shared }))
    }

    fn state(&self) -> u64 {
        self.shared[STATE].load(Relaxed)
    }

    /// Learns from a counter that all end who accept at the same listeners.
    #[must_use]
    pub(crate) fn ends_with(self, all: Arc<Shared>) -> Self {
        Self { all_end: Some(all), ..self }
    }

    /// Whether all end who accept at the same listeners, so that nobody is to be let
    /// in who would wait for none.
    pub(super) fn all_end(&self) -> bool {
        self.all_end.as_ref().is_some_and(|all| all[0].load(Relaxed) != 0)
    }

    /// Asks the pipe itself; leaves what is in it. Where all end, another may have
    /// been told sooner.
    pub(super) fn is_told(&self) -> bool {
        let flags = RecvFlags::PEEK | RecvFlags::DONTWAIT;
        self.all_end() || rustix::net::recv(&self.pipe, &mut [0], flags).is_ok()
    }

    /// Says that the pipe was seen readable; answers whether nobody had.
    pub(super) fn see(&self) -> bool {
        self.shared[STATE].fetch_or(SEEN, Relaxed) & SEEN == 0
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

    /// Whether clients that wait may come once more before they are closed: others
    /// serve the same address, so that nobody needs to hear of the end.
    pub(super) fn is_draining(&self) -> bool {
        self.state() & DRAINING != 0
    }

    /// Whether clients that wait are passed on to those who serve the same address:
    /// no connection has to be closed.
    pub(super) fn is_leaving(&self) -> bool {
        self.state() & LEAVING != 0
    }

    /// Whether a client that is answered now will not be served again; one that
    /// `stays` cannot be passed on.
    pub(super) fn is_closing(&self, stays: bool) -> bool {
        let state = self.state();
        state & PARTING != 0 || state & SEEN != 0 && (stays || state & LEAVING == 0)
    }

    /// Whether anybody has seen it.
    pub(super) fn is_seen(&self) -> bool {
        self.state() & SEEN != 0
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
        let _ = (&self.pipe).write(&[1]);
    }

    /// Says it when a signal comes.
    ///
    /// # Errors
    /// A number that is no signal, or one that cannot be handled; or the system is
    /// out of descriptors.
    pub fn stop_on(&self, signal: i32) -> io::Result<()> {
        low_level::pipe::register(signal, self.pipe.try_clone()?).map(drop)
    }

    /// Says it when a signal comes, where others serve the same address from then
    /// on: clients that wait between two requests may come once more, and are told
    /// to close with the answer. Only towards the end of the graceful time are they
    /// closed.
    ///
    /// # Errors
    /// As for [`stop_on`](Self::stop_on).
    pub fn drain_on(&self, signal: i32) -> io::Result<()> {
        set_on_signal(signal, Arc::clone(&self.shared), STATE, DRAINING)?;
        self.stop_on(signal)
    }

    /// The same, where they can be passed on to whoever serves from then on.
    ///
    /// # Errors
    /// As for [`stop_on`](Self::stop_on).
    pub fn leave_on(&self, signal: i32) -> io::Result<()> {
        set_on_signal(signal, Arc::clone(&self.shared), STATE, LEAVING)?;
        self.drain_on(signal)
    }

    /// Has each answer be the last of its connection from a signal on, for those to
    /// go elsewhere who can; it is not time to end yet.
    ///
    /// # Errors
    /// As for [`stop_on`](Self::stop_on).
    pub fn part_on(&self, signal: i32) -> io::Result<()> {
        set_on_signal(signal, Arc::clone(&self.shared), STATE, PARTING)
    }

    /// Another end that says the same.
    ///
    /// # Errors
    /// The system's, when it is out of descriptors.
    pub fn try_clone(&self) -> io::Result<Self> {
        Ok(Self { pipe: self.pipe.try_clone()?, shared: Arc::clone(&self.shared) })
    }
}
