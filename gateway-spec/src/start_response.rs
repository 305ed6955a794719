//! `start_response`: how an app says status and headers (PEP 3333, "The
//! start_response() Callable").

use std::fmt;
use std::io;

use crate::abi::view::RequestRef;
use crate::error::{Error, Result};
use crate::headers::{Header, is_hop_by_hop, is_safe_value, is_token};
use crate::status::Status;

/// What an app passes to `start_response`; everything is copied before it returns.
///
/// ```
/// use gateway_spec::{Head, Header, Status};
/// let headers = [Header::new("Content-Type", "text/plain")];
/// let head = Head::new(Status::OK, &headers);
/// assert!(head.check().is_ok());
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Head<'a> {
    /// The status code.
    pub status: Status,
    /// The reason phrase; `None` for the registered one.
    pub reason: Option<&'a str>,
    /// The headers, sent in this order.
    pub headers: &'a [Header<'a>],
    /// The error that makes this call replace an earlier one (PEP 3333's
    /// `exc_info`). Its text goes to the server's log.
    pub error: Option<&'a Error>,
}

impl<'a> Head<'a> {
    /// A head with the registered reason phrase.
    #[must_use]
    pub const fn new(status: Status, headers: &'a [Header<'a>]) -> Self {
        Self { status, reason: None, headers, error: None }
    }

    /// The same with a reason phrase of its own.
    #[must_use]
    pub const fn with_reason(mut self, reason: &'a str) -> Self {
        self.reason = Some(reason);
        self
    }

    /// The same as a replacement for an earlier head, because of `error`.
    #[must_use]
    pub const fn replacing(mut self, error: &'a Error) -> Self {
        self.error = Some(error);
        self
    }

    /// Whether HTTP allows this head: every host calls this, so no app in any
    /// language can split a response.
    ///
    /// # Errors
    /// [`Error::Invalid`]: a name that is no token, CR, LF or NUL in a value or
    /// in the reason, a header that belongs to the connection (RFC 9110,
    /// section 7.6.1; Upgrade is allowed with 426).
    #[inline]
    pub fn check(&self) -> Result<()> {
        self.check_reason()?;
        self.headers.iter().try_for_each(|header| self.check_header(header))
    }

    /// [`check`](Self::check) of the reason, for a host that takes the headers
    /// one by one.
    ///
    /// # Errors
    /// [`Error::Invalid`].
    #[inline]
    pub fn check_reason(&self) -> Result<()> {
        match self.reason {
            Some(reason) if !is_safe_value(reason.as_bytes()) => {
                Err(Error::Invalid("the reason phrase contains CR, LF or NUL".into()))
            }
            _ => Ok(()),
        }
    }

    /// [`check`](Self::check) of one header of this head.
    ///
    /// # Errors
    /// [`Error::Invalid`].
    #[inline]
    pub fn check_header(&self, header: &Header<'_>) -> Result<()> {
        let name = header.name();
        // Nearly every head has this one.
        let is_good = name == b"Content-Type" || (is_token(name) && !is_hop_by_hop(name));
        if is_good && is_safe_value(header.value()) { Ok(()) } else { self.look_at(header) }
    }

    /// What is wrong with a header, if it is not that Upgrade is asked for.
    #[cold]
    fn look_at(&self, header: &Header<'_>) -> Result<()> {
        let name = header.name().escape_ascii();
        let what = if !is_token(header.name()) {
            format!("header name \"{name}\" is not a token")
        } else if !is_safe_value(header.value()) {
            format!("the value of header {name} contains CR, LF or NUL")
        } else if header.is("upgrade") && self.status == Status::UPGRADE_REQUIRED {
            return Ok(());
        } else {
            format!("header {name} belongs to the connection, which is the server's")
        };
        Err(Error::Invalid(what.into()))
    }

    /// The value of the first header of that name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&'a [u8]> {
        self.headers.iter().find(|header| header.is(name)).map(Header::value)
    }
}

/// The callback that takes the response head and gives the [`Writer`].
///
/// Every closure of the right shape is one, so middleware wraps it with a
/// closure:
///
/// ```
/// use gateway_spec::prelude::*;
///
/// fn app<'r>(environ: Environ<'r>, start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
///     # fn inner<'r>(_: Environ<'r>, start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
///     #     start_response.start(Head::new(Status::OK, &[]))?;
///     #     Ok(Body::empty())
///     # }
///     let mut tagging = |head: Head<'_>| {
///         let mut headers = head.headers.to_vec();
///         headers.push(Header::new("X-Seen", "yes"));
///         start_response.start(Head { headers: &headers, ..head })
///     };
///     inner(environ, &mut tagging)
/// }
/// # let response = gateway_spec::testing::TestClient::new(gateway_spec::app_fn(app)).get("/").send();
/// # assert_eq!(response.header("x-seen"), Some("yes"));
/// ```
pub trait StartResponse<'r> {
    /// Sets the response head, or replaces it if `head.error` is there and
    /// nothing has been sent.
    ///
    /// # Errors
    /// [`Error::Invalid`] as in [`Head::check`]; [`Error::State`] for a second
    /// call without an error, or with one after the head was committed.
    fn start(&mut self, head: Head<'_>) -> Result<Writer<'r>>;

    /// The request whose own callback this is, if nothing wraps it.
    #[doc(hidden)]
    fn request(&self) -> Option<RequestRef<'r>> {
        None
    }
}

