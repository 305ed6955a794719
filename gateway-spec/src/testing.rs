//! An in-process client: calls an [`App`](crate::App) without a server, and lints by default.

mod client;
mod transport;

pub use client::{Client as TestClient, Request, Response};
pub use transport::LogLine;
