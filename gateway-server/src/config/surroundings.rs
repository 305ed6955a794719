//! The flags that say what the process has about it.

use std::path::PathBuf;

use clap::Args;

use super::Surroundings;

/// What the process has about it.
#[derive(Debug, Args)]
#[command(next_help_heading = "Process")]
pub(super) struct SurroundingsFlags {
    /// Go to DIR first: all relative paths but those of the file begin there
    #[arg(long, value_name = "DIR")]
    pub(super) chdir: Option<PathBuf>,

    /// The permissions that new files do not get: 0027 [default: as it was started with]
    #[arg(long, value_name = "MODE", value_parser = mask)]
    umask: Option<u32>,
}

impl SurroundingsFlags {
    /// As the program takes it.
    pub(super) fn check(self) -> Surroundings {
        Surroundings { umask: self.umask }
    }
}

fn mask(text: &str) -> Result<u32, String> {
    let mask = u32::from_str_radix(text, 8).ok().filter(|mask| *mask <= 0o777);
    mask.ok_or_else(|| "write it as 0027: octal digits, for owner, group and others".to_owned())
}
