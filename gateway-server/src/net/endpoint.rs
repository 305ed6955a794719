//! Who is connected to whom.

use std::fmt;
use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;

/// The two ends of a connection, as CGI names them. Its text is rendered once
/// and stays where it is: an endpoint is a pointer, and moves as one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Endpoint(Arc<Ends>);

#[derive(Debug, Default, PartialEq, Eq)]
struct Ends {
    local: Arc<Local>,
    remote: Remote,
}

/// The server's end: the same for all connections of an address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Local {
    name: String,
    port: String,
}

impl Local {
    /// A server of that name or address.
    #[must_use]
    pub fn new(name: impl fmt::Display, port: impl fmt::Display) -> Self {
        Self { name: name.to_string(), port: port.to_string() }
    }
}

impl Endpoint {
    /// A connection to `local`, from an address where the transport knows one.
    #[must_use]
    pub fn new(local: Arc<Local>, remote: Option<SocketAddr>) -> Self {
        Self(Arc::new(Ends { local, remote: remote.map(Remote::new).unwrap_or_default() }))
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

    /// `REMOTE_ADDR` and `REMOTE_PORT`; empty where the transport does not
    /// know them.
    #[must_use]
    pub fn remote(&self) -> (&[u8], &[u8]) {
        self.0.remote.both()
    }
}

/// An address and a port as text, one behind the other.
#[derive(PartialEq, Eq)]
struct Remote {
    text: [u8; Remote::MOST],
    addr: u8,
    end: u8,
}

impl Remote {
    /// The longest address of IPv6, and a port.
    const MOST: usize = 39 + 5;

    fn new(address: SocketAddr) -> Self {
        let mut remote = Self::default();
        // A client of IPv4 is one, also on a socket of IPv6.
        remote.addr = remote.put(0, address.ip().to_canonical());
        remote.end = remote.put(remote.addr, address.port());
        remote
    }

    /// Writes text at a place; answers where it ends.
    fn put(&mut self, at: u8, text: impl fmt::Display) -> u8 {
        let mut room = &mut self.text[usize::from(at)..];
        // There is room for the longest of both.
        let _ = write!(room, "{text}");
        (Self::MOST - room.len()) as u8
    }

    fn both(&self) -> (&[u8], &[u8]) {
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
        }
        assert_eq!(Endpoint::default().remote(), (&b""[..], &b""[..]));
    }

    /// Idle connections are counted by the ten thousand.
    #[test]
    fn an_endpoint_is_small() {
        let counts = 2 * size_of::<usize>();
        assert_eq!(size_of::<Endpoint>(), size_of::<usize>());
        assert!(size_of::<Ends>() + counts <= 72, "{}", size_of::<Ends>() + counts);
    }
}
