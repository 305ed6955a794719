//! The hosts with which apps of this module live now: for those who speak to the log
//! without a request at hand.

use std::sync::{PoisonError, RwLock};

use super::types::GwHost;
use super::view::HostRef;

/// None of them is used without this lock.
static HOSTS: RwLock<Vec<HostRef<'static>>> = RwLock::new(Vec::new());

/// As long as this is there the host may be spoken to.
#[derive(Debug)]
pub(super) struct Lodging(HostRef<'static>);

impl Lodging {
    /// An app begins to live with a host.
    ///
    /// # Safety
    /// The host is NULL or valid until this is dropped.
    pub(super) unsafe fn new(host: *const GwHost) -> Self {
        // SAFETY: valid until it is taken off the list, by the caller's promise; only
        // who holds the list's lock uses it.
        let host = unsafe { HostRef::from_raw(host) };
        HOSTS.write().unwrap_or_else(PoisonError::into_inner).push(host);
        Self(host)
    }
}

impl Drop for Lodging {
    fn drop(&mut self) {
        // Waits for those who are speaking to it.
        let mut hosts = HOSTS.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = hosts.iter().position(|host| host.as_ptr() == self.0.as_ptr()) {
            hosts.remove(place);
        }
    }
}

/// Writes a line to the log of the host that came last; `false` where there is none.
pub(crate) fn log(level: u32, target: &str, message: &str) -> bool {
    let hosts = HOSTS.read().unwrap_or_else(PoisonError::into_inner);
    let host = hosts.iter().rev().find(|host| !host.as_ptr().is_null());
    host.map(|host| host.log(level, target, message)).is_some()
}
