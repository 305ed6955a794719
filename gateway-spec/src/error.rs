//! What can go wrong, and whose fault it is.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::io;

use crate::abi::types::*;

/// The result of everything that can fail here.
pub type Result<T, E = Error> = std::result::Result<T, E>;

type Source = Box<dyn StdError + Send + Sync>;

/// Why a request could not be answered as the app meant it.
///
/// Each variant is one status of the C ABI, so an error keeps its meaning
/// across compilers and languages; its text travels beside it.
///
/// ```
/// use gateway_spec::{Error, Fault};
/// let error = Error::app("the database is away");
/// assert_eq!(error.fault(), Fault::App);
/// assert_eq!(error.to_string(), "the database is away");
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The app failed in a way of its own.
    #[error("{0}")]
    App(#[source] Source),
    /// The app panicked.
    #[error("the app panicked: {0}")]
    Panic(String),
    /// A call out of turn: a second `start_response`, a read from another thread.
    #[error("out of turn: {0}")]
    State(Cow<'static, str>),
    /// An argument that breaks a rule: a header with CR LF, a status of 99.
    #[error("invalid: {0}")]
    Invalid(Cow<'static, str>),
    /// Reading or writing failed: above all, a request body cut short.
    #[error("{0}")]
    Io(#[source] io::Error),
    /// The client has left.
    #[error("the client has left")]
    Gone,
    /// A limit was reached: more bytes than Content-Length declared.
    #[error("limit reached: {0}")]
    Limit(Cow<'static, str>),
    /// The other side does not know what was asked for.
    #[error("not supported: {0}")]
    Unsupported(Cow<'static, str>),
    /// Out of memory.
    #[error("out of memory")]
    NoMemory,
}

/// Who has to act on an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The app: a 500, and a line for its developer.
    App,
    /// The client: it sent too little, or left.
    Client,
    /// The server, or the machine it runs on.
    Server,
}

impl Error {
    /// An error of the app's own, from an error type or a text.
    pub fn app(error: impl Into<Source>) -> Self {
        Self::App(error.into())
    }

    /// Whose fault this is. Total: a new variant has to answer.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::App(_) | Self::Panic(_) | Self::State(_) | Self::Invalid(_) | Self::Limit(_) => Fault::App,
            Self::Io(_) | Self::Gone => Fault::Client,
            Self::Unsupported(_) | Self::NoMemory => Fault::Server,
        }
    }

    /// The request body ended before its declared length, or inside a chunk.
    #[must_use]
    pub fn truncated() -> Self {
        Self::Io(io::Error::new(io::ErrorKind::UnexpectedEof, "the request body was cut short"))
    }

    /// The status that stands for this error in the C ABI.
    #[must_use]
    pub fn to_status(&self) -> GwStatus {
        match self {
            Self::App(_) => GW_APP,
            Self::Panic(_) => GW_PANIC,
            Self::State(_) => GW_STATE,
            Self::Invalid(_) => GW_INVALID,
            Self::Io(_) => GW_IO,
            Self::Gone => GW_GONE,
            Self::Limit(_) => GW_LIMIT,
            Self::Unsupported(_) => GW_UNSUPPORTED,
            Self::NoMemory => GW_NOMEM,
        }
    }

    /// The error that a negative status of the C ABI stands for. An unknown
    /// one means [`Error::App`].
    #[must_use]
    pub fn from_status(status: GwStatus, text: String) -> Self {
        match status {
            GW_PANIC => Self::Panic(text),
            GW_STATE => Self::State(text.into()),
            GW_INVALID => Self::Invalid(text.into()),
            GW_IO => Self::Io(io::Error::new(io::ErrorKind::UnexpectedEof, text)),
            GW_GONE => Self::Gone,
            GW_LIMIT => Self::Limit(text.into()),
            GW_UNSUPPORTED => Self::Unsupported(text.into()),
            GW_NOMEM => Self::NoMemory,
            _ if text.is_empty() => Self::app(format!("the app failed with status {status} and no text")),
            _ => Self::app(text),
        }
    }

    /// The text without the words that the variant adds, so that an error does
    /// not gather them at each crossing.
    pub(crate) fn detail(&self) -> Detail<'_> {
        Detail(self)
    }
}

/// See [`Error::detail`].
pub(crate) struct Detail<'a>(&'a Error);

impl fmt::Display for Detail<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Error::App(source) => write!(f, "{source}"),
            Error::Panic(text) => f.write_str(text),
            Error::State(text) | Error::Invalid(text) | Error::Limit(text) | Error::Unsupported(text) => {
                f.write_str(text)
            }
            Error::Io(source) => write!(f, "{source}"),
            Error::Gone | Error::NoMemory => Ok(()),
        }
    }
}

/// An error of `gateway.input` comes back as what it was; any other is the
/// app's own (a file it could not open).
impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        match error.downcast::<Self>() {
            Ok(inner) => inner,
            Err(error) => Self::app(error),
        }
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        let kind = match &error {
            Error::Io(source) => source.kind(),
            Error::Gone => io::ErrorKind::BrokenPipe,
            Error::Invalid(_) => io::ErrorKind::InvalidInput,
            Error::Unsupported(_) => io::ErrorKind::Unsupported,
            Error::NoMemory => io::ErrorKind::OutOfMemory,
            Error::App(_) | Error::Panic(_) | Error::State(_) | Error::Limit(_) => io::ErrorKind::Other,
        };
        Self::new(kind, error)
    }
}

impl From<fmt::Error> for Error {
    fn from(error: fmt::Error) -> Self {
        Self::app(error)
    }
}

impl From<std::str::Utf8Error> for Error {
    fn from(error: std::str::Utf8Error) -> Self {
        Self::app(error)
    }
}

impl From<String> for Error {
    fn from(text: String) -> Self {
        Self::app(text)
    }
}

impl From<&str> for Error {
    fn from(text: &str) -> Self {
        Self::app(text)
    }
}
