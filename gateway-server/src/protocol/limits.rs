//! How much a client may send.

/// Limits of a request. Each has a status of its own when it is passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the request line: 414 beyond.
    pub line: usize,
    /// Bytes of the whole head: 431 beyond.
    pub head: usize,
    /// Number of header fields: 431 beyond; at most [`Limits::MOST_FIELDS`].
    pub fields: usize,
    /// Bytes of the body: 413 beyond.
    pub body: u64,
    /// Bytes of a body that has to be kept until it is complete: 413 beyond.
    pub spool: u64,
    /// Names with an underscore.
    pub underscore: UnderscoreHeaders,
}

impl Limits {
    /// The number of fields that there is room for at all.
    pub const MOST_FIELDS: usize = 256;
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            line: 8 * 1024,
            head: 32 * 1024,
            fields: 100,
            body: 1 << 30,
            spool: 1 << 30,
            underscore: UnderscoreHeaders::Drop,
        }
    }
}

/// What becomes of a header whose name has an underscore. CGI cannot tell
/// `X_Real_IP` from `X-Real-IP`, so a client could forge what a proxy sets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UnderscoreHeaders {
    /// The header is left out.
    #[default]
    Drop,
    /// The request is answered with 400.
    Refuse,
    /// The header shows in the header list, never as `HTTP_…`.
    Allow,
}
