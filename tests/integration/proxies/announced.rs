//! Connections that begin with a PROXY header, on every engine.

use std::io::Write as _;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;

use gateway_tests::artifacts;
use gateway_tests::client::{Client, Random};
use gateway_tests::server::{Server, command};
use gateway_tests::skip;
use gateway_tests::trace::Traced;

use super::{ANNOUNCED, asked, request, serve, who};
use crate::engines::{Engine, on_every_engine};
use crate::peers::curl::curl;
use crate::workers::{gone, replaced, workers};

on_every_engine! {
    a_header_names_the_client => a_header_names_the_client,
    a_header_that_comes_slowly_is_waited_for => a_header_that_comes_slowly_is_waited_for,
    who_sends_no_header_is_closed => who_sends_no_header_is_closed,
    who_is_not_trusted_is_served_as_a_client => who_is_not_trusted_is_served_as_a_client,
    a_header_comes_by_a_unix_socket_too => a_header_comes_by_a_unix_socket_too,
    curl_sends_a_header => curl_sends_a_header,
    a_reload_keeps_the_client => a_reload_keeps_the_client,
}

const LINE: &[u8] = b"PROXY TCP4 192.0.2.1 198.51.100.1 4711 443\r\n";
/// A client of [2001:db8::1]:4711 that speaks TLS, and a value of a type that nobody
/// knows.
const BLOCK: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x21\x21\0\x30\
    \x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02\x12\x67\x01\xbb\
    \xee\0\x01x\x20\0\x05\x01\0\0\0\0";
const LOCAL: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0";

const CLIENTS: &[(&[u8], &str)] = &[(LINE, "192.0.2.1 4711 http -"), (BLOCK, "2001:db8::1 4711 https on")];

/// Whole, alone before the request, byte by byte, and in pieces; for several
/// requests each.
fn a_header_names_the_client(engine: Engine) {
    let server = serve(engine, ANNOUNCED);
    let mut random = Random::new(7);
    for (header, expected) in CLIENTS {
        let bytes = [header, &*request("").repeat(2)].concat();
        let pieces = |most: usize, random: &mut Random| (0..200).map(|_| 1 + random.below(most)).collect::<Vec<_>>();
        for lengths in
            [vec![], vec![header.len()], vec![1; bytes.len()], pieces(3, &mut random), pieces(60, &mut random)]
        {
            let mut client = Client::new(server.connect());
            client.send_split(&bytes, &lengths).unwrap();
            assert_eq!([asked(&mut client), asked(&mut client)], [*expected, *expected], "{lengths:?}");
            client.send(&request("Connection: close\r\n")).unwrap();
            assert_eq!(asked(&mut client), *expected);
            assert!(client.at_end().unwrap());
        }
    }
    // The proxy itself asks, to see whether all is well.
    for header in [LOCAL, b"PROXY UNKNOWN\r\n"] {
        let stream = server.connect();
        let port = stream.local_addr().unwrap().port();
        let mut client = Client::new(stream);
        client.send(&[header, &*request("")].concat()).unwrap();
        assert_eq!(asked(&mut client), format!("127.0.0.1 {port} http -"));
    }
    assert!(!server.stop().contains("faults:"));
}

/// A loop goes on with others meanwhile, and is told once of each piece.
fn a_header_that_comes_slowly_is_waited_for(engine: Engine) {
    let server = serve(engine, ANNOUNCED);
    let (begin, rest) = LINE.split_at(20);
    let mut slow = Client::new(server.connect());
    slow.send(begin).unwrap();
    // One that serves others only afterwards closes nobody who has begun.
    if engine.name != "single" {
        let mut other = Client::new(server.connect());
        other.send(&[BLOCK, &*request("")].concat()).unwrap();
        assert_eq!(asked(&mut other), "2001:db8::1 4711 https on");
    }
    slow.send(rest).unwrap();
    slow.send(&request("")).unwrap();
    assert_eq!(asked(&mut slow), "192.0.2.1 4711 http -");
}

/// Half a header is taken, and no loop is told of it again and again.
#[test]
fn half_a_header_keeps_nobody_busy() {
    if !skip::has("half_a_header_keeps_nobody_busy", "strace") {
        return;
    }
    let engines =
        [&["leader", "--loops", "1"][..], &["epoll"], &["epoll", "--trigger", "edge"], &["poll"], &["select"]];
    for engine in engines {
        let target = format!("{}:app", artifacts::module("environ").display());
        let flags = [&["--engine"], engine, ANNOUNCED, &["--no-master", "--bind", "127.0.0.1:0", &target]].concat();
        let traced = Traced::spawn(&command(&flags), "recvfrom,epoll_wait,epoll_pwait,poll,ppoll,select,pselect6");
        let mut slow = Client::new(traced.server.connect());
        slow.send(&LINE[..20]).unwrap();
        let mut other = Client::new(traced.server.connect());
        other.send(LINE).unwrap();
        for _ in 0..50 {
            other.send(&request("")).unwrap();
            assert_eq!(asked(&mut other), "192.0.2.1 4711 http -");
        }
        // A wait and a read for each request, one that finds nothing, and the start.
        let calls = traced.calls("monitor");
        assert!(calls.of("recvfrom") >= 50 && calls.total() < 300, "{engine:?}: {calls:?}");
        slow.send(&LINE[20..]).unwrap();
        slow.send(&request("")).unwrap();
        assert_eq!(asked(&mut slow), "192.0.2.1 4711 http -");
        drop((slow, other));
        traced.server.stop();
    }
}

