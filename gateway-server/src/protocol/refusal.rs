//! Why a request is not passed to the app, and what the client is told.

use gateway_spec::Status;

/// A request that the server answers itself. After any of them the connection
/// closes: two readers must never disagree on where a request ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// A line that ends in LF without CR.
    BareLf,
    /// More than one empty line before the request line.
    EmptyLines,
    /// Something that is not an HTTP/1 request line.
    RequestLine,
    /// A target with bytes or a form that HTTP does not allow.
    Target,
    /// A percent sign without two hex digits, or an encoded NUL.
    PercentEncoding,
    /// A version other than 1.0 and 1.1.
    Version,
    /// A request line beyond the limit.
    LineTooLong,
    /// A head beyond the limit.
    HeadTooLarge,
    /// More fields than the limit.
    TooManyFields,
    /// A field that is not `name: value`, is folded, or has control bytes.
    Field,
    /// A name with an underscore, where the policy refuses it.
    Underscore,
    /// HTTP/1.1 without Host.
    MissingHost,
    /// More than one Host.
    RepeatedHost,
    /// A Host that is no host.
    InvalidHost,
    /// A Content-Length that is not a number of bytes.
    ContentLength,
    /// More than one Content-Length, also equal ones.
    RepeatedContentLength,
    /// More than one Content-Type.
    RepeatedContentType,
    /// A Transfer-Encoding that is not `chunked`, last and once.
    TransferEncoding,
    /// A transfer coding that this server does not know.
    UnknownCoding,
    /// Content-Length and Transfer-Encoding together.
    BothLengths,
    /// An expectation other than `100-continue`.
    Expectation,
    /// CONNECT: this is no proxy.
    Connect,
    /// A body beyond the limit.
    BodyTooLarge,
    /// A chunk that breaks the grammar.
    Chunk,
    /// A body that ended early.
    Truncated,
    /// A head that took too long.
    HeadTimeout,
    /// A body that came too slowly.
    BodyTimeout,
    /// A body that there is no room for on the disk.
    Storage,
    /// HTTP without TLS, where TLS is spoken.
    NotEncrypted,
    /// HTTP, where uwsgi, SCGI or FastCGI is spoken.
    NotHttpHere,
    /// uwsgi, SCGI or FastCGI, where HTTP is spoken.
    OnlyHttpHere,
    /// FastCGI: a body that is not as its records or its length say.
    Records,
}

impl Refusal {
    /// All of them, in order.
    pub const ALL: &[Self] = &[
        Self::BareLf,
        Self::EmptyLines,
        Self::RequestLine,
        Self::Target,
        Self::PercentEncoding,
        Self::Version,
        Self::LineTooLong,
        Self::HeadTooLarge,
        Self::TooManyFields,
        Self::Field,
        Self::Underscore,
        Self::MissingHost,
        Self::RepeatedHost,
        Self::InvalidHost,
        Self::ContentLength,
        Self::RepeatedContentLength,
        Self::RepeatedContentType,
        Self::TransferEncoding,
        Self::UnknownCoding,
        Self::BothLengths,
        Self::Expectation,
        Self::Connect,
        Self::BodyTooLarge,
        Self::Chunk,
        Self::Truncated,
        Self::HeadTimeout,
        Self::BodyTimeout,
        Self::Storage,
        Self::NotEncrypted,
        Self::NotHttpHere,
        Self::OnlyHttpHere,
        Self::Records,
    ];

    /// The status that the client gets. Total: a new refusal has to answer.
    #[must_use]
    pub const fn status(self) -> Status {
        match self {
            Self::BareLf
            | Self::EmptyLines
            | Self::RequestLine
            | Self::Target
            | Self::PercentEncoding
            | Self::Field
            | Self::Underscore
            | Self::MissingHost
            | Self::RepeatedHost
            | Self::InvalidHost
            | Self::ContentLength
            | Self::RepeatedContentLength
            | Self::RepeatedContentType
            | Self::TransferEncoding
            | Self::BothLengths
            | Self::Chunk
            | Self::Truncated
            | Self::NotEncrypted
            | Self::NotHttpHere
            | Self::OnlyHttpHere
            | Self::Records => Status::BAD_REQUEST,
            Self::LineTooLong => Status::URI_TOO_LONG,
            Self::HeadTooLarge | Self::TooManyFields => Status::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::BodyTooLarge => Status::CONTENT_TOO_LARGE,
            Self::Expectation => Status::EXPECTATION_FAILED,
            Self::UnknownCoding | Self::Connect => Status::NOT_IMPLEMENTED,
            Self::Version => Status::HTTP_VERSION_NOT_SUPPORTED,
            Self::HeadTimeout | Self::BodyTimeout => Status::REQUEST_TIMEOUT,
            Self::Storage => Status::INSUFFICIENT_STORAGE,
        }
    }

    /// One sentence for the client and the log.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::BareLf => "a line does not end with CR LF",
            Self::EmptyLines => "more than one empty line before the request",
            Self::RequestLine => "this is not an HTTP/1.1 request",
            Self::Target => "the request target is not valid",
            Self::PercentEncoding => "the path is not percent-encoded correctly",
            Self::Version => "only HTTP/1.0 and HTTP/1.1 are spoken here",
            Self::LineTooLong => "the request line is too long",
            Self::HeadTooLarge => "the request head is too large",
            Self::TooManyFields => "the request has too many header fields",
            Self::Field => "a header field is not valid",
            Self::Underscore => "a header name contains an underscore",
            Self::MissingHost => "the Host header is missing",
            Self::RepeatedHost => "the Host header is repeated",
            Self::InvalidHost => "the Host header is not valid",
            Self::ContentLength => "the Content-Length is not a number of bytes",
            Self::RepeatedContentLength => "the Content-Length is repeated",
            Self::RepeatedContentType => "the Content-Type is repeated",
            Self::TransferEncoding => "the Transfer-Encoding is not valid",
            Self::UnknownCoding => "the transfer coding is not known",
            Self::BothLengths => "both Content-Length and Transfer-Encoding are given",
            Self::Expectation => "the expectation cannot be met",
            Self::Connect => "this server is not a proxy",
            Self::BodyTooLarge => "the request body is too large",
            Self::Chunk => "the chunked body is not valid",
            Self::Truncated => "the request body was cut short",
            Self::HeadTimeout => "the request head took too long",
            Self::BodyTimeout => "the request body came too slowly",
            Self::Storage => "the request body cannot be stored",
            Self::NotEncrypted => "this port speaks TLS: use https://",
            Self::NotHttpHere => "this port speaks uwsgi, SCGI or FastCGI to web servers, and no HTTP",
            Self::OnlyHttpHere => "this port speaks HTTP, and not uwsgi, SCGI or FastCGI: in nginx, proxy_pass",
            Self::Records => "the records of the request body are not valid",
        }
    }
}
