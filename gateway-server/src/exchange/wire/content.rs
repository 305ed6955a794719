//! The content of a response: framed behind its head, and counted.

use gateway_spec::{Error, Result};

use super::Wire;
use crate::protocol::http1::response::{self, Date, Framing};

impl Wire {
    /// Gives a whole body behind its head. An excess is reported when the
    /// response ends.
    #[inline(always)]
    pub(in crate::exchange) fn give(&mut self, bytes: &[u8], date: &Date) -> Result<()> {
        self.commit(Some(bytes.len() as u64), date)?;
        match self.push(bytes) {
            Err(Error::Limit(_)) => Ok(()),
            other => other,
        }
    }

    /// Frames body bytes into the output.
    ///
    /// # Errors
    /// [`Error::Limit`] when there are more than the app declared; those that
    /// fit are taken.
    #[inline]
    pub(in crate::exchange) fn push(&mut self, bytes: &[u8]) -> Result<()> {
        match &mut self.framing {
            Framing::None => {}
            Framing::Chunked if bytes.is_empty() => {}
            Framing::Chunked | Framing::Close => self.push_unmeasured(bytes),
            Framing::Length(left) => {
                let fits = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                *left -= fits as u64;
                self.out.extend_from_slice(&bytes[..fits]);
                if fits < bytes.len() {
                    self.excess = true;
                    return Err(Error::Limit("the body is longer than its Content-Length".into()));
                }
            }
        }
        Ok(())
    }

    /// As [`push`](Self::push), where no length was stated.
    #[inline(never)]
    fn push_unmeasured(&mut self, bytes: &[u8]) {
        self.given += bytes.len() as u64;
        match self.framing {
            Framing::Chunked => response::push_chunk(&mut self.out, bytes),
            _ => self.out.extend_from_slice(bytes),
        }
    }

    /// Takes `count` body bytes as sent without passing through the output.
    pub(in crate::exchange) fn bypassed(&mut self, count: u64) {
        match &mut self.framing {
            Framing::Length(left) => *left = left.saturating_sub(count),
            _ => self.given += count,
        }
    }

    /// Bytes of content that were given.
    pub(in crate::exchange) const fn content(&self) -> u64 {
        match self.framing {
            Framing::Length(left) => self.length - left,
            _ => self.given,
        }
    }
}
