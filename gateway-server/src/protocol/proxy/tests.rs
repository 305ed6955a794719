use core::net::{IpAddr, SocketAddr};

use super::*;

/// What is read of a header, whole, from its beginnings, and with more behind it.
fn check(bytes: &[u8], expected: Result<(&str, bool), Broken>) {
    let shown = bytes.escape_ascii();
    let seen = parse(bytes).map(|header| header.expect("it is whole"));
    let client = |header: &Header| match header.client {
        Client::Same => "same".to_owned(),
        Client::Unknown => "unknown".to_owned(),
        Client::At(ip, Some(port)) => SocketAddr::new(ip, port).to_string(),
        Client::At(..) => unreachable!("there is a port"),
    };
    let told = seen.as_ref().map(|header| (client(header), header.is_secure)).map_err(|broken| *broken);
    assert_eq!(told, expected.map(|(client, is_secure)| (client.to_owned(), is_secure)), "{shown}");
    let Ok(header) = seen else { return };
    assert_eq!((header.length, extent(bytes)), (bytes.len(), bytes.len()), "{shown}");
    for end in 0..bytes.len() {
        assert_eq!((parse(&bytes[..end]), extent(&bytes[..end])), (Ok(None), end), "{end} bytes of {shown}");
    }
    for more in [&b"\n"[..], b"GET / HTTP/1.1\r\n\r\n", &[0; 5000]] {
        let bytes = [bytes, more].concat();
        assert_eq!((parse(&bytes), extent(&bytes)), (Ok(Some(header)), header.length), "{shown}");
    }
}

