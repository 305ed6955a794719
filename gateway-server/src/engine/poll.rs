//! `poll`: one list of descriptors, of any number, handed over and looked
//! through at each turn.

use std::io;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use rustix::event::PollFd;
use rustix::io::Errno;

use super::crew::alone;
use super::event_loop;
use super::machine::Inline;
use super::poller::{Interest, Poller, Ready};
use super::socket::timespec;
use super::{Engine, Outcome, Setup, looping};
use crate::sys::Watched;

/// The registry's entry.
pub(super) const ENGINE: Engine = looping("poll", "one thread and poll(2)", run);

fn run(setup: Setup) -> io::Result<Outcome> {
    alone(setup, |setup| event_loop::run::<_, Inline>(setup, List::default()))
}

/// The list, and the key of each of its places.
#[derive(Debug, Default)]
pub(super) struct List {
    fds: Vec<PollFd<'static>>,
    keys: Vec<usize>,
    /// Where each key stands in the list.
    places: Vec<Option<usize>>,
}

impl Poller for List {
    fn register(&mut self, fd: BorrowedFd<'_>, key: usize, interest: Interest) -> io::Result<()> {
        let entry = PollFd::from_borrowed_fd(Watched::new(fd).fd(), interest.flags());
        if self.places.len() <= key {
            self.places.resize(key + 1, None);
        }
        if let Some(place) = self.places[key] {
            self.fds[place] = entry;
        } else {
            self.places[key] = Some(self.fds.len());
            self.fds.push(entry);
            self.keys.push(key);
        }
        Ok(())
    }

    fn deregister(&mut self, _: BorrowedFd<'_>, key: usize) {
        let Some(place) = self.places.get_mut(key).and_then(Option::take) else { return };
        self.fds.swap_remove(place);
        self.keys.swap_remove(place);
        if let Some(&moved) = self.keys.get(place) {
            self.places[moved] = Some(place);
        }
    }

    fn wait(&mut self, ready: &mut Vec<Ready>, timeout: Option<Duration>) -> io::Result<()> {
        match rustix::event::poll(&mut self.fds, timeout.map(timespec).as_ref()) {
            Ok(_) => {
                let set = self.fds.iter().zip(&self.keys).filter(|(fd, _)| !fd.revents().is_empty());
                ready.extend(set.map(|(_, key)| Ready::again(*key)));
                Ok(())
            }
            Err(Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}
