//! Counts the system calls of a running server, by strace.

use std::collections::{BTreeMap, BTreeSet};
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

/// System calls, by the thread and their name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Calls(BTreeMap<(String, String), u64>);

impl Calls {
    /// How many there are.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.values().sum()
    }

    /// How many there are of this name.
    #[must_use]
    pub fn of(&self, name: &str) -> u64 {
        self.0.iter().filter(|((_, known), _)| known == name).map(|(_, count)| count).sum()
    }

    /// How many threads have made them.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.0.keys().map(|(thread, _)| thread).collect::<BTreeSet<_>>().len()
    }

    /// Those that have come since.
    #[must_use]
    pub fn since(&self, before: &Self) -> Self {
        let count = |(key, count): (&_, &u64)| (Clone::clone(key), count - before.0.get(key).unwrap_or(&0));
        Self(self.0.iter().map(count).filter(|(_, count)| *count > 0).collect())
    }
}

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
        let mut calls = Calls::default();
        for line in String::from_utf8_lossy(&text).lines() {
            let (thread, call) = line.split_once(' ').expect("strace says whose call it is");
            // A call that was interrupted by another thread's stands there twice.
            let name = call.trim_start().split_once('(').map(|(name, _)| name).filter(|name| is_name(name));
            if let Some(name) = name.filter(|_| !others.iter().any(|other| other == thread)) {
                *calls.0.entry((thread.to_owned(), name.to_owned())).or_default() += 1;
            }
        }
        calls
    }
}

fn is_name(text: &str) -> bool {
    text.chars().all(|char| char.is_ascii_alphanumeric() || char == '_')
}
