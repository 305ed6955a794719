//! How to listen, whatever the address.

use super::Owner;

/// What can be chosen about listeners.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listening {
    /// How many clients may wait to be accepted; the system has a limit of its
    /// own.
    pub backlog: i32,
    /// The permissions of a Unix socket's file, as for chmod; what the umask
    /// leaves where there are none.
    pub mode: Option<u32>,
    /// Whose file it is.
    pub owner: Option<Owner>,
    /// Whether the file is removed at the end.
    pub vacuum: bool,
    /// Whether TLS is spoken at TCP addresses that do not say so themselves.
    pub tls: bool,
}

impl Default for Listening {
    fn default() -> Self {
        Self { backlog: 4096, mode: None, owner: None, vacuum: true, tls: false }
    }
}
