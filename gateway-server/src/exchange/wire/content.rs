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
            Framing::Chunked | Framing::Close | Framing::Records(_) => return self.push_unusual(bytes),
            Framing::Length(left) => {
                let fits = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                *left -= fits as u64;
                self.out.extend_from_slice(&bytes[..fits]);
                if fits < bytes.len() {
                    return Err(self.exceeded());
                }
            }
        }
        Ok(())
    }

    /// As [`push`](Self::push), where bytes are framed or no length was stated.
    #[inline(never)]
    fn push_unusual(&mut self, bytes: &[u8]) -> Result<()> {
        let fits = match &mut self.framing {
            Framing::Records(Some(left)) => {
                let fits = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                *left -= fits as u64;
                fits
            }
            _ => bytes.len(),
        };
        self.given += fits as u64;
        match self.framing {
            Framing::Chunked => response::push_chunk(&mut self.out, bytes),
            Framing::Records(_) => self.push_records(&bytes[..fits]),
            _ => self.out.extend_from_slice(bytes),
        }
        if fits < bytes.len() { Err(self.exceeded()) } else { Ok(()) }
    }

    fn exceeded(&mut self) -> Error {
        self.excess = true;
        Error::Limit("the body is longer than its Content-Length".into())
    }

    /// Takes `count` body bytes as sent without passing through the output.
    pub(in crate::exchange) fn bypassed(&mut self, count: u64) {
        match &mut self.framing {
            Framing::Length(left) => *left = left.saturating_sub(count),
            _ => self.given += count,
        }
    }

    /// Whether nothing but the end of the connection tells where the content ends.
    pub(in crate::exchange) const fn ends_with_connection(&self) -> bool {
        matches!(self.framing, Framing::Close)
    }

    /// Bytes of content that were given.
    pub(in crate::exchange) const fn content(&self) -> u64 {
        match self.framing {
            Framing::Length(left) => self.length - left,
            _ => self.given,
        }
    }
}
