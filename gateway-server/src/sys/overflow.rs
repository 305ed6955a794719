//! Says so when a coroutine's stack overflows: the guard page below it turns
//! that into SIGSEGV, which would otherwise end the process without a word.
#![allow(unsafe_code)]

use std::ops::Range;
use std::os::fd::BorrowedFd;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use nix::libc;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};

/// The guard of the stack that is running now. One thread runs coroutines.
static GUARD: [AtomicUsize; 2] = [AtomicUsize::new(0), AtomicUsize::new(0)];
/// What handled SIGSEGV before.
static BEFORE: OnceLock<SigAction> = OnceLock::new();

const TEXT: &[u8] =
    b"gateway-server: a coroutine's stack overflowed: the process ends; --stack-size gives each more room\n";

/// States where a touch means an overflow; empty while no coroutine runs.
pub(crate) fn guard_range(range: Range<usize>) {
    GUARD[0].store(range.start, Relaxed);
    GUARD[1].store(range.end, Relaxed);
}

/// Handles SIGSEGV from now on, for the threads that the standard library has
/// given a signal stack of their own: all that it has started.
///
/// # Errors
/// The system's.
pub(crate) fn tell_overflows() -> std::io::Result<()> {
    if BEFORE.get().is_some() {
        return Ok(());
    }
    let flags = SaFlags::SA_SIGINFO | SaFlags::SA_ONSTACK;
    let action = SigAction::new(SigHandler::SigAction(handle), flags, SigSet::empty());
    // SAFETY: the handler only reads atomics, writes to a descriptor and sets
    // a handler: all of which a signal handler may.
    let before = unsafe { sigaction(Signal::SIGSEGV, &action) }?;
    let _ = BEFORE.set(before);
    Ok(())
}

extern "C" fn handle(signal: libc::c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: the system gives a valid siginfo_t for SIGSEGV.
    let address = unsafe { (*info).si_addr() } as usize;
    if (GUARD[0].load(Relaxed)..GUARD[1].load(Relaxed)).contains(&address) {
        // SAFETY: descriptor 2 is standard error; a closed one is an error that
        // nobody looks at.
        let _ = rustix::io::write(unsafe { BorrowedFd::borrow_raw(2) }, TEXT);
        return end_at_the_next();
    }
    // Somebody else's: a runtime may live from such faults.
    match BEFORE.get().map(SigAction::handler) {
        Some(SigHandler::SigAction(before)) => before(signal, info, context),
        Some(SigHandler::Handler(before)) => before(signal),
        Some(SigHandler::SigIgn) => {}
        Some(SigHandler::SigDfl) | None => end_at_the_next(),
    }
}

/// The access is tried again, and ends the process.
fn end_at_the_next() {
    let default = SigAction::new(SigHandler::SigDfl, SaFlags::empty(), SigSet::empty());
    // SAFETY: the default action runs no code of this process.
    let _ = unsafe { sigaction(Signal::SIGSEGV, &default) };
}
