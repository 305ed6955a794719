//! Who may change a file that is about to run with our rights.

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::error::{LoadError, Warning};

const OTHERS_WRITE: u32 = 0o002;
/// In a sticky folder (`/tmp`) others may add files, but not replace ours.
const STICKY: u32 = 0o1000;

/// Warns of a file, or a folder of it, that everybody may write to; refuses it
/// where `strict`. Both folders count, that of the link that was given and that
/// of the file it leads to. Write access of the group is no warning: with a
/// umask of 002, which many systems have, every build's output has it.
pub(super) fn check(given: &Path, path: &Path, strict: bool) -> Result<Vec<Warning>, LoadError> {
    let mut warnings = Vec::new();
    if mode(path)? & OTHERS_WRITE != 0 {
        warnings.push(Warning::WritableFile { path: path.to_owned() });
    }
    for folder in folders(given, path)? {
        if mode(&folder)? & (OTHERS_WRITE | STICKY) == OTHERS_WRITE {
            warnings.push(Warning::WritableFolder { path: path.to_owned(), folder });
        }
    }
    match warnings.first() {
        Some(warning) if strict => Err(LoadError::Untrusted(warning.clone())),
        _ => Ok(warnings),
    }
}

fn folders(given: &Path, path: &Path) -> Result<Vec<PathBuf>, LoadError> {
    let mut folders = Vec::new();
    for path in [given, path] {
        let folder = match path.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        folders.push(folder.canonicalize().map_err(|reason| unreadable(folder, reason))?);
    }
    folders.dedup();
    Ok(folders)
}

fn mode(path: &Path) -> Result<u32, LoadError> {
    let data = path.metadata().map_err(|reason| unreadable(path, reason))?;
    Ok(data.permissions().mode())
}

fn unreadable(path: &Path, reason: io::Error) -> LoadError {
    LoadError::Unreadable { path: path.to_owned(), reason }
}
