//! Clients of whom a listener tells when they have said something.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd};

use nix::libc::{IPPROTO_TCP, TCP_DEFER_ACCEPT, c_int, setsockopt, socklen_t};

/// Has a listener tell of a client with its first bytes, or after so many
/// seconds without any (tcp(7), `TCP_DEFER_ACCEPT`).
///
/// # Errors
/// The system's: this is no listener of TCP.
pub(crate) fn defer_accept(listener: BorrowedFd<'_>, seconds: c_int) -> io::Result<()> {
    let size = size_of::<c_int>() as socklen_t;
    // SAFETY: the option is an int; it is read, and only during the call.
    let done =
        unsafe { setsockopt(listener.as_raw_fd(), IPPROTO_TCP, TCP_DEFER_ACCEPT, (&raw const seconds).cast(), size) };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
