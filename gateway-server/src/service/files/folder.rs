//! The folder that is served, and the only place where something in it is opened.
//!
//! The system itself keeps paths inside (openat2(2)): there is no moment between a
//! check and an open in which somebody could put a link in the place of a folder.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{CWD, FileType, Mode, OFlags, ResolveFlags, Stat, fstat, openat, openat2};
use rustix::io::Errno;

use super::error::FilesError;
use super::stamp::Stamp;

/// How often an open is tried again whose path changed meanwhile.
const TRIES: usize = 8;

/// Without waiting for whoever writes to a FIFO, and without becoming its terminal's.
const FLAGS: OFlags = OFlags::RDONLY.union(OFlags::CLOEXEC).union(OFlags::NONBLOCK).union(OFlags::NOCTTY);

/// Which symbolic links are followed below the folder. The folder's own path may
/// have any.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Symlinks {
    /// None.
    Never,
    /// Those that do not lead out of the folder.
    #[default]
    Inside,
    /// All: whoever can make a link in the folder shows what the server may read.
    Anywhere,
}

impl Symlinks {
    const fn resolve(self) -> ResolveFlags {
        // /proc/PID/root and its like are never followed: they pass over permissions.
        match self {
            Self::Never => ResolveFlags::BENEATH.union(ResolveFlags::NO_SYMLINKS),
            Self::Inside => ResolveFlags::BENEATH.union(ResolveFlags::NO_MAGICLINKS),
            Self::Anywhere => ResolveFlags::NO_MAGICLINKS,
        }
    }
}

/// What was found.
#[derive(Debug)]
pub(super) enum Found {
    File(Opened),
    Folder(OwnedFd),
}

/// A regular file, and what it was when it was opened.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) file: File,
    pub(super) stamp: Stamp,
}

/// Why nothing was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Miss {
    /// There is nothing that may be seen.
    Missing,
    /// The server may not read it.
    Forbidden,
    /// The system has no room for one more open file.
    Busy,
    /// It is broken.
    Failed(Errno),
}

impl From<Errno> for Miss {
    fn from(error: Errno) -> Self {
        match error {
            Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::NAMETOOLONG => Self::Missing,
            // A link out of the folder; a socket; a device that is not there; a
            // name that this file system cannot have.
            Errno::XDEV | Errno::NXIO | Errno::NODEV | Errno::INVAL | Errno::ILSEQ => Self::Missing,
            Errno::ACCESS | Errno::PERM => Self::Forbidden,
            Errno::MFILE | Errno::NFILE | Errno::NOMEM | Errno::AGAIN => Self::Busy,
            other => Self::Failed(other),
        }
    }
}

/// A folder, opened once: what its name is given to later is not served.
#[derive(Debug)]
pub(super) struct Folder {
    root: OwnedFd,
    resolve: ResolveFlags,
}

impl Folder {
    pub(super) fn new(path: &Path, symlinks: Symlinks) -> Result<Self, FilesError> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let refused = |error: Errno| FilesError::Folder { path: path.to_owned(), error: error.into() };
        let root = openat(CWD, path, flags, Mode::empty()).map_err(refused)?;
        let folder = Self { root, resolve: symlinks.resolve() };
        // Better now than at the first request.
        match folder.open_with(b"", OFlags::PATH | OFlags::CLOEXEC) {
            Ok(_) => Ok(folder),
            Err(error @ (Errno::NOSYS | Errno::PERM)) => Err(FilesError::Openat2(error.into())),
            Err(error) => Err(refused(error)),
        }
    }

    /// Opens what is at a path. Only regular files and folders are anything.
    pub(super) fn open(&self, path: &[u8]) -> Result<Found, Miss> {
        let fd = self.open_with(path, FLAGS)?;
        let stat = fstat(&fd)?;
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => Ok(Found::File(Opened { file: fd.into(), stamp: Stamp::of(&stat) })),
            FileType::Directory => Ok(Found::Folder(fd)),
            _ => Err(Miss::Missing),
        }
    }

    /// What [`open`](Self::open) would find there, without opening it.
    pub(super) fn look(&self, path: &[u8]) -> Option<Stat> {
        fstat(self.open_with(path, OFlags::PATH | OFlags::CLOEXEC).ok()?).ok()
    }

    fn open_with(&self, path: &[u8], flags: OFlags) -> Result<OwnedFd, Errno> {
        let path = if path.is_empty() { b"." } else { path };
        let mut tries = 0;
        loop {
            // AGAIN: something on the way was renamed while the path was followed.
            match openat2(&self.root, path, flags, Mode::empty(), self.resolve) {
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) if tries < TRIES => tries += 1,
                outcome => return outcome,
            }
        }
    }
}
