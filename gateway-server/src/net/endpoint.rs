//! Who is connected to whom.

use std::fmt;
use std::io::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use super::Scheme;

/// The two ends of a connection, as CGI names them. Its text is rendered once
/// and stays where it is: an endpoint is a pointer, and moves as one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Endpoint(Arc<Ends>);

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Ends {
    local: Arc<Local>,
    remote: Remote,
    peer: Peer,
    is_told_secure: bool,
}

/// What the peer's word about its client is worth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Peer {
    /// Nothing: it is the client, for all that is known.
    #[default]
    Stranger,
    /// It is believed.
    Trusted,
    /// It is believed, and its PROXY header is to come.
    Announcing,
}

/// The server's end: the same for all connections of an address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Local {
    name: String,
    port: String,
    scheme: Scheme,
}

impl Local {
    /// A server of that name or address.
    #[must_use]
    pub fn new(name: impl fmt::Display, port: impl fmt::Display) -> Self {
        Self { name: name.to_string(), port: port.to_string(), scheme: Scheme::Http }
    }

    /// The same, where this is spoken.
    #[must_use]
    pub fn speaking(self, scheme: Scheme) -> Self {
        Self { scheme, ..self }
    }

    /// Whether it is called so.
    pub(super) fn is(&self, scheme: Scheme, name: &str, port: &str) -> bool {
        self.scheme == scheme && self.name == name && self.port == port
    }
}

impl Endpoint {
    /// A connection to `local`, from an address where the transport knows one.
    #[must_use]
    pub fn new(local: Arc<Local>, remote: Option<SocketAddr>) -> Self {
        let remote = remote.map(|remote| Remote::new(remote.ip(), Some(remote.port()))).unwrap_or_default();
        Self(Arc::new(Ends { local, remote, peer: Peer::Stranger, is_told_secure: false }))
    }

    /// The same connection, and what its peer is.
    #[must_use]
    pub fn with_peer(mut self, peer: Peer) -> Self {
        // Nobody else has it: nothing is copied.
        Arc::make_mut(&mut self.0).peer = peer;
        self
    }

    /// The same connection, of a client that its peer speaks for.
    #[must_use]
    pub fn with_remote(mut self, remote: Remote) -> Self {
        Arc::make_mut(&mut self.0).remote = remote;
        self
    }

    /// The same connection, and whether its client is said to speak TLS.
    #[must_use]
    pub fn with_told_secure(mut self, is_told_secure: bool) -> Self {
        Arc::make_mut(&mut self.0).is_told_secure = is_told_secure;
        self
    }

    /// What the peer is.
    #[must_use]
    pub fn peer(&self) -> Peer {
        self.0.peer
    }

    /// Whether nobody speaks for the client, and it speaks HTTP without TLS: nearly all
    /// are so.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        (self.0.peer == Peer::Stranger) & !self.0.is_told_secure & (self.0.local.scheme == Scheme::Http)
    }

    /// Whether another process can go on with it, between two requests: nobody else has
    /// its TLS.
    #[must_use]
    pub fn is_movable(&self) -> bool {
        self.0.local.scheme != Scheme::Https
    }

    /// What is spoken.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        self.0.local.scheme
    }

    /// Whether somebody who is believed says that the client speaks TLS with it.
    #[must_use]
    pub fn is_told_secure(&self) -> bool {
        self.0.is_told_secure
    }

    /// `SERVER_NAME`: the listener's name or address.
    #[must_use]
    pub fn server_name(&self) -> &str {
        &self.0.local.name
    }

    /// `SERVER_PORT`.
    #[must_use]
    pub fn server_port(&self) -> &str {
        &self.0.local.port
    }

    /// Whether the client speaks TLS.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.0.local.scheme == Scheme::Https
    }

    /// `REMOTE_ADDR` and `REMOTE_PORT`; empty where the transport does not
    /// know them.
    #[must_use]
    pub fn remote(&self) -> (&[u8], &[u8]) {
        self.0.remote.both()
    }

    /// Who the client is, for a log line.
    #[must_use]
    pub fn client(&self) -> &[u8] {
        match self.remote() {
            (b"", _) => b"a local client",
            (addr, _) => addr,
        }
    }
}

