//! Bodies that are pulled: the [`Source`] trait and the forms that apps use.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileExt as _;

use crate::error::{Error, Result};

/// How much is read from a reader or a file at once.
pub(super) const BUFFER: usize = 64 * 1024;

/// One run of bytes of a body; valid until the next is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Chunk<'a> {
    /// The bytes; empty ones are skipped.
    pub bytes: &'a [u8],
    /// Send this before the next chunk is pulled, also where the server would
    /// otherwise gather more.
    pub flush: bool,
    /// No chunk follows: saves the server one call.
    pub last: bool,
}

impl<'a> Chunk<'a> {
    /// A chunk without flags.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, flush: false, last: false }
    }
}

/// A stream: gives one chunk after the other. Iterators and readers have
/// [`Body::chunks`](super::Body::chunks) and [`Body::reader`](super::Body::reader); this trait is for what lends its own
/// buffer, or flags its chunks.
pub trait Source: Send {
    /// The next chunk; `None` at the end, and from then on.
    ///
    /// # Errors
    /// Whatever keeps the stream from going on; it is not asked again.
    fn next(&mut self) -> Result<Option<Chunk<'_>>>;

    /// The exact number of bytes that are still to come, where known.
    fn length(&self) -> Option<u64> {
        None
    }
}

/// An iterator of chunks; keeps the current one.
pub(super) struct Iterated<I, T> {
    iter: Option<I>,
    current: Option<T>,
}

impl<I, T> Iterated<I, T> {
    pub(super) const fn new(iter: I) -> Self {
        Self { iter: Some(iter), current: None }
    }
}

impl<I, T> Source for Iterated<I, T>
where
    I: Iterator<Item = Result<T>> + Send,
    T: AsRef<[u8]> + Send,
{
    fn next(&mut self) -> Result<Option<Chunk<'_>>> {
        self.current = match self.iter.as_mut().and_then(Iterator::next).transpose() {
            Ok(item) => item,
            Err(error) => {
                self.iter = None;
                return Err(error);
            }
        };
        match &self.current {
            Some(item) => Ok(Some(Chunk::new(item.as_ref()))),
            None => {
                self.iter = None;
                Ok(None)
            }
        }
    }
}

/// A reader, with the buffer it is read into.
pub(super) struct Reader<R> {
    reader: Option<R>,
    buffer: Vec<u8>,
}

impl<R> Reader<R> {
    pub(super) const fn new(reader: R) -> Self {
        Self { reader: Some(reader), buffer: Vec::new() }
    }
}

impl<R: Read + Send> Source for Reader<R> {
    fn next(&mut self) -> Result<Option<Chunk<'_>>> {
        let Some(reader) = &mut self.reader else { return Ok(None) };
        self.buffer.resize(BUFFER, 0);
        let count = loop {
            match reader.read(&mut self.buffer) {
                Ok(count) => break count,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.reader = None;
                    return Err(error.into());
                }
            }
        };
        if count == 0 {
            self.reader = None;
            return Ok(None);
        }
        Ok(Some(Chunk::new(&self.buffer[..count])))
    }
}

/// A stream whose length its maker knows.
pub(super) struct Sized<'r> {
    pub(super) source: Box<dyn Source + 'r>,
    pub(super) length: u64,
}

impl Source for Sized<'_> {
    fn next(&mut self) -> Result<Option<Chunk<'_>>> {
        let chunk = self.source.next()?;
        let count = chunk.as_ref().map_or(0, |chunk| chunk.bytes.len() as u64);
        self.length = self.length.saturating_sub(count);
        Ok(chunk)
    }

    fn length(&self) -> Option<u64> {
        Some(self.length)
    }
}

/// Reads the next piece of a file's range, at its offset.
pub(crate) fn read_range<'a>(
    file: &File,
    offset: &mut u64,
    length: &mut u64,
    buffer: &'a mut Vec<u8>,
) -> Result<Option<Chunk<'a>>> {
    if *length == 0 {
        return Ok(None);
    }
    buffer.resize((*length).min(BUFFER as u64) as usize, 0);
    let count = file.read_at(buffer, *offset)?;
    if count == 0 {
        return Err(Error::app("the file is shorter than the body said"));
    }
    *offset += count as u64;
    *length -= count as u64;
    Ok(Some(Chunk::new(&buffer[..count])))
}
