//! Panics, everywhere that a server calls an app.

use std::io::Read as _;
use std::panic::panic_any;

use gateway_spec::prelude::*;

use crate::{TEXT, counted};

pub(crate) fn in_call<'r>(_: Environ<'r>, _: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
    panic!("a panic in call")
}

pub(crate) fn with_body<'r>(mut environ: Environ<'r>, _: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
    let mut text = String::new();
    environ.input().read_to_string(&mut text)?;
    panic!("{text}")
}

pub(crate) fn after_start<'r>(_: Environ<'r>, start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
    start_response.start(Head::new(Status::OK, TEXT))?;
    panic!("a panic after start_response")
}

pub(crate) fn in_stream<'r>(_: Environ<'r>, start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
    start_response.start(Head::new(Status::OK, TEXT))?;
    Ok(counted(one_and_then(|| panic!("a panic in the stream"))))
}

pub(crate) fn first_in_stream<'r>(_: Environ<'r>, start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
    start_response.start(Head::new(Status::OK, TEXT))?;
    let chunks = std::iter::from_fn(|| -> Option<&str> { panic!("a panic before the first chunk") });
    Ok(counted(Body::chunks(chunks)))
}

pub(crate) fn in_close<'r>(_: Environ<'r>, start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
    start_response.start(Head::new(Status::OK, TEXT))?;
    Ok(counted(Body::from("fine\n")).on_close(|| panic!("a panic in close")))
}

pub(crate) fn payload<'r>(_: Environ<'r>, _: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
    panic_any(Bomb)
}

pub(crate) fn payload_in_stream<'r>(_: Environ<'r>, start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
    start_response.start(Head::new(Status::OK, TEXT))?;
    Ok(counted(one_and_then(|| panic_any(Bomb))))
}

/// A stream of the chunk `one` and whatever follows.
fn one_and_then<'r>(follows: impl FnMut() -> Option<&'r str> + Send + 'r) -> Body<'r> {
    Body::chunks(std::iter::once("one\n").chain(std::iter::from_fn(follows)))
}

/// A payload that goes off where the panic is thought to be over.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("a panic in the drop of a panic's payload")
    }
}
