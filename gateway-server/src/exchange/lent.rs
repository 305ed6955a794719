//! An engine's port on loan: the wire outlives every call, a port does not.
#![allow(unsafe_code)]

use std::mem::transmute;
use std::ptr::NonNull;

use super::port::Port;

/// An engine's port, lent to the wire for the time of a call.
#[derive(Debug, Default)]
pub(super) struct Lent(Option<NonNull<dyn Port>>);

// SAFETY: a port is there only during a call, on the thread that runs it.
unsafe impl Send for Lent {}

impl Lent {
    /// Lends a port.
    ///
    /// # Safety
    /// The answer is dropped before the borrow of `port` ends.
    pub(super) unsafe fn new(port: &mut dyn Port) -> Self {
        // SAFETY: only the lifetime is erased; the caller keeps it.
        let port = unsafe { transmute::<NonNull<dyn Port + '_>, NonNull<dyn Port + 'static>>(NonNull::from(port)) };
        Self(Some(port))
    }

    /// The port, if a call is running.
    pub(super) fn get(&mut self) -> Option<&mut dyn Port> {
        // SAFETY: `new` promises that the port is taken back before it goes out
        // of scope, and lent to nobody else meanwhile.
        self.0.map(|mut port| unsafe { port.as_mut() })
    }
}
