//! The server as a whole: its table, its name, its log.

use std::fmt;
use std::ptr;
use std::sync::Arc;

use crate::abi::guard::guard_quiet;
use crate::abi::types::*;
use crate::abi::view::{HostRef, Slice};
use crate::log::Level;

/// Where a host's log lines go: level, target, message.
pub type LogFn = dyn Fn(Level, &str, &str) + Send + Sync;

/// A server as its apps see it: name, version, how it runs, and its log.
///
/// Keep it for as long as any app that was created with it.
#[repr(C)]
pub struct Host {
    raw: GwHost,
    name: Arc<str>,
    version: Arc<str>,
    log: Arc<LogFn>,
}

// SAFETY: immutable after `new`; the closure is Send and Sync, and the raw
// pointers point into texts that the host owns.
unsafe impl Send for Host {}
// SAFETY: as for Send.
unsafe impl Sync for Host {}

impl Host {
    /// A host of this name and version, shared because apps point to it.
    /// `flags` are `GW_HOST_*` and must tell the truth.
    pub fn new(
        name: &str,
        version: &str,
        flags: u32,
        log: impl Fn(Level, &str, &str) + Send + Sync + 'static,
    ) -> Arc<Self> {
        let (name, version): (Arc<str>, Arc<str>) = (name.into(), version.into());
        let raw = GwHost {
            size: size_of::<GwHost>() as u32,
            flags,
            abi_major: GW_ABI_MAJOR,
            abi_minor: GW_ABI_MINOR,
            reserved: 0,
            name: Slice::new(name.as_bytes()).raw(),
            version: Slice::new(version.as_bytes()).raw(),
            log: Some(host_log),
            get_extension: Some(host_extension),
        };
        Arc::new(Self { raw, name, version, log: Arc::new(log) })
    }

    /// The host as an app sees it.
    #[must_use]
    pub fn view(&self) -> HostRef<'_> {
        // SAFETY: the pointer covers all of `self`, borrowed while the answer lives.
        unsafe { HostRef::from_raw(ptr::from_ref(self).cast()) }
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.name, self.version)
    }
}

unsafe extern "C" fn host_log(host: *const GwHost, level: u32, target: GwStr, message: GwStr) {
    guard_quiet(|| {
        // SAFETY: a host's functions are called with that host, and the strings
        // are readable for the time of the call.
        let (host, target, message) = unsafe {
            let host = host.cast::<Host>().as_ref();
            (host, Slice::from_raw(target).as_bytes(), Slice::from_raw(message).as_bytes())
        };
        if let Some(host) = host {
            (host.log)(Level::from_abi(level), &String::from_utf8_lossy(target), &String::from_utf8_lossy(message));
        }
    });
}

/// No extension exists yet; the slot is there so that asking is always allowed.
unsafe extern "C" fn host_extension(_: *const GwHost, _: GwStr) -> *const std::ffi::c_void {
    ptr::null()
}
