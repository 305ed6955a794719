//! `select`: a list of those to read from and one of those to write to, handed
//! over and looked through at each turn. A descriptor has to be below
//! `FD_SETSIZE`; clients beyond are shed.

use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd, RawFd};
use std::time::Duration;

use rustix::event::{FdSetElement, FdSetIter, fd_set_insert, fd_set_num_elements, fd_set_remove};
use rustix::io::Errno;

use super::crew::alone;
use super::event_loop;
use super::machine::Inline;
use super::poller::{Interest, Poller, Ready};
use super::socket::timespec;
use super::{Engine, Outcome, Setup, looping};
use crate::sys::select;

/// The registry's entry.
pub(super) const ENGINE: Engine = looping("select", "one thread and select(2), for descriptors below 1024", run);

fn run(setup: Setup) -> io::Result<Outcome> {
    alone(setup, |setup| event_loop::run::<_, Inline>(setup, Lists::new()))
}

/// The size of a set in C. The kernel would take longer ones, but this is the
/// limit that programs with `select` have everywhere.
const FD_SETSIZE: usize = 1024;

/// The two lists, and the keys by descriptor.
pub(super) struct Lists {
    read: Vec<FdSetElement>,
    write: Vec<FdSetElement>,
    keys: Vec<usize>,
    /// One more than the highest descriptor that was ever watched.
    count: RawFd,
}

impl Lists {
    pub(super) fn new() -> Self {
        let empty = || vec![FdSetElement::default(); fd_set_num_elements(0, FD_SETSIZE as RawFd)];
        Self { read: empty(), write: empty(), keys: vec![0; FD_SETSIZE], count: 0 }
    }
}

impl Poller for Lists {
    fn register(&mut self, fd: BorrowedFd<'_>, key: usize, interest: Interest) -> io::Result<()> {
        let number = fd.as_raw_fd();
        let Some(place) = usize::try_from(number).ok().and_then(|place| self.keys.get_mut(place)) else {
            let text = format!("descriptor {number} is not below FD_SETSIZE ({FD_SETSIZE}), all that select can watch");
            return Err(io::Error::other(text));
        };
        *place = key;
        self.deregister(fd, key);
        match interest {
            Interest::Read | Interest::Accept | Interest::Word => fd_set_insert(&mut self.read, number),
            Interest::Write => fd_set_insert(&mut self.write, number),
            Interest::Hangup => {}
        }
        self.count = self.count.max(number + 1);
        Ok(())
    }

    fn deregister(&mut self, fd: BorrowedFd<'_>, _: usize) {
        let number = fd.as_raw_fd();
        // One that could not be watched is in neither.
        if usize::try_from(number).is_ok_and(|place| place < FD_SETSIZE) {
            fd_set_remove(&mut self.read, number);
            fd_set_remove(&mut self.write, number);
        }
    }

    fn wait(&mut self, ready: &mut Vec<Ready>, timeout: Option<Duration>) -> io::Result<()> {
        let (mut read, mut write) = (self.read.clone(), self.write.clone());
        match select(self.count, &mut read, &mut write, timeout.map(timespec).as_ref()) {
            Ok(_) => {
                // A descriptor is in one of the lists only.
                let numbers = FdSetIter::new(&read).chain(FdSetIter::new(&write));
                ready.extend(numbers.map(|number| Ready::again(self.keys[number as usize])));
                Ok(())
            }
            Err(error) if Errno::from_io_error(&error) == Some(Errno::INTR) => Ok(()),
            Err(error) => Err(error),
        }
    }
}
