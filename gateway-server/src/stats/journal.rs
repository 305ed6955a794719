//! What is told of each answer to who keeps a journal of them.

use std::fmt;
use std::time::Instant;

use gateway_spec::Header;

use super::{RequestId, Sample};

/// One answer, and what it answers. All bytes are as the client sent them: whoever
/// writes them somewhere escapes them.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// Which request.
    pub id: RequestId,
    /// When its answer was over.
    pub at: Instant,
    /// The client's address and port, as the server knows them; empty for a Unix socket.
    pub client: (&'a [u8], &'a [u8]),
    /// What was asked.
    pub asked: Asked<'a>,
    /// What was answered.
    pub sample: Sample,
}

/// What a client asked for.
#[derive(Clone, Copy, Debug)]
pub enum Asked<'a> {
    /// A request that was understood.
    Request {
        /// Its method.
        method: &'a [u8],
        /// Its target as it was sent.
        target: &'a [u8],
        /// SERVER_PROTOCOL.
        protocol: &'a [u8],
        /// REMOTE_USER, where a web server says it.
        user: &'a [u8],
        /// Its header fields, without those that the server leaves out.
        headers: &'a [Header<'a>],
        /// Its variables that are not header fields.
        variables: &'a [Header<'a>],
    },
    /// The first line of one that was not.
    Line(&'a [u8]),
}

/// Who keeps a journal. It must not wait for anything.
pub trait Journal: fmt::Debug + Send + Sync {
    /// An answer is on its way, or will not be whole.
    fn note(&self, record: &Record<'_>);
}
