//! What binds a worker to its master.

use std::io;

use rustix::process::{Pid, Signal, getppid, set_parent_process_death_signal};
use signal_hook::low_level;

/// Has this process be told to end when its master dies, and ends it if that has
/// happened already. To be said again by one that becomes another user's: the
/// system forgets it then (prctl(2)).
///
/// # Errors
/// The system's.
pub fn end_with(master: Pid) -> io::Result<()> {
    set_parent_process_death_signal(Some(Signal::TERM))?;
    if getppid() != Some(master) {
        low_level::exit(1);
    }
    Ok(())
}
