//! Counts the system calls of a running server, by strace.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use crate::process::threads_named;
use crate::server::Server;

/// A server that is traced.
#[derive(Debug)]
pub struct Traced {
    /// The server itself.
    pub server: Server,
    log: tempfile::NamedTempFile,
}

/// System calls by their name.
pub type Calls = BTreeMap<String, u64>;

impl Traced {
    /// Starts a command that ends up as a server on one address. Counted are the
    /// calls of a set, in strace's words (`!futex`): all others run as fast as
    /// they do elsewhere.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn spawn(command: &Command, set: &str) -> Self {
        let log = tempfile::NamedTempFile::new().expect("a temporary file can be made");
        let mut strace = Command::new("strace");
        // -D: the server stays our child, and strace its grandchild.
        strace.args(["-D", "-f", "-q", "--seccomp-bpf", "-e", &format!("trace={set}"), "-o"]).arg(log.path());
        strace.arg(command.get_program()).args(command.get_args());
        strace.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        Self { server: Server::spawn(strace, 1), log }
    }

    /// What all its threads have called so far, but for those of this name.
    ///
    /// # Panics
    /// When strace writes something else than it does.
    #[must_use]
    pub fn calls(&self, but: &str) -> Calls {
        let others = threads_named(self.server.id(), but);
        let text = fs::read(self.log.path()).expect("the log can be read");
        let mut calls = Calls::new();
        for line in String::from_utf8_lossy(&text).lines() {
            let (thread, call) = line.split_once(' ').expect("strace says whose call it is");
            // A call that was interrupted by another thread's stands there twice.
            let name = call.trim_start().split_once('(').map(|(name, _)| name).filter(|name| is_name(name));
            if let Some(name) = name.filter(|_| !others.iter().any(|other| other == thread)) {
                *calls.entry(name.to_owned()).or_default() += 1;
            }
        }
        calls
    }
}

fn is_name(text: &str) -> bool {
    text.chars().all(|char| char.is_ascii_alphanumeric() || char == '_')
}
