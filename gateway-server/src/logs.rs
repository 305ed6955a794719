//! What is written about the server and its requests: the log, and the access log.
//! Neither waits for who reads it, and no client and no app forges a line of it.
//!
//! | file | purpose |
//! |---|---|
//! | `log` | the server's log: events of `tracing`, one line each |
//! | `event` | what one event says |
//! | `line` | a line of the log, as text or JSON |
//! | `access` | the access log: a line for each answer |
//! | `json` | strings and objects as JSON |
//! | `pen` | whole lines into an outlet, or told that they are lost |
//! | `time` | dates as text |

mod access;
mod event;
mod json;
mod line;
mod log;
mod pen;
mod time;

pub use self::access::{AccessLog, Format};
pub use self::line::Form;
pub use self::log::Log;
