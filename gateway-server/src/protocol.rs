//! Front-ends: bytes to request heads and bodies, and responses to bytes.
//!
//! Everything here is sans-IO: no socket, no clock, no thread. A front-end
//! says what the bytes mean; the [`exchange`](crate::exchange) decides what to
//! do about it, an engine moves them.

mod client;
pub mod forwarded;
pub mod front;
pub mod http1;
mod limits;
pub mod proxy;
mod refusal;

pub use client::Client;
pub use limits::{Limits, UnderscoreHeaders};
pub use refusal::Refusal;
