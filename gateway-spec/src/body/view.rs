//! What a body shows of itself to a server.

use std::borrow::Cow;
use std::os::fd::BorrowedFd;

use crate::abi::view::Slice;

/// What a server can send without pulling.
#[derive(Debug)]
pub enum View<'a> {
    /// No bytes.
    Empty,
    /// One run of bytes.
    Bytes(&'a [u8]),
    /// Several runs of bytes, to be sent as they are.
    Parts(Parts<'a>),
    /// Pull it with [`Body::next`](super::Body::next); the exact length, where known.
    Stream(Option<u64>),
    /// A range of a file.
    File(FileRange<'a>),
}

/// A range of a file: to be read at its offset, never at the file position.
#[derive(Clone, Copy, Debug)]
pub struct FileRange<'a> {
    /// The open file.
    pub fd: BorrowedFd<'a>,
    /// First byte.
    pub offset: u64,
    /// Number of bytes.
    pub length: u64,
}

/// The runs of a body of parts, in order.
#[derive(Clone, Debug)]
pub struct Parts<'a>(PartsInner<'a>);

#[derive(Clone, Debug)]
enum PartsInner<'a> {
    Owned(std::slice::Iter<'a, Cow<'a, [u8]>>),
    Foreign(std::slice::Iter<'a, Slice<'a>>),
}

impl<'a> Parts<'a> {
    pub(crate) fn owned(list: &'a [Cow<'a, [u8]>]) -> Self {
        Self(PartsInner::Owned(list.iter()))
    }

    pub(crate) fn foreign(list: &'a [Slice<'a>]) -> Self {
        Self(PartsInner::Foreign(list.iter()))
    }
}

impl<'a> Iterator for Parts<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        match &mut self.0 {
            PartsInner::Owned(list) => list.next().map(AsRef::as_ref),
            PartsInner::Foreign(list) => list.next().map(|slice| slice.as_bytes()),
        }
    }
}
