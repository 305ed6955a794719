//! A body that came over the ABI.

use std::fmt;
use std::fs::File;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::os::fd::{AsRawFd as _, BorrowedFd, FromRawFd as _};

use super::types::*;
use super::view::{Slice, checked, is_array};
use crate::body::sources::{Chunk, read_range};
use crate::body::view::{FileRange, Parts, View};
use crate::error::{Error, Result};

/// A body of the other side; closed when dropped.
pub(crate) struct ForeignBody<'r> {
    raw: GwBody,
    /// How far `next` has come: parts, bytes of a file or stream, or whether
    /// the bytes were given; [`ENDED`] behind the last.
    position: u64,
    /// A piece of a file; no other kind needs it, so it is a word here.
    #[expect(clippy::box_collection, reason = "a body is moved several times, and few are files that are pulled")]
    buffer: Option<Box<Vec<u8>>>,
    marker: PhantomData<&'r ()>,
}

/// A position behind the end, after which the app is asked no more.
const ENDED: u64 = u64::MAX;

// SAFETY: the ABI lets next and close run on any thread, one at a time, which
// `&mut self` holds.
unsafe impl Send for ForeignBody<'_> {}

impl ForeignBody<'_> {
    /// Takes over a body.
    ///
    /// # Safety
    /// `raw` was filled by a call that said OK, for this request, and is taken
    /// over once; its kind is known and its content sound.
    #[inline]
    pub(super) const unsafe fn new(raw: GwBody) -> Self {
        Self { raw, position: 0, buffer: None, marker: PhantomData }
    }

    /// Takes over a body of which nothing is known yet. One that cannot be used
    /// is closed.
    ///
    /// # Errors
    /// [`Error::Unsupported`], which says what is wrong with it.
    ///
    /// # Safety
    /// As for [`new`](Self::new), but for kind and content.
    pub(super) unsafe fn checked(raw: GwBody) -> Result<Self> {
        // SAFETY: looked at below, before anything of the content is followed.
        let body = unsafe { Self::new(raw) };
        let what = match body.raw.kind {
            GW_BODY_STREAM if body.vt().is_none_or(|vt| vt.next.is_none()) => {
                Some("that is a stream without next".into())
            }
            GW_BODY_EMPTY | GW_BODY_BYTES | GW_BODY_PARTS | GW_BODY_STREAM | GW_BODY_FILE => {
                body.fault().map(str::to_owned)
            }
            kind => Some(format!("of unknown kind {kind}")),
        };
        match what {
            Some(what) => Err(Error::Unsupported(format!("the app returned a body {what}").into())),
            None => Ok(body),
        }
    }

    /// What keeps the body from being used, but for its kind.
    fn fault(&self) -> Option<&'static str> {
        if !self.raw.vt.is_null() && self.vt().is_none() {
            return Some("whose table is older than version 1.0");
        }
        // SAFETY: the kind says which field of the union the app has filled.
        unsafe {
            let content = &self.raw.content;
            match self.raw.kind {
                GW_BODY_BYTES => (!is_array(content.bytes.ptr, content.bytes.len)).then_some("of bytes at NULL"),
                GW_BODY_PARTS if !is_array(content.parts.ptr, content.parts.len) => Some("of parts at NULL"),
                GW_BODY_FILE if content.file.fd < 0 => Some("of a file without a descriptor"),
                _ => None,
            }
        }
    }

    fn vt(&self) -> Option<&GwBodyVt> {
        // SAFETY: NULL, or a table that is valid until the close.
        let vt = unsafe { self.raw.vt.as_ref() }?;
        (vt.size as usize >= SIZE_1_0.body_vt).then_some(vt)
    }

    /// See [`Body::view`].
    pub(crate) fn view(&self) -> View<'_> {
        let position = self.position;
        // SAFETY: the kind says which field of the union the app has filled.
        unsafe {
            match self.raw.kind {
                GW_BODY_BYTES if position == 0 => View::Bytes(Slice::from_raw(self.raw.content.bytes).as_bytes()),
                GW_BODY_PARTS => {
                    // Behind the last part once `next` has said so.
                    View::Parts(Parts::foreign(self.parts().get(position as usize..).unwrap_or_default()))
                }
                GW_BODY_STREAM => {
                    let length = self.raw.content.stream_length;
                    View::Stream((length != GW_UNKNOWN).then(|| length.saturating_sub(position)))
                }
                GW_BODY_FILE => {
                    let file = self.raw.content.file;
                    let position = position.min(file.length);
                    match file.fd {
                        0.. => View::File(FileRange {
                            fd: BorrowedFd::borrow_raw(file.fd),
                            offset: file.offset.saturating_add(position),
                            length: file.length - position,
                        }),
                        _ => View::Empty,
                    }
                }
                _ => View::Empty,
            }
        }
    }

    /// The parts of a body of that kind.
    fn parts(&self) -> &[Slice<'_>] {
        // SAFETY: only called for PARTS, where the app has filled this field.
        let parts = unsafe { self.raw.content.parts };
        if parts.len == 0 {
            return &[];
        }
        // SAFETY: `len` strings, valid until the close; Slice has GwStr's layout.
        unsafe { std::slice::from_raw_parts(parts.ptr.cast(), parts.len) }
    }

    /// See [`Body::next`].
    pub(crate) fn next(&mut self) -> Result<Option<Chunk<'_>>> {
        let outcome = match self.raw.kind {
            _ if self.position == ENDED => return Ok(None),
            GW_BODY_STREAM => self.next_of_stream(),
            GW_BODY_FILE => self.next_of_file(),
            _ => Ok(self.next_in_memory()),
        };
        if !matches!(&outcome, Ok(Some(chunk)) if chunk.flags & GW_CHUNK_LAST == 0) {
            self.position = ENDED;
        }
        Ok(outcome?.map(|chunk| Chunk {
            // SAFETY: the app's memory, valid until the next `next` or close,
            // or `buffer`: all of them need `&mut self` again.
            bytes: unsafe { Slice::from_raw(chunk.bytes) }.as_bytes(),
            flush: chunk.flags & GW_CHUNK_FLUSH != 0,
            last: chunk.flags & GW_CHUNK_LAST != 0,
        }))
    }

    fn next_of_stream(&mut self) -> Result<Option<GwChunk>> {
        let next =
            self.vt().and_then(|vt| vt.next).ok_or_else(|| Error::Unsupported("a stream without next".into()))?;
        let mut chunk = raw_chunk(&[]);
        // SAFETY: the body is open, and `&mut self` makes this the only call.
        match checked(|err| unsafe { next(&mut self.raw, &mut chunk, err) })? {
            GW_OK if !is_array(chunk.bytes.ptr, chunk.bytes.len) => Err(Error::app("the stream gave a chunk at NULL")),
            GW_OK => {
                self.position += chunk.bytes.len as u64;
                Ok(Some(chunk))
            }
            GW_END => Ok(None),
            // Never a clean end: the client could not tell that bytes are missing.
            other => Err(Error::app(format!("the stream answered with unknown status {other}"))),
        }
    }

    fn next_of_file(&mut self) -> Result<Option<GwChunk>> {
        let View::File(range) = self.view() else { return Ok(None) };
        // SAFETY: the app keeps the descriptor open until the close, and it is
        // not closed here.
        let file = ManuallyDrop::new(unsafe { File::from_raw_fd(range.fd.as_raw_fd()) });
        let (mut offset, mut length) = (range.offset, range.length);
        let before = length;
        let chunk = read_range(&file, &mut offset, &mut length, self.buffer.get_or_insert_default())?;
        let chunk = chunk.map(|chunk| raw_chunk(chunk.bytes));
        self.position += before - length;
        Ok(chunk)
    }

    fn next_in_memory(&mut self) -> Option<GwChunk> {
        let at = self.position as usize;
        self.position += 1;
        match self.raw.kind {
            GW_BODY_PARTS => self.parts().get(at).map(|part| raw_chunk(part.as_bytes())),
            // SAFETY: the kind says that the app has filled this field.
            GW_BODY_BYTES if at == 0 => Some(GwChunk { bytes: unsafe { self.raw.content.bytes }, ..raw_chunk(&[]) }),
            _ => None,
        }
    }
}

fn raw_chunk(bytes: &[u8]) -> GwChunk {
    GwChunk { size: size_of::<GwChunk>() as u32, flags: 0, bytes: Slice::new(bytes).raw() }
}

impl Drop for ForeignBody<'_> {
    fn drop(&mut self) {
        if let Some(close) = self.vt().and_then(|vt| vt.close) {
            // SAFETY: the body is open and this is its one close.
            unsafe { close(&mut self.raw) }
        }
    }
}

impl fmt::Debug for ForeignBody<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Foreign(kind {})", self.raw.kind)
    }
}
