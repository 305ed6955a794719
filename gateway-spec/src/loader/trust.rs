//! Who may change a file that is about to run with our rights.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::error::{LoadError, Warning};

const OTHERS_WRITE: u32 = 0o002;
/// In a sticky folder (`/tmp`) others may add files, but not replace ours.
const STICKY: u32 = 0o1000;

/// Warns of a file, or a folder of it, that everybody may write to; refuses it
/// where `strict`. Write access of the group is no warning: with a umask of
/// 002, which many systems have, every build's output has it.
pub(super) fn check(path: &Path, strict: bool) -> Result<Vec<Warning>, LoadError> {
    let mut warnings = Vec::new();
    let folder = path.parent().unwrap_or(path);
    if mode(path)? & OTHERS_WRITE != 0 {
        warnings.push(Warning::WritableFile { path: path.to_owned() });
    }
    if mode(folder)? & (OTHERS_WRITE | STICKY) == OTHERS_WRITE {
        warnings.push(Warning::WritableFolder { path: path.to_owned(), folder: folder.to_owned() });
    }
    match warnings.first() {
        Some(warning) if strict => Err(LoadError::Untrusted(warning.clone())),
        _ => Ok(warnings),
    }
}

fn mode(path: &Path) -> Result<u32, LoadError> {
    let data = path.metadata().map_err(|reason| LoadError::Unreadable { path: path.to_owned(), reason })?;
    Ok(data.permissions().mode())
}
