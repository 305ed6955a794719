//! Where the master is told what to do by `gateway-server reload` and the like,
//! and says what came of it: signals carry no answer. An abstract Unix socket,
//! named after the process; who asks has to be its user, or root.

use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::net::sockopt::socket_peercred;
use rustix::process::{Pid, PidfdFlags, geteuid, pidfd_open};

use super::plan::Command;

/// The master's end.
#[derive(Debug)]
pub(super) struct Control {
    listener: UnixListener,
    clients: Vec<Client>,
}

/// Somebody who has asked, or is about to.
#[derive(Debug)]
struct Client {
    stream: UnixStream,
    said: Vec<u8>,
    /// What was asked for, and how many outcomes come before its own.
    wish: Option<(Command, usize)>,
}

/// The longest of the words.
const LONGEST: usize = 16;
/// The most who ask at once.
const MOST: usize = 16;

fn name(process: u32) -> io::Result<SocketAddr> {
    SocketAddr::from_abstract_name(format!("gateway-server.{process}"))
}

impl Control {
    /// # Errors
    /// Somebody has the name, or the system's.
    pub(super) fn new() -> io::Result<Self> {
        let listener = UnixListener::bind_addr(&name(std::process::id())?)?;
        listener.set_nonblocking(true)?;
        Ok(Self { listener, clients: Vec::new() })
    }

    /// What becomes readable when somebody has something to say.
    pub(super) fn fds(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        let asking = self.clients.iter().filter(|client| client.wish.is_none());
        std::iter::once(self.listener.as_fd()).chain(asking.map(|client| client.stream.as_fd()))
    }

    /// What was asked for. While `busy`, the next outcome is that of somebody else.
    /// Who asks how it is gets `status`.
    pub(super) fn listen(&mut self, busy: bool, status: impl Fn() -> String) -> Vec<Command> {
        while let Ok((stream, _)) = self.listener.accept() {
            let may = socket_peercred(&stream).is_ok_and(|peer| peer.uid.is_root() || peer.uid == geteuid());
            // Who says nothing makes room for who has something to say.
            let silent = self.clients.iter().position(|client| client.wish.is_none());
            if let Some(place) = silent.filter(|_| self.clients.len() >= MOST) {
                self.clients.remove(place);
            }
            if may && self.clients.len() < MOST && stream.set_nonblocking(true).is_ok() {
                self.clients.push(Client { stream, said: Vec::new(), wish: None });
            }
        }
        let mut commands = Vec::new();
        self.clients.retain_mut(|client| {
            if client.wish.is_some() {
                return true;
            }
            let is_over = client.read();
            if client.said == b"status\n" {
                client.say(&format!("ok\n{}", status()));
                return false;
            }
            if let Some(command) = client.command() {
                client.wish = Some((command, usize::from(busy && command == Command::Reload)));
                commands.push(command);
                return true;
            }
            !is_over && client.said.len() <= LONGEST
        });
        commands
    }

    /// Says what came of a command to all who wait for it.
    pub(super) fn answer(&mut self, command: Command, outcome: &Result<(), String>) {
        self.clients.retain_mut(|client| match &mut client.wish {
            Some((wish, 0)) if *wish == command => {
                client.tell(outcome);
                false
            }
            Some((wish, before)) if *wish == command => {
                *before -= 1;
                true
            }
            _ => true,
        });
    }

    /// Says that a command was not obeyed to the one who came last with it.
    pub(super) fn refuse(&mut self, command: Command, why: &str) {
        let is_meant = |client: &Client| client.wish.is_some_and(|(wish, _)| wish == command);
        if let Some(place) = self.clients.iter().rposition(is_meant) {
            self.clients.remove(place).tell(&Err(why.to_owned()));
        }
    }
}

impl Client {
    /// Reads what is there; answers whether no more comes.
    fn read(&mut self) -> bool {
        let mut piece = [0; LONGEST + 1];
        loop {
            match (&self.stream).read(&mut piece) {
                Ok(0) => return true,
                Ok(count) => self.said.extend_from_slice(&piece[..count]),
                Err(error) => return error.kind() != io::ErrorKind::WouldBlock,
            }
            if self.said.len() > LONGEST {
                return true;
            }
        }
    }

