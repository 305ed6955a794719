//! The request body: what has arrived, then what the engine brings.

use std::io::{self, IoSlice, Read as _};

use gateway_spec::{Error, ResponseState, Result};

use super::{CONTINUE, Wire, no_port};
use crate::protocol::Refusal;

/// How much of a chunked body is read from the client at once.
const LIVE: usize = 16 * 1024;

impl Wire {
    /// Reads body bytes; 0 at the end of the body.
    pub(super) fn read_body(&mut self, buf: &mut [u8]) -> Result<usize> {
        if let Some(refusal) = self.input_failure {
            return Err(input_error(refusal));
        }
        if let Some(spool) = &mut self.spool {
            return spool.read(buf).map_err(Error::Io);
        }
        loop {
            match self.take(buf) {
                Ok(0) if self.decoder.is_done() => return Ok(0),
                Ok(0) => match self.fetch(buf)? {
                    0 => {}
                    count => return Ok(count),
                },
                Ok(count) => return Ok(count),
                Err(refusal) => return Err(self.fail_input(refusal)),
            }
        }
    }

    /// Takes body bytes that have arrived; answers how many, and 0 when more
    /// have to come, or none does.
    pub(in crate::exchange) fn take(&mut self, buf: &mut [u8]) -> Result<usize, Refusal> {
        loop {
            let live = &self.live[self.live_start..self.live_end];
            let from_live = self.buffer.bytes().is_empty();
            let raw = if from_live { live } else { self.buffer.bytes() };
            let raw = &raw[..raw.len().min(buf.len())];
            if raw.is_empty() || self.decoder.is_done() {
                return Ok(0);
            }
            let step = self.decoder.decode(raw)?;
            let count = step.data.len();
            buf[..count].copy_from_slice(&raw[step.data]);
            if from_live {
                self.live_start += step.consumed;
            } else {
                self.buffer.consume(step.consumed);
            }
            if count > 0 {
                return Ok(count);
            }
        }
    }

    /// Reads body bytes that have not arrived yet.
    fn fetch(&mut self, buf: &mut [u8]) -> Result<usize> {
        self.flush()?;
        if std::mem::take(&mut self.expects_100) && self.state != ResponseState::Committed {
            self.send_100()?;
        }
        if let Some(left) = self.decoder.plain() {
            let most = usize::try_from(left).unwrap_or(usize::MAX).min(buf.len());
            let count = self.fill(FillInto::App(&mut buf[..most]))?;
            self.decoder.skip(count as u64);
            return Ok(count);
        }
        self.fill(FillInto::Live)?;
        match self.take(buf) {
            Ok(count) => Ok(count),
            Err(refusal) => Err(self.fail_input(refusal)),
        }
    }

    fn fill(&mut self, into: FillInto<'_>) -> Result<usize> {
        // No more than the body is read here: what lies behind it is not known.
        self.terms.last = false;
        let port = self.port.get().ok_or_else(no_port)?;
        let filled = match into {
            FillInto::App(buf) => port.fill(buf),
            FillInto::Live => {
                // Zeroed once for a request, not at each read.
                self.live.resize(LIVE, 0);
                let filled = port.fill(&mut self.live);
                (self.live_start, self.live_end) = (0, *filled.as_ref().unwrap_or(&0));
                filled
            }
        };
        match filled {
            Ok(0) => Err(self.fail_input(Refusal::Truncated)),
            Ok(count) => Ok(count),
            Err(error) if error.kind() == io::ErrorKind::TimedOut => Err(self.fail_input(Refusal::BodyTimeout)),
            Err(_) => Err(self.left()),
        }
    }

    fn fail_input(&mut self, refusal: Refusal) -> Error {
        self.input_failure = Some(refusal);
        input_error(refusal)
    }

    /// The interim response goes before a head that is set but not committed.
    fn send_100(&mut self) -> Result<()> {
        let mut left = CONTINUE;
        while !left.is_empty() {
            let count = self.port.get().ok_or_else(no_port)?.send(&[IoSlice::new(left)]).map_err(|_| self.left())?;
            left = &left[count..];
        }
        Ok(())
    }
}

/// Where bytes from the client go.
enum FillInto<'a> {
    App(&'a mut [u8]),
    Live,
}

fn input_error(refusal: Refusal) -> Error {
    match refusal {
        Refusal::Truncated => Error::truncated(),
        Refusal::BodyTimeout => Error::Io(io::Error::new(io::ErrorKind::TimedOut, refusal.text())),
        _ => Error::Io(io::Error::new(io::ErrorKind::InvalidData, refusal.text())),
    }
}
