//! What the peers share: how they are called, and what they answer.

use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

/// The answer to `/plaintext`.
pub const TEXT: &str = "Hello, World!";
/// The answer to `/sleep10`.
pub const SLEPT: &str = "slept";
/// How long that takes.
pub const SLEEP: Duration = Duration::from_millis(10);
/// The content types.
pub const PLAIN: &str = "text/plain";
pub const JSON: &str = "application/json";
pub const BYTES: &str = "application/octet-stream";

/// The answer to `/json`, serialised for each request.
#[derive(Serialize)]
pub struct Message {
    message: &'static str,
}

impl Message {
    /// The only one.
    pub const HELLO: Self = Self { message: TEXT };

    /// As bytes.
    pub fn to_vec(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a text is serialised")
    }
}

/// `peer ADDRESS FILE`: where it listens, and what `/file64k` answers.
pub struct Arguments {
    pub address: String,
    pub file: PathBuf,
}

impl Arguments {
    /// The program's own.
    ///
    /// # Panics
    /// When one is missing.
    pub fn of_program() -> Self {
        let mut arguments = std::env::args().skip(1);
        let mut next = || arguments.next().expect("usage: peer ADDRESS FILE");
        Self { address: next(), file: next().into() }
    }
}
