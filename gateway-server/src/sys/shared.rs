//! Counters that forked processes share.
#![allow(unsafe_code)]

use std::io;
use std::ops::Deref;
use std::ptr::{self, NonNull};
use std::sync::atomic::AtomicU64;

use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous, munmap};

/// Zeroed counters in memory that a fork does not copy.
#[derive(Debug)]
pub(crate) struct Shared {
    start: NonNull<AtomicU64>,
    count: usize,
}

// SAFETY: what is shared is atomics, and the mapping belongs to this value.
unsafe impl Send for Shared {}
// SAFETY: as above.
unsafe impl Sync for Shared {}

impl Shared {
    /// Maps `count` counters.
    ///
    /// # Errors
    /// The system's, when it is out of memory.
    pub(crate) fn new(count: usize) -> io::Result<Self> {
        let protection = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: a new mapping, at no address that anybody uses.
        let start = unsafe { mmap_anonymous(ptr::null_mut(), size(count), protection, MapFlags::SHARED)? };
        let start = NonNull::new(start.cast()).ok_or_else(|| io::Error::from(io::ErrorKind::OutOfMemory))?;
        Ok(Self { start, count })
    }
}

const fn size(count: usize) -> usize {
    if count == 0 { 1 } else { count * size_of::<AtomicU64>() }
}

impl Deref for Shared {
    type Target = [AtomicU64];

    fn deref(&self) -> &[AtomicU64] {
        // SAFETY: the mapping is page-aligned, holds `count` zeroed counters
        // and lives as long as `self`.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.count) }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // SAFETY: mapped by `new` with this size; nobody borrows from it.
        let _ = unsafe { munmap(self.start.as_ptr().cast(), size(self.count)) };
    }
}
