//! The ways from nginx to an app, and the configuration of nginx that has them all.

use std::path::Path;

use super::super::place::word;

/// Who answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Server {
    /// nginx itself: the bar.
    Nobody,
    Gateway,
    /// uWSGI with a Python hello.
    Python,
}

/// A row of the table.
#[derive(Debug)]
pub(super) struct Way {
    /// Its name in `peers/behind.conf`.
    pub(super) name: &'static str,
    pub(super) server: Server,
    /// For the table: the protocol, and how many requests have a connection.
    pub(super) protocol: &'static str,
    pub(super) connections: &'static str,
}

const KEPT: &str = "kept";
const NEW: &str = "new";

const fn way(name: &'static str, server: Server, protocol: &'static str, connections: &'static str) -> Way {
    Way { name, server, protocol, connections }
}

/// All of them, in the order of the table. Not there: connections that are kept by uwsgi
/// and SCGI, which nginx has no word for, and those kept to uWSGI, whose process would
/// serve one and have the others wait; FastCGI and SCGI to uWSGI, which takes no path from
/// nginx's parameter files for these.
pub(super) const WAYS: &[Way] = &[
    way("nginx", Server::Nobody, "-", "-"),
    way("gateway-http-kept", Server::Gateway, "HTTP", KEPT),
    way("gateway-fastcgi-kept", Server::Gateway, "FastCGI", KEPT),
    way("gateway-http", Server::Gateway, "HTTP", NEW),
    way("gateway-fastcgi", Server::Gateway, "FastCGI", NEW),
    way("gateway-uwsgi", Server::Gateway, "uwsgi", NEW),
    way("gateway-scgi", Server::Gateway, "SCGI", NEW),
    way("python-http", Server::Python, "HTTP", NEW),
    way("python-uwsgi", Server::Python, "uwsgi", NEW),
];

impl Server {
    /// For the table.
    pub(super) fn shown(self) -> &'static str {
        match self {
            Self::Nobody => "nginx itself",
            Self::Gateway => "**gateway leader**",
            Self::Python => "uWSGI, Python",
        }
    }
}

/// What nginx connects by to those behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Over {
    Unix,
    Tcp,
}

impl Over {
    /// For the table.
    pub(super) fn shown(self) -> &'static str {
        match self {
            Self::Unix => "Unix sockets",
            Self::Tcp => "TCP",
        }
    }
}

/// Where a server speaks a protocol, which is named as in addresses and flags; the address
/// is as nginx and gateway-server write it.
#[derive(Debug)]
pub(super) struct Door {
    pub(super) server: Server,
    pub(super) protocol: &'static str,
    pub(super) address: String,
}

/// All of them.
pub(super) fn doors(over: Over, folder: &Path) -> Vec<Door> {
    let door = |server: Server, protocol: &'static str| {
        let file = folder.join(format!("{}-{protocol}.sock", prefix(server)));
        let address = match over {
            Over::Unix => format!("unix:{}", word(&file)),
            Over::Tcp => gateway_tests::address::own().to_string(),
        };
        Door { server, protocol, address }
    };
    let gateway = ["http", "fastcgi", "uwsgi", "scgi"].map(|protocol| door(Server::Gateway, protocol));
    let python = ["http", "uwsgi"].map(|protocol| door(Server::Python, protocol));
    gateway.into_iter().chain(python).collect()
}

fn prefix(server: Server) -> &'static str {
    match server {
        Server::Nobody => "nginx",
        Server::Gateway => "gateway",
        Server::Python => "python",
    }
}

/// The configuration with its places filled in: `fronts` are where the ways are asked.
pub(super) fn fill<'a>(
    template: &str,
    folder: &Path,
    doors: &[Door],
    fronts: impl Iterator<Item = (&'a Way, String)>,
) -> String {
    let mut text = template.replace("@FOLDER@", &word(folder));
    for Door { server, protocol, address } in doors {
        text = text.replace(&format!("@{}:{protocol}@", prefix(*server)), address);
    }
    for (way, address) in fronts {
        text = text.replace(&format!("@front:{}@", way.name), &address);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What nginx would read as it stands.
    fn filled(over: Over) -> String {
        let template = include_str!("../../peers/behind.conf");
        let folder = Path::new("/run/bench");
        let fronts = WAYS.iter().zip(1..).map(|(way, port)| (way, format!("127.0.0.1:{port}")));
        let text = fill(template, folder, &doors(over, folder), fronts);
        text.lines().filter(|line| !line.trim_start().starts_with('#')).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn every_place_of_the_configuration_is_filled() {
        for over in [Over::Unix, Over::Tcp] {
            let text = filled(over);
            assert!(!text.contains('@'), "{text}");
        }
    }

    #[test]
    fn every_way_is_asked_at_a_place_of_its_own() {
        let text = filled(Over::Unix);
        assert_eq!(text.matches("listen ").count(), WAYS.len());
        for (way, port) in WAYS.iter().zip(1..) {
            assert_eq!(text.matches(&format!("listen 127.0.0.1:{port} ")).count(), 1, "{}", way.name);
        }
    }

    #[test]
    fn every_way_but_nginx_itself_has_an_upstream() {
        let text = filled(Over::Unix);
        for way in WAYS {
            let upstreams = text.matches(&format!("upstream {} ", way.name)).count();
            assert_eq!(upstreams, usize::from(way.server != Server::Nobody), "{}", way.name);
        }
        assert!(text.contains("upstream python-uwsgi { server unix:/run/bench/python-uwsgi.sock; }"), "{text}");
    }
}
