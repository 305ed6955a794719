//! Version 1: `PROXY TCP4 192.0.2.1 198.51.100.1 56324 443`, and CR LF.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::str::FromStr;

use memchr::memchr;

use super::{Broken, Header};
use crate::protocol::Client;

pub(super) const START: &[u8] = b"PROXY ";

/// The longest line, CR LF included.
const LONGEST: usize = 107;

/// Up to its end, or all where that has not come.
pub(super) fn extent(bytes: &[u8]) -> usize {
    let line = &bytes[..bytes.len().min(LONGEST)];
    memchr(b'\n', line).map_or(line.len(), |at| at + 1)
}

pub(super) fn parse(bytes: &[u8]) -> Result<Option<Header>, Broken> {
    let length = extent(bytes);
    let Some(line) = bytes[..length].strip_suffix(b"\n") else {
        return if length < LONGEST { Ok(None) } else { Err(Broken::TooLong) };
    };
    let line = line.strip_suffix(b"\r").and_then(|line| line.strip_prefix(START)).ok_or(Broken::Line)?;
    let client = client(line).ok_or(Broken::Line)?;
    Ok(Some(Header { length, client, is_secure: false }))
}

/// Who it is, from what follows the first word.
fn client(line: &[u8]) -> Option<Client> {
    // Whatever else stands there: the proxy asks for itself, or does not know.
    if line == b"UNKNOWN" || line.starts_with(b"UNKNOWN ") {
        return Some(Client::Same);
    }
    let mut words = std::str::from_utf8(line).ok()?.split(' ');
    let family = words.next()?;
    let [from, to, source, destination] = [words.next()?, words.next()?, words.next()?, words.next()?];
    let (from, _) = match family {
        "TCP4" => (address::<Ipv4Addr>(from)?, address::<Ipv4Addr>(to)?),
        "TCP6" => (address::<Ipv6Addr>(from)?, address::<Ipv6Addr>(to)?),
        _ => return None,
    };
    let (source, _) = (port(source)?, port(destination)?);
    words.next().is_none().then_some(Client::At(from, Some(source)))
}

fn address<T: FromStr + Into<IpAddr>>(text: &str) -> Option<IpAddr> {
    text.parse::<T>().ok().map(Into::into)
}

/// Without zeros before it, nor a sign.
fn port(text: &str) -> Option<u16> {
    let is_plain = text == "0" || text.starts_with(|first: char| matches!(first, '1'..='9'));
    text.parse().ok().filter(|_| is_plain)
}
