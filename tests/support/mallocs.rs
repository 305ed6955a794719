//! Counts the allocations of a server process and all its modules: a library
//! that stands before malloc. A counting allocator of ours would not see what
//! a module allocates, nor what C does.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::artifacts;

/// A count that a process keeps in memory shared with this one.
#[derive(Debug)]
pub struct Mallocs {
    library: PathBuf,
    shared: tempfile::NamedTempFile,
}

/// What has been counted at some moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Allocations.
    pub calls: u64,
    /// Bytes that they asked for.
    pub bytes: u64,
    /// Frees.
    pub frees: u64,
    /// Bytes that are not freed yet.
    pub held: u64,
}

impl Mallocs {
    /// A count that begins at 0; `None` where there is no C compiler.
    ///
    /// # Panics
    /// When the system refuses a temporary file.
    #[must_use]
    pub fn new() -> Option<Self> {
        let cc = Command::new("cc").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        cc.is_ok().then(|| Self {
            library: artifacts::c_module("tests/bench/mallocs.c", "mallocs", &[]),
            shared: tempfile::NamedTempFile::new().expect("a temporary file can be made"),
        })
    }

    /// Makes the command's process, and those that it starts, count.
    pub fn watch(&self, command: &mut Command) {
        command.env("LD_PRELOAD", &self.library).env("MALLOCS_FILE", self.shared.path());
    }

    /// What has been counted so far.
    ///
    /// # Errors
    /// `UnexpectedEof` while the process has not begun to count.
    pub fn counts(&self) -> io::Result<Counts> {
        let mut counters = [0; 32];
        File::open(self.shared.path())?.read_exact_at(&mut counters, 0)?;
        let number = |at: usize| u64::from_ne_bytes(std::array::from_fn(|byte| counters[at * 8 + byte]));
        Ok(Counts { calls: number(0), bytes: number(1), frees: number(2), held: number(3) })
    }
}
