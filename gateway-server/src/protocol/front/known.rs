//! The variables that this server reads itself (RFC 3875, section 4.1).

/// See the module's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    Method,
    ScriptName,
    Path,
    Query,
    Target,
    Document,
    Protocol,
    Length,
    Type,
    Https,
    Scheme,
    Address,
    Port,
    Scgi,
}

/// How many there are.
pub(super) const COUNT: usize = Known::Scgi as usize + 1;

impl Known {
    /// Whether a request that says it twice is refused, so that a pair without a value
    /// says nothing. Of others the last one counts.
    pub(super) fn is_said_once(self) -> bool {
        matches!(self, Self::Length | Self::Type)
    }

    /// The one of that name.
    pub(super) fn of(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"REQUEST_METHOD" => Self::Method,
            b"SCRIPT_NAME" => Self::ScriptName,
            b"PATH_INFO" => Self::Path,
            b"QUERY_STRING" => Self::Query,
            b"REQUEST_URI" => Self::Target,
            // nginx's: the path of the request, decoded.
            b"DOCUMENT_URI" => Self::Document,
            b"SERVER_PROTOCOL" => Self::Protocol,
            b"CONTENT_LENGTH" => Self::Length,
            b"CONTENT_TYPE" => Self::Type,
            b"HTTPS" => Self::Https,
            b"REQUEST_SCHEME" => Self::Scheme,
            b"REMOTE_ADDR" => Self::Address,
            b"REMOTE_PORT" => Self::Port,
            b"SCGI" => Self::Scgi,
            _ => return None,
        })
    }
}
