//! All sockets in turn, without asking which of them is ready: what one had
//! before `select`. It costs a whole core, also when nobody says anything.

use std::io;
use std::os::fd::BorrowedFd;
use std::thread;
use std::time::Duration;

use super::crew::alone;
use super::event_loop;
use super::machine::Inline;
use super::poller::{Interest, Poller, Ready};
use super::{Engine, Outcome, Setup, looping};

/// The registry's entry.
pub(super) const ENGINE: Engine =
    looping("nonblocking", "one thread that tries all sockets in turn, without rest", run);

fn run(setup: Setup) -> io::Result<Outcome> {
    alone(setup, |setup| event_loop::run::<_, Inline>(setup, Everybody::default()))
}

/// Says of everybody that they may be ready.
#[derive(Debug, Default)]
pub(super) struct Everybody(Vec<usize>);

impl Poller for Everybody {
    fn register(&mut self, _: BorrowedFd<'_>, key: usize, _: Interest) -> io::Result<()> {
        if let Err(place) = self.0.binary_search(&key) {
            self.0.insert(place, key);
        }
        Ok(())
    }

    fn deregister(&mut self, _: BorrowedFd<'_>, key: usize) {
        if let Ok(place) = self.0.binary_search(&key) {
            self.0.remove(place);
        }
    }

    fn wait(&mut self, ready: &mut Vec<Ready>, _: Option<Duration>) -> io::Result<()> {
        // The only rest that others on this core get.
        thread::yield_now();
        ready.extend(self.0.iter().map(|key| Ready::again(*key)));
        Ok(())
    }
}
