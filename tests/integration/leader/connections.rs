//! What a connection for a single request costs: counted, not timed.

use gateway_tests::client::Client;
use gateway_tests::server::Server;
use gateway_tests::skip;
use gateway_tests::trace::{Calls, Traced};
use gateway_tests::wait::until;

use super::fast_path::{EDGES, hello};
use super::{Mode, is_answered};

/// As for the fast path; and in a debug build the standard library asks for a
/// descriptor's flags before it closes it.
const ALL: &str = "!futex,fcntl";

const COUNT: u64 = 30;
const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
const POST: &str = "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc";

/// So many come with their request, are answered and closed.
fn come_and_go(server: &Server, request: &str, count: u64) {
    let come = |_| {
        let mut client = Client::new(server.connect());
        client.send(request.as_bytes()).expect("the server reads");
        client
    };
    let mut clients: Vec<_> = (0..count).map(come).collect();
    for client in &mut clients {
        is_answered(client, server);
        assert!(client.at_end().expect("no reset"), "the connection goes on");
    }
}

/// Holds that clients cost what they may: all at once or, as `by` says, so many
/// at a time.
fn costs(mode: Mode, request: &str, by: u64, is_so: impl Fn(&Calls) -> bool) {
    let traced = Traced::spawn(&hello(mode), ALL);
    come_and_go(&traced.server, request, COUNT);
    let mut before = traced.calls("monitor");
    let round = || {
        (0..COUNT / by).for_each(|_| come_and_go(&traced.server, request, by));
        let after = traced.calls("monitor");
        let during = after.since(&before);
        before = after;
        during
    };
    until(&format!("{COUNT} connections, {by} at a time, with {mode:?}: {request:?}"), round, is_so);
    traced.server.stop();
}

/// Accepted, read, answered, closed, and no call of another kind: it is never
/// registered, nobody reads in vain, and a client that has said `close` and has
/// sent all is not waited for.
fn is_least(calls: &Calls, waits: u64) -> bool {
    let each = ["recvfrom", "sendto", "close"].map(|name| calls.of(name));
    // A batch ends when nobody else is there.
    let most = COUNT + waits + EDGES;
    let others = calls.total() - each.iter().sum::<u64>() - calls.of("accept4") - calls.of("epoll_pwait");
    each.iter().all(|count| count.abs_diff(COUNT) <= EDGES)
        && calls.of("accept4") <= most
        && calls.of("epoll_pwait") <= waits + EDGES
        && others == 0
}

#[test]
fn a_connection_for_one_request_costs_four_system_calls() {
    if skip::has("a_connection_for_one_request_costs_four_system_calls", "strace") {
        for request in [GET, POST] {
            costs(&["--loops", "1"], request, 1, |calls| is_least(calls, COUNT));
            costs(&["--loops", "1"], request, COUNT, |calls| is_least(calls, COUNT));
        }
    }
}

/// The system keeps one that says nothing for a second, and not for ever: then
/// it is taken, and closed when its time is over.
#[test]
fn a_client_that_says_nothing_is_taken_too() {
    let server = Server::start("hello:app", &["--engine", "leader", "--head-timeout", "100ms"]);
    let mut silent = Client::new(server.connect());
    assert!(silent.at_end().expect("a close without a reset"));
    server.stop();
}

/// One that may still send has its close waited for, whatever that costs.
#[test]
fn a_client_that_has_sent_more_has_its_close_waited_for() {
    if skip::has("a_client_that_has_sent_more_has_its_close_waited_for", "strace") {
        let more = format!("{GET}GET");
        costs(&["--loops", "1"], &more, 1, |calls| calls.of("shutdown").abs_diff(COUNT) <= EDGES);
    }
}
