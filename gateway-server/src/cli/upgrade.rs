//! From one program to the next: what a master gives to the one that takes over,
//! and what that finds. Sockets stay open all the while. A variable says where they
//! are: words in lines, of which the first is `process form-of-the-relay link relay
//! relayed`, and each other one `descriptor address`.

use std::env;
use std::fmt::Write as _;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, RawFd};
use std::path::PathBuf;
use std::process::Command;

use rustix::io::{FdFlags, fcntl_getfd, fcntl_setfd};
use rustix::process::Pid;

use super::Failure;
use crate::net::{Address, Listener, Listening, RELAY_FORM, Relay, UPGRADE as VARIABLE};
use crate::supervisor::Link;
use crate::sys::{forget_variables, inherited};

/// Whether this program was started to take over from another.
pub(super) fn takes_over() -> bool {
    env::var_os(VARIABLE).is_some()
}

/// How this program was started, for the next one.
#[derive(Debug)]
pub(super) struct Start {
    program: PathBuf,
    folder: io::Result<PathBuf>,
}

impl Start {
    /// Call it before the folder changes.
    pub(super) fn new() -> Self {
        let program = PathBuf::from(env::args_os().next().unwrap_or_default());
        // A name without a folder is looked for again, wherever it is then.
        let has_folder = program.components().count() > 1;
        let program = if has_folder { std::path::absolute(&program).unwrap_or(program) } else { program };
        Self { program, folder: env::current_dir() }
    }

    /// Starts the program that is there now, with the arguments of this one.
    ///
    /// # Errors
    /// It cannot be started, or must not be.
    pub(super) fn again(&self, gift: &Gift<'_>) -> io::Result<Pid> {
        if rustix::process::getpid().is_init() {
            return Err(io::Error::other(
                "this process is the first of its container, which would end with it: start a new container",
            ));
        }
        let mut command = Command::new(&self.program);
        command.args(env::args_os().skip(1)).env(VARIABLE, gift.text());
        if let Ok(folder) = &self.folder {
            command.current_dir(folder);
        }
        // This process has one thread, and nobody else starts a program meanwhile.
        gift.leave_open(true)?;
        let started = command.spawn();
        gift.leave_open(false)?;
        let child = started.map_err(|error| {
            io::Error::new(error.kind(), format!("{} cannot be started: {error}", self.program.display()))
        })?;
        Pid::from_raw(child.id().cast_signed()).ok_or_else(|| io::Error::other("a process without a number"))
    }
}

/// What is given.
#[derive(Debug)]
pub(super) struct Gift<'a> {
    pub(super) link: &'a Link,
    pub(super) relay: (&'a Relay, &'a Listener),
    pub(super) listeners: Vec<&'a (Address, Listener)>,
}

impl Gift<'_> {
    fn fds(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        let first = [self.link.as_fd(), self.relay.0.as_fd(), self.relay.1.as_fd()];
        first.into_iter().chain(self.listeners.iter().map(|(_, listener)| listener.as_fd()))
    }

    /// Lets the descriptors be open in a program that is started, or not.
    fn leave_open(&self, open: bool) -> io::Result<()> {
        for fd in self.fds() {
            let flags = fcntl_getfd(fd)?;
            fcntl_setfd(fd, if open { flags - FdFlags::CLOEXEC } else { flags | FdFlags::CLOEXEC })?;
        }
        Ok(())
    }

    fn text(&self) -> String {
        use std::os::fd::AsRawFd as _;
        let numbers: Vec<RawFd> = self.fds().map(|fd| fd.as_raw_fd()).collect();
        let mut text = format!("{} {RELAY_FORM} {} {} {}", std::process::id(), numbers[0], numbers[1], numbers[2]);
        for (number, (address, _)) in numbers[3..].iter().zip(&self.listeners) {
            // Whatever is spoken there: that may be another thing from now on. Writing
            // to memory cannot fail.
            let _ = write!(text, "\n{number} {}", address.place());
        }
        text
    }
}

/// The program that this one takes over from.
#[derive(Debug)]
pub(super) struct Predecessor {
    pub(super) process: u32,
    /// Says to it whether this one can.
    pub(super) link: Link,
    relay: (RawFd, RawFd),
    sockets: Vec<(RawFd, String)>,
    speaks: bool,
}

impl Predecessor {
    /// The one that has started this program, if one has. Call it while there is
    /// one thread: it takes the variable away.
    ///
    /// # Errors
    /// The variable says nothing of sense: somebody else has set it.
    pub(super) fn from_env() -> Result<Option<Self>, Failure> {
        let Some(text) = env::var_os(VARIABLE) else { return Ok(None) };
        let _ = forget_variables(&[VARIABLE]);
        let read = text.to_str().and_then(Self::read);
        read.map(Some).ok_or_else(|| {
            Failure::Usage(format!("{VARIABLE} is set by a server for the one that takes over from it: unset it"))
        })
    }

    fn read(text: &str) -> Option<Self> {
        let mut lines = text.split('\n');
        let numbers: Vec<i32> = lines.next()?.split(' ').map(str::parse).collect::<Result<_, _>>().ok()?;
        let [process, form, link, into, from] = numbers[..] else { return None };
        let socket = |line: &str| {
            let (number, address) = line.split_once(' ')?;
            Some((number.parse().ok()?, address.to_owned()))
        };
        Some(Self {
            process: process.try_into().ok()?,
            link: Link::of(inherited(link).ok()?),
            relay: (into, from),
            sockets: lines.map(socket).collect::<Option<_>>()?,
            speaks: form == RELAY_FORM,
        })
    }

    /// The way on which clients that wait come from its workers.
    pub(super) fn relay(&self) -> io::Result<(Relay, Listener)> {
        if !self.speaks {
            return Err(io::Error::other(
                "this program takes clients over in another way than the one that runs: stop that one, then start this",
            ));
        }
        Ok(Relay::of(inherited(self.relay.0)?, inherited(self.relay.1)?))
    }

    /// The listener that it has at an address, if it has one.
    pub(super) fn listener(&mut self, address: &Address, how: &Listening) -> io::Result<Option<Listener>> {
        let text = address.place().to_string();
        let Some(place) = self.sockets.iter().position(|(_, known)| *known == text) else { return Ok(None) };
        let (number, _) = self.sockets.remove(place);
        Listener::take_over(inherited(number)?, address, how).map(Some)
    }

    /// Closes what it has and this one does not want.
    pub(super) fn leave_the_rest(&mut self) {
        for (number, address) in self.sockets.drain(..) {
            if inherited(number).is_ok() {
                tracing::info!("{address} is not served any more");
            }
        }
    }
}
