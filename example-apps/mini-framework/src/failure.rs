//! What is answered instead.

use std::io;

use gateway_spec::{Error, Fault, Status};
use serde_json::json;

use crate::{Outcome, Request, Response};

/// Why a handler has no answer: a status with words for the client, or an error that
/// is the program's own business.
#[derive(Debug)]
pub enum Failure {
    /// The client's mistake: it is told.
    Refused(Status, String),
    /// The app's: it is logged, and the client gets a 500 without it.
    Broken(Error),
}

impl Failure {
    /// A status with words for the client.
    #[must_use]
    pub fn new(status: Status, text: impl Into<String>) -> Self {
        Self::Refused(status, text.into())
    }

    /// 400.
    #[must_use]
    pub fn bad_request(text: impl Into<String>) -> Self {
        Self::new(Status::BAD_REQUEST, text)
    }

    /// 404.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(Status::NOT_FOUND, "There is nothing at this address.")
    }

    /// 413.
    #[must_use]
    pub fn too_large(limit: u64) -> Self {
        Self::new(Status::CONTENT_TOO_LARGE, format!("This is more than {limit} bytes."))
    }

    /// Becomes a page. A request that broke off has nobody to show one to: the server
    /// hears of it.
    pub(crate) fn page(self, request: &Request<'_>) -> Result<Response, Error> {
        let (status, text) = match self {
            Self::Refused(status, text) => (status, text),
            Self::Broken(error) if error.fault() == Fault::Client => return Err(error),
            Self::Broken(error) => {
                request.environ().errors().error(format_args!("{error}"));
                (Status::INTERNAL_SERVER_ERROR, "Something went wrong here. It has been noted.".to_owned())
            }
        };
        let page = match draw(status, &text, request) {
            Ok(page) => page,
            // The page for errors has one of its own.
            Err(Self::Broken(error)) => return Err(error),
            Err(Self::Refused(_, text)) => Response::text(text),
        };
        Ok(page.with_status(status))
    }
}

fn draw(status: Status, text: &str, request: &Request<'_>) -> Outcome {
    if !request.has_template("error.html") {
        return Ok(Response::text(format!("{status}\n{text}\n")));
    }
    request.render("error.html", json!({ "status": status.code(), "reason": status.reason(), "text": text }))
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Broken(error)
    }
}

/// What is too long is 413 and what breaks a format 400, as `limited` and `multipart`
/// say it.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::FileTooLarge => Self::new(Status::CONTENT_TOO_LARGE, format!("{error}.")),
            io::ErrorKind::InvalidData => Self::bad_request(format!("{error}.")),
            _ => Self::Broken(error.into()),
        }
    }
}
