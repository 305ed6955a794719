//! What `--bind` takes.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::os::fd::RawFd;
use std::path::PathBuf;
use std::str::FromStr;

use super::activation::descriptors;

/// An address to listen on: `127.0.0.1:8000`, `[::1]:8000`,
/// `localhost:8000`, `:8000` for all IPv4 addresses, where port 0 takes a free
/// one; the same with `http://` or `https://`; `unix:/run/app.sock`, a file; `fd://3`, a listening descriptor that the
/// process was started with; `systemd`, those that a service manager hands over. Before
/// any of them `uwsgi://`, `scgi://` or `fastcgi://`, for a web server that passes
/// requests on by that protocol: `uwsgi://unix:/run/app.sock`.
///
/// ```
/// use gateway_server::net::Address;
/// let address: Address = "http://127.0.0.1:8000".parse()?;
/// assert_eq!(address.to_string(), "http://127.0.0.1:8000");
/// assert!("127.0.0.1".parse::<Address>().is_err());
/// # Ok::<(), gateway_server::net::AddressError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// An IP address or a name, and a port.
    Tcp(TcpAddress),
    /// The file of a Unix socket.
    Unix(PathBuf),
    /// A descriptor that this process was started with, and that listens.
    Descriptor(RawFd),
    /// All that a service manager hands over: see [`expanded`](Self::expanded).
    Systemd,
    /// One of the others, where a web server speaks what it speaks to applications.
    Front(Scheme, Box<Self>),
}

/// A host and a port, and what is spoken there if that is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TcpAddress {
    scheme: Option<Scheme>,
    host: String,
    port: u16,
}

/// What is spoken at an address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scheme {
    /// HTTP without TLS.
    #[default]
    Http,
    /// HTTP inside of TLS.
    Https,
    /// uwsgi, between a web server and this one.
    Uwsgi,
    /// SCGI, in the same place.
    Scgi,
    /// FastCGI, in the same place.
    FastCgi,
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
    #[error(
        "\"{0}\": only http://, https://, uwsgi://, scgi:// and fastcgi:// addresses, unix: paths and fd:// numbers are served"
    )]
    Scheme(String),
    /// A URL with a path.
    #[error("\"{0}\": an address has no path; apps are served at /")]
    Path(String),
    /// A descriptor that is no number.
    #[error("\"{0}\" names no descriptor: write it as fd://3")]
    NoDescriptor(String),
    /// Nothing was handed over.
    #[error("systemd: {0}")]
    NotActivated(String),
    /// A Unix socket without a file.
    #[error("\"{0}\" names no file: write it as unix:/run/app.sock")]
    NoPath(String),
}

impl Address {
    /// Whether the port is 0.
    #[must_use]
    pub const fn takes_a_free_port(&self) -> bool {
        match self {
            Self::Front(_, address) => address.takes_a_free_port(),
            _ => matches!(self, Self::Tcp(TcpAddress { port: 0, .. })),
        }
    }

    /// The same place, whatever is spoken there.
    #[must_use]
    pub fn place(&self) -> Self {
        match self {
            Self::Tcp(tcp) => Self::Tcp(TcpAddress { scheme: None, ..tcp.clone() }),
            Self::Front(_, address) => address.place(),
            other => other.clone(),
        }
    }

    /// This address; for `systemd` the descriptors that were handed over.
    ///
    /// # Errors
    /// [`AddressError::NotActivated`]
    pub fn expanded(self) -> Result<Vec<Self>, AddressError> {
        match self {
            Self::Systemd => Ok(descriptors().map_err(AddressError::NotActivated)?.map(Self::Descriptor).collect()),
            Self::Front(scheme, address) => {
                let all = address.expanded()?.into_iter();
                Ok(all.map(|address| Self::Front(scheme, Box::new(address))).collect())
            }
            one => Ok(vec![one]),
        }
    }
}

impl TcpAddress {
    /// What is spoken there, if that is said.
    #[must_use]
    pub const fn scheme(&self) -> Option<Scheme> {
        self.scheme
    }

    /// Whether it stands for all addresses of this machine.
    #[must_use]
    pub fn is_wildcard(&self) -> bool {
        matches!(&*self.host, "0.0.0.0" | "[::]")
    }

    /// Whether it is written as one that this machine alone reaches. A name may become
    /// another address tomorrow, all but one.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        let host = self.host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(&self.host);
        host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }

    /// The address to bind to.
    ///
    /// # Errors
    /// A name that has no address.
    pub fn resolve(&self) -> io::Result<SocketAddr> {
        let refused = |why: &str| {
            let text = format!("\"{}\" is no address of this machine: {why}", self.host);
            io::Error::new(io::ErrorKind::NotFound, text)
        };
        let host = self.host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(&self.host);
        let mut list = (host, self.port).to_socket_addrs().map_err(|error| refused(&error.to_string()))?;
        list.next().ok_or_else(|| refused("it has no address"))
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        if let Some((scheme, rest)) = front(text) {
            let address: Self = rest.parse()?;
            match &address {
                Self::Front(..) | Self::Tcp(TcpAddress { scheme: Some(_), .. }) => {
                    Err(AddressError::Scheme(text.to_owned()))
                }
                _ => Ok(Self::Front(scheme, Box::new(address))),
            }
        } else if text == "systemd" {
            Ok(Self::Systemd)
        } else if let Some(path) = text.strip_prefix("unix:") {
            unix(text, path)
        } else if let Some(number) = text.strip_prefix("fd://") {
            descriptor(text, number)
        } else {
            TcpAddress::from_str(text).map(Self::Tcp)
        }
    }
}

