//! What an engine can send now.

use std::io::IoSlice;
use std::os::fd::BorrowedFd;

use gateway_spec::{Body, View};

use super::{Exchange, Lying, Phase};

/// What can be sent now. It lives on the stack for the time of one call.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "boxing would allocate for each write")]
pub enum Pending<'a> {
    /// One run of bytes: nearly every answer.
    Bytes {
        /// The run.
        bytes: &'a [u8],
        /// Whether a file follows, so that head and file travel together.
        more: bool,
    },
    /// Several runs.
    Slices(Slices<'a>),
    /// A range of a file.
    File {
        /// The open file.
        fd: BorrowedFd<'a>,
        /// First byte.
        offset: u64,
        /// Bytes left.
        length: u64,
    },
}

/// A few runs of bytes, without an allocation.
#[derive(Debug)]
pub struct Slices<'a> {
    list: [IoSlice<'a>; Slices::MOST],
    count: usize,
}

impl<'a> Slices<'a> {
    const MOST: usize = 64;

    fn new() -> Self {
        Self { list: [IoSlice::new(&[]); Self::MOST], count: 0 }
    }

    fn push(&mut self, bytes: &'a [u8]) -> bool {
        if !bytes.is_empty() && self.count < Self::MOST {
            self.list[self.count] = IoSlice::new(bytes);
            self.count += 1;
        }
        self.count < Self::MOST
    }

    /// The runs.
    #[must_use]
    pub fn as_slices(&self) -> &[IoSlice<'a>] {
        &self.list[..self.count]
    }
}

impl Exchange {
    /// What can be sent now.
    #[must_use]
    pub fn pending(&self) -> Pending<'_> {
        let head = self.slot.wire_ref().pending();
        match (self.phase, self.slot.body()) {
            (Phase::Send(lying), Some(body)) => pending_body(head, lying, body),
            _ => Pending::Bytes { bytes: head, more: false },
        }
    }
}

/// A body that is sent from where it lies, and its head. Apart, because it
/// needs room for a list of slices.
#[inline(never)]
fn pending_body<'a>(head: &'a [u8], lying: Lying, body: &'a Body<'_>) -> Pending<'a> {
    let (mut skip, mut left) = (lying.sent, lying.total - lying.sent);
    let view = body.view();
    if let View::File(range) = view {
        return match head {
            [] => Pending::File { fd: range.fd, offset: range.offset + skip, length: left },
            bytes => Pending::Bytes { bytes, more: left > 0 },
        };
    }
    let mut slices = Slices::new();
    slices.push(head);
    match view {
        View::Bytes(bytes) => push_part(&mut slices, bytes, &mut skip, &mut left),
        View::Parts(parts) => parts.for_each(|part| push_part(&mut slices, part, &mut skip, &mut left)),
        View::Empty | View::File(_) | View::Stream(_) => {}
    }
    Pending::Slices(slices)
}

fn push_part<'a>(slices: &mut Slices<'a>, bytes: &'a [u8], skip: &mut u64, left: &mut u64) {
    let skipped = (*skip).min(bytes.len() as u64);
    *skip -= skipped;
    let bytes = &bytes[skipped as usize..];
    let count = (*left).min(bytes.len() as u64);
    if slices.push(&bytes[..count as usize]) {
        *left -= count;
    } else {
        *left = 0;
    }
}
