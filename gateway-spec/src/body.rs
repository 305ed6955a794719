//! The response body.

pub(crate) mod sources;
pub(crate) mod view;

use std::borrow::Cow;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd;

use bytes::Bytes;

use crate::abi::foreign::ForeignBody;
use crate::error::Result;

pub use sources::{Chunk, Source};
pub use view::{FileRange, Parts, View};

/// What an app answers with: nothing, bytes, several runs of bytes, a stream,
/// or a range of a file.
///
/// A body may borrow from the app and own the [`Environ`](crate::Environ); it
/// is closed by being dropped, exactly once, also on an error and when the
/// client leaves (PEP 3333's `close()`).
///
/// ```
/// use gateway_spec::Body;
/// assert_eq!(Body::from("static").length(), Some(6));
/// assert_eq!(Body::from(vec![1, 2, 3]).length(), Some(3));
/// assert_eq!(Body::parts(["one", "two"]).length(), Some(6));
/// assert_eq!(Body::chunks(["a", "b"]).length(), None);
/// assert_eq!(Body::reader(std::io::repeat(b'x')).length(), None);
/// ```
#[derive(Debug)]
pub struct Body<'r> {
    // Dropped first: the hook may own what the content borrows.
    content: Content<'r>,
    on_close: OnClose<'r>,
    /// Whether `next` has given a content of one run.
    given: bool,
}

