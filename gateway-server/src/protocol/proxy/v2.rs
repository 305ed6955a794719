//! Version 2: a signature, what is told, and the length of what follows; then
//! addresses, and values that have a type and a length.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Broken, Header, MOST, crc32c};
use crate::protocol::Client;

pub(super) const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// What every block begins with.
const FIXED: usize = 16;

/// Types of values. All others are passed over.
const CHECKSUM: u8 = 0x03;
const TLS: u8 = 0x20;
/// Of the first byte of [`TLS`]: the client speaks it.
const BY_CLIENT: u8 = 0x01;

/// Bytes of two ends, with ports for all but paths of Unix sockets.
const INET: usize = 2 * 4 + 2 * 2;
const INET6: usize = 2 * 16 + 2 * 2;
const UNIX: usize = 2 * 108;

/// The block's length, if so much of it has come that it is told.
fn length(bytes: &[u8]) -> Option<usize> {
    let [high, low] = *bytes.get(FIXED - 2..)?.first_chunk()?;
    Some(FIXED + usize::from(u16::from_be_bytes([high, low])))
}

pub(super) fn extent(bytes: &[u8]) -> usize {
    length(bytes).unwrap_or(FIXED).min(bytes.len())
}

pub(super) fn parse(bytes: &[u8]) -> Result<Option<Header>, Broken> {
    // Each as soon as it is there: nobody is waited for in vain.
    let command = match bytes.get(SIGNATURE.len()) {
        None => return Ok(None),
        Some(0x20) => Command::Local,
        Some(0x21) => Command::Proxy,
        Some(_) => return Err(Broken::Block),
    };
    let Some(length) = length(bytes) else { return Ok(None) };
    if length > MOST {
        return Err(Broken::TooLong);
    }
    let Some(block) = bytes.get(..length) else { return Ok(None) };
    match command {
        // The proxy asks for itself: to see whether this server is well.
        Command::Local => Ok(Some(Header { length, client: Client::Same, is_secure: false })),
        Command::Proxy => told(block).map(Some),
    }
}

#[derive(Clone, Copy)]
enum Command {
    Local,
    Proxy,
}

/// What a whole block tells.
fn told(block: &[u8]) -> Result<Header, Broken> {
    let rest = &block[FIXED..];
    // The second digit says stream or datagram, as the client came to the proxy.
    let (size, client) = match block[FIXED - 3] {
        0x00 => (0, Some(Client::Same)),
        0x11 | 0x12 => (INET, rest.first_chunk().map(|ends| inet(*ends))),
        0x21 | 0x22 => (INET6, rest.first_chunk().map(|ends| inet6(*ends))),
        0x31 | 0x32 => (UNIX, Some(Client::Unknown)),
        _ => return Err(Broken::Block),
    };
    let (Some(client), Some(values)) = (client, rest.get(size..)) else { return Err(Broken::Block) };
    // Without a family there is nothing to be said of what follows.
    let values = if size == 0 { &[] } else { values };
    let mut header = Header { length: block.len(), client, is_secure: false };
    for value in Values(values) {
        match value? {
            (CHECKSUM, sum) => check(block, sum)?,
            (TLS, [marks, ..]) => header.is_secure = marks & BY_CLIENT != 0,
            _ => {}
        }
    }
    Ok(header)
}

fn inet([a, b, c, d, _, _, _, _, high, low, _, _]: [u8; INET]) -> Client {
    Client::At(IpAddr::V4(Ipv4Addr::new(a, b, c, d)), Some(u16::from_be_bytes([high, low])))
}

fn inet6(ends: [u8; INET6]) -> Client {
    let mut from = [0; 16];
    from.copy_from_slice(&ends[..16]);
    Client::At(IpAddr::V6(Ipv6Addr::from(from)), Some(u16::from_be_bytes([ends[32], ends[33]])))
}

/// The checksum is that of the block with zeros in its place.
fn check(block: &[u8], sum: &[u8]) -> Result<(), Broken> {
    let expected = sum.first_chunk().filter(|_| sum.len() == 4).map(|sum| u32::from_be_bytes(*sum));
    let at = sum.as_ptr().addr() - block.as_ptr().addr();
    let parts = [&block[..at], &[0; 4], &block[at + sum.len()..]];
    if expected == Some(crc32c::of(parts)) { Ok(()) } else { Err(Broken::Checksum) }
}

/// Values: a type, a length of two bytes, and so many bytes.
struct Values<'b>(&'b [u8]);

impl<'b> Iterator for Values<'b> {
    type Item = Result<(u8, &'b [u8]), Broken>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let split = self.0.split_first_chunk().and_then(|(&[kind, high, low], rest)| {
            let (value, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes([high, low])))?;
            self.0 = rest;
            Some((kind, value))
        });
        if split.is_none() {
            self.0 = &[];
        }
        Some(split.ok_or(Broken::Block))
    }
}