#[test]
fn lines() {
    for (line, expected) in [
        ("PROXY TCP4 192.0.2.1 198.51.100.1 4711 443\r\n", "192.0.2.1:4711"),
        ("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "255.255.255.255:65535"),
        ("PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n", "0.0.0.0:0"),
        ("PROXY TCP6 2001:db8::1 ::1 4711 443\r\n", "[2001:db8::1]:4711"),
        ("PROXY UNKNOWN\r\n", "same"),
        ("PROXY UNKNOWN 192.0.2.1 whatever this is\r\n", "same"),
    ] {
        check(line.as_bytes(), Ok((expected, false)));
    }
    let longest = "ffff:".repeat(7) + "ffff";
    let longest = format!("PROXY UNKNOWN {longest} {longest} 65535 65535\r\n");
    assert_eq!(longest.len(), 107);
    check(longest.as_bytes(), Ok(("same", false)));
}

#[test]
fn lines_that_are_none() {
    for line in [
        "PROXY \r\n",
        "PROXY UNKNOWN\n",
        "PROXY UNKNOWNS\r\n",
        "PROXY TCP4\r\n",
        "PROXY TCP5 192.0.2.1 198.51.100.1 4711 443\r\n",
        "PROXY tcp4 192.0.2.1 198.51.100.1 4711 443\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.1 4711 443\n",
        "PROXY TCP4 192.0.2.1 198.51.100.1 4711 443 \r\n",
        "PROXY TCP4  192.0.2.1 198.51.100.1 4711 443\r\n",
        "PROXY TCP4 192.0.2.1\t198.51.100.1 4711 443\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.1 4711\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.1 4711 443 1\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.1 04711 443\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.1 +4711 443\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.1 4711 65536\r\n",
        "PROXY TCP4 192.0.2.01 198.51.100.1 4711 443\r\n",
        "PROXY TCP4 192.0.2.256 198.51.100.1 4711 443\r\n",
        "PROXY TCP4 192.0.2 198.51.100.1 4711 443\r\n",
        "PROXY TCP4 ::1 ::1 4711 443\r\n",
        "PROXY TCP6 192.0.2.1 ::1 4711 443\r\n",
        "PROXY TCP6 ::1%eth0 ::1 4711 443\r\n",
        "PROXY TCP6 ::1 192.0.2.1 4711 443\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.1 4711 443\r\r\n",
    ] {
        check(line.as_bytes(), Err(Broken::Line));
    }
    check(b"PROXY TCP4 \xff 198.51.100.1 4711 443\r\n", Err(Broken::Line));
    check(&[&b"PROXY UNKNOWN "[..], &[b'x'; 92], b"\r\n"].concat(), Err(Broken::TooLong));
    for other in ["G", "GET / HTTP/1.1\r\n\r\n", "PROXY\r\n", "PROXX ", "\x16\x03\x01", "\r\n\r\n\0\r\nQUIT\r\n"] {
        check(other.as_bytes(), Err(Broken::Missing));
    }
}

/// A block: command, family, and what follows.
fn block(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
    let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
    [v2::SIGNATURE, &[command, family], &length, rest].concat()
}

fn inet(values: &[u8]) -> Vec<u8> {
    [&[192, 0, 2, 1, 198, 51, 100, 1, 0x12, 0x67, 1, 187][..], values].concat()
}

#[test]
fn blocks() {
    let address: SocketAddr = "[2001:db8::1]:4711".parse().unwrap();
    let IpAddr::V6(ip) = address.ip() else { unreachable!() };
    let inet6 = [&ip.octets()[..], &[0; 16], &[0x12, 0x67, 1, 187]].concat();
    for (command, family, rest, expected) in [
        (0x21, 0x11, inet(&[]), "192.0.2.1:4711"),
        (0x21, 0x12, inet(&[]), "192.0.2.1:4711"),
        (0x21, 0x21, inet6.clone(), "[2001:db8::1]:4711"),
        (0x21, 0x22, inet6, "[2001:db8::1]:4711"),
        (0x21, 0x31, vec![b'/'; 216], "unknown"),
        (0x21, 0x00, vec![], "same"),
        (0x21, 0x00, b"whatever this is".to_vec(), "same"),
        (0x20, 0x00, vec![], "same"),
        (0x20, 0x11, inet(&[]), "same"),
        (0x20, 0x99, b"whatever this is".to_vec(), "same"),
        // Values of types that nobody knows, and one without a value.
        (0x21, 0x11, inet(&[0xEE, 0, 2, 7, 7, 0x04, 0, 0, 0x01, 0, 2, b'h', b'2']), "192.0.2.1:4711"),
        (0x21, 0x11, inet(&[&[0xEE, 0x0F, 0xE1][..], &[0; 0x0FE1]].concat()), "192.0.2.1:4711"),
    ] {
        check(&block(command, family, &rest), Ok((expected, false)));
    }
}

#[test]
fn blocks_say_whether_the_client_speaks_tls() {
    for (marks, is_secure) in [(0x01, true), (0x07, true), (0x00, false), (0x06, false)] {
        let bytes = block(0x21, 0x11, &inet(&[0x20, 0, 5, marks, 0, 0, 0, 0]));
        check(&bytes, Ok(("192.0.2.1:4711", is_secure)));
    }
}

#[test]
fn blocks_that_are_none() {
    for (command, family, rest) in [
        (0x11, 0x11, inet(&[])),
        (0x22, 0x11, inet(&[])),
        (0x31, 0x11, inet(&[])),
        (0x21, 0x10, inet(&[])),
        (0x21, 0x13, inet(&[])),
        (0x21, 0x01, inet(&[])),
        (0x21, 0x41, inet(&[])),
        (0x21, 0x11, vec![0; 11]),
        (0x21, 0x21, vec![0; 35]),
        (0x21, 0x31, vec![0; 215]),
        // A value that is longer than the block, and half a value.
        (0x21, 0x11, inet(&[0xEE, 0, 2, 7])),
        (0x21, 0x11, inet(&[0xEE, 0])),
    ] {
        check(&block(command, family, &rest), Err(Broken::Block));
    }
    check(&block(0x21, 0x11, &[0; MOST - 15]), Err(Broken::TooLong));
    // At once, before all of it is there.
    let huge = [v2::SIGNATURE, &[0x21, 0x11, 0xFF, 0xFF]].concat();
    check(&huge, Err(Broken::TooLong));
    assert_eq!(parse(&[v2::SIGNATURE, &[0x32]].concat()), Err(Broken::Block));
}

#[test]
fn checksums_are_checked() {
    let mut bytes = block(0x21, 0x11, &inet(&[0x04, 0, 1, 9, 0x03, 0, 4, 0, 0, 0, 0, 0xEE, 0, 0]));
    let at = bytes.len() - 7;
    let sum = crc32c::of([&*bytes]);
    bytes[at..at + 4].copy_from_slice(&sum.to_be_bytes());
    check(&bytes, Ok(("192.0.2.1:4711", false)));
    for place in [16, 20, at - 4, at, at + 3] {
        let mut bytes = bytes.clone();
        bytes[place] ^= 1;
        check(&bytes, Err(Broken::Checksum));
    }
    check(&block(0x21, 0x11, &inet(&[0x03, 0, 3, 0, 0, 0])), Err(Broken::Checksum));
}
