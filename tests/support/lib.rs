//! What the integration tests share: built modules, running servers, raw HTTP.

pub mod artifacts;
pub mod client;
pub mod server;
