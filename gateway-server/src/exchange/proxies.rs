//! Proxies before this server, and what is believed of their words.

use std::sync::Arc;

use gateway_spec::Header;

use crate::net::{Peer, Remote, Trusted};
use crate::protocol::Client;
use crate::protocol::forwarded::{self, Malformed, Style, Told};

/// Who may say who a client is, and how they do. Nobody, where it is not said.
#[derive(Clone, Debug, Default)]
pub struct Proxies {
    /// Who.
    pub trusted: Arc<Trusted>,
    /// Whether each of their connections begins with a PROXY header.
    pub announced: bool,
    /// The headers of a request that they do it by.
    pub forwarded: Option<Style>,
}

impl Proxies {
    /// What the headers of a request say that has come from this peer.
    pub(super) fn told(&self, peer: Peer, headers: &[Header<'_>]) -> Result<Told, Malformed> {
        match self.forwarded {
            Some(style) if peer != Peer::Stranger => forwarded::read(style, headers, |ip| self.trusted.has(ip)),
            _ => Ok(Told::default()),
        }
    }

    /// Who a connection's client is by its PROXY header, and whether that is a
    /// proxy too, whose headers count. None where it is the peer itself.
    pub(super) fn announced(&self, client: Client) -> Option<(Remote, Peer)> {
        let (remote, is_trusted) = match client {
            Client::Same => return None,
            // By the proxy's own Unix socket, say: on another machine, perhaps.
            Client::Unknown => (Remote::default(), false),
            Client::At(ip, port) => (Remote::new(ip, port), self.trusted.has(ip)),
        };
        Some((remote, if is_trusted { Peer::Trusted } else { Peer::Stranger }))
    }
}
