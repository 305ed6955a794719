//! Which hosts an app is for.

use std::fmt;
use std::net::Ipv6Addr;

/// The hosts that an app is for: in small letters, without a port, and
/// without the dot that may end a name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Hosts {
    /// Any, also where a request names none.
    #[default]
    Any,
    /// One: `example.org`, `127.0.0.1`, `[::1]`.
    One(String),
    /// All below one, with any number of labels: `.example.org`, which is
    /// written `*.example.org`.
    Below(String),
}

impl Hosts {
    /// Reads them.
    ///
    /// # Errors
    /// What to write instead.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Ok(Self::Any);
        }
        if text == "*" {
            return Err("leave the host out where it may be any: /PREFIX".to_owned());
        }
        let text = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        if let Some(literal) = text.strip_prefix('[') {
            return literal_of(literal).map(Self::One);
        }
        if text.contains(':') {
            return Err("write a host without scheme and port: example.org/PREFIX, or [::1]/PREFIX".to_owned());
        }
        let (name, is_wildcard) = text.strip_prefix("*.").map_or((&*text, false), |name| (name, true));
        if name.contains('*') {
            return Err("a * stands for whole labels at the beginning: *.example.org".to_owned());
        }
        if !name.is_ascii() {
            return Err(
                "write a host as clients send it, in ASCII: xn--bcher-kva.example for bücher.example".to_owned()
            );
        }
        let is_label = |label: &str| !label.is_empty() && label.bytes().all(is_of_a_label);
        if !name.split('.').all(is_label) {
            return Err(format!("{text:?} is no host: write example.org, *.example.org or [::1] before the first /"));
        }
        Ok(if is_wildcard { Self::Below(format!(".{name}")) } else { Self::One(name.to_owned()) })
    }

    /// Whether they are those of a request, by its host as [`bare`] has it.
    pub(super) fn have(&self, host: &[u8]) -> bool {
        match self {
            Self::Any => true,
            Self::One(name) => host.eq_ignore_ascii_case(name.as_bytes()),
            Self::Below(end) => {
                // More than the end: one label at least.
                let at = host.len().checked_sub(end.len()).filter(|at| *at > 0);
                at.is_some_and(|at| host[at..].eq_ignore_ascii_case(end.as_bytes()))
            }
        }
    }

    /// By this they are ordered: who is asked first has the smallest.
    pub(super) fn rank(&self) -> (u8, std::cmp::Reverse<usize>) {
        match self {
            Self::One(_) => (0, std::cmp::Reverse(0)),
            Self::Below(end) => (1, std::cmp::Reverse(end.len())),
            Self::Any => (2, std::cmp::Reverse(0)),
        }
    }
}

/// The part of a Host header that says the host.
pub(super) fn bare(host: &[u8]) -> &[u8] {
    let end = match host.first() {
        Some(b'[') => host.iter().position(|byte| *byte == b']').map_or(host.len(), |at| at + 1),
        _ => host.iter().position(|byte| *byte == b':').unwrap_or(host.len()),
    };
    let host = &host[..end];
    host.strip_suffix(b".").unwrap_or(host)
}

/// As clients write it: the shortest of its forms.
fn literal_of(text: &str) -> Result<String, String> {
    let address = text.strip_suffix(']').and_then(|text| text.parse::<Ipv6Addr>().ok());
    address
        .map(|address| format!("[{address}]"))
        .ok_or_else(|| format!("\"[{text}\" is no IPv6 address in brackets without a port: write it as [::1]"))
}

fn is_of_a_label(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}

impl fmt::Display for Hosts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => Ok(()),
            Self::One(name) => f.write_str(name),
            Self::Below(end) => write!(f, "*{end}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(hosts: &str, header: &str, expected: bool) {
        let hosts = Hosts::parse(hosts).unwrap();
        assert_eq!(hosts.have(bare(header.as_bytes())), expected, "{hosts:?} {header:?}");
    }

    #[test]
    fn a_host_is_compared_without_port_case_and_last_dot() {
        for header in
            ["example.org", "EXAMPLE.org", "example.org:8000", "example.org.", "example.org.:80", "example.org:"]
        {
            check("Example.ORG", header, true);
            check("example.org.", header, true);
        }
        for header in
            ["", "example.or", "xexample.org", "www.example.org", "example.org..", "example.org/", "[example.org]"]
        {
            check("example.org", header, false);
        }
        check("[::1]", "[::1]", true);
        check("[0:0::1]", "[::1]:8000", true);
        check("[::A]", "[::a]", true);
        check("[::1]", "[::2]", false);
        check("[::1]", "::1", false);
        check("[::1]", "[::1", false);
        check("127.0.0.1", "127.0.0.1:80", true);
    }

    #[test]
    fn a_wildcard_stands_for_one_label_or_more() {
        for header in ["a.example.org", "a.b.Example.org:80", "a.example.org."] {
            check("*.example.org", header, true);
        }
        for header in ["example.org", ".example.org", "aexample.org", "a.example.com", ""] {
            check("*.example.org", header, false);
        }
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for (text, words) in [
            ("*", "leave the host out"),
            ("example.org:80", "without scheme and port"),
            ("http:", "without scheme and port"),
            ("a.*.org", "at the beginning"),
            ("*example.org", "at the beginning"),
            ("b\u{fc}cher.example", "xn--"),
            ("a..b", "is no host"),
            (".example.org", "is no host"),
            ("user@example.org", "is no host"),
            ("a b", "is no host"),
            ("[::1", "in brackets"),
            ("[::1]:80", "without a port"),
            ("[127.0.0.1]", "in brackets"),
        ] {
            let error = Hosts::parse(text).unwrap_err();
            assert!(error.contains(words), "{text}: {error}");
        }
    }
}
