//! Proxies before this server, and what is believed of their words.

use std::sync::Arc;

use crate::net::{Endpoint, Peer, Remote, Trusted};
use crate::protocol::Client;
use crate::protocol::forwarded::{self, Malformed, Style, Told};
use crate::protocol::proxy::Header;

/// Who may say who a client is, and how they do. Nobody, where it is not said.
#[derive(Clone, Debug, Default)]
pub struct Proxies {
    /// Who.
    pub trusted: Arc<Trusted>,
    /// Web servers of other machines that may speak to an application, by uwsgi, SCGI or
    /// FastCGI.
    pub fronts: Arc<Trusted>,
    /// Whether each of their connections begins with a PROXY header.
    pub announced: bool,
    /// The headers of a request that they do it by.
    pub forwarded: Option<Style>,
}

impl Proxies {
    /// What the headers of a request say that has come from this peer.
    pub(super) fn told(&self, peer: Peer, headers: &[gateway_spec::Header<'_>]) -> Result<Told, Malformed> {
        match self.forwarded {
            Some(style) if peer != Peer::Stranger => forwarded::read(style, headers, |ip| self.trusted.has(ip)),
            _ => Ok(Told::default()),
        }
    }

    /// The ends of a connection by its PROXY header. Who is named there has sent the
    /// requests: their headers count if that is a proxy too.
    pub(super) fn announced(&self, endpoint: Endpoint, header: &Header) -> Endpoint {
        let (remote, is_trusted) = match header.client {
            Client::Same => return endpoint.with_peer(Peer::Trusted),
            // By the proxy's own Unix socket, say: on another machine, perhaps.
            Client::Unknown => (Remote::default(), false),
            Client::At(ip, port) => (Remote::new(ip, port), self.trusted.has(ip)),
        };
        let peer = if is_trusted { Peer::Trusted } else { Peer::Stranger };
        endpoint.with_remote(remote).with_told_secure(header.is_secure).with_peer(peer)
    }
}
