//! A file that says which process serves, for whoever sends it signals.

use std::fs::{self, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process;

use rustix::fs::Mode;
use rustix::process::umask;

use super::Failure;

/// See the module's text. The file goes with it, if it is this process's still.
#[derive(Debug)]
pub(super) struct PidFile(PathBuf);

impl PidFile {
    /// Writes it, where that was asked for: whole, or not at all.
    /// It may name the process that this one takes over from.
    pub(super) fn create(path: Option<&Path>, predecessor: Option<u32>) -> Result<Option<Self>, Failure> {
        let Some(path) = path else { return Ok(None) };
        let is_another = |other: &u32| *other != process::id() && Some(*other) != predecessor && is_server(*other);
        if let Some(other) = read(path).filter(is_another) {
            return Err(Failure::Other(format!(
                "{} names process {other}, which is a gateway-server that runs: stop that one, or choose another file",
                path.display()
            )));
        }
        write(path)
            .map_err(|error| Failure::Other(format!("cannot write the pid file {}: {error}", path.display())))?;
        Ok(Some(Self(path.to_owned())))
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        if read(&self.0) == Some(process::id()) {
            // Whoever comes next replaces one that cannot be removed: this process
            // may have given up the rights that it was made with.
            if let Err(error) = fs::remove_file(&self.0) {
                tracing::debug!("the pid file {} is left: {error}", self.0.display());
            }
        }
    }
}

/// The process that a file names.
pub(super) fn read(path: &Path) -> Option<u32> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

/// Whether that process is one of this program: a number may be another's by now.
/// One that has ended and that nobody has reaped is none, and it may stay so for
/// ever where the process 1 of a container reaps nobody.
pub(super) fn is_server(process: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    stat.split_once(" (gateway-server) ").is_some_and(|(_, state)| !state.starts_with(['Z', 'X']))
}

fn write(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    writeln!(file, "{}", process::id())?;
    // Readable by all, as such files are, unless the umask says otherwise. It cannot
    // be asked for; nobody else makes files here meanwhile, for there is one thread.
    let mask = umask(Mode::empty());
    umask(mask);
    file.as_file().set_permissions(Permissions::from_mode(0o644 & !mask.as_raw_mode()))?;
    file.persist(path)?;
    Ok(())
}
