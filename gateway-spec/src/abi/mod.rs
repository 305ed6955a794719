//! The C ABI: how an app and a server that know nothing of each other's
//! compiler meet.
//!
//! | file | purpose |
//! |---|---|
//! | [`types`] | the `repr(C)` mirror of `include/gateway.h` |
//! | [`view`] | borrowed bytes, pairs and requests with lifetimes |
//! | [`guard`] | no panic crosses, no NULL is followed |
//! | [`host`] | the server's side of a request: [`host::Transport`] behind the C functions |
//! | [`export`] | an [`App`](crate::App) as a C app: `export!` |
//! | `foreign` | a body that came over the ABI |
//! | `lodging` | the hosts that apps of this module live with, for `bridge` |
//! | [`import`] | a C app as an [`App`](crate::App) |
//!
//! This folder and the loader hold all unsafe code of the crate.
#![allow(unsafe_code)]

pub mod export;
pub(crate) mod foreign;
pub mod guard;
pub mod host;
pub mod import;
#[cfg(feature = "tracing")]
pub(crate) mod lodging;
pub mod types;
pub mod view;
