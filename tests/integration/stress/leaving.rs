//! Clients that vanish, politely and not.

use std::io::Read as _;
use std::net::TcpStream;
use std::time::Duration;

use gateway_tests::client::Client;
use gateway_tests::process::{children, descriptors};
use gateway_tests::server::Server;
use gateway_tests::wait::{settled, until};
use rustix::net::sockopt::set_socket_linger;

use super::{ask, sent, serves};
use crate::engines::{Engine, on_every_engine};

on_every_engine! {
    clients_that_vanish_leave_nothing_behind => clients_that_vanish_leave_nothing_behind,
}

/// Where clients leave, each so often by a FIN and by a RST.
const TIMES: usize = 50;
const UNFINISHED: &[&str] = &[
    "",
    "GET /good HTTP/1.1\r\nHo",
    "POST /good HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nsome",
    "POST /good HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nsome",
];
const UNREAD: &str = "GET /good HTTP/1.1\r\nHost: a\r\n\r\n";
const ENDLESS: &str = "GET /endless HTTP/1.1\r\nHost: a\r\n\r\n";

/// Closes with a RST instead of a FIN.
fn reset(stream: TcpStream) {
    set_socket_linger(&stream, Some(Duration::ZERO)).expect("a socket takes SO_LINGER");
}

/// Leaves in the middle of an answer.
fn part(server: &Server) -> TcpStream {
    let mut stream = sent(server, ENDLESS);
    stream.read_exact(&mut [0; 100_000]).expect("the stream has no end");
    stream
}

fn clients_that_vanish_leave_nothing_behind(engine: Engine) {
    let server = engine.serve("faulty:app", &[]);
    serves(&server, "/good");
    let before = settled("descriptors", || descriptors(server.id()));
    for leave in [drop, reset] {
        for _ in 0..TIMES {
            UNFINISHED.iter().for_each(|bytes| leave(sent(&server, bytes)));
            leave(sent(&server, UNREAD));
            leave(sent(&server, ENDLESS));
            leave(part(&server));
        }
    }
    serves(&server, "/good");
    until("descriptors", || descriptors(server.id()), |now| *now <= before);
    until("children", || children(server.id()).len(), |count| *count == 0);
    // Where each connection has a process, so has each count; one that
    // ended has given back all that it had.
    if engine.name != "fork" {
        every_body_was_closed_once(&server);
    }
    server.stop();
}

fn every_body_was_closed_once(server: &Server) {
    let mut client = Client::new(server.connect());
    let mut count = |path: &str| -> usize {
        let response = ask(&mut client, path).expect("the server answers");
        response.text().trim().parse().expect("a number")
    };
    let opened = count("/opened");
    // All that came to a call: at least those whose answer was read in part.
    assert!(opened >= 2 * TIMES, "{opened}");
    until("bodies closed", || count("/closed"), |closed| *closed >= opened);
    assert_eq!((count("/opened"), count("/closed")), (opened, opened));
}
