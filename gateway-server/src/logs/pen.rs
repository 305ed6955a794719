//! Whole lines into an outlet.

use std::io;
use std::sync::Arc;

use memchr::{memchr_iter, memrchr};
use rustix::pipe::PIPE_BUF;

use crate::sys::Outlet;

/// See the module's text.
#[derive(Debug)]
pub(super) struct Pen {
    outlet: Arc<Outlet>,
    /// Whether the last line was not written to its end.
    is_torn: bool,
}

/// Lines that could not be written.
#[derive(Debug)]
pub(super) struct Lost {
    pub(super) lines: u64,
    pub(super) why: io::Error,
}

impl Pen {
    pub(super) const fn new(outlet: Arc<Outlet>) -> Self {
        Self { outlet, is_torn: false }
    }

    pub(super) fn outlet(&self) -> &Outlet {
        &self.outlet
    }

    /// Writes lines. Where somebody would have to wait, `patient` says whether to; it is
    /// asked again after a while.
    ///
    /// # Errors
    /// How many were not written, and why.
    pub(super) fn write(&mut self, lines: &[u8], mut patient: impl FnMut() -> bool) -> Result<(), Lost> {
        let mut left = lines;
        while !left.is_empty() {
            let written = match self.is_torn {
                true => self.outlet.write(b"\n").map(|_| 0),
                false => self.outlet.write(self.piece(left)),
            };
            match written {
                Ok(0) if self.is_torn => self.is_torn = false,
                Ok(count) => left = &left[count..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock && patient() => self.outlet.wait(WAIT),
                Err(why) => {
                    let written = &lines[..lines.len() - left.len()];
                    self.is_torn |= written.last().is_some_and(|byte| *byte != b'\n');
                    return Err(Lost { lines: memchr_iter(b'\n', left).count() as u64, why });
                }
            }
        }
        Ok(())
    }

    /// What goes at once: all into a file; elsewhere, where others write too, lines of
    /// together not more than goes whole.
    fn piece<'l>(&self, lines: &'l [u8]) -> &'l [u8] {
        if lines.len() <= PIPE_BUF || self.outlet.is_file() {
            return lines;
        }
        let end = memrchr(b'\n', &lines[..PIPE_BUF]).map_or(PIPE_BUF, |end| end + 1);
        &lines[..end]
    }
}

/// How long it waits before it asks again, in milliseconds.
const WAIT: u16 = 50;

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::io::Read as _;

    use super::*;

    #[test]
    fn lines_are_written_or_counted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let mut pen = Pen::new(Arc::new(Outlet::file(&path, false).unwrap()));
        pen.write(b"one\ntwo\n", || false).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"one\ntwo\n");
        let mut pen = Pen::new(Arc::new(Outlet::file("/dev/full".as_ref(), false).unwrap()));
        let lost = pen.write(b"one\ntwo\n", || false).unwrap_err();
        assert_eq!((lost.lines, lost.why.kind()), (2, io::ErrorKind::StorageFull));
    }

    /// A line that is longer than a pipe takes at once is torn where nobody reads, and
    /// the next one begins on a line of its own.
    #[test]
    fn a_torn_line_ends_before_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fifo");
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        rustix::fs::mkfifoat(rustix::fs::CWD, &path, mode).unwrap();
        let mut pen = Pen::new(Arc::new(Outlet::file(&path, false).unwrap()));
        let long = [&[b'x'; 200_000][..], b"\n"].concat();
        let lost = pen.write(&long, || false).unwrap_err();
        assert_eq!((lost.lines, lost.why.kind()), (1, io::ErrorKind::WouldBlock));
        let mut asked = 0;
        assert!(
            pen.write(b"two\n", || {
                asked += 1;
                asked < 3
            })
            .is_err()
        );
        assert_eq!(asked, 3);
        let mut reader = File::open(&path).unwrap();
        let mut start = [0; 50_000];
        reader.read_exact(&mut start).unwrap();
        pen.write(b"three\n", || false).unwrap();
        drop(pen);
        let mut rest = String::new();
        reader.read_to_string(&mut rest).unwrap();
        assert!(rest.ends_with("x\nthree\n"), "{}", &rest[rest.len() - 20..]);
    }
}
