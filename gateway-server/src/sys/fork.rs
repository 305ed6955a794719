//! A second process.
#![allow(unsafe_code)]

use std::io;
use std::os::linux::fs::MetadataExt as _;

use nix::sys::signal::{SigSet, SigmaskHow};
use nix::unistd::ForkResult;
use rustix::process::Pid;

/// Which of the two processes this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Forked {
    /// The new one.
    Child,
    /// The one that was there, and the new one's id.
    Parent(Pid),
}

/// Makes a copy of this process, in which `settle` runs before any signal
/// arrives; it ends if that fails. What is buffered in memory exists twice then,
/// and each copy has to end by itself.
///
/// # Errors
/// `ResourceBusy` in a process with more than one thread, whose copy could find
/// any lock taken for ever; or the system's, when it is out of processes or
/// memory.
pub(crate) fn fork(settle: impl FnOnce() -> io::Result<()>) -> io::Result<Forked> {
    if threads()? != 1 {
        return Err(io::Error::new(io::ErrorKind::ResourceBusy, "the process has more than one thread"));
    }
    // A signal in between would reach the parent's handlers in the child.
    let before = SigSet::all().thread_swap_mask(SigmaskHow::SIG_SETMASK)?;
    // SAFETY: there is one thread, so the child is a whole process: it may do
    // whatever its parent may.
    let forked = unsafe { nix::unistd::fork() };
    if matches!(forked, Ok(ForkResult::Child))
        && let Err(error) = settle()
    {
        tracing::error!("a child cannot be set up: {error}");
        signal_hook::low_level::exit(1);
    }
    before.thread_set_mask()?;
    match forked? {
        ForkResult::Child => Ok(Forked::Child),
        ForkResult::Parent { child } => {
            Pid::from_raw(child.as_raw()).map(Forked::Parent).ok_or_else(|| io::Error::other("fork gave no process id"))
        }
    }
}

/// The number of threads of this process.
///
/// # Errors
/// The system's, where /proc is not mounted.
pub(crate) fn threads() -> io::Result<u64> {
    // A folder has one link of its own, one from its parent, and one from each
    // folder in it.
    Ok(std::fs::metadata("/proc/self/task")?.st_nlink().saturating_sub(2))
}
