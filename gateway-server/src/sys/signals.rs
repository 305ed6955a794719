//! What a forked process does with the signals of its parent.
#![allow(unsafe_code)]

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use nix::libc::c_int;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};

use super::Shared;

/// Lets the signal do what it does by default.
///
/// # Errors
/// A number that is no signal, or one that cannot be handled.
pub(crate) fn reset_signal(number: i32) -> io::Result<()> {
    set(number, SigHandler::SigDfl)
}

/// Lets the signal do nothing. Not by ignoring it, which programs that this
/// process starts would inherit.
///
/// # Errors
/// A number that is no signal, or one that cannot be handled.
pub(crate) fn empty_signal(number: i32) -> io::Result<()> {
    extern "C" fn nothing(_: c_int) {}
    set(number, SigHandler::Handler(nothing))
}

/// Sets bits of a counter when the signal comes, before whatever is registered for
/// it later.
///
/// # Errors
/// A number that is no signal, or one that cannot be handled.
pub(crate) fn set_on_signal(number: i32, counters: Arc<Shared>, place: usize, bits: u64) -> io::Result<()> {
    let set = move || {
        counters[place].fetch_or(bits, Relaxed);
    };
    // SAFETY: it writes to memory that stays mapped: a handler may do that.
    unsafe { signal_hook::low_level::register(number, set) }.map(drop)
}

fn set(number: i32, handler: SigHandler) -> io::Result<()> {
    let action = SigAction::new(handler, SaFlags::SA_RESTART, SigSet::empty());
    // SAFETY: the default action, or a function that does nothing.
    unsafe { sigaction(Signal::try_from(number)?, &action) }?;
    Ok(())
}
