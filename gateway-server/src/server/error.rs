//! Why a server cannot run.

use std::io;

use crate::engine::Engine;
use crate::net::{Address, AddressError, Bound};

/// Why a server cannot run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// The address is none.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// The address cannot be bound.
    #[error("cannot listen on {address}: {error}{}", hint(address, error))]
    Bind {
        /// Which address.
        address: Address,
        /// The system's reason.
        error: io::Error,
    },
    /// There is no engine of that name.
    #[error("there is no engine \"{0}\"; known: {known}", known = Engine::names())]
    Engine(String),
    /// Nothing was bound.
    #[error("the server has no address: call bind first")]
    NoAddress,
    /// TLS is to be spoken, and there is no certificate.
    #[error("{0} needs a certificate and its key: call identity first")]
    NoIdentity(Bound),
    /// The system refuses what every server needs.
    #[error("{0}")]
    Io(#[from] io::Error),
}

fn hint(address: &Address, error: &io::Error) -> &'static str {
    match error.kind() {
        // It speaks for itself.
        _ if !matches!(address, Address::Tcp(_)) => "",
        io::ErrorKind::AddrInUse if matches!(address, Address::Tcp(tcp) if tcp.is_wildcard()) => {
            "; another listener has it, or a part of it: [::] takes the IPv4 addresses too"
        }
        io::ErrorKind::AddrInUse => "; another process has it: stop that one, or choose another port",
        io::ErrorKind::PermissionDenied => "; ports below 1024 need privileges: choose a higher one",
        io::ErrorKind::AddrNotAvailable => "; it is not an address of this machine",
        _ => "",
    }
}
