//! What proxies say of clients: read as it was written, and nothing that a client
//! writes itself is believed.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use gateway_server::protocol::Client;
use gateway_server::protocol::forwarded::{self, Malformed, Style, Told};
use gateway_server::protocol::proxy::{self, Broken, Header};
use gateway_spec::Header as Field;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::{config, split};

// ----- PROXY headers -----------------------------------------------------------------

/// A header as a proxy writes it.
#[derive(Clone, Debug)]
enum Written {
    Line(SocketAddr, SocketAddr),
    Unknown(String),
    Block(SocketAddr, SocketAddr, Vec<(u8, Vec<u8>)>),
    Local(u8, Vec<u8>),
}

fn address() -> impl Strategy<Value = SocketAddr> {
    (any::<IpAddr>(), any::<u16>()).prop_map(SocketAddr::from)
}

/// Two of one family.
fn ends() -> impl Strategy<Value = (SocketAddr, SocketAddr)> {
    let v6 = |address: SocketAddr| match address.ip() {
        IpAddr::V4(ip) => SocketAddr::new(ip.to_ipv6_mapped().into(), address.port()),
        IpAddr::V6(_) => address,
    };
    (address(), address()).prop_map(
        move |(from, to)| {
            if from.is_ipv4() == to.is_ipv4() { (from, to) } else { (v6(from), v6(to)) }
        },
    )
}

fn written() -> impl Strategy<Value = Written> {
    // Not a checksum, nor what tells of TLS.
    let kind = any::<u8>().prop_filter("it means something", |kind| ![0x03, 0x20].contains(kind));
    let values = vec((kind, vec(any::<u8>(), 0..40)), 0..6);
    prop_oneof![
        ends().prop_map(|(from, to)| Written::Line(from, to)),
        "( [ -~]{0,91})?".prop_map(Written::Unknown),
        (ends(), values).prop_map(|((from, to), values)| Written::Block(from, to, values)),
        (any::<u8>(), vec(any::<u8>(), 0..300)).prop_map(|(family, rest)| Written::Local(family, rest)),
    ]
}

impl Written {
    fn bytes(&self) -> Vec<u8> {
        let block = |command: u8, family: u8, rest: &[u8]| {
            let length = (rest.len() as u16).to_be_bytes();
            [b"\r\n\r\n\0\r\nQUIT\n", &[command, family][..], &length, rest].concat()
        };
        match self {
            Self::Line(from, to) => {
                let family = if from.is_ipv4() { 4 } else { 6 };
                let (source, target) = (from.port(), to.port());
                format!("PROXY TCP{family} {} {} {source} {target}\r\n", from.ip(), to.ip()).into_bytes()
            }
            Self::Unknown(rest) => format!("PROXY UNKNOWN{rest}\r\n").into_bytes(),
            Self::Block(from, to, values) => {
                let octets = |ip: IpAddr| match ip {
                    IpAddr::V4(ip) => ip.octets().to_vec(),
                    IpAddr::V6(ip) => ip.octets().to_vec(),
                };
                let ports = [from.port().to_be_bytes(), to.port().to_be_bytes()].concat();
                let mut rest = [octets(from.ip()), octets(to.ip()), ports].concat();
                for (kind, value) in values {
                    rest.extend([&[*kind][..], &(value.len() as u16).to_be_bytes(), value].concat());
                }
                block(0x21, if from.is_ipv4() { 0x11 } else { 0x21 }, &rest)
            }
            Self::Local(family, rest) => block(0x20, *family, rest),
        }
    }

    fn client(&self) -> Client {
        match self {
            Self::Line(from, _) | Self::Block(from, ..) => Client::from(*from),
            Self::Unknown(_) | Self::Local(..) => Client::Same,
        }
    }
}

/// Takes no more than the header of bytes that come in pieces: what was taken, and
/// what it is.
fn take(pieces: &[&[u8]]) -> (Vec<u8>, Result<Option<Header>, Broken>) {
    let (mut taken, mut waiting) = (Vec::new(), Vec::new());
    for piece in pieces {
        waiting.extend_from_slice(piece);
        let there = [&*taken, &*waiting].concat();
        let count = proxy::extent(&there) - taken.len();
        taken.extend(waiting.drain(..count));
        match proxy::parse(&taken) {
            Ok(None) => assert!(waiting.is_empty(), "what is the header's was left"),
            whole => return (taken, whole),
        }
    }
    let whole = proxy::parse(&taken);
    (taken, whole)
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_proxy_header_is_read_as_it_was_written(
        written in written(), more in vec(any::<u8>(), 0..60), ends in vec(any::<Index>(), 0..6),
    ) {
        let header = written.bytes();
        let bytes = [&*header, &more].concat();
        let expected = Header { length: header.len(), client: written.client(), is_secure: false };
        prop_assert_eq!(proxy::parse(&bytes), Ok(Some(expected)));
        for pieces in [split(&bytes, &ends), bytes.chunks(1).collect(), vec![&*bytes]] {
            prop_assert_eq!(take(&pieces), (header.clone(), Ok(Some(expected))));
        }
    }

    #[test]
    fn no_bytes_make_a_reader_take_too_much_or_panic(
        written in written(), at in any::<Index>(), byte in any::<u8>(), other in vec(any::<u8>(), 0..40),
    ) {
        let mut changed = written.bytes();
        let at = at.index(changed.len());
        changed[at] = byte;
        for bytes in [changed, other] {
            let (extent, parsed) = (proxy::extent(&bytes), proxy::parse(&bytes));
            prop_assert!(extent <= bytes.len() && (extent > 0 || bytes.is_empty()));
            match parsed {
                Ok(Some(header)) => prop_assert_eq!(header.length, extent),
                Ok(None) => prop_assert_eq!(extent, bytes.len()),
                Err(_) => {}
            }
        }
    }
}

