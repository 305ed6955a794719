//! What a request costs that finds its leader polling: counted, not timed.

use gateway_tests::artifacts;
use gateway_tests::client::Client;
use gateway_tests::mallocs::Mallocs;
use gateway_tests::server::{Server, command};
use gateway_tests::skip;
use gateway_tests::trace::{Calls, Traced};
use gateway_tests::wait::until;

use super::{Mode, get, is_answered};

/// Clients that are never without a request for long.
struct Crowd {
    clients: Vec<Client>,
    /// What each asks for at once, and how many requests that is.
    requests: String,
    batch: u64,
}

impl Crowd {
    /// So many that have been answered once, so that all that is needed for
    /// them is there.
    fn new(server: &Server, count: usize, batch: u64) -> Self {
        let clients = (0..count).map(|_| Client::new(server.connect())).collect();
        let mut new = Self { clients, requests: get("/").repeat(batch as usize), batch };
        (0..3).for_each(|_| new.ask(server));
        new
    }

    /// All ask, then all are answered.
    fn ask(&mut self, server: &Server) {
        for client in &mut self.clients {
            client.send(self.requests.as_bytes()).expect("the server reads");
        }
        for client in &mut self.clients {
            (0..self.batch).for_each(|_| is_answered(client, server));
        }
    }
}

pub(super) fn hello(mode: Mode) -> std::process::Command {
    let target = format!("{}:app", artifacts::module("hello").display());
    let mut command =
        command(&[&["--engine", "leader", "--no-master", "--bind", "127.0.0.1:0"], mode, &[&target]].concat());
    command.env("GATEWAY_LOG", "info");
    command
}

/// Has `clients` ask `turns` times, again and again until they have cost what
/// they may. On a busy machine a quick call may look like one that blocks, and
/// a thread may come or go; but not every time.
fn costs(set: &str, mode: Mode, clients: usize, batch: u64, turns: usize, is_so: impl Fn(&Calls) -> bool) {
    let traced = Traced::spawn(&hello(mode), set);
    let mut crowd = Crowd::new(&traced.server, clients, batch);
    let mut before = traced.calls("monitor");
    let round = || {
        (0..turns).for_each(|_| crowd.ask(&traced.server));
        let after = traced.calls("monitor");
        let during = after.since(&before);
        before = after;
        during
    };
    let what = format!("{turns} times {batch} requests of {clients} clients with {mode:?}");
    until(&what, round, is_so);
    drop(crowd);
    traced.server.stop();
}

/// Whether they are those of the fast path and no others, from one thread for
/// each loop: nothing was handed over.
fn is_fast(calls: &Calls, loops: usize, most: u64) -> bool {
    let known: u64 = ["epoll_pwait", "recvfrom", "sendto"].iter().map(|name| calls.of(name)).sum();
    known == calls.total() && known <= most && calls.threads() <= loops
}

/// Not that of which only the beginning was seen, or the end.
pub(super) const EDGES: u64 = 2;

/// Without those of threads that wait for each other: to stop them all the time
/// would make a call look like one that blocks.
const ALL: &str = "!futex";

/// Who comes alone is waited for, read, and answered. Nothing is registered
/// anew, and the clock is read without a system call.
#[test]
fn a_request_alone_costs_three_system_calls() {
    if skip::has("a_request_alone_costs_three_system_calls", "strace") {
        let most = 50 * 3 + EDGES;
        costs(ALL, &["--loops", "1"], 1, 1, 50, |calls| is_fast(calls, 1, most));
    }
}

/// One wait is for many, and there is one read and one write for each.
#[test]
fn a_request_among_many_costs_little_more_than_two() {
    if skip::has("a_request_among_many_costs_little_more_than_two", "strace") {
        let most = 64 * 3 * 22 / 10;
        costs(ALL, &["--loops", "1"], 64, 1, 3, |calls| is_fast(calls, 1, most));
        costs(ALL, &["--loops", "2"], 64, 1, 3, |calls| is_fast(calls, 2, most));
    }
}

/// Answers to what came at once go out at once.
#[test]
fn sixteen_pipelined_requests_cost_three_system_calls() {
    if skip::has("sixteen_pipelined_requests_cost_three_system_calls", "strace") {
        let most = 20 * 3 + EDGES;
        costs(ALL, &["--loops", "1"], 1, 16, 20, |calls| calls.of("sendto") == 20 && is_fast(calls, 1, most));
    }
}

/// A request wakes nobody, and waits for nobody's lock.
#[test]
fn a_request_is_the_business_of_one_thread() {
    if skip::has("a_request_is_the_business_of_one_thread", "strace") {
        for (mode, clients) in [(&["--loops", "1"][..], 1), (&["--loops", "1"], 16), (&["--loops", "2"], 16)] {
            costs("futex", mode, clients, 1, 2, |calls| calls.total() == 0);
        }
    }
}

/// Has clients ask until they have cost no allocation in the whole process.
fn allocates_nothing(mode: Mode, clients: usize, batch: u64, turns: usize) {
    let mallocs = Mallocs::new().expect("there is a C compiler");
    let mut command = hello(mode);
    mallocs.watch(&mut command);
    let server = Server::spawn(command, 1);
    let mut crowd = Crowd::new(&server, clients, batch);
    let count = || mallocs.counts().expect("the process counts").calls;
    assert!(count() > 0, "a process that starts allocates: the count does not work");
    let round = || {
        let before = count();
        (0..turns).for_each(|_| crowd.ask(&server));
        count() - before
    };
    let what = format!("allocations of {turns} times {batch} requests of {clients} clients with {mode:?}");
    until(&what, round, |count| *count == 0);
    drop(crowd);
    server.stop();
}

/// Whatever the number of clients and of loops, and also where polling is
/// handed over before each call: what that needs is there already.
#[test]
fn a_kept_alive_request_allocates_nothing() {
    if skip::has("a_kept_alive_request_allocates_nothing", "cc") {
        allocates_nothing(&["--loops", "1"], 1, 1, 10);
        allocates_nothing(&["--loops", "2"], 32, 1, 1);
        allocates_nothing(&["--loops", "1"], 1, 16, 2);
        allocates_nothing(&["--loops", "1", "--hand-over", "always"], 1, 1, 5);
    }
}

/// Nor does anything else, while requests come for a hundred ticks and more.
#[test]
fn a_server_that_is_busy_allocates_nothing() {
    if skip::has("a_server_that_is_busy_allocates_nothing", "cc") {
        allocates_nothing(&["--loops", "2"], 32, 1, 200);
    }
}
