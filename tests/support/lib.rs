//! What the integration tests share: built modules, running servers, raw HTTP.

pub mod address;
pub mod artifacts;
pub mod browser;
pub mod client;
pub mod crowd;
pub mod fixtures;
pub mod fronts;
pub mod gate;
pub mod mallocs;
pub mod network;
pub mod packets;
pub mod process;
pub mod reader;
pub mod script;
pub mod server;
pub mod skip;
pub mod strict;
pub mod thread_limit;
pub mod tls;
pub mod trace;
pub mod wait;

/// The guides' code compiles.
#[cfg(doctest)]
mod guides {
    #[doc = include_str!("../../README.md")]
    struct Readme;
    #[doc = include_str!("../../docs/app-guide.md")]
    struct AppGuide;
    #[doc = include_str!("../../docs/server-guide.md")]
    struct ServerGuide;
}
