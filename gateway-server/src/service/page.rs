//! A small answer of the server's own.

use gateway_spec::{Body, Head, Header, Result, StartResponse, Status};

/// Answers with a status and a sentence about it.
pub(super) fn answer<'r>(
    status: Status,
    text: &'static str,
    start_response: &mut dyn StartResponse<'r>,
) -> Result<Body<'r>> {
    start_response.start(Head::new(status, &[Header::new("Content-Type", "text/plain")]))?;
    Ok(Body::from(text))
}
