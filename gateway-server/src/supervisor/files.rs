//! Files that are watched (inotify(7)): when one of them has changed, and been
//! left alone for a moment, it is time to reload.

use std::ffi::OsString;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::inotify::{CreateFlags, Reader, WatchFlags, add_watch, init};

/// For so long nothing must happen to it: a compiler writes a file bit by bit.
const QUIET: Duration = Duration::from_millis(300);

/// Files that are watched.
#[derive(Debug)]
pub(super) struct Files {
    inotify: OwnedFd,
    /// Their folders, as the system numbers them, and their names there: a file that
    /// is replaced is another file.
    names: Vec<(i32, OsString)>,
    /// When one of them changed last.
    changed: Option<Instant>,
}

impl Files {
    /// Watches files; nothing where there are none.
    ///
    /// # Errors
    /// The system's: a folder is not there, or there are too many watches.
    pub(super) fn new(paths: &[PathBuf]) -> io::Result<Option<Self>> {
        if paths.is_empty() {
            return Ok(None);
        }
        let inotify = init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        let mut names = Vec::new();
        for path in paths {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            let events = WatchFlags::CREATE | WatchFlags::MOVED_TO | WatchFlags::MODIFY | WatchFlags::CLOSE_WRITE;
            let number = add_watch(&inotify, folder, events)?;
            names.push((number, path.file_name().unwrap_or_default().to_owned()));
        }
        Ok(Some(Self { inotify, names, changed: None }))
    }

    /// Takes note of what has happened.
    pub(super) fn look(&mut self, now: Instant) {
        let mut room = [MaybeUninit::uninit(); 4096];
        let mut reader = Reader::new(&self.inotify, &mut room);
        while let Ok(event) = reader.next() {
            let name = event.file_name().map(std::ffi::CStr::to_bytes).unwrap_or_default();
            if self.names.iter().any(|(number, known)| *number == event.wd() && known.as_bytes() == name) {
                self.changed = Some(now);
            }
        }
    }

    /// When a change is old enough.
    pub(super) fn due(&self) -> Option<Instant> {
        self.changed?.checked_add(QUIET)
    }

    /// Whether one is; once.
    pub(super) fn have_changed(&mut self, now: Instant) -> bool {
        let is_due = self.due().is_some_and(|due| due <= now);
        if is_due {
            self.changed = None;
        }
        is_due
    }
}

impl AsFd for Files {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inotify.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_change_is_told_once_and_a_moment_later() {
        let dir = tempfile::tempdir().unwrap();
        let (path, other) = (dir.path().join("libapp.so"), dir.path().join("libother.so"));
        fs::write(&path, "1").unwrap();
        let mut files = Files::new(std::slice::from_ref(&path)).unwrap().unwrap();
        let start = Instant::now();
        let after = |milliseconds| start + Duration::from_millis(milliseconds);
        fs::write(&other, "2").unwrap();
        files.look(start);
        assert_eq!(files.due(), None);
        let changes: [&dyn Fn(); 3] =
            [&|| fs::write(&path, "3").unwrap(), &|| fs::rename(&other, &path).unwrap(), &|| {
                fs::remove_file(&path).unwrap();
                fs::hard_link(dir.path().join("origin"), &path).unwrap();
            }];
        fs::write(dir.path().join("origin"), "4").unwrap();
        for change in changes {
            change();
            files.look(start);
            assert_eq!(files.due(), Some(after(300)));
            // It goes on.
            fs::write(&path, "5").unwrap();
            files.look(after(200));
            assert!(
                !files.have_changed(after(300)) && files.have_changed(after(500)) && !files.have_changed(after(500))
            );
        }
        assert!(Files::new(&[]).unwrap().is_none());
        assert!(Files::new(&[PathBuf::from("/nowhere/libapp.so")]).is_err());
    }
}
