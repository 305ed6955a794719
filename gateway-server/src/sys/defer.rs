//! Clients of whom a listener tells when they have said something, or not any more.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd};

use nix::libc::{
    IPPROTO_TCP, SO_ATTACH_FILTER, SOL_SOCKET, TCP_DEFER_ACCEPT, c_int, setsockopt, sock_filter, sock_fprog, socklen_t,
};

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

/// For classic BPF, which sees a segment from its TCP header on: byte 13 has the
/// flags; SYN without ACK is dropped, all else is taken.
const NO_SYN: [sock_filter; 5] = [
    sock_filter { code: 0x30, jt: 0, jf: 0, k: 13 },
    sock_filter { code: 0x54, jt: 0, jf: 0, k: 0x12 },
    sock_filter { code: 0x15, jt: 0, jf: 1, k: 0x02 },
    sock_filter { code: 0x06, jt: 0, jf: 0, k: 0 },
    sock_filter { code: 0x06, jt: 0, jf: 0, k: u32::MAX },
];

/// Has a listener, in all processes, take no new clients, but those whose connection
/// has begun: a close would reset them. A new one asks again after a second.
///
/// # Errors
/// The system's.
pub(crate) fn take_no_more(listener: BorrowedFd<'_>) -> io::Result<()> {
    let mut code = NO_SYN;
    let program = sock_fprog { len: code.len() as u16, filter: code.as_mut_ptr() };
    let size = size_of::<sock_fprog>() as socklen_t;
    // SAFETY: the option is such a struct, which points to as many instructions as it
    // says; both are read, and only during the call.
    let done =
        unsafe { setsockopt(listener.as_raw_fd(), SOL_SOCKET, SO_ATTACH_FILTER, (&raw const program).cast(), size) };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
