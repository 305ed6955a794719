//! Forwarded headers: whatever a client claims, what a trusted proxy adds to it is
//! who the client is, or nothing is believed.
#![no_main]

use std::net::IpAddr;

use gateway_server::protocol::Client;
use gateway_server::protocol::forwarded::{self, Malformed, Style, Told};
use gateway_spec::Header;
use libfuzzer_sys::fuzz_target;

const ADDED: [&[u8]; 2] = [b"192.0.2.77", b"[2001:db8::77]:4711"];

fuzz_target!(|bytes: &[u8]| {
    let lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
    for style in [Style::XForwarded, Style::Forwarded] {
        let _ = read(style, &lines);
        for (added, client) in ADDED.into_iter().zip(clients()) {
            let is_list = style == Style::XForwarded;
            let added = if is_list { added.to_vec() } else { [b"for=\"", added, b"\";proto=https"].concat() };
            let mut own = lines.clone();
            own.push(&added);
            let told = read(style, &own).map(|told| told.client);
            assert_eq!(told, Ok(client), "on a line of its own");
            let (last, before) = lines.split_last().expect("a split gives at least one");
            let joined = [last, &b", "[..], &added].concat();
            let mut joined_lines = before.to_vec();
            joined_lines.push(&joined);
            let told = read(style, &joined_lines).map(|told| told.client);
            assert!(told == Ok(client) || (!is_list && told == Err(Malformed) && last.contains(&b'"')), "{told:?}");
        }
    }
});

fn clients() -> [Client; 2] {
    [Client::At("192.0.2.77".parse().unwrap(), None), Client::At("2001:db8::77".parse().unwrap(), Some(4711))]
}

fn read(style: Style, lines: &[&[u8]]) -> Result<Told, Malformed> {
    let name = if style == Style::XForwarded { "x-forwarded-for" } else { "forwarded" };
    let headers: Vec<_> = lines.iter().map(|line| Header::new(name, line)).collect();
    let is_trusted = |ip| matches!(ip, IpAddr::V4(ip) if ip.octets()[0] == 10);
    let told = forwarded::read(style, &headers, is_trusted)?;
    // Who is trusted is the client only where nobody else was named.
    if let Client::At(ip, _) = told.client {
        assert_eq!(ip, ip.to_canonical());
    }
    Ok(told)
}
