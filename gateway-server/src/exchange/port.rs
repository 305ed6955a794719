//! How a running app reaches its engine.

use std::io::{self, IoSlice};
use std::time::{Duration, Instant};

/// A moment, as the engine read it: time is an argument here.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// For deadlines.
    pub instant: Instant,
    /// For the Date header (RFC 9110, section 5.6.7).
    pub date: [u8; 29],
}

/// What an engine does for a request while its app runs. Each function
/// blocks, suspends or refuses, as the engine can.
pub trait Port {
    /// Reads bytes from the client, at least one; 0 when it has closed its
    /// sending side.
    ///
    /// # Errors
    /// `TimedOut` when the body comes too slowly; any other means that the
    /// client is gone.
    fn fill(&mut self, buf: &mut [u8]) -> io::Result<usize>;

    /// Writes some of the bytes to the client, at least one.
    ///
    /// # Errors
    /// `WouldBlock` from an engine that must not wait, while the bytes are
    /// below [`HIGH_WATER`](super::HIGH_WATER): they are kept and sent after the
    /// call. Any other: the client is gone, or takes nothing for too long.
    fn send(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize>;

    /// Waits; answers early, with `false`, when the client has left.
    fn sleep(&mut self, duration: Duration) -> bool;

    /// Whether the client has left: a reset or a hang-up, never its FIN alone.
    fn is_gone(&mut self) -> bool;

    /// How long the call may still take, where that is limited.
    fn left(&mut self) -> Option<Duration> {
        None
    }

    /// Whether somebody else has answered the client, because the call took too long.
    fn is_overdue(&mut self) -> bool {
        false
    }

    /// Whether the connection shall close after this response: the server
    /// ends, or somebody else needs its place.
    fn is_closing(&mut self) -> bool;

    /// The time, as the engine read it last where that is not long ago.
    fn now(&mut self) -> &Now;

    /// The time, read for this.
    fn time(&mut self) -> &Now {
        self.now()
    }
}
