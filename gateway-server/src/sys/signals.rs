//! What a forked process does with the signals of its parent.
#![allow(unsafe_code)]

use std::io;

use nix::sys::signal::{SigHandler, Signal, signal};

/// Lets the signal do what it does by default.
///
/// # Errors
/// A number that is no signal, or one that cannot be handled.
pub(crate) fn reset_signal(number: i32) -> io::Result<()> {
    set(number, SigHandler::SigDfl)
}

/// Lets the signal do nothing.
///
/// # Errors
/// A number that is no signal, or one that cannot be ignored.
pub(crate) fn silence_signal(number: i32) -> io::Result<()> {
    set(number, SigHandler::SigIgn)
}

fn set(number: i32, handler: SigHandler) -> io::Result<()> {
    let which = Signal::try_from(number)?;
    // SAFETY: neither of the two runs any code of this process.
    unsafe { signal(which, handler) }?;
    Ok(())
}
