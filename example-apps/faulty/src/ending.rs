//! Faults that take the thread or the whole process.

use std::process;
use std::thread;
use std::time::Duration;

use gateway_spec::prelude::*;

use crate::{TEXT, counted};

/// Not `environ.sleep`, which the server could end.
pub(crate) fn hang<'r>(_: Environ<'r>, start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
    thread::sleep(Duration::from_secs(60));
    start_response.start(Head::new(Status::OK, TEXT))?;
    Ok(counted(Body::from("at last\n")))
}

pub(crate) fn exit<'r>(_: Environ<'r>, _: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
    process::exit(3)
}

pub(crate) fn abort<'r>(_: Environ<'r>, _: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
    process::abort()
}
