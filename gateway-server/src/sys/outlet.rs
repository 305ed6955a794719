//! Where lines of a log go: standard output or error, or a file that is opened anew
//! when another program has moved the old one away. Writing waits for nobody but a
//! disk: who reads the other end of a pipe may have stopped.
#![allow(unsafe_code)]

use std::ffi::CString;
use std::io;
use std::mem::ManuallyDrop;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicI32, AtomicU64};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FileType, Mode, OFlags, fstat, open};
use rustix::io::{Errno, dup3, retry_on_intr, write};
use rustix::net::{SendFlags, send};
use rustix::pipe::PIPE_BUF;
use rustix::stdio::{dup2_stderr, dup2_stdout, stderr, stdout};

use super::Shared;

/// See the module's text.
#[derive(Debug)]
pub(crate) struct Outlet {
    end: End,
    file: Option<Named>,
}

#[derive(Debug)]
enum End {
    /// Open for this alone, so that a write that would wait fails.
    Own(OwnedFd),
    /// A stream of the process, which others write to as well: asked before each write.
    Stream(BorrowedFd<'static>),
    /// One that is a socket, which can be told for each write.
    Socket(BorrowedFd<'static>),
}

/// A file by its name.
#[derive(Debug)]
struct Named {
    path: CString,
    /// Whether standard output and error go there too.
    has_streams: bool,
    /// How often it was to be opened anew, in all processes that have this outlet.
    told: Shared,
    /// For which of these times this process has done so.
    done: AtomicU64,
    /// Why it could not, the last time.
    failure: AtomicI32,
}

impl Outlet {
    /// Standard error, as it is and whatever it becomes.
    pub(crate) const fn plain_stderr() -> Self {
        Self { end: End::Stream(stderr()), file: None }
    }

    /// Standard error, as it stays.
    pub(crate) fn stderr() -> Self {
        Self { end: End::of_stream(stderr()), file: None }
    }

    /// Standard output, as it stays.
    pub(crate) fn stdout() -> Self {
        Self { end: End::of_stream(stdout()), file: None }
    }

    /// The end of a file, which is made if there is none; with `has_streams` those of
    /// the process follow it when it is opened anew.
    ///
    /// # Errors
    /// It cannot be opened.
    pub(crate) fn file(path: &Path, has_streams: bool) -> io::Result<Self> {
        let path = CString::new(path.as_os_str().as_bytes())?;
        let (end, told) = (End::Own(open_file(&path)?), Shared::new(1)?);
        let file = Named { path, has_streams, told, done: AtomicU64::new(0), failure: AtomicI32::new(0) };
        Ok(Self { end, file: Some(file) })
    }

    /// Whether it is a file on a disk: only there many lines go at once without those
    /// of other processes between them.
    pub(crate) fn is_file(&self) -> bool {
        fstat(self).is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode).is_file())
    }

    /// Writes some of the bytes. Up to [`PIPE_BUF`] go whole or not at all.
    ///
    /// # Errors
    /// `WouldBlock` where it would have to wait; or the system's.
    pub(crate) fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        self.catch_up();
        let written = match &self.end {
            End::Own(fd) => retry_on_intr(|| write(fd, bytes)),
            End::Socket(fd) => retry_on_intr(|| send(fd, bytes, SendFlags::DONTWAIT | SendFlags::NOSIGNAL)),
            End::Stream(_) if !self.is_file() && !self.takes(Timespec { tv_sec: 0, tv_nsec: 0 }) => Err(Errno::AGAIN),
            End::Stream(fd) if !self.is_file() => retry_on_intr(|| write(fd, &bytes[..bytes.len().min(PIPE_BUF)])),
            End::Stream(fd) => retry_on_intr(|| write(fd, bytes)),
        };
        Ok(written?)
    }

    /// Waits until it may take some, for so long.
    pub(crate) fn wait(&self, milliseconds: u16) {
        self.takes(Timespec { tv_sec: 0, tv_nsec: i64::from(milliseconds) * 1_000_000 });
    }

    fn takes(&self, time: Timespec) -> bool {
        poll(&mut [PollFd::new(self, PollFlags::OUT)], Some(&time)).is_ok_and(|count| count > 0)
    }

    /// Opens the file anew, for all processes: the others do it when they write, or
    /// when a signal comes. `settle` has it before them.
    ///
    /// # Errors
    /// It cannot be opened; all is as it was, and nobody else tries.
    pub(crate) fn anew(&self, settle: impl FnOnce(&Self)) -> io::Result<()> {
        let Some(file) = &self.file else { return Ok(()) };
        self.open_anew(file)?;
        settle(self);
        file.done.store(file.told[0].fetch_add(1, Relaxed) + 1, Relaxed);
        Ok(())
    }

    /// Does it when a signal comes. Where it cannot, all stays as it was.
    ///
    /// # Errors
    /// A number that is no signal, or one that cannot be handled.
    pub(crate) fn anew_on(self: &Arc<Self>, signal: i32) -> io::Result<()> {
        let outlet = Arc::clone(self);
        let act = move || {
            if let Some(file) = &outlet.file {
                // Nobody has told: the signal comes from outside.
                if file.told[0].load(Relaxed) == file.done.load(Relaxed) {
                    file.told[0].fetch_add(1, Relaxed);
                }
                outlet.catch_up();
            }
        };
        // SAFETY: open, dup and close may be called by a handler (signal-safety(7)), and
        // by way of rustix they are nothing but system calls; the rest is atomics.
        unsafe { signal_hook::low_level::register(signal, act) }.map(drop)
    }

    /// Why it could not be opened anew; answers once.
    pub(crate) fn failure(&self) -> Option<io::Error> {
        let code = self.file.as_ref()?.failure.swap(0, Relaxed);
        (code != 0).then(|| io::Error::from_raw_os_error(code))
    }

    #[inline]
    fn catch_up(&self) {
        let Some(file) = &self.file else { return };
        let told = file.told[0].load(Relaxed);
        if file.done.load(Relaxed) != told
            && file.done.swap(told, Relaxed) != told
            && let Err(error) = self.open_anew(file)
        {
            file.failure.store(error.raw_os_error(), Relaxed);
        }
    }

    /// In the place of the old one, under its number: whoever is just writing writes
    /// to one of them.
    fn open_anew(&self, file: &Named) -> rustix::io::Result<()> {
        let new = open_file(&file.path)?;
        if let End::Own(old) = &self.end {
            // SAFETY: the number stays this outlet's, and is not closed here.
            let mut old = ManuallyDrop::new(unsafe { OwnedFd::from_raw_fd(old.as_raw_fd()) });
            dup3(&new, &mut old, rustix::io::DupFlags::CLOEXEC)?;
        }
        if file.has_streams {
            dup2_stdout(&new)?;
            dup2_stderr(&new)?;
        }
        Ok(())
    }
}