/// What a web server speaks there, and where.
fn front(text: &str) -> Option<(Scheme, &str)> {
    let (scheme, rest) = text.split_once("://")?;
    Some((Scheme::named(scheme).filter(|scheme| scheme.is_front())?, rest))
}

/// `unix:PATH`; also `unix://PATH`, which some write.
fn unix(text: &str, path: &str) -> Result<Address, AddressError> {
    let path = path.strip_prefix("//").unwrap_or(path);
    if path.is_empty() || path.ends_with('/') {
        return Err(AddressError::NoPath(text.to_owned()));
    }
    Ok(Address::Unix(path.into()))
}

fn descriptor(text: &str, number: &str) -> Result<Address, AddressError> {
    let number = number.parse().ok().filter(|number: &RawFd| *number >= 0);
    number.map(Address::Descriptor).ok_or_else(|| AddressError::NoDescriptor(text.to_owned()))
}

impl FromStr for TcpAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let owned = || text.to_owned();
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) => {
                let scheme = Scheme::named(scheme).ok_or_else(|| AddressError::Scheme(owned()))?;
                (Some(scheme), rest.strip_suffix('/').unwrap_or(rest))
            }
            None => (None, text),
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
        Ok(Self { scheme, host: host.to_owned(), port })
    }
}

impl Scheme {
    pub(super) fn named(text: &str) -> Option<Self> {
        let all = [Self::Http, Self::Https, Self::Uwsgi, Self::Scgi, Self::FastCgi];
        all.into_iter().find(|scheme| text.eq_ignore_ascii_case(scheme.name()))
    }

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::Uwsgi => "uwsgi",
            Self::Scgi => "scgi",
            Self::FastCgi => "fastcgi",
        }
    }

    /// Whether it is spoken by web servers that have read a request themselves.
    #[must_use]
    pub const fn is_front(self) -> bool {
        matches!(self, Self::Uwsgi | Self::Scgi | Self::FastCgi)
    }
}

impl fmt::Display for TcpAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(scheme) = self.scheme {
            write!(f, "{}://", scheme.name())?;
        }
        write!(f, "{}:{}", self.host, self.port)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(tcp) => tcp.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Descriptor(number) => write!(f, "fd://{number}"),
            Self::Systemd => f.write_str("systemd"),
            Self::Front(scheme, address) => write!(f, "{}://{address}", scheme.name()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(text: &str) -> SocketAddr {
        text.parse::<TcpAddress>().unwrap().resolve().unwrap()
    }

    #[test]
    fn accepts() {
        for (text, expected) in [
            ("127.0.0.1:0", "127.0.0.1:0"),
            ("http://127.0.0.1:8000/", "127.0.0.1:8000"),
            ("[::1]:8000", "[::1]:8000"),
            ("HTTPS://127.0.0.1:8443", "127.0.0.1:8443"),
            (":8000", "0.0.0.0:8000"),
        ] {
            assert_eq!(resolved(text).to_string(), expected);
            assert!(matches!(text.parse(), Ok(Address::Tcp(_))));
        }
        assert!(resolved("localhost:80").ip().is_loopback());
        for (text, path) in [
            ("unix:/run/app.sock", "/run/app.sock"),
            ("unix:app.sock", "app.sock"),
            ("unix:///run/app.sock", "/run/app.sock"),
        ] {
            assert_eq!(text.parse(), Ok(Address::Unix(path.into())));
        }
        assert_eq!("fd://3".parse(), Ok(Address::Descriptor(3)));
        assert_eq!("systemd".parse(), Ok(Address::Systemd));
        let plain = ["127.0.0.1:1", "http://[::1]:1", "https://a:1", "unix:/a", "fd://3", "systemd"];
        let fronts = ["uwsgi://127.0.0.1:1", "scgi://unix:/a", "fastcgi://fd://3", "uwsgi://systemd"];
        for text in plain.into_iter().chain(fronts) {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_only_this_machine_reaches() {
        let is_loopback = |text: &str| text.parse::<TcpAddress>().unwrap().is_loopback();
        for text in ["127.0.0.1:1", "127.8.9.1:1", "[::1]:1", "localhost:1", "http://LOCALHOST:1"] {
            assert!(is_loopback(text), "{text}");
        }
        for text in ["0.0.0.0:1", ":1", "[::]:1", "10.0.0.1:1", "localhost.example.com:1", "a:1", "[2001:db8::1]:1"] {
            assert!(!is_loopback(text), "{text}");
        }
    }

    #[test]
    fn a_name_without_an_address_is_said() {
        let error = "no.such.name.invalid:80".parse::<TcpAddress>().unwrap().resolve().unwrap_err();
        assert!(error.to_string().contains("\"no.such.name.invalid\" is no address"), "{error}");
    }

    #[test]
    fn refuses() {
        type Error = fn(String) -> AddressError;
        let cases: [(&str, Error); 20] = [
            ("uwsgi://http://a:1", AddressError::Scheme),
            ("uwsgi://scgi://a:1", AddressError::Scheme),
            ("http://uwsgi://a:1", AddressError::Path),
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
            ("fd://", AddressError::NoDescriptor),
            ("fd://-1", AddressError::NoDescriptor),
            ("fd://x", AddressError::NoDescriptor),
            ("unix:", AddressError::NoPath),
            ("unix://", AddressError::NoPath),
            ("unix:/run/", AddressError::NoPath),
        ];
        for (text, error) in cases {
            assert_eq!(text.parse::<Address>(), Err(error(text.to_owned())));
        }
    }
}
