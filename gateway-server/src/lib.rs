//! The reference server of the Gateway interface, as a library and as the
//! program `gateway-server`.
//!
//! ```text
//! bytes -> protocol -> request head -> Environ -> App::call -> status, headers, Body -> protocol -> bytes
//! ```
//!
//! | floor | module | purpose |
//! |---|---|---|
//! | 0 | `sys` | what the libraries leave out, safe |
//! | 1 | [`protocol`] | sans-IO front-ends: what the bytes mean |
//! | 1 | [`net`] | addresses, listeners, what accept's errors mean |
//! | 2 | [`stats`] | counters |
//! | 2 | [`service`] | apps that come with the server: several behind one, files of a folder |
//! | 3 | [`logs`] | the log and the access log |
//! | 3 | [`exchange`] | one connection, sans-IO; calls the app |
//! | 4 | [`engine`] | how many clients at once: one file per model |
//! | 4 | [`supervisor`] | the master of worker processes |
//! | 5 | [`figures`] | how the server does, for operators: an app |
//! | 5 | [`config`] | flags, variables and a file, checked |
//! | 6 | [`server`], [`cli`] | put it together |
//!
//! A module imports only from lower floors, or from its own.
#![deny(unsafe_code)]

pub mod cli;
pub mod config;
pub mod engine;
pub mod exchange;
pub mod figures;
pub mod logs;
pub mod net;
pub mod protocol;
pub mod server;
pub mod service;
pub mod stats;
pub mod supervisor;
mod sys;

pub use server::{Server, ServerError};
