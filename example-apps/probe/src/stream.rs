//! Answers of a length that the server does not know.

use std::io::Read as _;

use gateway_spec::prelude::*;
use gateway_spec::{Chunk, Source};

use crate::{TEXT, bad_request, query};

/// The most that one read of the input asks for.
const BUFFER: usize = 16 * 1024;

/// `/chunked-echo`: one read of the input is one chunk of the output.
pub(crate) fn echo<'r>(environ: Environ<'r>, start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
    start_response.start(Head::new(Status::OK, TEXT))?;
    Ok(Body::source(Echo { environ, buffer: vec![0; BUFFER] }))
}

/// Owns the environ, and so reaches the input after the call has returned.
struct Echo<'r> {
    environ: Environ<'r>,
    buffer: Vec<u8>,
}

impl Source for Echo<'_> {
    fn next(&mut self) -> Result<Option<Chunk<'_>>> {
        let count = self.environ.input().read(&mut self.buffer)?;
        // Flushed, for the client that waits for an answer before it goes on.
        Ok((count > 0).then(|| Chunk { bytes: &self.buffer[..count], flush: true, last: false }))
    }
}

/// `/stream`: `n` chunks of `size` bytes, the first all `a`, the second all
/// `b`, so that a lost or doubled one shows.
pub(crate) fn chunks<'r>(environ: Environ<'r>, start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
    let n = query::number(&environ, "n", 10, 0..=1_000_000);
    let size = query::number(&environ, "size", 10, 1..=16 * 1024 * 1024);
    let (n, size) = match (n, size) {
        (Ok(n), Ok(size)) => (n, size as usize),
        (Err(why), _) | (_, Err(why)) => return bad_request(why, start_response),
    };
    start_response.start(Head::new(Status::OK, TEXT))?;
    Ok(Body::chunks((0..n).map(move |at| vec![b'a' + (at % 26) as u8; size])))
}
