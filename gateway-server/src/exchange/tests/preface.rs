//! Connections that begin with a PROXY header, and clients that headers name.

use super::*;
use crate::exchange::{Proxies, Resting, Timeouts};
use crate::net::{Local, Peer, Proxy};
use crate::protocol::forwarded::Style;
use crate::stats::Fault;

const LINE: &[u8] = b"PROXY TCP4 192.0.2.1 198.51.100.1 4711 443\r\n";
/// Version 2, from a client of 192.0.2.1:4711 that speaks TLS.
const BLOCK: &[u8] =
    b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x14\xc0\0\x02\x01\xc6\x33\x64\x01\x12\x67\x01\xbb\x20\0\x05\x01\0\0\0\0";
const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/// Answers with who asks.
fn who<'r>(environ: Environ<'r>, start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
    start_response.start(Head::new(Status::OK, &[]))?;
    let get = |key| environ.get(key).map_or("-".into(), |value| String::from_utf8_lossy(&value).into_owned());
    let keys = ["SERVER_NAME", "SERVER_PORT", "REMOTE_ADDR", "REMOTE_PORT", "gateway.url_scheme", "HTTPS"];
    Ok(Body::from(keys.map(get).join(" ")))
}

/// A server behind proxies of 10.0.0.0/8.
fn behind(forwarded: Option<Style>) -> Arc<Service> {
    let trusted = ["10.0.0.0/8"].iter().map(|text| text.parse::<Proxy>().unwrap()).collect();
    let proxies = Proxies { trusted: Arc::new(trusted), announced: true, forwarded, ..Proxies::default() };
    Arc::new(Service { proxies, ..service(app_fn(who)) })
}

/// A connection of 10.0.0.1.
fn from(peer: Peer, now: &Now) -> Resting {
    let local = Arc::new(Local::new("localhost", 80));
    Resting::new(Endpoint::new(local, Some("10.0.0.1:1".parse().unwrap())).with_peer(peer), now)
}

/// What has arrived at a socket, and is not read yet.
#[derive(Default)]
struct Socket(Vec<u8>);

impl Socket {
    /// Reads as an engine does: looks, and takes what is the header's. Answers
    /// whether there was anything.
    fn read(&mut self, exchange: &mut Exchange, now: &Now) -> bool {
        let (there, announced) = (self.0.len(), exchange.is_preface());
        exchange.room()[..there].copy_from_slice(&self.0);
        let count = if announced { exchange.in_preface(there) } else { there };
        assert!(count <= there && (count > 0) == (there > 0));
        if count > 0 {
            // Read for good; what was looked at behind it is no more.
            exchange.room()[..there].fill(0);
            exchange.room()[..count].copy_from_slice(&self.0[..count]);
            self.0.drain(..count);
            exchange.fed(count, now);
        }
        count > 0
    }

    /// Reads all, and answers what is said to it.
    fn serve(&mut self, exchange: &mut Exchange, now: &Now) -> String {
        let mut text = String::new();
        loop {
            match exchange.want() {
                Want::Read if self.read(exchange, now) => {}
                Want::Run => exchange.run(&mut ScriptedPort(&mut Client::default(), *now)),
                Want::Write => {
                    let Pending::Bytes { bytes, .. } = exchange.pending() else { panic!("one run") };
                    text += &plain(&String::from_utf8_lossy(bytes));
                    let count = bytes.len();
                    exchange.sent(count, now);
                }
                _ => return text,
            }
        }
    }
}

fn answer(text: &str) -> String {
    format!("HTTP/1.1 200 OK\nContent-Length: {}\n\n{text}", text.len())
}

