//! An app that blocks holds nobody up but those who wait for a call of it.

use gateway_tests::client::Client;
use gateway_tests::gate::{Form, Gate, Held};
use gateway_tests::server::Server;

use super::{Mode, answer, asking, ends_well, get, in_every_mode, is_answered, refuses, serve};

in_every_mode! {
    others_are_served_beside_calls_that_block,
    others_are_served_where_all_threads_are_busy,
    answers_go_out_before_a_pipelined_call_that_blocks,
    clients_come_and_go_beside_calls_that_block,
}

const THREADS: usize = 4;

/// A head that never comes to its end.
fn stalled(server: &Server) -> Client {
    let mut client = Client::new(server.connect());
    client.send(b"GET / HTTP/1.1\r\nHo").unwrap();
    client
}

/// With one permit left: whoever is quick gets an answer, a bad request 400,
/// and a client that stalls 408.
fn others_are_served_beside_calls_that_block(mode: Mode) {
    let gate = Gate::new();
    let server = serve(&gate, Form::Concurrent, mode, &["--threads", "4", "--head-timeout", "300ms"]);
    let mut clients: Vec<_> = (1..THREADS).map(|_| asking(&server, "/hold")).collect();
    let inside = gate.take(THREADS - 1);
    let mut slow = stalled(&server);
    for _ in 0..20 {
        is_answered(&mut asking(&server, "/"), &server);
        refuses(&server);
    }
    assert_eq!(answer(&mut slow, &server).status, 408);
    inside.into_iter().for_each(Held::release);
    clients.iter_mut().for_each(|client| is_answered(client, &server));
    super::stop(&server);
    drop((clients, slow));
    ends_well(server);
}

/// Without one: clients are accepted, refused, timed out; and good requests
/// wait for their turn.
fn others_are_served_where_all_threads_are_busy(mode: Mode) {
    let gate = Gate::new();
    let server = serve(&gate, Form::Concurrent, mode, &["--threads", "4", "--head-timeout", "300ms"]);
    let mut clients: Vec<_> = (0..THREADS).map(|_| asking(&server, "/hold")).collect();
    let inside = gate.take(THREADS);
    let mut slow = stalled(&server);
    let mut waiting: Vec<_> = (0..20).map(|_| asking(&server, "/")).collect();
    (0..20).for_each(|_| refuses(&server));
    assert_eq!(answer(&mut slow, &server).status, 408);
    assert!(waiting.iter().all(|client| !client.has_more()));
    inside.into_iter().for_each(Held::release);
    clients.iter_mut().chain(&mut waiting).for_each(|client| is_answered(client, &server));
    super::stop(&server);
    drop((clients, slow, waiting));
    ends_well(server);
}

/// What is answered is not kept back by the call that follows it.
fn answers_go_out_before_a_pipelined_call_that_blocks(mode: Mode) {
    if !mode.contains(&"always") {
        // Only known to block once it has; see `wire::answers_before_calls`.
        return;
    }
    let gate = Gate::new();
    let server = serve(&gate, Form::Concurrent, mode, &[]);
    let mut client = asking(&server, "/");
    is_answered(&mut client, &server);
    client.send([get("/"), get("/"), get("/hold"), get("/")].concat().as_bytes()).unwrap();
    let held = gate.next();
    (0..2).for_each(|_| is_answered(&mut client, &server));
    assert!(!client.has_more());
    held.release();
    (0..2).for_each(|_| is_answered(&mut client, &server));
}

/// A loop that is taken over keeps its clients and its listener.
fn clients_come_and_go_beside_calls_that_block(mode: Mode) {
    let gate = Gate::new();
    let server = serve(&gate, Form::Concurrent, mode, &["--threads", "8"]);
    let mut kept: Vec<_> = (0..10).map(|_| asking(&server, "/")).collect();
    kept.iter_mut().for_each(|client| is_answered(client, &server));
    for _ in 0..10 {
        let mut client = asking(&server, "/hold");
        let held = gate.next();
        for client in &mut kept {
            client.send(get("/").as_bytes()).unwrap();
        }
        kept.iter_mut().for_each(|client| is_answered(client, &server));
        let mut guest = asking(&server, "/");
        is_answered(&mut guest, &server);
        drop(guest);
        held.release();
        is_answered(&mut client, &server);
        // One that was inside is an ordinary client again.
        kept.push(client);
    }
    super::stop(&server);
    drop(kept);
    ends_well(server);
}

/// Who waits for a call gets it in the order in which they came: one loop, so
/// that there is one order.
#[test]
fn calls_that_wait_begin_in_the_order_of_their_arrival() {
    for mode in [&["--loops", "1"][..], &["--loops", "1", "--hand-over", "always"]] {
        let gate = Gate::new();
        let server = serve(&gate, Form::Concurrent, mode, &["--threads", "2"]);
        let mut clients: Vec<_> = (0..2).map(|_| asking(&server, "/hold")).collect();
        let mut inside = gate.take(2);
        for number in 0..20 {
            clients.push(asking(&server, &format!("/hold?{number}")));
            // It has arrived: what came after it is answered.
            refuses(&server);
        }
        for number in 0..20 {
            inside.remove(0).release();
            inside.push(gate.next());
            assert_eq!(inside[1].target, format!("/hold?{number}"), "{mode:?}");
        }
        inside.into_iter().for_each(Held::release);
        clients.iter_mut().for_each(|client| is_answered(client, &server));
    }
}

/// A client that leaves while its request waits for a call, or is inside one,
/// takes no permit along.
#[test]
fn clients_that_leave_while_they_wait_leave_their_permit() {
    for mode in [&["--loops", "1"][..], &["--loops", "2", "--hand-over", "always"]] {
        let gate = Gate::new();
        let server = serve(&gate, Form::Concurrent, mode, &["--threads", "2"]);
        for _ in 0..10 {
            let inside: Vec<_> = (0..2).map(|_| asking(&server, "/hold")).collect();
            let held = gate.take(2);
            let queued: Vec<_> = (0..5).map(|_| asking(&server, "/work")).collect();
            let mut last = asking(&server, "/");
            refuses(&server);
            drop((inside, queued));
            held.into_iter().for_each(Held::release);
            is_answered(&mut last, &server);
        }
        let mut clients: Vec<_> = (0..2).map(|_| asking(&server, "/hold")).collect();
        gate.take(2).into_iter().for_each(Held::release);
        clients.iter_mut().for_each(|client| is_answered(client, &server));
        super::stop(&server);
        drop(clients);
        ends_well(server);
    }
}
