//! The receive buffer: bytes that an open request borrows while more arrive
//! behind them.
//!
//! A `Vec` would do but for that: a `&mut` to any part of it goes through a
//! `&mut` to all of it, which ends the request's borrows.
#![allow(unsafe_code)]

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::ops::Range;
use std::ptr::{self, NonNull};

/// The most that an empty buffer keeps.
const KEPT: usize = 64 * 1024;

/// Bytes from the client. `start..end` are those not used up.
#[derive(Debug)]
pub(super) struct Buffer {
    data: NonNull<u8>,
    capacity: usize,
    start: usize,
    end: usize,
    /// A request borrows from the buffer: its bytes neither move nor change.
    pinned: bool,
}

// SAFETY: the buffer owns its memory.
unsafe impl Send for Buffer {}

impl Buffer {
    pub(super) fn new(capacity: usize) -> Self {
        Self { data: allocate(capacity), capacity, start: 0, end: 0, pinned: false }
    }

    /// The bytes that are not used up.
    pub(super) fn bytes(&self) -> &[u8] {
        // SAFETY: `start..end` is within the allocation and initialised, and
        // `room` writes only behind `end`.
        unsafe { std::slice::from_raw_parts(self.data.as_ptr().add(self.start), self.end - self.start) }
    }

    /// The place for more bytes.
    pub(super) fn room(&mut self) -> &mut [u8] {
        // SAFETY: `end..capacity` is within the allocation, initialised (it was
        // zeroed), and no slice ever handed out reaches behind `end`.
        unsafe { std::slice::from_raw_parts_mut(self.data.as_ptr().add(self.end), self.capacity - self.end) }
    }

    /// Takes `count` bytes of the room as filled.
    pub(super) fn filled(&mut self, count: usize) {
        assert!(count <= self.capacity - self.end, "more bytes than there was room for");
        self.end += count;
    }

    /// Takes `count` bytes as used up.
    pub(super) fn consume(&mut self, count: usize) {
        assert!(count <= self.end - self.start, "more bytes than there are");
        self.start += count;
    }

    /// Forgets all bytes. No request is open.
    pub(super) fn clear(&mut self) {
        assert!(!self.pinned, "a request borrows from the buffer");
        (self.start, self.end) = (0, 0);
    }

    /// Takes `count` bytes at `at`, counted from `start`, out of the buffer:
    /// those behind them move up. No request is open.
    pub(super) fn cut(&mut self, at: usize, count: usize) {
        assert!(!self.pinned, "a request borrows from the buffer");
        let length = self.end - self.start;
        assert!(at <= length && count <= length - at, "more bytes than there are");
        // SAFETY: both ranges are within `start..end`; copy allows overlap.
        unsafe {
            let to = self.data.as_ptr().add(self.start + at);
            ptr::copy(to.add(count), to, length - at - count);
        }
        self.end -= count;
    }

    /// Makes the buffer hold at least `total` bytes from `start` on. Does
    /// nothing while a request borrows from it.
    pub(super) fn reserve(&mut self, total: usize) {
        if !self.pinned && self.capacity - self.start < total {
            self.make_room(total);
        }
    }

    #[cold]
    fn make_room(&mut self, total: usize) {
        let length = self.end - self.start;
        if self.capacity >= total {
            // SAFETY: both ranges are within the allocation; copy allows overlap.
            unsafe { ptr::copy(self.data.as_ptr().add(self.start), self.data.as_ptr(), length) };
        } else {
            let capacity = total.next_power_of_two();
            let data = allocate(capacity);
            // SAFETY: `length` bytes fit both allocations, which are distinct.
            unsafe { ptr::copy_nonoverlapping(self.data.as_ptr().add(self.start), data.as_ptr(), length) };
            self.release();
            (self.data, self.capacity) = (data, capacity);
        }
        (self.start, self.end) = (0, length);
    }

    /// Puts bytes behind those there are.
    pub(super) fn append(&mut self, bytes: &[u8]) {
        self.reserve(self.end - self.start + bytes.len());
        self.room()[..bytes.len()].copy_from_slice(bytes);
        self.filled(bytes.len());
    }

    /// Holds the bytes where they are, or lets them move again.
    pub(super) fn pin(&mut self, pinned: bool) {
        self.pinned = pinned;
        if !pinned && self.start == self.end {
            (self.start, self.end) = (0, 0);
            if self.capacity > KEPT {
                self.shrink();
            }
        }
    }

    /// Bytes counted from `start`, for as long as the caller answers for.
    ///
    /// # Safety
    /// The buffer is pinned, and neither unpinned nor dropped, while the
    /// answer is used.
    pub(super) unsafe fn lend<'r>(&self, range: Range<usize>) -> &'r [u8] {
        let bytes = &self.bytes()[range];
        // SAFETY: pinned bytes are neither moved nor written.
        unsafe { std::slice::from_raw_parts(bytes.as_ptr(), bytes.len()) }
    }

    /// Gives back what a large request took. The buffer is empty.
    #[cold]
    fn shrink(&mut self) {
        self.release();
        (self.data, self.capacity) = (allocate(KEPT), KEPT);
    }

    fn release(&mut self) {
        // SAFETY: allocated by `allocate` with this capacity.
        unsafe { dealloc(self.data.as_ptr(), layout(self.capacity)) };
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        self.release();
    }
}

fn layout(capacity: usize) -> Layout {
    Layout::array::<u8>(capacity).expect("a receive buffer is far below the address space")
}

fn allocate(capacity: usize) -> NonNull<u8> {
    let layout = layout(capacity.max(1));
    // SAFETY: the layout is not empty.
    NonNull::new(unsafe { alloc_zeroed(layout) }).unwrap_or_else(|| handle_alloc_error(layout))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moves_only_while_unpinned() {
        let mut buffer = Buffer::new(8);
        buffer.append(b"abcdef");
        buffer.consume(4);
        buffer.reserve(6);
        assert_eq!(buffer.bytes(), b"ef");
        assert_eq!(buffer.room().len(), 6);
        buffer.pin(true);
        // SAFETY: pinned until after the last use.
        let lent = unsafe { buffer.lend(0..2) };
        buffer.reserve(100);
        buffer.room()[..2].copy_from_slice(b"gh");
        buffer.filled(2);
        assert_eq!((lent, buffer.bytes()), (&b"ef"[..], &b"efgh"[..]));
        buffer.pin(false);
        buffer.append(&[b'x'; 100]);
        assert_eq!(buffer.bytes().len(), 104);
    }

    #[test]
    fn starts_anew_when_empty() {
        let mut buffer = Buffer::new(4);
        buffer.append(b"abcd");
        buffer.consume(4);
        assert_eq!(buffer.room().len(), 0);
        buffer.pin(false);
        assert_eq!(buffer.room().len(), 4);
    }
}
