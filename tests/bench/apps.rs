//! The apps that are measured, each as cheap as it can be, so that the figure
//! is the interface's. They are linked into the program and built as a module.

use gateway_spec::prelude::*;

const HEADERS: &[Header<'_>] = &[
    Header::from_static("Content-Type", "text/plain"),
    Header::from_static("Cache-Control", "no-cache"),
    Header::from_static("Vary", "Accept-Encoding"),
];
const TEXT: &[Header<'_>] = &[Header::from_static("Content-Type", "text/plain")];

/// Nothing at all, not even `start_response`: what the wall itself costs.
pub(crate) fn empty<'r>(_: Environ<'r>, _: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
    Ok(Body::empty())
}

/// Three headers and a body that is static.
pub(crate) fn fixed<'r>(_: Environ<'r>, start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
    start_response.start(Head::new(Status::OK, HEADERS))?;
    Ok(Body::from("Hello, World!\n"))
}

/// Three headers and a body in a `Vec`.
pub(crate) fn owned<'r>(_: Environ<'r>, start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
    start_response.start(Head::new(Status::OK, HEADERS))?;
    Ok(Body::from(b"Hello, World!\n".to_vec()))
}

/// Three headers and a stream of four chunks.
pub(crate) fn stream<'r>(_: Environ<'r>, start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
    start_response.start(Head::new(Status::OK, HEADERS))?;
    Ok(Body::chunks(["Hello", ", ", "World", "!\n"]))
}

/// As the example of this name.
pub(crate) fn hello<'r>(_: Environ<'r>, start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
    start_response.start(Head::new(Status::OK, TEXT))?;
    Ok(Body::from("Hello, World!\n"))
}
