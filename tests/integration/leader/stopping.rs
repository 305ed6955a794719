//! The end, with calls that run, calls that wait for one of them, and clients
//! that only have to leave.

use gateway_tests::client::Client;
use gateway_tests::gate::{Form, Gate, Held};
use gateway_tests::server::Server;

use super::{Mode, answer, asking, end, ends_well, in_every_mode, is_answered, refuses, serve, stop};

in_every_mode! {
    what_runs_and_what_waits_is_answered_before_the_end,
    a_call_that_never_returns_is_given_up,
    nobody_is_kept_waiting_by_clients_that_are_idle,
}

/// Holds that the answer is a good one and the last.
fn is_answered_last(client: &mut Client, server: &Server) {
    let response = answer(client, server);
    assert_eq!((response.status, response.header("connection")), (200, Some("close")));
    assert!(client.at_end().unwrap());
}

/// Two calls run, ten wait for a permit, one client is idle, one lingers, one
/// has sent half a head.
fn what_runs_and_what_waits_is_answered_before_the_end(mode: Mode) {
    let gate = Gate::new();
    let server = serve(&gate, Form::Concurrent, mode, &["--threads", "2"]);
    let mut idle = asking(&server, "/");
    is_answered(&mut idle, &server);
    let mut half = Client::new(server.connect());
    half.send(b"GET / HTTP/1.1\r\nHo").unwrap();
    let mut lingering = Client::new(server.connect());
    // It has sent more than its last request: its close is waited for.
    lingering.send(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\nGET").unwrap();
    is_answered(&mut lingering, &server);
    let mut clients: Vec<_> = (0..2).map(|_| asking(&server, "/hold?runs")).collect();
    let mut inside = gate.take(2);
    clients.extend((0..10).map(|_| asking(&server, "/hold?waits")));
    // Those have arrived, on whichever loop: both had something to do since.
    (0..10).for_each(|_| refuses(&server));
    stop(&server);
    assert!(idle.at_end().unwrap(), "an idle connection is closed");
    drop((idle, half));
    for _ in 0..10 {
        inside.remove(0).release();
        inside.push(gate.next());
        assert_eq!(inside[1].target, "/hold?waits");
    }
    inside.into_iter().for_each(Held::release);
    clients.iter_mut().for_each(|client| is_answered_last(client, &server));
    drop((clients, lingering));
    ends_well(server);
}

/// It, and those who wait for it, are counted; the exit code says so.
fn a_call_that_never_returns_is_given_up(mode: Mode) {
    let gate = Gate::new();
    let server = serve(&gate, Form::Concurrent, mode, &["--threads", "2", "--graceful-timeout", "200ms"]);
    let clients: Vec<_> = (0..5).map(|_| asking(&server, "/hold")).collect();
    let inside = gate.take(2);
    (0..10).for_each(|_| refuses(&server));
    server.signal("TERM");
    let (status, log) = end(server);
    assert_eq!(status.code(), Some(1), "{log}");
    assert!(log.contains("connections that did not end in time: 5"), "{log}");
    drop((clients, inside));
}

/// The graceful time is for those who run: a server without them ends at once.
fn nobody_is_kept_waiting_by_clients_that_are_idle(mode: Mode) {
    let gate = Gate::new();
    let server = serve(&gate, Form::Concurrent, mode, &["--graceful-timeout", "1h", "--head-timeout", "1h"]);
    let mut clients: Vec<_> = (0..20).map(|_| asking(&server, "/hold")).collect();
    gate.take(20).into_iter().for_each(Held::release);
    clients.iter_mut().for_each(|client| is_answered(client, &server));
    server.signal("TERM");
    ends_well(server);
    assert!(clients.iter_mut().all(|client| client.at_end().unwrap()));
}