// ----- headers of requests -----------------------------------------------------------

fn is_trusted(ip: IpAddr) -> bool {
    matches!(ip, IpAddr::V4(ip) if ip.octets()[0] == 10)
}

/// A hop, and how it is written in each style.
fn hop() -> impl Strategy<Value = (Client, String, String)> {
    let ip = prop_oneof![
        2 => any::<[u8; 3]>().prop_map(|[a, b, c]| IpAddr::from([10, a, b, c])),
        1 => any::<[u8; 4]>().prop_map(IpAddr::from),
        1 => any::<u128>().prop_map(|bits| IpAddr::V6(Ipv6Addr::from(bits)).to_canonical()),
    ];
    let known = (ip, any::<Option<u16>>()).prop_map(|(ip, port)| {
        let text = match (ip, port) {
            (ip, None) => ip.to_string(),
            (ip, Some(port)) => SocketAddr::new(ip, port).to_string(),
        };
        let quoted = match (ip, port) {
            (IpAddr::V6(ip), None) => format!("\"[{ip}]\""),
            _ => format!("\"{text}\""),
        };
        (Client::At(ip, port), text, quoted)
    });
    let hidden = select(vec!["unknown", "_a.b-c"]).prop_map(|name| (Client::Unknown, name.to_owned(), name.to_owned()));
    prop_oneof![8 => known, 1 => hidden]
}

fn read(style: Style, name: &str, values: &[&[u8]]) -> Result<Told, Malformed> {
    let fields: Vec<_> = values.iter().map(|value| Field::new(name, value)).collect();
    forwarded::read(style, &fields, is_trusted)
}

fn x_forwarded_for(values: &[&[u8]]) -> Result<Told, Malformed> {
    read(Style::XForwarded, "X-Forwarded-For", values)
}

fn rfc_7239(values: &[&[u8]]) -> Result<Told, Malformed> {
    read(Style::Forwarded, "Forwarded", values)
}

/// What clients write, be it sense or not.
fn claim() -> impl Strategy<Value = Vec<u8>> {
    let word = select(vec![
        "for=",
        "proto=https",
        "\"",
        "\\",
        ",",
        ";",
        "=",
        " ",
        "10.0.0.1",
        "192.0.2.1",
        "[::1]",
        "unknown",
        "_x",
        "by=",
    ]);
    prop_oneof![
        vec(word, 0..12).prop_map(|words| words.concat().into_bytes()),
        vec(prop_oneof![Just(b'\t'), 0x20..=0xff_u8], 0..40),
    ]
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_walk_ends_with_the_first_that_is_not_trusted(hops in vec(hop(), 0..6), cut in any::<Index>()) {
        let trusted = |client: &Client| matches!(client, Client::At(ip, _) if is_trusted(*ip));
        let clients: Vec<Client> = hops.iter().map(|(client, ..)| *client).collect();
        let walked = clients.iter().rev().find(|client| !trusted(client)).or(clients.first());
        let expected = Ok(Told { client: walked.copied().unwrap_or_default(), is_secure: None });
        // In one line, and in two.
        let lists = |list: Vec<String>| {
            let (first, rest) = list.split_at(cut.index(list.len() + 1));
            [vec![list.join(", ")], vec![first.join(","), rest.join(" ,")]]
        };
        for lines in lists(hops.iter().map(|(_, text, _)| text.clone()).collect()) {
            let lines: Vec<&[u8]> = lines.iter().map(String::as_bytes).collect();
            prop_assert_eq!(x_forwarded_for(&lines), expected);
        }
        for lines in lists(hops.iter().map(|(_, _, quoted)| format!("for={quoted}")).collect()) {
            let lines: Vec<&[u8]> = lines.iter().map(String::as_bytes).collect();
            prop_assert_eq!(rfc_7239(&lines), expected);
        }
    }

    /// A proxy adds whom it has got the request from, behind what was there or on a
    /// line of its own: then the client is that, or nothing is believed.
    #[test]
    fn no_claim_of_a_client_is_believed(claim in claim(), more in claim()) {
        let ip: IpAddr = "2001:db8::77".parse().unwrap();
        let client = Client::At(ip, Some(4711));
        let own = &b"[2001:db8::77]:4711"[..];
        let joined = [&*claim, b", ", own].concat();
        for lines in [&[&*joined][..], &[&*claim, own], &[&*more, &*joined]] {
            prop_assert_eq!(x_forwarded_for(lines).map(|told| told.client), Ok(client));
        }
        let own = &b"for=\"[2001:db8::77]:4711\";proto=http"[..];
        let joined = [&*claim, b", ", own].concat();
        let expected = Told { client, is_secure: Some(false) };
        prop_assert_eq!(rfc_7239(&[&*claim, own]), Ok(expected));
        for lines in [&[&*joined][..], &[&*more, &*joined]] {
            let told = rfc_7239(lines);
            prop_assert!(told == Ok(expected) || told == Err(Malformed) && claim.contains(&b'"'), "{told:?}");
        }
    }
}
