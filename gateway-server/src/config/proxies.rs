//! The flags that say which proxies are before the server.

use std::sync::Arc;

use clap::{Args, ValueEnum};

use crate::exchange::Proxies;
use crate::net::{Proxy, Trusted};
use crate::protocol::forwarded::Style;

/// Whose word is taken about who a client is.
#[derive(Debug, Args)]
#[command(next_help_heading = "Proxies")]
pub(super) struct ProxyFlags {
    /// Believe these peers about who their clients are: addresses, networks as 10.0.0.0/8, unix for Unix sockets; separated by commas
    #[arg(long, value_name = "CIDR", value_delimiter = ',')]
    trusted_proxies: Vec<Proxy>,

    /// Let web servers of these addresses or networks speak uwsgi, SCGI and FastCGI, besides those of this machine; separated by commas
    #[arg(long, value_name = "CIDR", value_delimiter = ',')]
    front_allow: Vec<Proxy>,

    /// Connections of trusted proxies begin with a PROXY header, version 1 or 2; one without it is closed
    #[arg(long)]
    proxy_protocol: bool,

    /// The headers that trusted proxies tell of their clients by [default: x-forwarded]
    #[arg(long, value_name = "WHICH")]
    forwarded: Option<Which>,
}

/// `--forwarded`
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Which {
    /// X-Forwarded-For and X-Forwarded-Proto
    XForwarded,
    /// RFC 7239
    #[value(name = "forwarded")]
    Standard,
    /// None
    Off,
}

impl ProxyFlags {
    /// As a server takes it.
    ///
    /// # Errors
    /// A sentence for the user: nobody is trusted.
    pub(super) fn check(self) -> Result<Proxies, String> {
        let trusted: Trusted = self.trusted_proxies.into_iter().collect();
        let style = match self.forwarded {
            None | Some(Which::XForwarded) => Some(Style::XForwarded),
            Some(Which::Standard) => Some(Style::Forwarded),
            Some(Which::Off) => None,
        };
        let needs =
            [("--proxy-protocol", self.proxy_protocol), ("--forwarded", self.forwarded.is_some() && style.is_some())];
        match needs.iter().find(|(_, given)| *given && trusted.is_nobody()) {
            Some((flag, _)) => Err(format!("{flag} believes trusted proxies: say with --trusted-proxies which")),
            None => Ok(Proxies {
                trusted: Arc::new(trusted),
                fronts: Arc::new(self.front_allow.into_iter().collect()),
                announced: self.proxy_protocol,
                forwarded: style,
            }),
        }
    }
}
