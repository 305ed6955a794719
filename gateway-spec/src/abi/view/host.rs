//! The server as the app sees it.

use std::fmt;
use std::marker::PhantomData;

use super::Slice;
use crate::abi::types::*;

/// The host as the app sees it: a pointer that is valid for `'r`.
#[derive(Clone, Copy)]
pub struct HostRef<'r> {
    raw: *const GwHost,
    marker: PhantomData<&'r GwHost>,
}

// SAFETY: the table is immutable and its functions may be called from any thread.
unsafe impl Send for HostRef<'_> {}
// SAFETY: as for Send.
unsafe impl Sync for HostRef<'_> {}

impl<'r> HostRef<'r> {
    /// Wraps a host that came over the ABI.
    ///
    /// # Safety
    /// `raw` is NULL (then every answer is empty), or points to a host of at
    /// least version 1.0 that is valid for `'r`.
    #[must_use]
    pub const unsafe fn from_raw(raw: *const GwHost) -> Self {
        Self { raw, marker: PhantomData }
    }

    /// The raw form; may be NULL.
    #[must_use]
    pub const fn as_ptr(self) -> *const GwHost {
        self.raw
    }

    fn table(self) -> Option<&'r GwHost> {
        // SAFETY: `from_raw` promises NULL or a table valid for 'r.
        unsafe { self.raw.as_ref() }
    }

    /// The server's name, empty when unknown.
    #[must_use]
    pub fn name(self) -> &'r [u8] {
        // SAFETY: the table's strings live as long as the table.
        self.table().map_or(&[], |raw| unsafe { Slice::from_raw(raw.name) }.as_bytes())
    }

    /// The server's version, empty when unknown.
    #[must_use]
    pub fn version(self) -> &'r [u8] {
        // SAFETY: the table's strings live as long as the table.
        self.table().map_or(&[], |raw| unsafe { Slice::from_raw(raw.version) }.as_bytes())
    }

    /// The `GW_HOST_*` flags.
    #[must_use]
    pub fn flags(self) -> u32 {
        self.table().map_or(0, |raw| raw.flags)
    }

    /// Writes a line to the server's log.
    pub fn log(self, level: u32, target: &str, message: &str) {
        if let Some(log) = self.table().and_then(|raw| raw.log) {
            let (target, message) = (Slice::new(target.as_bytes()), Slice::new(message.as_bytes()));
            // SAFETY: the host is valid, and reads the strings before it returns.
            unsafe { log(self.raw, level, target.raw(), message.raw()) }
        }
    }
}

impl fmt::Debug for HostRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.name().escape_ascii(), self.version().escape_ascii())
    }
}
