//! Clients that send half of something and no more.

use gateway_tests::skip;

use super::{sent, serves};
use crate::engines::{Engine, on_every_engine};

on_every_engine! {
    stalled_clients_keep_nobody_waiting => stalled_clients_keep_nobody_waiting,
}

/// So many, and where each stops.
const STALLED: usize = 500;
const HALVES: &[&str] = &[
    "",
    "GET / HTTP/1.1\r\nHo",
    "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nsome",
    "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
    // Above what is collected before every call.
    "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nsome",
];

/// Not on `single`, which serves one client at a time: that one could stall.
fn stalled_clients_keep_nobody_waiting(engine: Engine) {
    let test = "stalled_clients_keep_nobody_waiting";
    if engine.name == "single" || !skip::has_descriptors(test, 2 * STALLED as u64) {
        return;
    }
    // A process for each: the cap is below that by default.
    let cap: &[&str] = if engine.name == "fork" { &["--connections", "600"] } else { &[] };
    let server = engine.serve("probe:app", cap);
    let stalled: Vec<_> = HALVES.iter().cycle().take(STALLED).map(|half| sent(&server, half)).collect();
    for _ in 0..20 {
        serves(&server, "/");
    }
    drop(stalled);
    serves(&server, "/");
    server.stop();
}
