//! Who a proxy says its client is.

use core::net::{IpAddr, SocketAddr};

/// What is told of a client by somebody between it and this server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Client {
    /// Nothing: it is whoever speaks.
    #[default]
    Same,
    /// It has no address, or none that is told.
    Unknown,
    /// It has this address, and perhaps this port.
    At(IpAddr, Option<u16>),
}

impl From<SocketAddr> for Client {
    fn from(address: SocketAddr) -> Self {
        Self::At(address.ip(), Some(address.port()))
    }
}
