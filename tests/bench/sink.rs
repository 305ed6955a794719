//! A server's side of a request that goes nowhere: it checks and serialises a
//! head as the server does, into memory that is used again.

use std::time::Duration;

use gateway_server::protocol::http1::response;
use gateway_spec::abi::host::Transport;
use gateway_spec::{Head, ResponseState, Result};

/// See the module's text.
#[derive(Debug, Default)]
pub(crate) struct Sink {
    state: ResponseState,
    pub(crate) out: Vec<u8>,
}

impl Sink {
    /// Ready for the next response.
    pub(crate) fn reset(&mut self) {
        self.state = ResponseState::Idle;
        self.out.clear();
    }
}

impl Transport for Sink {
    fn start(&mut self, head: Head<'_>) -> Result<()> {
        head.check()?;
        self.state.start(head.error.is_some())?;
        response::begin(&mut self.out, &head);
        Ok(())
    }

    fn read(&mut self, _: &mut [u8]) -> Result<usize> {
        Ok(0)
    }

    fn write(&mut self, bytes: &[u8], _: bool) -> Result<()> {
        self.out.extend_from_slice(bytes);
        Ok(())
    }

    fn sleep(&mut self, _: Duration) -> Result<()> {
        Ok(())
    }

    fn state(&mut self) -> (bool, Option<Duration>) {
        (false, None)
    }
}
