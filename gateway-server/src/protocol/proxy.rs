//! The PROXY protocol: what a proxy says of its client before the first byte of
//! that client's (haproxy's proxy-protocol.txt, versions 1 and 2).
//!
//! | file | purpose |
//! |---|---|
//! | `v1` | a line of text |
//! | `v2` | a block of bytes |
//! | `crc32c` | the checksum that a block may have |

mod crc32c;
mod v1;
mod v2;

use super::Client;

/// The longest header that is taken. Of version 2 the specification has longer
/// ones, but an address and what is told besides have a few hundred bytes.
pub const MOST: usize = 4096;

/// A header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Its bytes; what follows them is the client's.
    pub length: usize,
    /// Who that is.
    pub client: Client,
    /// Whether it speaks TLS with the proxy.
    pub is_secure: bool,
}

/// Why it is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// It begins with something else.
    Missing,
    /// It is longer than any.
    TooLong,
    /// A line that breaks the rules of version 1.
    Line,
    /// A block that breaks the rules of version 2.
    Block,
    /// The block's checksum is another one.
    Checksum,
    /// The connection ended in it.
    CutShort,
    /// It did not come in time.
    Late,
}

impl Broken {
    /// One sentence for the log.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Missing => "it does not begin with a PROXY header",
            Self::TooLong => "its PROXY header is too long",
            Self::Line => "its PROXY header is not a line of version 1",
            Self::Block => "its PROXY header is not a block of version 2",
            Self::Checksum => "its PROXY header has the wrong checksum",
            Self::CutShort => "its PROXY header was cut short",
            Self::Late => "its PROXY header took too long",
        }
    }
}

/// How many of the bytes at a connection's start certainly are the header's, be
/// it whole or not: a reader that takes no more of them leaves the client's, which
/// may be another protocol's, where they are.
#[must_use]
pub fn extent(bytes: &[u8]) -> usize {
    if bytes.first() == v2::SIGNATURE.first() { v2::extent(bytes) } else { v1::extent(bytes) }
}

/// Parses the header that the bytes begin with, or may yet; `None` where more of
/// it is to come.
///
/// # Errors
/// The first rule that it breaks.
pub fn parse(bytes: &[u8]) -> Result<Option<Header>, Broken> {
    if begins(bytes, v1::START) {
        v1::parse(bytes)
    } else if begins(bytes, v2::SIGNATURE) {
        v2::parse(bytes)
    } else {
        Err(Broken::Missing)
    }
}

/// Whether the bytes, as far as there are any, begin so.
fn begins(bytes: &[u8], start: &[u8]) -> bool {
    let common = bytes.len().min(start.len());
    bytes[..common] == start[..common]
}

#[cfg(test)]
mod tests;
