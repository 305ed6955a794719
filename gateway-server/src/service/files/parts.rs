//! Several ranges in one answer: `multipart/byteranges` (RFC 9110, section 14.6).

use std::fs::File;
use std::hash::{BuildHasher as _, RandomState};
use std::os::unix::fs::FileExt as _;

use gateway_spec::{Chunk, Error, Result, Source};

use super::ranges::Span;

/// How much of the file is read at once.
const BUFFER: usize = 64 * 1024;

/// The parts, pulled one after the other.
#[derive(Debug)]
pub(super) struct Parts {
    file: File,
    /// Text, and the bytes of the file that follow it.
    pieces: std::vec::IntoIter<(String, Span)>,
    /// What is left of the current part.
    span: Span,
    /// What closes the last one.
    end: Option<String>,
    left: u64,
    buffer: Vec<u8>,
}

impl Parts {
    /// The parts of a file, and the media type of them all together.
    pub(super) fn new(file: File, size: u64, spans: &[Span], content_type: &str) -> (Self, String) {
        // No content can have it in it: nobody knows it before.
        let boundary = format!("{:016x}", RandomState::new().hash_one(size));
        let piece = |(at, span): (usize, &Span)| {
            let newline = if at == 0 { "" } else { "\r\n" };
            let head = format!(
                "{newline}--{boundary}\r\nContent-Type: {content_type}\r\nContent-Range: bytes {}-{}/{size}\r\n\r\n",
                span.first,
                span.last()
            );
            (head, *span)
        };
        let pieces: Vec<_> = spans.iter().enumerate().map(piece).collect();
        let end = format!("\r\n--{boundary}--\r\n");
        let left = pieces.iter().map(|(head, span)| head.len() as u64 + span.length).sum::<u64>() + end.len() as u64;
        let (pieces, span) = (pieces.into_iter(), Span { first: 0, length: 0 });
        let parts = Self { file, pieces, span, end: Some(end), left, buffer: Vec::new() };
        (parts, format!("multipart/byteranges; boundary={boundary}"))
    }

    fn read(&mut self) -> Result<()> {
        let most = self.span.length.min(BUFFER as u64) as usize;
        self.buffer.resize(most, 0);
        let count = loop {
            match self.file.read_at(&mut self.buffer, self.span.first) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                outcome => break outcome?,
            }
        };
        if count == 0 {
            return Err(Error::app("the file became shorter while it was sent"));
        }
        self.buffer.truncate(count);
        self.span = Span { first: self.span.first + count as u64, length: self.span.length - count as u64 };
        Ok(())
    }
}

impl Source for Parts {
    fn next(&mut self) -> Result<Option<Chunk<'_>>> {
        if self.span.length > 0 {
            self.read()?;
        } else if let Some((head, span)) = self.pieces.next() {
            self.span = span;
            self.buffer = head.into_bytes();
        } else if let Some(end) = self.end.take() {
            self.buffer = end.into_bytes();
        } else {
            return Ok(None);
        }
        self.left -= self.buffer.len() as u64;
        Ok(Some(Chunk::new(&self.buffer)))
    }

    fn length(&self) -> Option<u64> {
        Some(self.left)
    }
}
