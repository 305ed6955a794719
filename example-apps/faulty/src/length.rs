//! Bodies that are not as long as their Content-Length says, or have no end.

use gateway_spec::Writer;
use gateway_spec::prelude::*;

use crate::{TEXT, counted};

pub(crate) fn short_bytes<'r>(_: Environ<'r>, start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
    declare("10", start_response)?;
    Ok(counted(Body::from("0123")))
}

pub(crate) fn short_stream<'r>(_: Environ<'r>, start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
    declare("10", start_response)?;
    Ok(counted(Body::chunks(["01", "23"])))
}

pub(crate) fn short_write<'r>(_: Environ<'r>, start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
    declare("10", start_response)?.send(b"0123")?;
    Ok(counted(Body::empty()))
}

pub(crate) fn long_bytes<'r>(_: Environ<'r>, start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
    declare("4", start_response)?;
    Ok(counted(Body::from("0123456789")))
}

pub(crate) fn long_stream<'r>(_: Environ<'r>, start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
    declare("4", start_response)?;
    Ok(counted(Body::chunks(["012", "3456789"])))
}

pub(crate) fn long_write<'r>(_: Environ<'r>, start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
    let mut writer = declare("4", start_response)?;
    writer.send(b"012")?;
    writer.send(b"3456789")?;
    Ok(counted(Body::empty()))
}

pub(crate) fn endless<'r>(_: Environ<'r>, start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
    start_response.start(Head::new(Status::OK, TEXT))?;
    Ok(counted(Body::chunks(std::iter::repeat([b'x'; 16 * 1024]))))
}

fn declare<'r>(length: &str, start_response: &mut dyn StartResponse<'r>) -> Result<Writer<'r>> {
    let headers = [Header::new("Content-Type", "text/plain"), Header::new("Content-Length", length)];
    start_response.start(Head::new(Status::OK, &headers))
}
