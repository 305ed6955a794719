//! How many threads a server may start: a library that stands before
//! `pthread_create` says so (`tests/plugins/threads.c`).

use std::os::unix::fs::FileExt as _;
use std::process::Command;

use crate::artifacts;

/// A limit, in memory that a process shares with this one.
#[derive(Debug)]
pub struct ThreadLimit(tempfile::NamedTempFile);

impl ThreadLimit {
    /// So many in all.
    ///
    /// # Panics
    /// When the system refuses a temporary file.
    #[must_use]
    pub fn new(allowed: u64) -> Self {
        let shared = tempfile::NamedTempFile::new().expect("a temporary file can be made");
        shared.as_file().set_len(24).expect("a file can grow");
        let limit = Self(shared);
        limit.allow(allowed);
        limit
    }

    /// Holds for the command's process.
    pub fn hold(&self, command: &mut Command) {
        let library = artifacts::c_module("tests/plugins/threads.c", "threads", &[]);
        command.env("LD_PRELOAD", library).env("THREAD_LIMIT_FILE", self.0.path());
    }

    /// Sets it anew: so many in all.
    ///
    /// # Panics
    /// When the file cannot be written.
    pub fn allow(&self, allowed: u64) {
        self.0.as_file().write_all_at(&allowed.to_ne_bytes(), 0).expect("the file can be written");
    }

    /// How many threads were started.
    #[must_use]
    pub fn started(&self) -> u64 {
        self.number(1)
    }

    /// How often one was refused.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.number(2)
    }

    fn number(&self, at: u64) -> u64 {
        let mut number = [0; 8];
        self.0.as_file().read_exact_at(&mut number, at * 8).expect("the file can be read");
        u64::from_ne_bytes(number)
    }
}
