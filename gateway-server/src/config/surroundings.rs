//! The flags that say what the process has about it.

use std::path::PathBuf;

use clap::Args;

use super::Surroundings;
use super::identity::{GroupFlag, Identity, UserFlag};

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

    /// Serve as USER or USER:GROUP, once the addresses are bound and before the app is loaded; needs root
    #[arg(long, value_name = "USER")]
    user: Option<UserFlag>,

    /// The same for the group, of --user or alone
    #[arg(long, value_name = "GROUP")]
    group: Option<GroupFlag>,

    /// Go on in the background once the server serves; from the start its output goes to the end of LOGFILE
    #[arg(long, value_name = "LOGFILE")]
    daemonize: Option<PathBuf>,
}

impl SurroundingsFlags {
    /// As the program takes it.
    ///
    /// # Errors
    /// A sentence for the user.
    pub(super) fn check(self) -> Result<Surroundings, String> {
        let identity = Identity::of(self.user, self.group)?;
        Ok(Surroundings { umask: self.umask, identity, daemonize: self.daemonize })
    }
}

fn mask(text: &str) -> Result<u32, String> {
    let mask = u32::from_str_radix(text, 8).ok().filter(|mask| *mask <= 0o777);
    mask.ok_or_else(|| "write it as 0027: octal digits, for owner, group and others".to_owned())
}
