//! Clients that read or write as slowly as they can.

use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::thread::JoinHandle;
use std::time::Duration;

use gateway_tests::client::{Client, Response};
use gateway_tests::process::{family, memory, most_memory};
use gateway_tests::server::Server;
use gateway_tests::wait::settled;

use super::{sent, serves};
use crate::engines::{Engine, on_every_engine};

on_every_engine! {
    a_slow_reader_costs_no_memory => a_slow_reader_costs_no_memory,
    a_body_that_trickles_is_refused => a_body_that_trickles_is_refused,
}

/// What is streamed, and how much of it a server may hold.
const STREAM: u64 = 100 << 20;
const BOUND: u64 = 64 << 20;

/// The memory of the server and of its children.
fn all_memory(server: &Server) -> u64 {
    family(server.id()).into_iter().map(memory).sum()
}

/// A stream that the client does not read waits in the app, not in memory.
fn a_slow_reader_costs_no_memory(engine: Engine) {
    let server = engine.serve("probe:app", &[]);
    serves(&server, "/");
    let (before, most_before) = (all_memory(&server), most_memory(server.id()));
    let path = format!("/stream?n={}&size=65536", STREAM / 65_536);
    let mut slow = sent(&server, &format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
    slow.read_exact(&mut [0; 1000]).unwrap();
    // It reads nothing now, and the server's memory no longer changes.
    let stalled = settled("the server's memory", || all_memory(&server));
    let rest = std::io::copy(&mut slow, &mut std::io::sink()).unwrap();
    assert!(rest > STREAM - 1000, "only {rest} bytes came");
    let most = most_memory(server.id());
    let grown = stalled.saturating_sub(before).max(most.saturating_sub(most_before));
    eprintln!("{}: grown by {} KiB for a stream of {} MiB", engine.name, grown >> 10, STREAM >> 20);
    assert!(grown < BOUND, "grown by {grown} bytes, {stalled} while stalled, {most} at most");
    server.stop();
}

/// Bodies that come more slowly than they must: collected before the call, read
/// by the app while they come, and without a length.
const SLOW: &[&str] = &["Content-Length: 10000", "Content-Length: 1000000", "Transfer-Encoding: chunked"];

/// A body that trickles is ended; when, is the server's business.
fn a_body_that_trickles_is_refused(engine: Engine) {
    let server = engine.serve("probe:app", &["--body-timeout", "1s", "--body-rate", "10KiB"]);
    let slow: Vec<_> = SLOW.iter().map(|framing| (framing, Trickle::start(&server, framing))).collect();
    for (framing, trickle) in slow {
        let response = trickle.response();
        let response = response.unwrap_or_else(|error| panic!("{framing}: {error}\n{}", server.log()));
        assert_eq!(response.status, 408, "{framing}: {}", response.text());
    }
    serves(&server, "/");
    server.stop();
}

/// A request whose body comes byte by byte, until nobody takes any more.
struct Trickle {
    stream: TcpStream,
    sender: JoinHandle<()>,
}

impl Trickle {
    fn start(server: &Server, framing: &str) -> Self {
        let stream = sent(server, &format!("POST /echo HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\n"));
        let mut sink = stream.try_clone().expect("descriptors are left");
        let byte: &[u8] = if framing.contains("chunked") { b"1\r\nx\r\n" } else { b"x" };
        let sender = std::thread::spawn(move || {
            while sink.write_all(byte).is_ok() {
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        Self { stream, sender }
    }

    /// Waits for the answer, and leaves.
    fn response(self) -> io::Result<Response> {
        let response = Client::new(self.stream.try_clone()?).response("POST");
        // Ends the sender, and the server's waiting for it.
        let _ = self.stream.shutdown(Shutdown::Both);
        self.sender.join().expect("a sender does not panic");
        response
    }
}
