//! Addresses, listeners, and what accept's errors mean.

mod address;
mod endpoint;
mod listener;

pub use address::{Address, AddressError};
pub use endpoint::{Endpoint, Local};
pub use listener::{AcceptError, Listener};
