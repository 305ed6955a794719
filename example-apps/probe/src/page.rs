//! A page with an image, by which a browser shows that it asks for both over
//! one connection.

use gateway_spec::prelude::*;

use crate::{bad_request, query, text};

const HTML: &[Header<'_>] = &[Header::from_static("Content-Type", "text/html; charset=utf-8"), NO_STORE];
const PNG: &[Header<'_>] = &[Header::from_static("Content-Type", "image/png"), NO_STORE];
/// A picture from a cache would prove nothing.
const NO_STORE: Header<'_> = Header::from_static("Cache-Control", "no-store");

static IMAGE: &[u8] = include_bytes!("gate.png");

/// `/page`: tells the port that the client has at its end of the connection,
/// and shows an image that there is on a connection from this port only.
pub(crate) fn page<'r>(environ: Environ<'r>, start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
    // The script first: an image that is there before it would call nobody.
    let port = environ.remote_port().unwrap_or_default();
    let page = format!(
        "<!doctype html>\n<title>probe</title>\n<p>port <b>{port}</b>: <i id=\"connections\">unknown</i>\n\
         <script>function tell(text) {{ document.getElementById('connections').textContent = text }}</script>\n\
         <p><img src=\"/image.png?port={port}\" onload=\"tell('one connection')\" onerror=\"tell('two connections')\">\n"
    );
    start_response.start(Head::new(Status::OK, HTML))?;
    Ok(Body::from(page))
}

/// `/image.png?port=N`: 200 and an image to a client at this port, 409 to others.
pub(crate) fn image<'r>(environ: Environ<'r>, start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
    let asked = match query::number(&environ, "port", 0, 1..=65_535) {
        Ok(asked) => asked,
        Err(why) => return bad_request(why, start_response),
    };
    if environ.remote_port().map(u64::from) != Some(asked) {
        return text(Status::CONFLICT, "this is another connection\n", start_response);
    }
    start_response.start(Head::new(Status::OK, PNG))?;
    Ok(Body::from(IMAGE))
}
