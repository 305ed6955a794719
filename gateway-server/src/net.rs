//! Addresses, listeners, and what accept's errors mean.

mod address;
mod listener;

pub use address::{Address, AddressError};
pub use listener::{AcceptError, Listener};
