//! Files and folders that are watched (inotify(7)): when one of them has changed,
//! and been left alone for a moment, it is time to reload.

use std::ffi::{CStr, OsStr, OsString};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::inotify::{CreateFlags, ReadFlags, Reader, WatchFlags, add_watch, init};

/// For so long nothing must happen to it: a compiler writes a file bit by bit.
const QUIET: Duration = Duration::from_millis(300);

/// What is watched.
#[derive(Clone, Debug)]
pub enum Watched {
    /// A file: that it is written or replaced, not that it is removed.
    File(PathBuf),
    /// Files of a folder that have certain names: that they come, change or go.
    Folder(PathBuf, fn(&OsStr) -> bool),
}

/// What is watched, as the system knows it.
#[derive(Debug)]
pub(super) struct Files {
    inotify: OwnedFd,
    /// Folders, as the system numbers them, and what matters in them.
    marks: Vec<(i32, Mark)>,
    /// When something changed last.
    changed: Option<Instant>,
}

/// What matters in a folder.
#[derive(Debug)]
enum Mark {
    /// A file of this name: one that is replaced is another file.
    Name(OsString),
    Names(fn(&OsStr) -> bool),
}

/// That something is there, and is what it is now.
const COMES: WatchFlags =
    WatchFlags::CREATE.union(WatchFlags::MOVED_TO).union(WatchFlags::MODIFY).union(WatchFlags::CLOSE_WRITE);
const GOES: WatchFlags = WatchFlags::DELETE.union(WatchFlags::MOVED_FROM);

impl Files {
    /// Watches; nothing where there is nothing to watch.
    ///
    /// # Errors
    /// The system's: a folder is not there, or there are too many watches.
    pub(super) fn new(watched: &[Watched]) -> io::Result<Option<Self>> {
        if watched.is_empty() {
            return Ok(None);
        }
        let inotify = init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        let mut marks = Vec::new();
        for watched in watched {
            let (folder, mark) = match watched {
                Watched::File(path) => {
                    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
                    let name = path.file_name().unwrap_or_default().to_owned();
                    (folder.unwrap_or(Path::new(".")), Mark::Name(name))
                }
                Watched::Folder(folder, matters) => (&**folder, Mark::Names(*matters)),
            };
            // A folder is watched once, whoever asks for it.
            marks.push((add_watch(&inotify, folder, COMES | GOES)?, mark));
        }
        Ok(Some(Self { inotify, marks, changed: None }))
    }

    /// Takes note of what has happened.
    pub(super) fn look(&mut self, now: Instant) {
        let mut room = [MaybeUninit::uninit(); 4096];
        let mut reader = Reader::new(&self.inotify, &mut room);
        while let Ok(event) = reader.next() {
            let name = OsStr::from_bytes(event.file_name().map(CStr::to_bytes).unwrap_or_default());
            let comes = event.events().intersects(ReadFlags::from_bits_retain(COMES.bits()));
            let matters = |mark: &Mark| match mark {
                Mark::Name(known) => comes && known == name,
                Mark::Names(matters) => matters(name),
            };
            // Events that were too many to be kept may have been about anything.
            let is_lost = event.events().contains(ReadFlags::QUEUE_OVERFLOW);
            if is_lost || self.marks.iter().any(|(number, mark)| *number == event.wd() && matters(mark)) {
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
        let mut files = Files::new(&[Watched::File(path.clone())]).unwrap().unwrap();
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
        // That it is gone is nothing to load.
        fs::remove_file(&path).unwrap();
        files.look(after(600));
        assert_eq!(files.due(), None);
        assert!(Files::new(&[]).unwrap().is_none());
        assert!(Files::new(&[Watched::File("/nowhere/libapp.so".into())]).is_err());
    }
    #[test]
    fn what_comes_to_a_folder_or_leaves_it_is_a_change() {
        let dir = tempfile::tempdir().unwrap();
        let (module, part) = (dir.path().join("liba.so"), dir.path().join("liba.so.part"));
        let folder = Watched::Folder(dir.path().to_owned(), |name| name.as_bytes().ends_with(b".so"));
        // The same folder, by a file of it.
        let mut files = Files::new(&[folder, Watched::File(part.clone())]).unwrap().unwrap();
        let start = Instant::now();
        let changes: [(&dyn Fn(), bool); 6] = [
            (&|| fs::write(dir.path().join("readme"), "1").unwrap(), false),
            (&|| fs::write(&part, "2").unwrap(), true),
            (&|| fs::rename(&part, &module).unwrap(), true),
            (&|| fs::rename(&module, dir.path().join("other")).unwrap(), true),
            (&|| fs::write(&module, "3").unwrap(), true),
            (&|| fs::remove_file(&module).unwrap(), true),
        ];
        for (number, (change, expected)) in changes.iter().enumerate() {
            change();
            files.look(start);
            assert_eq!(files.have_changed(start + QUIET), *expected, "{number}");
        }
        assert!(Files::new(&[Watched::Folder("/nowhere".into(), |_| true)]).is_err());
    }
}