#[test]
fn a_header_in_any_pieces_names_the_client_of_all_requests() {
    let (now, service) = (now(), behind(None));
    for (header, expected) in [
        (LINE, "localhost 80 192.0.2.1 4711 http -"),
        (BLOCK, "localhost 80 192.0.2.1 4711 https on"),
        (b"PROXY UNKNOWN\r\n", "localhost 80 10.0.0.1 1 http -"),
        (b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0", "localhost 80 10.0.0.1 1 http -"),
        (&[&b"\r\n\r\n\0\r\nQUIT\n\x21\x31\0\xd8"[..], &[0; 216]].concat(), "localhost 80 - - http -"),
    ] {
        let bytes = [header, REQUEST, REQUEST].concat();
        for size in [1, 2, 7, header.len() - 1, header.len(), header.len() + 1, bytes.len()] {
            let (mut exchange, mut socket) = (Exchange::vacant(Arc::clone(&service)), Socket::default());
            exchange.resume(from(Peer::Announcing, &now));
            let mut text = String::new();
            for piece in bytes.chunks(size) {
                assert_eq!(exchange.want(), Want::Read);
                socket.0.extend_from_slice(piece);
                text += &socket.serve(&mut exchange, &now);
                assert!(socket.0.is_empty(), "something was left: it would be told of again and again");
            }
            assert_eq!(text, answer(expected).repeat(2), "{} in pieces of {size}", header.escape_ascii());
            // Also of those that come later.
            let resting = exchange.rest().expect("nothing has begun");
            exchange.resume(resting);
            socket.0.extend_from_slice(REQUEST);
            assert_eq!(socket.serve(&mut exchange, &now), answer(expected));
        }
    }
}

/// What follows may be a handshake, whose reader is another one.
#[test]
fn no_byte_behind_the_header_is_taken() {
    let now = now();
    for header in [LINE, BLOCK] {
        for before in 0..header.len() {
            let mut exchange = Exchange::vacant(behind(None));
            exchange.resume(from(Peer::Announcing, &now));
            let mut socket = Socket(header[..before].to_vec());
            assert_eq!(socket.read(&mut exchange, &now), before > 0);
            assert!(exchange.is_preface() && socket.0.is_empty());
            socket.0.extend([&header[before..], b"\x16\x03\x01\n"].concat());
            assert!(socket.read(&mut exchange, &now));
            assert_eq!((exchange.is_preface(), &*socket.0), (false, &b"\x16\x03\x01\n"[..]));
        }
    }
}

#[test]
fn who_rests_before_the_header_holds_no_buffers() {
    let now = now();
    let mut exchange = Exchange::vacant(behind(None));
    exchange.resume(from(Peer::Announcing, &now));
    assert!(exchange.is_idle());
    let resting = exchange.rest().expect("nothing came");
    // Meanwhile the memory serves another.
    exchange.resume(from(Peer::Stranger, &now));
    assert_eq!(Socket(REQUEST.to_vec()).serve(&mut exchange, &now), answer("localhost 80 10.0.0.1 1 http -"));
    assert!(exchange.rest().is_some());
    exchange.resume(resting);
    let mut socket = Socket(BLOCK[..20].to_vec());
    socket.serve(&mut exchange, &now);
    assert!(exchange.rest().is_none() && !exchange.is_idle(), "half a header came");
    socket.0.extend([&BLOCK[20..], REQUEST].concat());
    assert_eq!(socket.serve(&mut exchange, &now), answer("localhost 80 192.0.2.1 4711 https on"));
    // And afterwards: nothing is left of who it was.
    assert!(exchange.rest().is_some());
    exchange.resume(from(Peer::Stranger, &now));
    assert_eq!(Socket(REQUEST.to_vec()).serve(&mut exchange, &now), answer("localhost 80 10.0.0.1 1 http -"));
}

/// What becomes of a connection that begins so, and then does that.
fn check(begin: &[u8], act: impl FnOnce(&mut Exchange, &Now), faults: u64) {
    let (now, service) = (now(), behind(None));
    let mut exchange = Exchange::vacant(Arc::clone(&service));
    exchange.resume(from(Peer::Announcing, &now));
    let mut socket = Socket(begin.to_vec());
    assert_eq!(socket.serve(&mut exchange, &now), "", "{}", begin.escape_ascii());
    act(&mut exchange, &now);
    assert_eq!(exchange.want(), Want::Close, "{}", begin.escape_ascii());
    assert_eq!(service.counters.of(Fault::Unannounced), faults, "{}", begin.escape_ascii());
}

#[test]
fn without_a_header_it_is_closed_and_counted() {
    let late = |exchange: &mut Exchange, now: &Now| {
        let deadline = now.instant + Timeouts::default().head;
        assert_eq!(exchange.deadline(), Some(deadline));
        exchange.tick(&Now { instant: deadline - Duration::from_millis(1), ..*now });
        assert_eq!(exchange.want(), Want::Read);
        exchange.tick(&Now { instant: deadline, ..*now });
    };
    check(REQUEST, |_, _| {}, 1);
    check(b"G", |_, _| {}, 1);
    check(b"PROXY TCP4 nobody\r\n", |_, _| {}, 1);
    check(&[b'P'; 1], |exchange, now| exchange.eof(now), 1);
    check(LINE.split_last().unwrap().1, late, 1);
    check(b"", late, 1);
    // It was only looked whether somebody listens; or it is time to end.
    check(b"", |exchange, now| exchange.eof(now), 0);
    check(b"", |exchange, _| exchange.stop(true), 0);
}

/// Answers to requests with these headers, one behind the other.
fn told(style: Style, peer: Peer, begin: &[u8], requests: &[(&str, &str)]) {
    let (now, service) = (now(), behind(Some(style)));
    let mut exchange = Exchange::vacant(service);
    exchange.resume(from(peer, &now));
    let mut socket = Socket(begin.to_vec());
    for (headers, expected) in requests {
        socket.0.extend(format!("GET / HTTP/1.1\r\nHost: a\r\n{headers}\r\n").bytes());
        assert_eq!(socket.serve(&mut exchange, &now), answer(&format!("localhost 80 {expected}")), "{headers}");
    }
}

#[test]
fn headers_of_a_trusted_peer_name_the_client_of_their_request() {
    told(
        Style::XForwarded,
        Peer::Trusted,
        b"",
        &[
            ("", "10.0.0.1 1 http -"),
            ("X-Forwarded-For: 6.6.6.6, 192.0.2.1, 10.0.0.2\r\n", "192.0.2.1 - http -"),
            ("X-Forwarded-For: [2001:db8::1]:80\r\nX-Forwarded-Proto: https\r\n", "2001:db8::1 80 https on"),
            ("X-Forwarded-For: unknown\r\nX-Forwarded-Proto: http\r\n", "- - http -"),
            ("X-Forwarded-Proto: https\r\n", "10.0.0.1 1 https on"),
            ("X-Forwarded-For: rubbish\r\nX-Forwarded-Proto: https\r\n", "10.0.0.1 1 http -"),
            ("Forwarded: for=192.0.2.1;proto=https\r\n", "10.0.0.1 1 http -"),
            ("", "10.0.0.1 1 http -"),
        ],
    );
    told(
        Style::Forwarded,
        Peer::Trusted,
        b"",
        &[
            ("Forwarded: for=\"[2001:db8::1]:80\";proto=https, for=10.0.0.2\r\n", "2001:db8::1 80 https on"),
            ("X-Forwarded-For: 192.0.2.1\r\n", "10.0.0.1 1 http -"),
        ],
    );
}

#[test]
fn headers_of_strangers_mean_nothing() {
    let claims = "X-Forwarded-For: 192.0.2.9\r\nX-Forwarded-Proto: https\r\n";
    told(Style::XForwarded, Peer::Stranger, b"", &[(claims, "10.0.0.1 1 http -")]);
    // Who is named by a PROXY header has sent the request, and not the proxy.
    told(Style::XForwarded, Peer::Announcing, LINE, &[(claims, "192.0.2.1 4711 http -")]);
    let inner = b"PROXY TCP4 10.0.0.7 198.51.100.1 4711 443\r\n";
    told(Style::XForwarded, Peer::Announcing, inner, &[(claims, "192.0.2.9 - https on")]);
    told(Style::XForwarded, Peer::Announcing, b"PROXY UNKNOWN\r\n", &[(claims, "192.0.2.9 - https on")]);
    // The header tells of TLS; the request's own word is the later one.
    told(Style::XForwarded, Peer::Announcing, BLOCK, &[("", "192.0.2.1 4711 https on")]);
}

#[test]
fn headers_that_are_not_valid_are_counted() {
    let (now, service) = (now(), behind(Some(Style::XForwarded)));
    let mut exchange = Exchange::vacant(Arc::clone(&service));
    exchange.resume(from(Peer::Trusted, &now));
    let mut socket = Socket(b"GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: rubbish\r\n\r\n".repeat(3));
    socket.serve(&mut exchange, &now);
    assert_eq!(service.counters.of(Fault::Forwarded), 3);
}
