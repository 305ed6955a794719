//! What this process was started with: descriptors and variables.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{BorrowedFd, FromRawFd as _, OwnedFd, RawFd};
use std::sync::{Mutex, PoisonError};

use rustix::io::{Errno, FdFlags, fcntl_getfd, fcntl_setfd};

use super::threads;

/// Takes a descriptor that this process was started with. Programs that it
/// starts do not get it.
///
/// # Errors
/// It is not open; it is a standard one; or it was not inherited, or is taken.
pub(crate) fn inherited(number: RawFd) -> io::Result<OwnedFd> {
    /// Nobody takes what somebody else is about to take.
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    if number < 3 {
        return Err(invalid("descriptors 0 to 2 are standard input, output and error"));
    }
    // SAFETY: it is only asked for its flags, which any number may be.
    let borrowed = unsafe { BorrowedFd::borrow_raw(number) };
    match fcntl_getfd(borrowed) {
        Err(Errno::BADF) => return Err(invalid("it is not open: nobody has handed it over")),
        Err(error) => return Err(error.into()),
        // Who was handed over by exec does not have it; what Rust opens has.
        Ok(flags) if flags.contains(FdFlags::CLOEXEC) => {
            return Err(invalid("it is taken already, or was not handed over but opened by this server itself"));
        }
        Ok(flags) => fcntl_setfd(borrowed, flags | FdFlags::CLOEXEC)?,
    }
    // SAFETY: it is open, and was there before this program: all of the program's
    // own close at exec, and so does from here on this one, which nobody can take
    // a second time.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

/// Removes variables from the environment, for programs that this one starts.
///
/// # Errors
/// `ResourceBusy` in a process with more than one thread: another may read.
pub(crate) fn forget_variables(names: &[&str]) -> io::Result<()> {
    if threads()? != 1 {
        return Err(io::ErrorKind::ResourceBusy.into());
    }
    for name in names {
        // SAFETY: there is one thread, which is here.
        unsafe { std::env::remove_var(name) };
    }
    Ok(())
}

fn invalid(text: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, text)
}
