//! Errors that an app returns, before and after its head is out.

use gateway_spec::prelude::*;

use crate::{TEXT, counted};

pub(crate) fn before_start<'r>(_: Environ<'r>, _: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
    Err(Error::app("an error before start_response"))
}

pub(crate) fn after_start<'r>(_: Environ<'r>, start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
    start_response.start(Head::new(Status::OK, TEXT))?;
    Err(Error::app("an error after start_response"))
}

pub(crate) fn first_in_stream<'r>(_: Environ<'r>, start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
    start_response.start(Head::new(Status::OK, TEXT))?;
    Ok(counted(Body::try_chunks([Err::<&str, _>(Error::app("an error before the first chunk"))])))
}

pub(crate) fn in_stream<'r>(_: Environ<'r>, start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
    start_response.start(Head::new(Status::OK, TEXT))?;
    Ok(counted(Body::try_chunks([Ok("one\n"), Err(Error::app("an error in the stream"))])))
}
