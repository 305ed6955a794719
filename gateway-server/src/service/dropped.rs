//! What counts in a folder of modules.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

/// The name by which a module of a folder is asked for: `ctime` for
/// `libctime.so`; none for any other file. What is being written has another
/// name until it is whole: `.libctime.so.tmp`, `libctime.so.part`.
///
/// ```
/// use gateway_server::service::dropped_name;
/// assert_eq!(dropped_name("libctime.so".as_ref()), Some("ctime".as_ref()));
/// assert_eq!(dropped_name("libctime.so.part".as_ref()), None);
/// ```
#[must_use]
pub fn dropped_name(file: &OsStr) -> Option<&OsStr> {
    let name = file.as_bytes().strip_prefix(b"lib")?.strip_suffix(b".so")?;
    (!name.is_empty()).then(|| OsStr::from_bytes(name))
}
