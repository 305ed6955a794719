//! Descriptors kept for asking whether they are ready.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd, RawFd};

use rustix::event::{FdSetElement, Timespec};

/// A descriptor that its owner has lent for nothing but the question whether
/// it is ready. Whoever keeps it forgets it before the owner closes it; one
/// that was forgotten too late answers for nobody, or for its successor: a
/// wake-up without a cause, never a byte in the wrong place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Watched(BorrowedFd<'static>);

impl Watched {
    /// Keeps the descriptor.
    #[must_use]
    pub(crate) fn new(fd: BorrowedFd<'_>) -> Self {
        // SAFETY: only poll and select are asked about it, which take any
        // number for a descriptor; see the type's text.
        Self(unsafe { BorrowedFd::borrow_raw(fd.as_raw_fd()) })
    }

    /// The descriptor, for poll.
    #[must_use]
    pub(crate) fn fd(&self) -> BorrowedFd<'static> {
        self.0
    }
}

/// Waits until one of the descriptors below `count` in `read` can be read or
/// one of those in `write` written; the sets become those that are ready.
///
/// # Errors
/// The system's, as `EBADF` for a descriptor that was closed.
///
/// # Panics
/// When a set has no room for `count` descriptors.
pub(crate) fn select(
    count: RawFd,
    read: &mut [FdSetElement],
    write: &mut [FdSetElement],
    timeout: Option<&Timespec>,
) -> io::Result<i32> {
    let needed = rustix::event::fd_set_num_elements(0, count);
    assert!(read.len() >= needed && write.len() >= needed, "a set is too short");
    // SAFETY: both sets have room for `count` bits; select takes any bit for a
    // descriptor and only says whether it is ready.
    Ok(unsafe { rustix::event::select(count, Some(read), Some(write), None, timeout) }?)
}
