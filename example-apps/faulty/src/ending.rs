//! Faults that take the thread or the whole process.

use std::hint::black_box;
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

pub(crate) fn overflow<'r>(_: Environ<'r>, _: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
    Err(Error::app(format!("{} calls deep, and still no overflow", deeper(0))))
}

/// The frame holds a page, so that none is jumped over: below a stack lies a
/// guard page that has to be hit.
fn deeper(depth: u64) -> u64 {
    let frame = black_box([depth; 256]);
    let reached = if depth < u64::MAX { deeper(depth + 1) } else { depth };
    // Something is left to do, or the compiler could make a loop of it.
    reached.max(black_box(frame)[0])
}
