//! Who is not let in, and what is told to whom.

use std::net::TcpStream;

use gateway_tests::client::Client;
use gateway_tests::network::Network;
use gateway_tests::packets::{self, Pair};
use gateway_tests::server::Server;
use gateway_tests::skip;

#[test]
fn front_02_what_nginx_is_told_that_speaks_uwsgi_to_http() {
    if !gateway_tests::skip::has("front_02", "nginx") || !gateway_tests::skip::has("front_02", "curl") {
        return;
    }
    let server = Server::start("hello:app", &[]);
    let nginx = super::front("uwsgi", &server.places()[0]);
    let page = super::curl(&[&format!("http://{}/", nginx.address)]);
    assert!(String::from_utf8_lossy(&page).contains("this port speaks HTTP, and not uwsgi"), "{page:?}");
    assert!(server.stop().contains("this port speaks HTTP, and not uwsgi"));
}

/// What web servers send, each by its protocol.
fn packets(protocol: &str) -> Vec<u8> {
    let pairs = [("CONTENT_LENGTH", "0"), ("SCGI", "1"), ("REQUEST_METHOD", "GET"), ("PATH_INFO", "/")];
    let pairs: Vec<Pair> =
        pairs.iter().map(|(name, value)| (name.as_bytes().into(), value.as_bytes().into())).collect();
    match protocol {
        "uwsgi" => packets::uwsgi(&pairs),
        "scgi" => packets::scgi(&pairs),
        // On a connection that does not stay.
        _ => packets::record(1, 1, &[0, 1, 0, 0, 0, 0, 0, 0], 0)
            .into_iter()
            .chain(packets::stream(4, 1, &packets::params(&pairs), &[100], 0))
            .chain(packets::record(5, 1, b"", 0))
            .collect(),
    }
}

/// Machines 1 and 2 are web servers, the first is the server.
#[test]
fn front_03_web_servers_of_other_machines_are_closed_unless_it_is_said() {
    if !skip::has_networks("front_03_web_servers_of_other_machines_are_closed_unless_it_is_said") {
        return;
    }
    let (network, stranger) = (Network::new(2), format!("{}: closed: ", Network::address(2)));
    for protocol in ["uwsgi", "scgi", "fastcgi"] {
        let bind = format!("{protocol}://{}:0", Network::address(0));
        let flags = ["--bind", &bind, "--front-allow", &Network::address(1)];
        let server = network.on(0, || Server::start("hello:app", &flags));
        let asked = |machine| {
            network.on(machine, || {
                let mut client = Client::new(TcpStream::connect(server.address()).unwrap());
                // It may be closed already.
                let _ = client.send(&packets(protocol));
                String::from_utf8_lossy(&client.rest().unwrap_or_default()).into_owned()
            })
        };
        assert!(asked(0).contains("200 OK") && asked(1).contains("200 OK"), "{protocol}: {}", server.log());
        assert_eq!(asked(2), "", "{protocol}");
        assert!(server.stop().contains(&stranger), "{protocol}");
    }
}

/// CGI asks for a length. nginx that is to pass on at once what it has collects a chunked
/// body all the same, but not for FastCGI: docs/deploy/nginx.md says not to tell it.
#[test]
fn front_09_a_chunked_body_that_nginx_does_not_collect_has_no_length() {
    if !skip::has("front_09_a_chunked_body_that_nginx_does_not_collect_has_no_length", "nginx") {
        return;
    }
    for (protocol, status) in [("fastcgi", 502), ("uwsgi", 200), ("scgi", 200)] {
        let server = Server::start("probe:app", &["--bind", &format!("{protocol}://127.0.0.1:0")]);
        let lines = format!("{protocol}_request_buffering off;\n");
        let nginx = super::front_with(protocol, &server.places()[0], &lines);
        let mut client = Client::new(TcpStream::connect(nginx.address).unwrap());
        let head = "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
        let chunk = [&b"400\r\n"[..], &[b'x'; 1024], b"\r\n"].concat();
        client.send(&[head.as_bytes(), &chunk.repeat(50), b"0\r\n\r\n"].concat()).unwrap();
        let answer = client.response("POST").unwrap();
        assert_eq!((answer.status, answer.body.len() == 51_200), (status, status == 200), "{protocol}");
        let log = server.stop();
        assert_eq!(log.contains("a FastCGI request has a body, and no CONTENT_LENGTH"), status == 502, "{log}");
    }
}
