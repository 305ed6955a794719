//! The answer of a handler.

use std::fs::File;

use cookie::Cookie;
use gateway_spec::prelude::*;
use serde::Serialize;

use crate::Failure;

/// An answer: status, headers, body. The body is the interface's own, so files and
/// streams stay as cheap as they are.
#[derive(Debug)]
pub struct Response {
    status: Status,
    headers: Vec<(&'static str, String)>,
    body: Body<'static>,
}

impl Response {
    /// A status without a body.
    #[must_use]
    pub const fn new(status: Status) -> Self {
        Self { status, headers: Vec::new(), body: Body::empty() }
    }

    /// 200 and a body of any kind.
    #[must_use]
    pub fn body(media_type: &str, body: impl Into<Body<'static>>) -> Self {
        let mut response = Self::new(Status::OK).with_header("Content-Type", media_type);
        response.body = body.into();
        response
    }

    /// 200 and a text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::body("text/plain; charset=utf-8", text.into())
    }

    /// 200 and a page.
    #[must_use]
    pub fn html(page: impl Into<String>) -> Self {
        Self::body("text/html; charset=utf-8", page.into())
    }

    /// 200 and JSON.
    ///
    /// # Errors
    /// 500 for what JSON cannot say.
    pub fn json(value: &impl Serialize) -> Result<Self, Failure> {
        Ok(Self::body("application/json", serde_json::to_vec(value).map_err(Error::app)?))
    }

    /// 200 and a file, which the server sends.
    ///
    /// # Errors
    /// 500 where the file cannot be asked for its length.
    pub fn file(media_type: &str, file: File) -> Result<Self, Failure> {
        Ok(Self::body(media_type, Body::file(file)?))
    }

    /// 303: what was asked for by POST is done, see there. A reload of that page does
    /// it no second time.
    #[must_use]
    pub fn see_other(location: &str) -> Self {
        Self::new(Status::SEE_OTHER).with_header("Location", location)
    }

    /// The same with another status.
    #[must_use]
    pub const fn with_status(mut self, status: Status) -> Self {
        self.status = status;
        self
    }

    /// The same with one more header.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The same with a cookie. Its value may be any text: it goes out percent-encoded, and
    /// [`Request::cookie`](crate::Request::cookie) decodes it.
    #[must_use]
    pub fn with_cookie(self, cookie: &Cookie<'_>) -> Self {
        self.with_header("Set-Cookie", cookie.encoded().to_string())
    }

    /// The status.
    #[must_use]
    pub const fn status(&self) -> Status {
        self.status
    }

    pub(crate) fn send<'r>(self, start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
        let headers: Vec<_> = self.headers.iter().map(|(name, value)| Header::new(name, value)).collect();
        start_response.start(Head::new(self.status, &headers))?;
        Ok(self.body)
    }
}
