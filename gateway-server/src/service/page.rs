//! A small answer of the server's own.

use gateway_spec::{App, AppFlags, Body, Environ, Head, Header, Result, StartResponse, Status};

/// An app that answers everything alike: a status, and a sentence for people.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    status: Status,
    text: &'static str,
}

impl Page {
    /// Where no app is.
    pub const NOTHING: Self = Self { status: Status::NOT_FOUND, text: "There is nothing here.\n" };
    /// Where an app cannot be.
    pub const BROKEN: Self =
        Self { status: Status::INTERNAL_SERVER_ERROR, text: "What belongs here cannot be served.\n" };
}

impl App for Page {
    fn call<'r>(&'r self, _: Environ<'r>, start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
        start_response.start(Head::new(self.status, &[Header::from_static("Content-Type", "text/plain")]))?;
        Ok(Body::from(self.text))
    }

    /// It keeps nobody who stands beside it from anything.
    fn flags(&self) -> AppFlags {
        AppFlags::CONCURRENT.with(AppFlags::STREAMS_INPUT)
    }
}
