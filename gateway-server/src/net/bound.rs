//! Where a listener is, once it is bound.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use super::Scheme;

/// An address that clients connect to. As text it is a URL, and one that
/// `--bind` takes.
///
/// ```
/// use gateway_server::net::{Bound, Scheme};
/// assert_eq!(Bound::Tcp("[::1]:8000".parse().unwrap()).to_string(), "http://[::1]:8000");
/// assert_eq!(Bound::Tls("127.0.0.1:8443".parse().unwrap()).to_string(), "https://127.0.0.1:8443");
/// assert_eq!(Bound::Unix("/run/app.sock".into()).to_string(), "unix:/run/app.sock");
/// let uwsgi = Bound::Front(Scheme::Uwsgi, Box::new(Bound::Tcp("127.0.0.1:3031".parse().unwrap())));
/// assert_eq!(uwsgi.to_string(), "uwsgi://127.0.0.1:3031");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bound {
    /// An IP address, with the port that was taken.
    Tcp(SocketAddr),
    /// The same, where TLS is spoken.
    Tls(SocketAddr),
    /// A file.
    Unix(PathBuf),
    /// One of these, where a web server speaks what it speaks to applications.
    Front(Scheme, Box<Self>),
}

impl Bound {
    /// The IP address, if it is one.
    #[must_use]
    pub fn tcp(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(address) | Self::Tls(address) => Some(*address),
            Self::Front(_, bound) => bound.tcp(),
            Self::Unix(_) => None,
        }
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "http://{address}"),
            Self::Tls(address) => write!(f, "https://{address}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Front(scheme, bound) => match &**bound {
                Self::Tcp(address) => write!(f, "{}://{address}", scheme.name()),
                bound => write!(f, "{}://{bound}", scheme.name()),
            },
        }
    }
}