/// Nothing is said to it: nobody knows what it speaks.
fn is_closed(mut client: Client) {
    // Where it has sent more than was read it is a reset.
    let said = client.rest().unwrap_or_default();
    assert_eq!(said.escape_ascii().to_string(), "");
}

fn who_sends_no_header_is_closed(engine: Engine) {
    let server = serve(engine, &[ANNOUNCED, &["--head-timeout", "300ms"]].concat());
    let broken: [(&[u8], &str); 5] = [
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "it does not begin with a PROXY header"),
        (b"PROXY TCP4 192.0.2.1 198.51.100.1 4711\r\n", "its PROXY header is not a line of version 1"),
        (b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x04\0\0\0\0", "its PROXY header is not a block of version 2"),
        (b"\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff", "its PROXY header is too long"),
        (b"PROXY TCP4 192.0.2.1", "its PROXY header took too long"),
    ];
    for (bytes, why) in broken {
        let mut client = Client::new(server.connect());
        client.send(bytes).unwrap();
        is_closed(client);
        server.wait_for_log(&format!("127.0.0.1: closed: {why}"));
    }
    let mut client = Client::new(server.connect());
    client.send(b"PROXY TCP4 192.0.2.1").unwrap();
    client.finish();
    is_closed(client);
    server.wait_for_log("127.0.0.1: closed: its PROXY header was cut short");
    // It only looks whether somebody listens.
    drop(server.connect());
    let mut client = Client::new(server.connect());
    client.send(&[LINE, &*request("")].concat()).unwrap();
    assert_eq!(asked(&mut client), "192.0.2.1 4711 http -");
    drop(client);
    assert!(server.stop().contains("faults: 6 x a proxy sent no valid PROXY header"));
}

fn who_is_not_trusted_is_served_as_a_client(engine: Engine) {
    let server = serve(engine, &["--trusted-proxies", "10.0.0.0/8", "--proxy-protocol"]);
    let stream = server.connect();
    let port = stream.local_addr().unwrap().port();
    let mut client = Client::new(stream);
    client.send(&request("")).unwrap();
    assert_eq!(asked(&mut client), format!("127.0.0.1 {port} http -"));
    drop(client);
    for header in [LINE, BLOCK] {
        let mut client = Client::new(server.connect());
        client.send(&[header, &*request("")].concat()).unwrap();
        assert_eq!(client.response("GET").unwrap().status, 400);
    }
}

fn a_header_comes_by_a_unix_socket_too(engine: Engine) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.sock");
    let bind = format!("unix:{}", path.display());
    let ask = |header: &[u8], flags: &[&str]| {
        let _server: Server = serve(engine, &[&["--bind", &bind], flags].concat());
        let mut client = UnixStream::connect(&path).unwrap();
        client.write_all(&[header, &*request("Connection: close\r\n")].concat()).unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        let text = std::io::read_to_string(client).unwrap();
        (text[..12].to_owned(), who(&text))
    };
    let announced = |header| ask(header, &["--trusted-proxies", "unix", "--proxy-protocol"]);
    assert_eq!(announced(LINE), ("HTTP/1.1 200".to_owned(), "192.0.2.1 4711 http -".to_owned()));
    assert_eq!(announced(LOCAL), ("HTTP/1.1 200".to_owned(), "- - http -".to_owned()));
    // Addresses are nothing that such a peer has.
    assert_eq!(ask(LINE, &["--trusted-proxies", "0.0.0.0/0,::/0", "--proxy-protocol"]).0, "HTTP/1.1 400");
}

/// Who waits is passed on to a new worker, which does not wait for a header again,
/// but for one that has not come.
fn a_reload_keeps_the_client(engine: Engine) {
    let server = serve(engine, &[ANNOUNCED, &["--workers", "1"]].concat());
    let mut client = Client::new(server.connect());
    client.send(&[BLOCK, &*request("")].concat()).unwrap();
    assert_eq!(asked(&mut client), "2001:db8::1 4711 https on");
    // Where one is served at a time, it would have the other make room.
    let silent = (engine.name != "single").then(|| Client::new(server.connect()));
    let old = workers(&server);
    server.signal("HUP");
    replaced(&server, &old);
    gone(&server, &old);
    client.send(&request("Connection: close\r\n")).unwrap();
    assert_eq!(asked(&mut client), "2001:db8::1 4711 https on");
    if let Some(mut silent) = silent {
        silent.send(&[LINE, &*request("")].concat()).unwrap();
        assert_eq!(asked(&mut silent), "192.0.2.1 4711 http -");
    }
}

fn curl_sends_a_header(engine: Engine) {
    if !skip::has("curl_sends_a_header", "curl") {
        return;
    }
    let server = serve(engine, ANNOUNCED);
    let url = server.url("/");
    let port = ["--write-out", "%{local_port}", "--output", "/dev/stdout"];
    let page = curl(&[&["--haproxy-protocol"], &port[..], &[&url]].concat());
    let page = String::from_utf8_lossy(&page);
    let port = page.rsplit_once("</html>\n").unwrap().1;
    assert_eq!(who(&page), format!("127.0.0.1 {port} http -"));
}
