//! `--daemonize`: the server goes on by itself, and whoever has started it waits
//! until it serves.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};

use rustix::process::setsid;
use rustix::stdio::{dup2_stderr, dup2_stdin, dup2_stdout};
use signal_hook::low_level;

use super::{Failure, complain};
use crate::sys::{Forked, fork};

/// Which process this is.
pub(super) enum Detached {
    /// The one that serves, and who is to be told about it.
    Server(Caller),
    /// The one that was started, once it knows how that went.
    Caller(ExitCode),
}

/// Leaves the terminal, the session and the process that was started behind,
/// where a log is named. The process must have one thread.
///
/// # Errors
/// The log cannot be written; nothing has happened then. Or the system's.
pub(super) fn detach(log: Option<&Path>) -> Result<Detached, Failure> {
    let Some(path) = log else { return Ok(Detached::Server(Caller(Mutex::new(None)))) };
    let cannot = |error: io::Error| Failure::Other(format!("cannot write the log {}: {error}", path.display()));
    let log = open(path).map_err(cannot)?;
    let no_process = |error: io::Error| Failure::Other(format!("cannot detach: {error}"));
    let (here, there) = UnixStream::pair().map_err(no_process)?;
    // A session without a terminal.
    match fork(|| Ok(setsid().map(drop)?)).map_err(no_process)? {
        Forked::Parent(_) => {
            drop(there);
            return Ok(Detached::Caller(told(here, path)));
        }
        Forked::Child => drop(here),
    }
    if let Err(error) = leave(&log) {
        let failure = no_process(error);
        let (code, text) = failure.parts();
        tell(there, code, text);
        low_level::exit(code.into());
    }
    Ok(Detached::Server(Caller(Mutex::new(Some(there)))))
}

/// Once more, so that this process leads no session: one that does gets a terminal
/// with the first that it opens. Then the standard streams go elsewhere.
fn leave(log: &File) -> io::Result<()> {
    if let Forked::Parent(_) = fork(|| Ok(()))? {
        low_level::exit(0);
    }
    dup2_stdin(File::open("/dev/null")?)?;
    dup2_stdout(log)?;
    dup2_stderr(log)?;
    Ok(())
}

/// As it is when it is opened anew.
fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).mode(0o640).open(path)
}

/// Waits until the server serves or has failed, and says what it is told.
fn told(mut server: UnixStream, log: &Path) -> ExitCode {
    let mut said = Vec::new();
    // It ends with the server, at the latest.
    let _ = server.read_to_end(&mut said);
    match said.split_first() {
        Some((0, text)) => {
            // A closed standard output changes nothing about the server.
            let _ = io::stdout().write_all(text);
            ExitCode::SUCCESS
        }
        Some((code, text)) => {
            complain(&String::from_utf8_lossy(text));
            ExitCode::from(*code)
        }
        None => {
            complain(&format!("the server ended before it served: {} may say why", log.display()));
            ExitCode::FAILURE
        }
    }
}

/// Who has started a server that detached itself, and waits for a word; nobody
/// where it did not, or once the word is said.
pub(super) struct Caller(Mutex<Option<UnixStream>>);

impl Caller {
    /// It serves: what the caller is to print.
    pub(super) fn serves(&self, text: &str) {
        if let Some(caller) = self.take() {
            tell(caller, 0, text);
        }
    }

    /// It does not. The log has it first, and then the caller; where nobody waits
    /// it is as it was.
    pub(super) fn fails(&self, failure: Failure) -> Result<ExitCode, Failure> {
        let Some(caller) = self.take() else { return Err(failure) };
        let (code, text) = failure.parts();
        complain(text);
        tell(caller, code, text);
        Ok(ExitCode::from(code))
    }

    /// Another process is the one to tell: this one must not keep the caller
    /// waiting.
    pub(super) fn leave(&self) {
        drop(self.take());
    }

    fn take(&self) -> Option<UnixStream> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// A caller that has gone is told nothing.
fn tell(mut caller: UnixStream, code: u8, text: &str) {
    let _ = caller.write_all(&[&[code], text.as_bytes()].concat());
    // Also where a copy of this end is left in some child.
    let _ = caller.shutdown(Shutdown::Both);
}
