//! HTTP/1.0 and HTTP/1.1 (RFC 9110, RFC 9112), strict where security depends
//! on it.
//!
//! | file | purpose |
//! |---|---|
//! | `scan` | finds the end of a head, and holds that every line ends CR LF |
//! | `line` | the request line |
//! | `head` | a whole head: its fields by httparse and a pass of our own |
//! | `target` | the forms of a request target |
//! | `framing` | Content-Length, Transfer-Encoding, Connection, Expect |
//! | `body` | a body's bytes out of the connection's bytes |
//! | `response` | a response head, and the framing of its body |
//! | `rules` | all of it as a table, from which docs/HTTP.md is rendered |

pub mod body;
mod framing;
pub mod head;
mod line;
pub mod response;
pub mod rules;
mod scan;
mod target;

pub use body::Decoder;
pub use framing::Framing;
pub(in crate::protocol) use framing::length;
pub use head::Head;
pub use scan::{Found, Scanner};
pub(in crate::protocol) use target::{decode as decode_path, is_host};

/// A version of HTTP that is spoken here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// HTTP/1.0
    Http10,
    /// HTTP/1.1
    #[default]
    Http11,
}

impl Version {
    /// SERVER_PROTOCOL.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http10 => "HTTP/1.0",
            Self::Http11 => "HTTP/1.1",
        }
    }
}
