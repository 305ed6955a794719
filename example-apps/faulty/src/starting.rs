//! Wrong uses of `start_response`, and apps that cannot be created.

use gateway_spec::prelude::*;

use crate::{TEXT, counted};

pub(crate) fn never<'r>(_: Environ<'r>, _: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
    Ok(counted(Body::from("never seen\n")))
}

pub(crate) fn twice<'r>(_: Environ<'r>, start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
    start_response.start(Head::new(Status::OK, TEXT))?;
    start_response.start(Head::new(Status::OK, TEXT))?;
    Ok(counted(Body::from("never seen\n")))
}

pub(crate) fn twice_with_error<'r>(_: Environ<'r>, start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
    start_response.start(Head::new(Status::OK, TEXT))?;
    let error = Error::app("the first answer was wrong");
    start_response.start(Head::new(Status::SERVICE_UNAVAILABLE, TEXT).replacing(&error))?;
    Ok(counted(Body::from("replaced\n")))
}

pub(crate) fn too_late<'r>(_: Environ<'r>, start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
    start_response.start(Head::new(Status::OK, TEXT))?.send(b"one\n")?;
    let error = Error::app("the first answer was wrong");
    start_response.start(Head::new(Status::SERVICE_UNAVAILABLE, TEXT).replacing(&error))?;
    Ok(counted(Body::from("never seen\n")))
}

pub(crate) fn crlf<'r>(_: Environ<'r>, start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
    with_header(Header::new("X-Out", "a\r\nSet-Cookie: b"), start_response)
}

pub(crate) fn hop_by_hop<'r>(_: Environ<'r>, start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
    with_header(Header::new("Connection", "close"), start_response)
}

pub(crate) fn name<'r>(_: Environ<'r>, start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
    with_header(Header::new("X Out", "a"), start_response)
}

fn with_header<'r>(header: Header<'_>, start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
    start_response.start(Head::new(Status::OK, &[header]))?;
    Ok(counted(Body::from("never seen\n")))
}

/// `Status` has no such value; an app in C would be refused by the server.
pub(crate) fn status_99<'r>(_: Environ<'r>, start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
    start_response.start(Head::new(Status::new(99)?, TEXT))?;
    Ok(counted(Body::from("never seen\n")))
}

pub(crate) fn create_fails(_: &Config<'_>) -> Result<crate::Function> {
    Err(Error::app("the database is away"))
}

pub(crate) fn create_panics(_: &Config<'_>) -> Result<crate::Function> {
    panic!("a panic in create")
}