/// The kinds of content.
pub(crate) enum Content<'r> {
    Empty,
    Borrowed(&'r [u8]),
    Owned(Vec<u8>),
    Shared(Bytes),
    Parts(Vec<Cow<'r, [u8]>>, usize),
    Stream(Box<dyn Source + 'r>),
    File(FileBody<'r>),
    Foreign(ForeignBody<'r>),
}

/// A range of a file, and how far `next` has come.
#[derive(Debug)]
pub(crate) struct FileBody<'r> {
    file: Opened<'r>,
    offset: u64,
    length: u64,
    buffer: Vec<u8>,
}

/// A file that is closed with its body, or one that stays open.
#[derive(Debug)]
enum Opened<'r> {
    Owned(File),
    Borrowed(&'r File),
}

impl Opened<'_> {
    const fn file(&self) -> &File {
        match self {
            Self::Owned(file) => file,
            Self::Borrowed(file) => file,
        }
    }
}

impl<'r> Body<'r> {
    pub(crate) const fn new(content: Content<'r>) -> Self {
        Self { content, on_close: OnClose(None), given: false }
    }

    /// No bytes.
    #[must_use]
    pub const fn empty() -> Self {
        Self::new(Content::Empty)
    }

    /// Bytes that outlive the response: of the app, of the environ, static.
    #[must_use]
    pub const fn borrowed(bytes: &'r [u8]) -> Self {
        Self::new(Content::Borrowed(bytes))
    }

    /// Several runs of bytes, sent in one go without being copied together.
    pub fn parts<P: Into<Cow<'r, str>>>(parts: impl IntoIterator<Item = P>) -> Self {
        Self::byte_parts(parts.into_iter().map(|part| match part.into() {
            Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
            Cow::Owned(text) => Cow::Owned(text.into_bytes()),
        }))
    }

    /// As [`Body::parts`], for bytes that are not text.
    pub fn byte_parts<P: Into<Cow<'r, [u8]>>>(parts: impl IntoIterator<Item = P>) -> Self {
        Self::new(Content::Parts(parts.into_iter().map(Into::into).collect(), 0))
    }

    /// A stream of chunks, each sent before the next is asked for.
    pub fn chunks<I>(chunks: I) -> Self
    where
        I: IntoIterator<Item: AsRef<[u8]> + Send, IntoIter: Send + 'r>,
        I::Item: 'r,
    {
        Self::try_chunks(chunks.into_iter().map(Ok))
    }

    /// A stream of chunks that can fail. After a failure it is over: the
    /// connection is cut, so that the client can tell.
    pub fn try_chunks<I, T>(chunks: I) -> Self
    where
        I: IntoIterator<Item = Result<T>, IntoIter: Send + 'r>,
        T: AsRef<[u8]> + Send + 'r,
    {
        Self::source(sources::Iterated::new(chunks.into_iter()))
    }

    /// A stream that is read until it ends.
    #[must_use]
    pub fn reader(reader: impl Read + Send + 'r) -> Self {
        Self::source(sources::Reader::new(reader))
    }

    /// A stream of one's own making.
    #[must_use]
    pub fn source(source: impl Source + 'r) -> Self {
        Self::new(Content::Stream(Box::new(source)))
    }

    /// A range of a file. The server sends it without reading it into memory
    /// where the system can.
    #[must_use]
    pub const fn file_range(file: File, offset: u64, length: u64) -> Self {
        Self::of_file(Opened::Owned(file), offset, length)
    }

    /// As [`Body::file_range`], of a file that the app keeps open: nothing is
    /// opened for the response, duplicated or closed, and any number of them may
    /// be sent from it at once.
    ///
    /// ```
    /// use std::fs::File;
    /// use gateway_spec::prelude::*;
    ///
    /// struct Logo(File);
    ///
    /// impl App for Logo {
    ///     fn call<'r>(&'r self, _: Environ<'r>, start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
    ///         start_response.start(Head::new(Status::OK, &[Header::new("Content-Type", "image/png")]))?;
    ///         Ok(Body::borrowed_file(&self.0, 0, 4))
    ///     }
    /// }
    /// ```
    #[must_use]
    pub const fn borrowed_file(file: &'r File, offset: u64, length: u64) -> Self {
        Self::of_file(Opened::Borrowed(file), offset, length)
    }

    const fn of_file(file: Opened<'r>, offset: u64, length: u64) -> Self {
        Self::new(Content::File(FileBody { file, offset, length, buffer: Vec::new() }))
    }

    /// A whole file, as long as it is now.
    ///
    /// # Errors
    /// Where the file cannot be asked for its length.
    pub fn file(file: File) -> io::Result<Self> {
        let length = file.metadata()?.len();
        Ok(Self::file_range(file, 0, length))
    }

    /// The same stream with its exact length stated; other kinds know theirs.
    #[must_use]
    pub fn with_length(mut self, length: u64) -> Self {
        if let Content::Stream(source) = self.content {
            self.content = Content::Stream(Box::new(sources::Sized { source, length }));
        }
        self
    }

    /// Calls `hook` when the body is closed, after what was added before.
    #[must_use]
    pub fn on_close(mut self, hook: impl FnOnce() + Send + 'r) -> Self {
        self.on_close.0 = Some(match self.on_close.0.take() {
            None => Box::new(hook),
            Some(earlier) => Box::new(move || {
                earlier();
                hook();
            }),
        });
        self
    }

    /// The exact length in bytes, where it is known.
    #[must_use]
    pub fn length(&self) -> Option<u64> {
        match self.view() {
            View::Empty => Some(0),
            View::Bytes(bytes) => Some(bytes.len() as u64),
            View::Parts(parts) => Some(parts.map(|part| part.len() as u64).sum()),
            View::Stream(length) => length,
            View::File(range) => Some(range.length),
        }
    }

    /// Whether closing this body does anything: it does not where the bytes are
    /// somebody else's, and nobody waits for the end.
    #[must_use]
    #[inline]
    pub const fn needs_close(&self) -> bool {
        self.on_close.0.is_some() || !matches!(self.content, Content::Empty | Content::Borrowed(_))
    }

    /// How a server sends this body best.
    #[must_use]
    #[inline]
    pub fn view(&self) -> View<'_> {
        match &self.content {
            _ if self.given => View::Empty,
            Content::Empty => View::Empty,
            Content::Borrowed(bytes) => View::Bytes(bytes),
            Content::Owned(bytes) => View::Bytes(bytes),
            Content::Shared(bytes) => View::Bytes(bytes),
            Content::Parts(parts, at) => {
                // Behind the last part once `next` has said so.
                View::Parts(Parts::owned(parts.get(*at..).unwrap_or_default()))
            }
            Content::Stream(source) => View::Stream(source.length()),
            Content::File(file) => {
                View::File(FileRange { fd: file.file.file().as_fd(), offset: file.offset, length: file.length })
            }
            Content::Foreign(body) => body.view(),
        }
    }

    /// The next run of bytes of any kind of body; `None` at the end.
    ///
    /// # Errors
    /// Those of the stream or of the file. After one the body is over.
    #[expect(clippy::should_implement_trait, reason = "the chunk borrows from the body")]
    pub fn next(&mut self) -> Result<Option<Chunk<'_>>> {
        match &mut self.content {
            Content::Empty => Ok(None),
            Content::Parts(parts, at) => {
                *at += 1;
                Ok(parts.get(*at - 1).map(|part| Chunk::new(part)))
            }
            Content::Stream(source) => source.next(),
            Content::File(file) => file.next(),
            Content::Foreign(body) => body.next(),
            Content::Borrowed(_) | Content::Owned(_) | Content::Shared(_) if self.given => Ok(None),
            Content::Borrowed(bytes) => Ok(whole(&mut self.given, bytes)),
            Content::Owned(bytes) => Ok(whole(&mut self.given, bytes)),
            Content::Shared(bytes) => Ok(whole(&mut self.given, bytes)),
        }
    }

    /// The content, where there is nothing beside it, for the conversion to
    /// the C ABI.
    #[inline]
    pub(crate) fn plain(&mut self) -> Option<&mut Content<'r>> {
        (self.on_close.0.is_none() && !self.given).then_some(&mut self.content)
    }
}

