//! A thread per connection, up to a cap: beyond it, clients wait in the
//! listener's queue.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::Instant;

use rustix::event::{PollFd, PollFlags};

use super::accept::{Arrival, arrival, take};
use super::blocking::serve;
use super::socket::wait;
use super::{Engine, Outcome, Setup};
use crate::net::Endpoint;

/// The registry's entry.
pub(super) const ENGINE: Engine = Engine { name: "thread", about: "a thread per connection", multithread: true, run };

/// The threads that are alive.
struct Crew {
    alive: AtomicUsize,
    /// Becomes readable when a thread ends.
    ended: UnixStream,
    end: UnixStream,
}

fn run(setup: &Arc<Setup>) -> io::Result<Outcome> {
    let crew = Arc::new(Crew::new()?);
    loop {
        let open = crew.alive.load(SeqCst) < setup.connections;
        match arrival(setup, open, Some(crew.ended.as_fd()))? {
            Arrival::Stop => return crew.wait(setup),
            Arrival::Other => crew.clear(),
            Arrival::Clients(listeners) => {
                for listener in listeners {
                    if let Some((stream, endpoint)) = take(setup, listener)? {
                        start(&crew, setup, stream, endpoint);
                    }
                }
            }
        }
    }
}

/// Starts a thread for a connection. It is detached: one that hangs in its app
/// must not keep the process from ending.
fn start(crew: &Arc<Crew>, setup: &Arc<Setup>, stream: TcpStream, endpoint: Endpoint) {
    let member = Member::new(crew);
    let setup = Arc::clone(setup);
    let serve = move || {
        let _member = member;
        serve(&setup, &stream, endpoint, &[]);
    };
    // The closure is dropped where no thread can be had, and with it the
    // connection: shed, and said.
    if let Err(error) = thread::Builder::new().name("connection".to_owned()).spawn(serve) {
        tracing::warn!("a connection was dropped: no thread for it: {error}");
    }
}

impl Crew {
    fn new() -> io::Result<Self> {
        let (ended, end) = UnixStream::pair()?;
        ended.set_nonblocking(true)?;
        end.set_nonblocking(true)?;
        Ok(Self { alive: AtomicUsize::new(0), ended, end })
    }

    /// Forgets the ends that were told so far.
    fn clear(&self) {
        let mut scratch = [0; 256];
        while matches!((&self.ended).read(&mut scratch), Ok(count) if count > 0) {}
    }

    /// Waits until all threads have ended, or the graceful time is over.
    fn wait(&self, setup: &Setup) -> io::Result<Outcome> {
        let deadline = Instant::now().checked_add(setup.graceful);
        loop {
            self.clear();
            let abandoned = self.alive.load(SeqCst);
            let mut ended = [PollFd::new(&self.ended, PollFlags::IN)];
            if abandoned == 0 || !wait(&mut ended, deadline)? {
                return Ok(Outcome { abandoned });
            }
        }
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
