//! What `--bind` takes.

use std::fmt;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::str::FromStr;

/// An address to listen on: `127.0.0.1:8000`, `http://[::1]:8000`,
/// `localhost:8000`, `:8000` for all IPv4 addresses. Port 0 takes a free one.
///
/// ```
/// use gateway_server::net::Address;
/// let address: Address = "http://127.0.0.1:8000".parse()?;
/// assert_eq!(address.to_string(), "127.0.0.1:8000");
/// assert!("127.0.0.1".parse::<Address>().is_err());
/// # Ok::<(), gateway_server::net::AddressError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    host: String,
    port: u16,
}

/// Why a text is no address.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum AddressError {
    /// There is no port.
    #[error("\"{0}\" has no port or no host: write it as 127.0.0.1:8000, or :8000 for all addresses")]
    NoPort(String),
    /// The port is no number up to 65535.
    #[error("\"{0}\" has no valid port: a number from 0 to 65535 follows the last colon")]
    Port(String),
    /// An IPv6 address without brackets, or brackets without one.
    #[error("\"{0}\": an IPv6 address, and nothing else, stands in brackets, as in [::1]:8000")]
    Brackets(String),
    /// A scheme that is not served.
    #[error("\"{0}\": only http:// addresses are served")]
    Scheme(String),
    /// A URL with a path.
    #[error("\"{0}\": an address has no path; apps are served at /")]
    Path(String),
    /// A name that does not resolve.
    #[error("\"{0}\" is no address of this machine: {1}")]
    Resolve(String, String),
}

impl Address {
    /// Whether the port is 0.
    #[must_use]
    pub const fn takes_a_free_port(&self) -> bool {
        self.port == 0
    }

    /// The address to bind to.
    ///
    /// # Errors
    /// [`AddressError::Resolve`] for a name that has no address.
    pub fn resolve(&self) -> Result<SocketAddr, AddressError> {
        let refused = |why: &str| AddressError::Resolve(self.host.clone(), why.to_owned());
        let host = self.host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(&self.host);
        let mut list = (host, self.port).to_socket_addrs().map_err(|error| refused(&error.to_string()))?;
        list.next().ok_or_else(|| refused("it has no address"))
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let owned = || text.to_owned();
        let rest = match text.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => rest.strip_suffix('/').unwrap_or(rest),
            Some(_) => return Err(AddressError::Scheme(owned())),
            None if text.starts_with("unix:") => return Err(AddressError::Scheme(owned())),
            None => text,
        };
        if rest.contains('/') {
            return Err(AddressError::Path(owned()));
        }
        if rest.ends_with(']') {
            return Err(AddressError::NoPort(owned()));
        }
        let (host, port) = rest.rsplit_once(':').ok_or_else(|| AddressError::NoPort(owned()))?;
        let inner = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        if inner.is_some_and(|inner| inner.parse::<std::net::Ipv6Addr>().is_err()) {
            return Err(AddressError::Brackets(owned()));
        }
        if host.contains(':') && inner.is_none() {
            return Err(AddressError::Brackets(owned()));
        }
        let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
        let port = digits.then(|| port.parse().ok()).flatten().ok_or_else(|| AddressError::Port(owned()))?;
        let host = if host.is_empty() { "0.0.0.0" } else { host };
        Ok(Self { host: host.to_owned(), port })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts() {
        for (text, expected) in [
            ("127.0.0.1:0", "127.0.0.1:0"),
            ("http://127.0.0.1:8000/", "127.0.0.1:8000"),
            ("[::1]:8000", "[::1]:8000"),
            (":8000", "0.0.0.0:8000"),
        ] {
            assert_eq!(text.parse::<Address>().unwrap().resolve().unwrap().to_string(), expected);
        }
        assert!("localhost:80".parse::<Address>().unwrap().resolve().unwrap().ip().is_loopback());
    }

    #[test]
    fn refuses() {
        type Error = fn(String) -> AddressError;
        let cases: [(&str, Error); 11] = [
            ("127.0.0.1", AddressError::NoPort),
            ("8000", AddressError::NoPort),
            ("[::1]", AddressError::NoPort),
            ("a:b", AddressError::Port),
            ("a:", AddressError::Port),
            ("a:65536", AddressError::Port),
            ("a:+1", AddressError::Port),
            ("::1:8000", AddressError::Brackets),
            ("[localhost]:1", AddressError::Brackets),
            ("ftp://a:1", AddressError::Scheme),
            ("http://a:1/b", AddressError::Path),
        ];
        for (text, error) in cases {
            assert_eq!(text.parse::<Address>(), Err(error(text.to_owned())));
        }
    }
}