impl<'r, F> StartResponse<'r> for F
where
    F: FnMut(Head<'_>) -> Result<Writer<'r>>,
{
    fn start(&mut self, head: Head<'_>) -> Result<Writer<'r>> {
        self(head)
    }
}

/// The request's own callback.
pub(crate) struct RequestStart<'r>(pub(crate) RequestRef<'r>);

impl<'r> StartResponse<'r> for RequestStart<'r> {
    #[inline]
    fn start(&mut self, head: Head<'_>) -> Result<Writer<'r>> {
        self.0.start(head)?;
        Ok(Writer(Target::Request(self.0)))
    }

    fn request(&self) -> Option<RequestRef<'r>> {
        Some(self.0)
    }
}

/// PEP 3333's `write`: sends body bytes before the app returns. For code that
/// was written to push its output; a [`Body`](crate::Body) is the better way.
///
/// It belongs to the request, not to the callback, and works on the thread
/// that runs the app.
pub struct Writer<'r>(Target<'r>);

enum Target<'r> {
    Request(RequestRef<'r>),
    Sink(Box<dyn io::Write + Send + 'r>),
}

impl<'r> Writer<'r> {
    /// A writer of middleware's own, which sees what the app writes.
    pub fn from_sink(sink: impl io::Write + Send + 'r) -> Self {
        Self(Target::Sink(Box::new(sink)))
    }

    /// Sends all of `bytes`. Empty bytes commit nothing.
    ///
    /// # Errors
    /// [`Error::Limit`] beyond the declared Content-Length, [`Error::Gone`]
    /// when the client left, [`Error::State`] from another thread.
    pub fn send(&mut self, bytes: &[u8]) -> Result<()> {
        match &mut self.0 {
            Target::Request(request) => request.write(bytes, false),
            Target::Sink(sink) => Ok(sink.write_all(bytes)?),
        }
    }
}

impl io::Write for Writer<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.send(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.0 {
            Target::Request(request) => Ok(request.write(&[], true)?),
            Target::Sink(sink) => sink.flush(),
        }
    }
}

impl fmt::Debug for Writer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Target::Request(request) => write!(f, "Writer({request:?})"),
            Target::Sink(_) => f.write_str("Writer(sink)"),
        }
    }
}

/// Where a response stands. Hosts keep one per request.
///
/// | state | `start` | `start` with an error | first byte sent | end |
/// |---|---|---|---|---|
/// | Idle | Set | Set | error | error |
/// | Set | error | Set | Committed | Committed, then Done |
/// | Committed | error | error | Committed | Done |
/// | Done | error | error | error | error |
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ResponseState {
    /// `start_response` has not been called.
    #[default]
    Idle,
    /// A head is set and can still be replaced.
    Set,
    /// The head is on its way and cannot be changed.
    Committed,
    /// The response is over.
    Done,
}

impl ResponseState {
    /// A call of `start_response`; `replaces` tells whether it carries an error.
    ///
    /// # Errors
    /// [`Error::State`] where the table says so.
    #[inline]
    pub fn start(&mut self, replaces: bool) -> Result<()> {
        if *self == Self::Idle || (*self == Self::Set && replaces) {
            *self = Self::Set;
            return Ok(());
        }
        Err(self.refuses_start())
    }

    #[cold]
    fn refuses_start(self) -> Error {
        Error::State(match self {
            Self::Idle | Self::Set => {
                "start_response was called twice; a second call needs the error that caused it".into()
            }
            Self::Committed => "start_response after the head was sent".into(),
            Self::Done => "start_response after the response was over".into(),
        })
    }

    /// The first byte, a flush, or the end: the head goes out. Answers whether
    /// this commits it now.
    ///
    /// # Errors
    /// [`Error::State`] before `start` and after the end.
    #[inline]
    pub fn commit(&mut self) -> Result<bool> {
        match *self {
            Self::Set => {
                *self = Self::Committed;
                Ok(true)
            }
            Self::Committed => Ok(false),
            Self::Idle | Self::Done => Err(self.refuses_commit()),
        }
    }

    #[cold]
    fn refuses_commit(self) -> Error {
        Error::State(match self {
            Self::Done => "the response is over".into(),
            _ => "start_response was not called".into(),
        })
    }

    /// The end of the body.
    #[inline]
    pub fn finish(&mut self) {
        *self = Self::Done;
    }
}