impl AsFd for Outlet {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.end {
            End::Own(fd) => fd.as_fd(),
            End::Stream(fd) | End::Socket(fd) => *fd,
        }
    }
}

impl End {
    /// A pipe and a terminal are opened once more: a flag of the stream itself would be
    /// there for all programs that have it.
    fn of_stream(fd: BorrowedFd<'static>) -> Self {
        let Ok(stat) = fstat(fd) else { return Self::Stream(fd) };
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::Fifo | FileType::CharacterDevice => {
                let path = format!("/proc/self/fd/{}", fd.as_raw_fd());
                let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
                open(path, flags, Mode::empty()).map_or(Self::Stream(fd), Self::Own)
            }
            FileType::Socket => Self::Socket(fd),
            _ => Self::Stream(fd),
        }
    }
}

fn open_file(path: &CString) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::APPEND | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NOCTTY | OFlags::NONBLOCK;
    // Readable by its owner and its group: what an app logs is not everybody's.
    let mode = Mode::RUSR | Mode::WUSR | Mode::RGRP;
    match open(path.as_c_str(), flags | OFlags::WRONLY, mode) {
        // A FIFO that nobody reads yet.
        Err(Errno::NXIO) => open(path.as_c_str(), flags | OFlags::RDWR, mode),
        opened => opened,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_file_that_was_moved_away_is_opened_anew() {
        let folder = tempfile::tempdir().unwrap();
        let (path, old) = (folder.path().join("log"), folder.path().join("log.1"));
        let outlet = Outlet::file(&path, false).unwrap();
        assert!(outlet.is_file());
        outlet.write(b"one\n").unwrap();
        fs::rename(&path, &old).unwrap();
        outlet.write(b"two\n").unwrap();
        outlet.anew(|_| {}).unwrap();
        outlet.write(b"three\n").unwrap();
        assert_eq!(fs::read_to_string(&old).unwrap(), "one\ntwo\n");
        assert_eq!(fs::read_to_string(&path).unwrap(), "three\n");
    }

    #[test]
    fn one_that_cannot_be_opened_anew_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sub/log");
        assert!(Outlet::file(&path, false).is_err());
        fs::create_dir(folder.path().join("sub")).unwrap();
        let outlet = Outlet::file(&path, false).unwrap();
        fs::rename(folder.path().join("sub"), folder.path().join("gone")).unwrap();
        assert_eq!(outlet.anew(|_| {}).unwrap_err().kind(), io::ErrorKind::NotFound);
        outlet.write(b"one\n").unwrap();
        assert_eq!(fs::read_to_string(folder.path().join("gone/log")).unwrap(), "one\n");
        // A process that is told by another says it later.
        outlet.file.as_ref().unwrap().told[0].fetch_add(1, Relaxed);
        outlet.write(b"two\n").unwrap();
        assert_eq!(outlet.failure().unwrap().kind(), io::ErrorKind::NotFound);
        assert!(outlet.failure().is_none());
    }

    #[test]
    #[cfg_attr(miri, ignore = "Miri makes no FIFO")]
    fn a_fifo_that_nobody_reads_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fifo");
        let name = CString::new(path.as_os_str().as_bytes()).unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, name.as_c_str(), Mode::RUSR | Mode::WUSR).unwrap();
        let outlet = Outlet::file(&path, false).unwrap();
        let mut count = 0;
        let error = loop {
            match outlet.write(&[b'x'; 1024]) {
                Ok(more) => count += more,
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
        assert!(count >= 4096);
    }
}
