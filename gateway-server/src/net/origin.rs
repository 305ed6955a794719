//! Where a connection comes from.

use super::Endpoint;

/// A connection's ends, and what it has had before it came here: it may have
/// been another process's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Who is connected to whom.
    pub endpoint: Endpoint,
    /// How many requests have begun on it.
    pub requests: u64,
    /// Whether another process has accepted it.
    pub is_relayed: bool,
}

/// A new connection.
impl From<Endpoint> for Origin {
    fn from(endpoint: Endpoint) -> Self {
        Self { endpoint, requests: 0, is_relayed: false }
    }
}
