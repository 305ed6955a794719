//! The test's end of `tests/plugins/gate.c`: an app whose calls say that they
//! are inside, and stay there until the test lets them go.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::Command;
use std::time::Duration;

use crate::artifacts;
use crate::server::{Server, command};
use crate::wait::until;

/// Where the calls of one server report.
#[derive(Debug)]
pub struct Gate {
    folder: tempfile::TempDir,
    listener: UnixListener,
}

/// What the app says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Several calls at once.
    Concurrent,
    /// One call at a time.
    Exclusive,
    /// Several calls at once, which read their input while it comes.
    Streams,
    /// One call at a time, which would read its input while it comes.
    ExclusiveStreams,
}

/// A call that is inside.
#[derive(Debug)]
pub struct Held {
    /// The target of its request.
    pub target: String,
    stream: UnixStream,
}

impl Gate {
    /// A gate where nobody waits.
    ///
    /// # Panics
    /// When the system refuses.
    #[must_use]
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let listener = UnixListener::bind(folder.path().join("gate")).expect("a socket can be bound");
        listener.set_nonblocking(true).expect("a socket can be asked without waiting");
        Self { folder, listener }
    }

    /// Serves the app, with more arguments.
    #[must_use]
    pub fn serve(&self, form: Form, arguments: &[&str]) -> Server {
        Server::spawn(self.command(form, arguments), 1)
    }

    /// The command that does.
    #[must_use]
    pub fn command(&self, form: Form, arguments: &[&str]) -> Command {
        let (name, defines): (_, &[&str]) = match form {
            Form::Concurrent => ("gate", &[]),
            Form::Exclusive => ("gate_exclusive", &["EXCLUSIVE"]),
            Form::Streams => ("gate_streams", &["STREAMS"]),
            Form::ExclusiveStreams => ("gate_exclusive_streams", &["EXCLUSIVE", "STREAMS"]),
        };
        let module = artifacts::c_module("tests/plugins/gate.c", name, defines);
        let alone: &[&str] = if arguments.contains(&"--workers") { &[] } else { &["--no-master"] };
        let mut command = command(&[arguments, alone, &["--bind", "127.0.0.1:0"]].concat());
        command.arg("--set").arg(format!("gate={}", self.folder.path().join("gate").display())).arg(module);
        command
    }

    /// The next call that has come inside, or comes.
    ///
    /// # Panics
    /// When none comes.
    #[must_use]
    pub fn next(&self) -> Held {
        until("a call comes inside", || self.look(), Option::is_some).expect("one was seen")
    }

    /// The next so many.
    ///
    /// # Panics
    /// When they do not come.
    #[must_use]
    pub fn take(&self, count: usize) -> Vec<Held> {
        (0..count).map(|_| self.next()).collect()
    }

    /// Another call that has come inside; does not wait.
    ///
    /// # Panics
    /// When the app breaks off.
    #[must_use]
    pub fn look(&self) -> Option<Held> {
        let stream = match self.listener.accept() {
            Ok((stream, _)) => stream,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return None,
            Err(error) => panic!("the gate is broken: {error}"),
        };
        stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a timeout can be set");
        let mut target = String::new();
        BufReader::new(&stream).read_line(&mut target).expect("a call says what it is");
        Some(Held { target: target.trim_end().to_owned(), stream })
    }
}

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}

impl Held {
    /// Lets it go on.
    ///
    /// # Panics
    /// When it is gone.
    pub fn release(mut self) {
        self.stream.write_all(b"!").expect("the call waits for this");
    }
}
