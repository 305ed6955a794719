//! The Gateway interface: what WSGI (PEP 3333) is for Python, for native code.
//!
//! A web application is an [`App`]: it gets an [`Environ`], says status and
//! headers through [`StartResponse`], and returns a [`Body`]. It runs under any
//! server that speaks this interface, unchanged: linked in, or compiled to a
//! `.so` and loaded through a stable C ABI ([`export!`], `include/gateway.h`).
//!
//! ```
//! use gateway_spec::prelude::*;
//!
//! fn hello<'r>(environ: Environ<'r>, start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
//!     let name = environ.path_str()?.trim_matches('/');
//!     let text = format!("Hello, {}!\n", if name.is_empty() { "World" } else { name });
//!     start_response.start(Head::new(Status::OK, &[Header::new("Content-Type", "text/plain")]))?;
//!     Ok(Body::from(text))
//! }
//!
//! gateway_spec::export! { app => hello }
//!
//! # fn main() {
//! let client = gateway_spec::testing::TestClient::new(app_fn(hello));
//! assert_eq!(client.get("/Ada").send().text(), "Hello, Ada!\n");
//! # }
//! ```
//!
//! # Where things are
//!
//! | module | purpose |
//! |---|---|
//! | [`Status`], [`headers`], [`Error`] | value types; errors say whose fault they are |
//! | [`Environ`], [`Input`] | the request: a map that copies nothing, and its body |
//! | [`StartResponse`], [`Body`] | the response |
//! | [`App`] | the contract; functions and closures are apps too |
//! | [`lint`] | checks app and server against the rules of `docs/SPEC.md` |
//! | [`testing`] | an in-process client that lints |
//! | [`abi`] | the C ABI; the only unsafe code besides the loader |
//! | `loader` | opens `lib.so:app` (feature `loader`) |
//! | `bridge` | events of `tracing` in the server's log (feature `tracing`) |
//!
//! # Features
//!
//! - `loader` (off): opens modules; pulls in libloading. Apps do not need it,
//!   servers do.
//! - `tracing` (off): events of `tracing`, and panics, go to the server's log; pulls in
//!   tracing-core.
#![deny(unsafe_code)]

pub mod abi;
mod app;
mod body;
#[cfg(feature = "tracing")]
pub mod bridge;
mod config;
mod environ;
mod error;
mod escape;
pub mod headers;
mod input;
pub mod lint;
#[cfg(feature = "loader")]
pub mod loader;
mod log;
mod start_response;
mod status;
pub mod testing;

pub use app::{App, AppFlags, Create, app_fn};
pub use body::{Body, Chunk, FileRange, Parts, Source, View};
pub use config::Config;
pub use environ::Environ;
pub use error::{Error, Fault, Result};
pub use escape::{escape, is_unsafe};
pub use headers::{Header, Headers};
pub use input::{Input, OwnedInput};
pub use log::{Errors, Level};
pub use start_response::{Head, ResponseState, StartResponse, Writer};
pub use status::Status;

/// The version of this interface, which apps find as `gateway.version`.
pub const VERSION: &str = "1.0";

/// What an app needs, for `use gateway_spec::prelude::*`.
pub mod prelude {
    pub use crate::{App, Body, Config, Environ, Error, Head, Header, Result, StartResponse, Status, app_fn};
}
