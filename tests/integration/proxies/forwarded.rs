//! Headers that name the client of their request.

use std::io::Write as _;
use std::os::unix::net::UnixStream;

use gateway_tests::client::Client;
use gateway_tests::server::Server;

use super::{TRUSTED, asked, request, serve, who};
use crate::engines::{Engine, on_every_engine};

on_every_engine! {
    headers_name_the_client_of_each_request => headers_name_the_client_of_each_request,
}

fn headers_name_the_client_of_each_request(engine: Engine) {
    let server = serve(engine, TRUSTED);
    let stream = server.connect();
    let own = format!("127.0.0.1 {}", stream.local_addr().unwrap().port());
    let mut client = Client::new(stream);
    for (headers, expected) in [
        ("X-Forwarded-For: 6.6.6.6, 192.0.2.1\r\nX-Forwarded-Proto: https\r\n", "192.0.2.1 - https on".to_owned()),
        ("X-Forwarded-For: 2001:DB8::1, 127.0.0.9\r\n", "2001:db8::1 - http -".to_owned()),
        ("X-Forwarded-For: 192.0.2.1:4711\r\n", "192.0.2.1 4711 http -".to_owned()),
        ("X-Forwarded-For: unknown\r\n", "- - http -".to_owned()),
        ("X-Forwarded-For: rubbish\r\n", format!("{own} http -")),
        ("X-Forwarded-Host: evil.example\r\nForwarded: for=192.0.2.9\r\n", format!("{own} http -")),
        ("", format!("{own} http -")),
    ] {
        client.send(&request(headers)).unwrap();
        assert_eq!(asked(&mut client), expected, "{headers}");
    }
    drop(client);
    assert!(server.stop().contains("faults: 1 x a proxy sent forwarded headers that are not valid"));
}

/// Who asks, by a request with these headers.
fn ask(flags: &[&str], headers: &str) -> (String, String) {
    let server = Server::start("environ:app", &[&["--lint"], flags].concat());
    let mut client = Client::new(server.connect());
    client.send(&request(headers)).unwrap();
    let page = client.response("GET").unwrap().text();
    let header = page.split("<tr><th>HTTP_X_FORWARDED_FOR</th><td>").nth(1).and_then(|row| row.split('<').next());
    (who(&page).replacen("127.0.0.1 ", "own ", 1), header.unwrap_or("-").to_owned())
}

const BOTH: &str = "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https\r\nForwarded: for=\"[2001:db8::1]\"\r\n";

#[test]
fn a_style_is_chosen() {
    for (flags, expected) in [
        (&[][..], "192.0.2.1 - https on"),
        (&["--forwarded", "x-forwarded"], "192.0.2.1 - https on"),
        (&["--forwarded", "forwarded"], "2001:db8::1 - http -"),
    ] {
        assert_eq!(ask(&[TRUSTED, flags].concat(), BOTH).0, expected, "{flags:?}");
    }
}

/// The app gets the header as it came: whatever it says, REMOTE_ADDR does not.
#[test]
fn nobody_else_is_believed() {
    for flags in [
        &[][..],
        &["--trusted-proxies", "10.0.0.0/8,unix"],
        &["--trusted-proxies", "127.0.0.1", "--forwarded", "off"],
        &["--forwarded", "off"],
    ] {
        let (client, header) = ask(flags, BOTH);
        assert!(client.starts_with("own ") && client.ends_with(" http -"), "{flags:?}: {client}");
        assert_eq!(header, "192.0.2.1", "{flags:?}");
    }
}

/// Who is named by a PROXY header has sent the request: the proxy has not looked.
#[test]
fn a_client_behind_a_balancer_cannot_call_itself_what_it_likes() {
    let server = Server::start("environ:app", &[TRUSTED, &["--proxy-protocol", "--lint"]].concat());
    let ask = |header: &str| {
        let mut client = Client::new(server.connect());
        client.send(&[header.as_bytes(), &*request(BOTH)].concat()).unwrap();
        asked(&mut client)
    };
    assert_eq!(ask("PROXY TCP4 203.0.113.9 198.51.100.1 4711 443\r\n"), "203.0.113.9 4711 http -");
    assert_eq!(ask("PROXY TCP4 127.0.0.7 198.51.100.1 4711 443\r\n"), "192.0.2.1 - https on");
}

#[test]
fn peers_of_unix_sockets_are_believed_if_that_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.sock");
    let bind = format!("unix:{}", path.display());
    for (trusted, expected) in [("unix", "192.0.2.1 - https on"), ("0.0.0.0/0,::/0", "- - http -")] {
        let _server = Server::start("environ:app", &["--lint", "--trusted-proxies", trusted, "--bind", &bind]);
        let mut client = UnixStream::connect(&path).unwrap();
        client.write_all(&request(&format!("Connection: close\r\n{BOTH}"))).unwrap();
        assert_eq!(who(&std::io::read_to_string(client).unwrap()), expected);
    }
}

/// A body that is collected first has its head read twice.
#[test]
fn a_request_with_a_large_body_has_its_client() {
    for engine in ["leader", "epoll"] {
        let server = Server::start("environ:app", &[TRUSTED, &["--engine", engine]].concat());
        let mut client = Client::new(server.connect());
        let head = b"POST / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.1\r\nContent-Length: 200000\r\n\r\n";
        client.send(&[&head[..], &[b'x'; 200_000]].concat()).unwrap();
        assert_eq!(asked(&mut client), "192.0.2.1 - http -", "{engine}");
    }
}
