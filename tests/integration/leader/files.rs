//! What a file costs: counted, not timed.

use gateway_tests::artifacts;
use gateway_tests::client::Client;
use gateway_tests::server::command;
use gateway_tests::skip;
use gateway_tests::trace::{Calls, Traced};
use gateway_tests::wait::until;

use super::fast_path::EDGES;
use super::get;

const COUNT: u64 = 20;

/// Holds that one client, that asks again and again, costs these calls once for
/// each of its requests, and no others.
fn costs(path: &str, each: &[&str]) {
    let target = format!("{}:app", artifacts::module("bench").display());
    let command = command(&["--engine", "leader", "--loops", "1", "--no-master", "--bind", "127.0.0.1:0", &target]);
    // A debug build asks for a descriptor's flags before it closes it.
    let traced = Traced::spawn(&command, "!futex,fcntl");
    let mut client = Client::new(traced.server.connect());
    let mut ask = || {
        client.send(get(path).as_bytes()).expect("the server reads");
        assert_eq!(client.response("GET").expect("the server answers").body.len(), 64 * 1024);
    };
    ask();
    let mut before = traced.calls("monitor");
    let round = || {
        (0..COUNT).for_each(|_| ask());
        let after = traced.calls("monitor");
        let during = after.since(&before);
        before = after;
        during
    };
    let is_so = |calls: &Calls| {
        let known: u64 = each.iter().map(|name| calls.of(name)).sum();
        known == calls.total() && each.iter().all(|name| calls.of(name).abs_diff(COUNT) <= EDGES)
    };
    until(&format!("{COUNT} requests for {path}"), round, is_so);
    drop(client);
    traced.server.stop();
}

/// Opened, asked for its length, sent behind its head, closed.
#[test]
fn a_file_that_is_opened_costs_seven_system_calls() {
    if skip::has("a_file_that_is_opened_costs_seven_system_calls", "strace") {
        costs("/file64k", &["epoll_pwait", "recvfrom", "openat", "statx", "sendto", "sendfile", "close"]);
    }
}

/// Nothing but its sending.
#[test]
fn a_file_that_is_kept_open_costs_four_system_calls() {
    if skip::has("a_file_that_is_kept_open_costs_four_system_calls", "strace") {
        costs("/cached64k", &["epoll_pwait", "recvfrom", "sendto", "sendfile"]);
    }
}
