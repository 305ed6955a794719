//! Whose word is taken about who a client is.

use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;

/// Peers that are trusted: networks, and those of this machine that connect by a
/// Unix socket. Nobody is, unless it is said.
///
/// ```
/// use gateway_server::net::{Proxy, Trusted};
/// let proxies: Result<Trusted, String> = ["10.0.0.0/8", "::1"].into_iter().map(str::parse::<Proxy>).collect();
/// let proxies = proxies?;
/// assert!(proxies.has("10.1.2.3".parse().unwrap()) && !proxies.has("192.0.2.1".parse().unwrap()));
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trusted {
    networks: Vec<IpNet>,
    unix: bool,
}

/// What `--trusted-proxies` has one or several of: `10.0.0.0/8`, `192.0.2.1`,
/// `fd00::/8`, `unix`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proxy {
    /// All addresses of a network, of which a single address is one.
    Network(IpNet),
    /// All that connect by a Unix socket.
    Unix,
}

impl Trusted {
    /// Whether nobody is.
    #[must_use]
    pub const fn is_nobody(&self) -> bool {
        self.networks.is_empty() && !self.unix
    }

    /// Whether a peer of this address is.
    #[must_use]
    pub fn has(&self, ip: IpAddr) -> bool {
        // A peer of IPv4 is one, also on a socket of IPv6.
        let ip = ip.to_canonical();
        self.networks.iter().any(|network| network.contains(&ip))
    }

    /// Whether peers of Unix sockets are.
    #[must_use]
    pub const fn has_unix(&self) -> bool {
        self.unix
    }
}

impl FromIterator<Proxy> for Trusted {
    fn from_iter<I: IntoIterator<Item = Proxy>>(proxies: I) -> Self {
        let mut trusted = Self::default();
        for proxy in proxies {
            match proxy {
                Proxy::Network(network) => trusted.networks.push(network),
                Proxy::Unix => trusted.unix = true,
            }
        }
        trusted
    }
}

impl FromStr for Proxy {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "unix" {
            return Ok(Self::Unix);
        }
        let network = match text.parse::<IpAddr>() {
            Ok(ip) => IpNet::from(ip.to_canonical()),
            Err(_) => text.parse::<IpNet>().map_err(
                |_| "write an address, a network as 10.0.0.0/8 or fd00::/8, or unix; 0.0.0.0/0 and ::/0 are everybody",
            )?,
        };
        // Whoever writes more bits than the network has may mean another one.
        if network.trunc() != network {
            return Err(format!("a network of {} bits here is {}", network.prefix_len(), network.trunc()));
        }
        match network {
            IpNet::V6(v6) if v6.addr().to_ipv4_mapped().is_some() && v6.prefix_len() >= 96 => {
                Err("a client of IPv4 is one on every socket: write the network as one of IPv4".to_owned())
            }
            network => Ok(Self::Network(network)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trusted(list: &[&str]) -> Trusted {
        list.iter().map(|text| text.parse::<Proxy>().unwrap()).collect()
    }

    #[test]
    fn who_is_trusted() {
        let some = trusted(&["10.0.0.0/8", "192.0.2.1", "fd00::/8", "2001:db8::1", "::ffff:203.0.113.9"]);
        for (ip, expected) in [
            ("10.0.0.0", true),
            ("10.255.255.255", true),
            ("::ffff:10.1.2.3", true),
            ("11.0.0.0", false),
            ("192.0.2.1", true),
            ("192.0.2.2", false),
            ("fdff::1", true),
            ("fe80::1", false),
            ("2001:db8::1", true),
            ("2001:db8::2", false),
            ("203.0.113.9", true),
        ] {
            assert_eq!(some.has(ip.parse().unwrap()), expected, "{ip}");
        }
        assert!(!some.is_nobody() && !some.has_unix());
        let all = trusted(&["0.0.0.0/0", "::/0", "unix"]);
        assert!(all.has("192.0.2.1".parse().unwrap()) && all.has("::1".parse().unwrap()) && all.has_unix());
        let (nobody, unix) = (Trusted::default(), trusted(&["unix"]));
        assert!(nobody.is_nobody() && !nobody.has("127.0.0.1".parse().unwrap()) && !nobody.has_unix());
        assert!(!unix.is_nobody() && !unix.has("127.0.0.1".parse().unwrap()));
    }

    #[test]
    fn what_is_no_proxy_is_said() {
        for (text, why) in [
            ("", "write an address"),
            ("*", "write an address"),
            ("localhost", "write an address"),
            ("10.0.0.0/33", "write an address"),
            ("10.0.0.0/255.0.0.0", "write an address"),
            ("10.0.0/8", "write an address"),
            ("10.0.0.0/8,::1", "write an address"),
            ("[::1]", "write an address"),
            ("10.1.2.3/8", "a network of 8 bits here is 10.0.0.0/8"),
            ("fd00::1/8", "a network of 8 bits here is fd00::/8"),
            ("::ffff:10.0.0.0/104", "one of IPv4"),
        ] {
            let error = text.parse::<Proxy>().unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
