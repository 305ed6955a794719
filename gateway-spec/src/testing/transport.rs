//! The server's side of a test request, in memory.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::abi::host::{Host, Transport};
use crate::error::{Error, Result};
use crate::log::Level;
use crate::start_response::{Head, ResponseState};
use crate::status::Status;

/// A line that the app wrote to `gateway.errors`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// How much it matters.
    pub level: Level,
    /// Which part of the app speaks.
    pub target: String,
    /// The text.
    pub message: String,
}

/// Collects the log lines of one request.
#[derive(Clone, Debug, Default)]
pub(super) struct Log(Arc<Mutex<Vec<LogLine>>>);

impl Log {
    /// A host whose log this is.
    pub(super) fn host(&self, flags: u32) -> Arc<Host> {
        let lines = self.clone();
        Host::new("gateway-testing", env!("CARGO_PKG_VERSION"), flags, move |level, target, message| {
            let line = LogLine { level, target: target.to_owned(), message: message.to_owned() };
            lines.0.lock().unwrap_or_else(PoisonError::into_inner).push(line);
        })
    }

    pub(super) fn lines(&self) -> Vec<LogLine> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A response head, copied.
#[derive(Clone, Debug, Default)]
pub(super) struct OwnedHead {
    pub(super) status: Option<Status>,
    pub(super) reason: Option<String>,
    pub(super) headers: Vec<(Vec<u8>, Vec<u8>)>,
}

/// The request body from a buffer, the response into another.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// What `read` gives, after the preread bytes.
    pub(super) input: Vec<u8>,
    pub(super) position: usize,
    /// Whether the input ends before the body does.
    pub(super) truncated: bool,
    /// The most that one `read` gives; 0 for no limit.
    pub(super) piece: usize,
    pub(super) gone: bool,
    pub(super) state: ResponseState,
    pub(super) head: OwnedHead,
    pub(super) body: Vec<u8>,
}

impl Transport for Memory {
    fn start(&mut self, head: Head<'_>) -> Result<()> {
        head.check()?;
        self.state.start(head.error.is_some())?;
        self.head = OwnedHead {
            status: Some(head.status),
            reason: head.reason.map(str::to_owned),
            headers: head.headers.iter().map(|header| (header.name().to_vec(), header.value().to_vec())).collect(),
        };
        Ok(())
    }

    fn read(&mut self, buf: &mut [u8]) -> Result<usize> {
        if self.gone {
            return Err(Error::Gone);
        }
        let left = &self.input[self.position..];
        if left.is_empty() && self.truncated {
            return Err(Error::truncated());
        }
        let most = if self.piece == 0 { buf.len() } else { buf.len().min(self.piece) };
        let count = left.len().min(most);
        buf[..count].copy_from_slice(&left[..count]);
        self.position += count;
        Ok(count)
    }

    fn write(&mut self, bytes: &[u8], flush: bool) -> Result<()> {
        if self.gone {
            return Err(Error::Gone);
        }
        if self.state == ResponseState::Idle {
            return Err(Error::State("start_response was not called".into()));
        }
        if !bytes.is_empty() || flush {
            self.state.commit()?;
        }
        self.body.extend_from_slice(bytes);
        Ok(())
    }

    fn sleep(&mut self, _: Duration) -> Result<()> {
        if self.gone { Err(Error::Gone) } else { Ok(()) }
    }

    fn state(&mut self) -> (bool, Option<Duration>) {
        (self.gone, None)
    }
}
