//! An address and a port, as proxies write them (RFC 7239, section 6; and what
//! `X-Forwarded-For` has besides).

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::protocol::Client;

/// Whom a hop has got the request from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Node {
    /// It says nothing of it.
    #[default]
    Unsaid,
    /// It does not know, or does not tell.
    Hidden,
    /// An address, and a port where that is told.
    Known(IpAddr, Option<u16>),
}

impl Node {
    /// `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]:80`, `unknown`,
    /// `_hidden`.
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(text).ok()?;
        if let Ok(ip) = text.parse() {
            return Some(Self::known(ip, None));
        }
        if let Some(rest) = text.strip_prefix('[') {
            let (ip, rest) = rest.split_once(']')?;
            return Some(Self::known(IpAddr::V6(ip.parse::<Ipv6Addr>().ok()?), port_behind(rest)?));
        }
        let name = text.split(':').next()?;
        let port = port_behind(&text[name.len()..])?;
        if name.eq_ignore_ascii_case("unknown") || name.strip_prefix('_').is_some_and(is_obfuscated) {
            return Some(Self::Hidden);
        }
        Some(Self::known(IpAddr::V4(name.parse::<Ipv4Addr>().ok()?), port))
    }

    /// A client of IPv4 is one, also where it is written as one of IPv6.
    const fn known(ip: IpAddr, port: Option<u16>) -> Self {
        Self::Known(ip.to_canonical(), port)
    }

    pub(super) const fn client(self) -> Client {
        match self {
            Self::Unsaid => Client::Same,
            Self::Hidden => Client::Unknown,
            Self::Known(ip, port) => Client::At(ip, port),
        }
    }

    /// Whether it is one of those.
    pub(super) fn is_of(self, those: impl Fn(IpAddr) -> bool) -> bool {
        matches!(self, Self::Known(ip, _) if those(ip))
    }
}

/// Nothing, or a colon and a port, which may be hidden too.
fn port_behind(text: &str) -> Option<Option<u16>> {
    if text.is_empty() {
        return Some(None);
    }
    let port = text.strip_prefix(':')?;
    if let Some(name) = port.strip_prefix('_') {
        return is_obfuscated(name).then_some(None);
    }
    let is_number = port.bytes().all(|byte| byte.is_ascii_digit());
    port.parse().ok().filter(|_| is_number).map(Some)
}

/// What follows the underscore of a name that tells nothing.
fn is_obfuscated(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}
