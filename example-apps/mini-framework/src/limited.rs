//! A body with an end.

use std::io::{self, Read};

/// A reader that fails where there is more than a limit, rather than to leave it out.
#[derive(Debug)]
pub struct Limited<R> {
    inner: R,
    limit: u64,
    left: u64,
}

impl<R: Read> Limited<R> {
    /// Lets this many bytes through.
    pub const fn new(inner: R, limit: u64) -> Self {
        Self { inner, limit, left: limit }
    }
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 && !buf.is_empty() {
            // At the limit: an end is an end, and one byte more is too much.
            return match self.inner.read(&mut [0])? {
                0 => Ok(0),
                _ => {
                    Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("This is more than {} bytes", self.limit)))
                }
            };
        }
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buf.len());
        let count = self.inner.read(&mut buf[..most])?;
        self.left -= count as u64;
        Ok(count)
    }
}