    fn command(&self) -> Option<Command> {
        match self.said.as_slice() {
            b"reload\n" => Some(Command::Reload),
            b"upgrade\n" => Some(Command::Upgrade),
            b"stop\n" => Some(Command::Stop),
            _ => None,
        }
    }

    /// One who does not take an answer gets none.
    fn tell(&self, outcome: &Result<(), String>) {
        self.say(&outcome.as_ref().map_or_else(|why| format!("failed\n{why}"), |()| "ok\n".to_owned()));
    }

    fn say(&self, text: &str) {
        let _ = (&self.stream).write_all(text.as_bytes());
    }
}

/// Has the master of this process id do something, and waits until it is done;
/// answers what it says to that.
///
/// # Errors
/// A sentence: there is no such master, or why it has not done it.
pub fn ask(process: u32, what: &str) -> Result<String, String> {
    let broken = |error: io::Error| match error.kind() {
        io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound if is_elsewhere(process) => format!(
            "process {process} is in another network namespace, where its name is: ask there (nsenter --net), or send \
             it a signal"
        ),
        io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound => {
            format!("process {process} is no gateway-server with a master (--no-master has none)")
        }
        _ => format!("process {process} cannot be asked: {error}"),
    };
    let stream = name(process).and_then(|name| UnixStream::connect_addr(&name)).map_err(broken)?;
    // Anybody may take a name that nobody has.
    let peer = socket_peercred(&stream).map_err(|error| broken(error.into()))?;
    if peer.pid.as_raw_nonzero().get().unsigned_abs() != process {
        return Err(format!("process {process} cannot be asked: another process answers in its name"));
    }
    let refused = || format!("process {process} ended meanwhile, or refuses: only its user and root may ask");
    let closed = |error: io::Error| match error.kind() {
        // One that is refused is not listened to.
        io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => refused(),
        _ => broken(error),
    };
    let mut answer = String::new();
    (&stream).write_all(format!("{what}\n").as_bytes()).map_err(closed)?;
    (&stream).read_to_string(&mut answer).map_err(closed)?;
    match answer.split_once('\n') {
        Some(("ok", text)) => Ok(text.to_owned()),
        Some(("failed", why)) => Err(why.to_owned()),
        // It ends, which is what it was asked for.
        _ if what == "stop" => {
            wait_for_end(process);
            Ok(String::new())
        }
        _ => Err(refused()),
    }
}

/// Whether abstract names are others there: they belong to the network namespace.
fn is_elsewhere(process: u32) -> bool {
    let network = |process: &str| std::fs::read_link(format!("/proc/{process}/ns/net"));
    matches!((network("self"), network(&process.to_string())), (Ok(own), Ok(its)) if own != its)
}

/// Waits until a process has ended that has begun to.
fn wait_for_end(process: u32) {
    let process = i32::try_from(process).ok().and_then(Pid::from_raw);
    // One that cannot be found has ended.
    let Some(process) = process.and_then(|process| pidfd_open(process, PidfdFlags::empty()).ok()) else { return };
    while poll(&mut [PollFd::new(&process, PollFlags::IN)], None) == Err(Errno::INTR) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One who is refused is not listened to: what it meets then depends on who is
    /// faster, and what it is told does not.
    #[test]
    fn who_is_refused_is_told_so() {
        let own = std::process::id();
        let master = UnixListener::bind_addr(&name(own).unwrap()).unwrap();
        let refusing = std::thread::spawn(move || {
            // Once before it can have said anything, and once when it has.
            drop(master.accept().unwrap());
            let (stream, _) = master.accept().unwrap();
            rustix::net::recv(&stream, &mut [0], rustix::net::RecvFlags::PEEK).unwrap();
        });
        for word in ["reload", "stop"] {
            let why = ask(own, word).unwrap_err();
            assert!(why.contains("only its user and root may ask"), "{word}: {why}");
        }
        refusing.join().unwrap();
    }
}
