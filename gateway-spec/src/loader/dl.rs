//! The dynamic linker: all unsafe code of the loader.
#![allow(unsafe_code)]

use std::error::Error as _;
use std::ffi::c_int;
use std::path::Path;

use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};

use super::error::LoadError;
use crate::abi::import::Module;
use crate::abi::types::{GW_ABI_MAJOR, GW_ABI_MINOR, GwEntryFn};

/// Keep the library mapped for good, whatever is closed: thread-locals and
/// vtables of the module stay reachable after its last use. libloading has no
/// name for it.
const RTLD_NODELETE: c_int = if cfg!(target_vendor = "apple") { 0x80 } else { 0x1000 };

/// This host's version, as `gateway_entry` gets it.
const HOST_ABI: u32 = (GW_ABI_MAJOR as u32) << 16 | GW_ABI_MINOR as u32;

/// Loads the library at an absolute path and checks its table.
pub(super) fn load(path: &Path) -> Result<Module, LoadError> {
    debug_assert!(path.is_absolute(), "a bare name would be searched in the system's folders");
    // NOW: an undefined symbol is an error here, not a crash at the first call.
    // LOCAL: two modules do not see each other's symbols.
    //
    // SAFETY: runs the file's constructors, which is what "load this module"
    // asks for; that the file is trusted is stated in the docs of `open`. There
    // are no termination routines to think of: the library is never closed.
    let library = unsafe { Library::open(Some(path), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE) }
        .map_err(|error| refused(path, &error))?;
    // SAFETY: a symbol of this name is the function of `gateway.h`, by the ABI.
    let entry = unsafe { library.get::<GwEntryFn>(c"gateway_entry") }.map(|symbol| *symbol);
    // The handle is forgotten on purpose: closing it is what must not happen.
    let _ = library.into_raw();
    let entry = entry.map_err(|_| LoadError::NoEntry { path: path.to_owned() })?;
    // SAFETY: `gateway_entry` may be called any time, and returns NULL or a
    // static table, by the ABI; the library stays mapped.
    unsafe { Module::check(entry(HOST_ABI)) }.map_err(|reason| LoadError::Module { path: path.to_owned(), reason })
}

fn refused(path: &Path, error: &libloading::Error) -> LoadError {
    // The text of dlerror is the source of libloading's error.
    let text = error.source().map_or_else(|| error.to_string(), ToString::to_string);
    if text.contains("position-independent executable") {
        return LoadError::NotALibrary { path: path.to_owned(), what: "an executable".into() };
    }
    LoadError::Link { path: path.to_owned(), text }
}
