//! What the process has about it, put in place.

use rustix::fs::Mode;
use rustix::process::umask;

use crate::config::Serve;

/// Keeps permissions from the files that are made from now on.
pub(super) fn mask(how: &Serve) {
    if let Some(mask) = how.surroundings.umask {
        umask(Mode::from_raw_mode(mask));
    }
}
