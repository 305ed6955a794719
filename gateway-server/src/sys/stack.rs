//! A coroutine's stack, with a wide guard below it.
//!
//! One page would do for code whose compiler touches each page of a large frame
//! in turn, as Rust's does. C compilers do that only when they are told
//! (`-fstack-clash-protection`), and a frame that skips the guard would write
//! into somebody else's stack.
#![allow(unsafe_code)]

use std::io;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::ptr;

use corosensei::stack::{Stack, StackPointer};
use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap_anonymous, mprotect, munmap};

/// The guard: addresses, no memory.
const GUARD: usize = 1 << 20;

/// See the module's text.
#[derive(Debug)]
pub(crate) struct GuardedStack {
    /// The lowest address, which is the guard's.
    low: NonZeroUsize,
    size: usize,
}

impl GuardedStack {
    /// Maps a stack of at least `size` bytes.
    ///
    /// # Errors
    /// The system's, when it is out of memory or mappings.
    pub(crate) fn new(size: usize) -> io::Result<Self> {
        let page = rustix::param::page_size();
        let size = size.next_multiple_of(page) + GUARD.next_multiple_of(page);
        let flags = MapFlags::PRIVATE | MapFlags::NORESERVE | MapFlags::STACK;
        // SAFETY: a new mapping, at no address that anybody uses.
        let low = unsafe { mmap_anonymous(ptr::null_mut(), size, ProtFlags::empty(), flags)? };
        let start = NonZeroUsize::new(low.expose_provenance()).ok_or(io::ErrorKind::OutOfMemory)?;
        let stack = Self { low: start, size };
        let guard = stack.guard().len();
        let access = MprotectFlags::READ | MprotectFlags::WRITE;
        // SAFETY: the part above the guard, of the mapping just made.
        unsafe { mprotect(low.byte_add(guard), size - guard, access)? };
        Ok(stack)
    }

    /// Where a touch means that the stack has overflowed.
    pub(crate) fn guard(&self) -> Range<usize> {
        self.low.get()..self.low.get() + GUARD.next_multiple_of(rustix::param::page_size())
    }
}

// SAFETY: base and limit are the ends of one mapping, both page-aligned, which
// lives as long as `self`; all of it above the guard can be written.
unsafe impl Stack for GuardedStack {
    fn base(&self) -> StackPointer {
        self.low.saturating_add(self.size)
    }

    fn limit(&self) -> StackPointer {
        self.low
    }
}

impl Drop for GuardedStack {
    fn drop(&mut self) {
        // SAFETY: mapped by `new` with this size; a stack is dropped when
        // nothing runs on it any more.
        let _ = unsafe { munmap(ptr::with_exposed_provenance_mut(self.low.get()), self.size) };
    }
}
