//! The protocols by which web servers pass requests on that they have read
//! themselves: uwsgi, SCGI and FastCGI. What they say are the variables of CGI/1.1
//! (RFC 3875); they differ in how these are wrapped.

mod fastcgi;
mod known;
mod scgi;
#[cfg(test)]
mod tests;
mod understood;
mod uwsgi;
mod variables;

pub use fastcgi::{Records, STDERR, STDOUT, begin_record, end_request, push_records};
pub use understood::Understood;
pub use variables::Variables;

/// Which of them is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Front {
    /// uwsgi, of the server uWSGI: <https://uwsgi-docs.readthedocs.io/en/latest/Protocol.html>.
    Uwsgi,
    /// SCGI: <https://python.ca/scgi/protocol.txt>.
    Scgi,
    /// FastCGI 1.0: <https://fastcgi-archives.github.io/FastCGI_Specification.html>.
    FastCgi,
}

/// What the bytes that have come begin with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// Something that is not there as a whole.
    Partial,
    /// A request, whose body follows; and bytes to be sent before it is answered.
    Request(Envelope, Vec<u8>),
    /// So many bytes that are no request, and are answered by themselves.
    Answer {
        /// How many.
        size: usize,
        /// The answer.
        bytes: Vec<u8>,
        /// Whether the connection is over then.
        close: bool,
    },
}

/// What a request is wrapped in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Envelope {
    /// Bytes before its body.
    pub size: usize,
    /// FastCGI: the request's number.
    pub id: u16,
    /// FastCGI: whether the connection stays.
    pub keep_alive: bool,
}

/// Why what came is nothing of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// It breaks the rules of the protocol; a sentence about how.
    Malformed(&'static str),
    /// It is more than a head may be.
    TooLarge,
    /// It is HTTP.
    Http,
}

impl Broken {
    /// One sentence for the log.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Malformed(text) => text,
            Self::TooLarge => "the variables of a request are too large",
            Self::Http => "an HTTP request came",
        }
    }
}

impl Front {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Uwsgi => "uwsgi",
            Self::Scgi => "scgi",
            Self::FastCgi => "fastcgi",
        }
    }

    /// Reads what `bytes` begin with; the variables of a request go to `variables`. At
    /// most `most` bytes may come before a body.
    ///
    /// # Errors
    /// [`Broken`]
    pub fn read(self, bytes: &[u8], most: usize, variables: &mut Variables) -> Result<Found, Broken> {
        variables.clear();
        if is_http(bytes) {
            return Err(Broken::Http);
        }
        // Who types a request line by hand, or sends it in small pieces, is answered too.
        if bytes.len() <= UNDECIDED && bytes.iter().all(u8::is_ascii_uppercase) {
            return Ok(Found::Partial);
        }
        match self {
            Self::Uwsgi => uwsgi::read(bytes, most, variables),
            Self::Scgi => scgi::read(bytes, most, variables),
            Self::FastCgi => fastcgi::read(bytes, most, variables),
        }
    }

    /// The one that bytes begin with which came where HTTP is spoken, and are none. By as
    /// few of them as no request begins with, so that the pieces do not matter in which
    /// they come.
    #[must_use]
    pub fn guess(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0, ..] => Some(Self::Uwsgi),
            [1, ..] => Some(Self::FastCgi),
            _ if scgi::is_one(bytes) => Some(Self::Scgi),
            _ => None,
        }
    }
}

/// How many capitals say nothing yet: those of HEAD, which is answered without a body.
const UNDECIDED: usize = 4;

/// Whether this is the beginning of a request line: none of the others begins with
/// five capitals, or with three or four and a space.
fn is_http(bytes: &[u8]) -> bool {
    let letters = bytes.iter().take_while(|byte| byte.is_ascii_uppercase()).count();
    letters > UNDECIDED || letters >= 3 && bytes.get(letters) == Some(&b' ')
}
