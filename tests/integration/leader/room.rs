//! Room to write: a loop is told of it only from when an answer has not fitted.

use std::os::unix::net::UnixStream;

use gateway_tests::client::Client;
use gateway_tests::server::Server;
use gateway_tests::skip;
use gateway_tests::trace::Traced;
use gateway_tests::wait::{settled, until};

use super::fast_path::{EDGES, hello};
use super::{Mode, get, in_every_mode};

in_every_mode!(who_rests_first_and_reads_late_gets_all);

/// More of 64 KiB than two sockets hold.
const LARGE: usize = 400;

/// It is watched for its requests, then for room as well, and then still is.
fn who_rests_first_and_reads_late_gets_all(mode: Mode) {
    let server = Server::start("bench:app", &[&["--engine", "leader"], mode].concat());
    let mut client = Client::new(server.connect());
    for _ in 0..2 {
        client.send(get("/plaintext").as_bytes()).unwrap();
        assert_eq!(client.response("GET").unwrap().text(), "Hello, World!");
        // A call that is slow has its thread lose the loop.
        client.send((get("/sleep10") + &get("/bytes64k").repeat(LARGE)).as_bytes()).unwrap();
        settled("what has come", || rustix::io::ioctl_fionread(client.way()).unwrap());
        assert_eq!(client.response("GET").unwrap().text(), "slept");
        for _ in 0..LARGE {
            let answer = client.response("GET").unwrap();
            assert_eq!((answer.status, answer.body.len()), (200, 64 * 1024));
        }
    }
    server.stop();
}

/// A Unix socket has more room whenever its peer reads, which wakes nobody.
#[test]
fn a_request_by_a_unix_socket_costs_three_system_calls() {
    if !skip::has("a_request_by_a_unix_socket_costs_three_system_calls", "strace") {
        return;
    }
    const COUNT: u64 = 50;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let bind = format!("unix:{}", path.display());
    let mut command = hello(&["--loops", "1"]);
    command.args(["--bind", &bind]);
    let traced = Traced::spawn(&command, "!futex");
    let mut client = Client::over(UnixStream::connect(path).unwrap());
    let mut before = traced.calls("monitor");
    let round = || {
        for _ in 0..COUNT {
            client.send(get("/").as_bytes()).unwrap();
            assert_eq!(client.response("GET").unwrap().status, 200);
        }
        let after = traced.calls("monitor");
        let during = after.since(&before);
        before = after;
        during
    };
    until("requests by a Unix socket", round, |calls| {
        let each = ["epoll_pwait", "recvfrom", "sendto"].map(|name| calls.of(name));
        each.iter().sum::<u64>() == calls.total() && each.iter().all(|count| count.abs_diff(COUNT) <= EDGES)
    });
    drop(client);
    traced.server.stop();
}