fn whole<'a>(given: &mut bool, bytes: &'a [u8]) -> Option<Chunk<'a>> {
    *given = true;
    (!bytes.is_empty()).then_some(Chunk { bytes, flush: false, last: true })
}

impl FileBody<'_> {
    fn next(&mut self) -> Result<Option<Chunk<'_>>> {
        let chunk = sources::read_range(self.file.file(), &mut self.offset, &mut self.length, &mut self.buffer);
        if chunk.is_err() {
            self.length = 0;
        }
        chunk
    }
}

impl fmt::Debug for Content<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("Empty"),
            Self::Borrowed(bytes) => write!(f, "Borrowed({} bytes)", bytes.len()),
            Self::Owned(bytes) => write!(f, "Owned({} bytes)", bytes.len()),
            Self::Shared(bytes) => write!(f, "Shared({} bytes)", bytes.len()),
            Self::Parts(parts, _) => write!(f, "Parts({})", parts.len()),
            Self::Stream(source) => write!(f, "Stream({:?})", source.length()),
            Self::File(file) => file.fmt(f),
            Self::Foreign(body) => body.fmt(f),
        }
    }
}

/// Runs a hook when it is dropped.
struct OnClose<'r>(Option<Box<dyn FnOnce() + Send + 'r>>);

impl Drop for OnClose<'_> {
    #[inline]
    fn drop(&mut self) {
        if let Some(hook) = self.0.take() {
            run(hook);
        }
    }
}

#[inline(never)]
fn run<'r>(hook: Box<dyn FnOnce() + Send + 'r>) {
    if std::thread::panicking() {
        // The content's drop panicked; a second panic would end the process.
        crate::abi::guard::guard_quiet(hook);
    } else {
        hook();
    }
}

impl fmt::Debug for OnClose<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "hook" } else { "none" })
    }
}

macro_rules! from {
    ($($ty:ty => |$value:ident| $content:expr;)*) => {
        $(impl<'r> From<$ty> for Body<'r> {
            fn from($value: $ty) -> Self {
                Self::new($content)
            }
        })*
    };
}

from! {
    &'r [u8] => |bytes| Content::Borrowed(bytes);
    &'r str => |text| Content::Borrowed(text.as_bytes());
    Vec<u8> => |bytes| Content::Owned(bytes);
    String => |text| Content::Owned(text.into_bytes());
    Bytes => |bytes| Content::Shared(bytes);
}

impl<'r, const N: usize> From<&'r [u8; N]> for Body<'r> {
    fn from(bytes: &'r [u8; N]) -> Self {
        Self::borrowed(bytes)
    }
}

impl<'r> From<Cow<'r, [u8]>> for Body<'r> {
    fn from(bytes: Cow<'r, [u8]>) -> Self {
        match bytes {
            Cow::Borrowed(bytes) => Self::borrowed(bytes),
            Cow::Owned(bytes) => Self::from(bytes),
        }
    }
}
