//! `gateway.input`: the request body as a reader that always ends.

use std::fmt;
use std::io::{self, BufRead, Read};

use crate::abi::view::RequestRef;

/// How much is asked for at once when lines are read.
const BUFFER: usize = 16 * 1024;

/// The request body (PEP 3333, "Input and Error Streams").
///
/// It ends where the body ends, also for a chunked one, so reading to the end
/// is always right. A body that the client cut short is an error, never a
/// short read. It is buffered: [`BufRead::lines`] and friends work on it, and
/// bytes buffered for one call are there for the next.
///
/// ```
/// use std::io::{BufRead, Read};
/// use gateway_spec::prelude::*;
///
/// fn app<'r>(mut environ: Environ<'r>, start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
///     let mut first = String::new();
///     environ.input().read_line(&mut first)?;
///     let mut rest = Vec::new();
///     environ.input().read_to_end(&mut rest)?;
///     start_response.start(Head::new(Status::OK, &[]))?;
///     Ok(Body::from(format!("{} {}", first.trim_end(), rest.len())))
/// }
///
/// let client = gateway_spec::testing::TestClient::new(app_fn(app));
/// assert_eq!(client.post("/").body("one\ntwo").send().text(), "one 3");
/// ```
pub struct Input<'a, 'r> {
    request: RequestRef<'r>,
    state: &'a mut InputState<'r>,
}

/// Where reading stands; kept in the environ, so that it moves along with it.
pub(crate) struct InputState<'r> {
    /// Bytes of the request's `preread` that were consumed.
    position: usize,
    rest: Option<Box<Rest<'r>>>,
}

/// What only a body beyond `preread` needs.
struct Rest<'r> {
    buffer: Vec<u8>,
    start: usize,
    source: Option<Box<dyn Read + Send + 'r>>,
}

impl<'r> InputState<'r> {
    pub(crate) const fn new() -> Self {
        Self { position: 0, rest: None }
    }

    pub(crate) fn replaced(source: Box<dyn Read + Send + 'r>) -> Self {
        let rest = Rest { buffer: Vec::new(), start: 0, source: Some(source) };
        Self { position: 0, rest: Some(Box::new(rest)) }
    }

    pub(crate) fn is_replaced(&self) -> bool {
        self.rest.as_ref().is_some_and(|rest| rest.source.is_some())
    }

    pub(crate) const fn is_untouched(&self) -> bool {
        self.position == 0 && self.rest.is_none()
    }
}

impl<'a, 'r> Input<'a, 'r> {
    pub(crate) const fn new(request: RequestRef<'r>, state: &'a mut InputState<'r>) -> Self {
        Self { request, state }
    }

    fn replaced(&self) -> bool {
        self.state.is_replaced()
    }

    /// The bytes at hand: what is left of `preread`, then of the buffer.
    fn at_hand(&self) -> &[u8] {
        if !self.replaced() {
            let preread = &self.request.preread()[self.state.position..];
            if !preread.is_empty() {
                return preread;
            }
        }
        self.state.rest.as_ref().map_or(&[], |rest| &rest.buffer[rest.start..])
    }

    /// Reads what is not at hand yet.
    fn pull(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self.state.rest.as_mut().and_then(|rest| rest.source.as_mut()) {
            Some(source) => source.read(buf),
            None if self.request.body_complete() => Ok(0),
            None => Ok(self.request.read(buf)?),
        }
    }
}

impl Read for Input<'_, '_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let at_hand = self.at_hand();
        if at_hand.is_empty() {
            return self.pull(buf);
        }
        let count = at_hand.len().min(buf.len());
        buf[..count].copy_from_slice(&at_hand[..count]);
        self.consume(count);
        Ok(count)
    }

    /// What is at hand, which is all of a small body, goes over in one piece and
    /// into room for just that. The standard library would read it in pieces of
    /// doubling size, into memory that it has zeroed.
    fn read_to_end(&mut self, buf: &mut Vec<u8>) -> io::Result<usize> {
        let before = buf.len();
        while !self.at_hand().is_empty() {
            let at_hand = self.at_hand();
            buf.extend_from_slice(at_hand);
            let count = at_hand.len();
            self.consume(count);
        }
        Beyond(self).read_to_end(buf)?;
        Ok(buf.len() - before)
    }
}

/// What is not at hand.
struct Beyond<'b, 'a, 'r>(&'b mut Input<'a, 'r>);

impl Read for Beyond<'_, '_, '_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.pull(buf)
    }
}

impl BufRead for Input<'_, '_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.at_hand().is_empty() {
            let mut buffer = match &mut self.state.rest {
                Some(rest) => std::mem::take(&mut rest.buffer),
                None => Vec::new(),
            };
            buffer.resize(BUFFER, 0);
            let count = self.pull(&mut buffer);
            buffer.truncate(*count.as_ref().unwrap_or(&0));
            let empty = || Box::new(Rest { buffer: Vec::new(), start: 0, source: None });
            let rest = self.state.rest.get_or_insert_with(empty);
            rest.buffer = buffer;
            rest.start = 0;
            count?;
        }
        Ok(self.at_hand())
    }

    fn consume(&mut self, count: usize) {
        let preread = if self.replaced() { 0 } else { self.request.preread().len() - self.state.position };
        if preread > 0 {
            self.state.position += count.min(preread);
        } else if let Some(rest) = &mut self.state.rest {
            rest.start = (rest.start + count).min(rest.buffer.len());
        }
    }
}

/// `gateway.input`, taken out of its environ to be wrapped: a reader that ends
/// where the body ends.
pub struct OwnedInput<'r> {
    request: RequestRef<'r>,
    state: InputState<'r>,
    length: Option<u64>,
}

impl<'r> OwnedInput<'r> {
    pub(crate) const fn new(request: RequestRef<'r>, state: InputState<'r>, length: Option<u64>) -> Self {
        Self { request, state, length }
    }

    /// The bytes that are still to come, where known: of an input that was read
    /// or replaced before, nothing is.
    pub(crate) fn length(&self) -> Option<u64> {
        self.length.filter(|_| self.state.is_untouched())
    }
}

impl Read for OwnedInput<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        Input::new(self.request, &mut self.state).read(buf)
    }

    fn read_to_end(&mut self, buf: &mut Vec<u8>) -> io::Result<usize> {
        Input::new(self.request, &mut self.state).read_to_end(buf)
    }
}

impl fmt::Debug for OwnedInput<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OwnedInput({:?})", self.request)
    }
}

impl fmt::Debug for Input<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Input({:?}, {} bytes at hand)", self.request, self.at_hand().len())
    }
}