/// A client's address and port as text, one behind the other; empty where they are
/// not known.
#[derive(Clone, PartialEq, Eq)]
pub struct Remote {
    text: [u8; Remote::MOST],
    addr: u8,
    end: u8,
}

impl Remote {
    /// The longest address of IPv6, and a port.
    const MOST: usize = 39 + 5;

    /// A client of that address, and perhaps that port.
    #[must_use]
    pub fn new(ip: IpAddr, port: Option<u16>) -> Self {
        let mut remote = Self::default();
        // A client of IPv4 is one, also on a socket of IPv6.
        match ip.to_canonical() {
            IpAddr::V4(ip) => {
                for (place, octet) in ip.octets().into_iter().enumerate() {
                    if place > 0 {
                        remote.put(b".");
                    }
                    remote.number(octet.into());
                }
            }
            IpAddr::V6(ip) => {
                let mut text = [0; Self::MOST];
                let mut room = &mut text[..];
                // There is room for the longest.
                let _ = write!(room, "{ip}");
                let length = Self::MOST - room.len();
                remote.put(&text[..length]);
            }
        }
        remote.addr = remote.end;
        if let Some(port) = port {
            remote.number(port);
        }
        remote
    }

    /// Puts text behind what is there.
    fn put(&mut self, text: &[u8]) {
        let at = usize::from(self.end);
        self.text[at..at + text.len()].copy_from_slice(text);
        self.end += text.len() as u8;
    }

    /// Puts a number. Formatted, the five of an address of IPv4 would cost a
    /// fifth of all that a connection for one request does.
    fn number(&mut self, number: u16) {
        let (mut digits, mut at, mut left) = ([0; 5], 5, number);
        while at == digits.len() || left > 0 {
            at -= 1;
            digits[at] = b'0' + (left % 10) as u8;
            left /= 10;
        }
        self.put(&digits[at..]);
    }

    /// The address and the port.
    #[must_use]
    pub fn both(&self) -> (&[u8], &[u8]) {
        self.text[..usize::from(self.end)].split_at(usize::from(self.addr))
    }
}

impl Default for Remote {
    fn default() -> Self {
        Self { text: [0; Self::MOST], addr: 0, end: 0 }
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (addr, port) = self.both();
        write!(f, "{} {}", addr.escape_ascii(), port.escape_ascii())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_both_ends() {
        let local = Arc::new(Local::new("example.com", 8000));
        for (remote, addr, port) in [
            ("192.168.100.200:65535", "192.168.100.200", "65535"),
            ("[::ffff:10.0.0.1]:1", "10.0.0.1", "1"),
            ("[1111:2222:3333:4444:5555:6666:7777:8888]:65535", "1111:2222:3333:4444:5555:6666:7777:8888", "65535"),
        ] {
            let endpoint = Endpoint::new(Arc::clone(&local), Some(remote.parse().unwrap()));
            assert_eq!((endpoint.server_name(), endpoint.server_port()), ("example.com", "8000"));
            assert_eq!(endpoint.remote(), (addr.as_bytes(), port.as_bytes()));
            assert_eq!(endpoint.client(), addr.as_bytes());
        }
        assert_eq!(Endpoint::default().remote(), (&b""[..], &b""[..]));
        assert_eq!(Endpoint::default().client(), b"a local client");
    }

    #[test]
    fn numbers_are_as_they_are_formatted() {
        for number in (0..=u16::MAX).step_by(7).chain([1, 9, 10, 99, 100, 255, 999, 1000, 9999, 10_000, u16::MAX]) {
            let [high, low] = number.to_be_bytes();
            let address = SocketAddr::from(([low, high, low, 0], number));
            let endpoint = Endpoint::new(Arc::default(), Some(address));
            let (addr, port) = endpoint.remote();
            let both = (address.ip().to_string(), number.to_string());
            assert_eq!((addr, port), (both.0.as_bytes(), both.1.as_bytes()));
        }
    }

    /// Idle connections are counted by the ten thousand.
    #[test]
    fn an_endpoint_is_small() {
        let counts = 2 * size_of::<usize>();
        assert_eq!(size_of::<Endpoint>(), size_of::<usize>());
        assert!(size_of::<Ends>() + counts <= 72, "{}", size_of::<Ends>() + counts);
    }
}
