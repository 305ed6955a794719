//! Who takes clients in: all loops together as many as they may, whichever has
//! room, and nobody waits for a loop that is held up.

use gateway_tests::client::Client;
use gateway_tests::gate::{Form, Gate};
use gateway_tests::process::descriptors;
use gateway_tests::server::Server;
use gateway_tests::wait::{settled, until};

use super::{Mode, asking, ends_well, get, in_every_mode, is_answered, refuses, serve};

in_every_mode! {
    as_many_clients_as_connections_are_inside,
    connections_that_come_and_go_leave_no_descriptor,
}

/// Takes out those who were answered.
fn answered(waiting: &mut Vec<Client>, server: &Server) -> Vec<Client> {
    let (mut inside, others) = std::mem::take(waiting).into_iter().partition::<Vec<_>, _>(Client::has_more);
    *waiting = others;
    inside.iter_mut().for_each(|client| is_answered(client, server));
    inside
}

/// Three, over however many loops; whoever leaves makes room for another one.
fn as_many_clients_as_connections_are_inside(mode: Mode) {
    const MOST: usize = 3;
    let gate = Gate::new();
    let server = serve(&gate, Form::Concurrent, mode, &["--connections", "3"]);
    let mut waiting: Vec<_> = (0..30).map(|_| asking(&server, "/")).collect();
    let mut inside = Vec::new();
    // Each of the places is given up once and again.
    for turn in 0..=30 - MOST {
        let more = || {
            inside.extend(answered(&mut waiting, &server));
            inside.len()
        };
        until("the places are taken", more, |count| *count >= MOST);
        // All loops have had something to do since.
        for client in &mut inside {
            (0..5).for_each(|_| client.send(get("/").as_bytes()).unwrap());
            (0..5).for_each(|_| is_answered(client, &server));
        }
        inside.extend(answered(&mut waiting, &server));
        assert_eq!((inside.len(), waiting.len()), (MOST, 30 - MOST - turn), "{}", server.log());
        inside.remove(turn % MOST);
    }
    super::stop(&server);
    drop(inside);
    ends_well(server);
}

/// One loop is inside a call; clients that come one after the other are served
/// by whoever is there.
#[test]
fn nobody_waits_for_a_loop_that_is_held_up() {
    for mode in [&["--loops", "2"][..], &["--loops", "2", "--hand-over", "always"]] {
        let gate = Gate::new();
        let server = serve(&gate, Form::Concurrent, mode, &["--threads", "2"]);
        for _ in 0..5 {
            let mut blocked = asking(&server, "/hold");
            let held = gate.next();
            for _ in 0..20 {
                is_answered(&mut asking(&server, "/"), &server);
                refuses(&server);
            }
            held.release();
            is_answered(&mut blocked, &server);
        }
    }
}

/// A loop that has as many clients as it may leaves the next one to another.
#[test]
fn nobody_waits_for_a_loop_that_is_full() {
    let gate = Gate::new();
    let server = serve(&gate, Form::Concurrent, &["--loops", "2"], &["--connections", "2", "--threads", "2"]);
    for _ in 0..50 {
        let mut clients: Vec<_> = (0..2).map(|_| asking(&server, "/")).collect();
        clients.iter_mut().for_each(|client| is_answered(client, &server));
    }
}

/// Descriptors: as many as before, once a thousand have come and gone.
fn connections_that_come_and_go_leave_no_descriptor(mode: Mode) {
    let gate = Gate::new();
    let server = serve(&gate, Form::Concurrent, mode, &[]);
    let crowd = || (0..50).map(|_| asking(&server, "/")).collect::<Vec<_>>();
    crowd().iter_mut().for_each(|client| is_answered(client, &server));
    let before = settled("descriptors", || descriptors(server.id()));
    for _ in 0..10 {
        crowd().iter_mut().for_each(|client| is_answered(client, &server));
        // Some leave before they have their answer, some before they ask.
        drop(crowd());
        drop((server.connect(), server.connect()));
    }
    until("descriptors", || descriptors(server.id()), |now| *now <= before);
    is_answered(&mut asking(&server, "/"), &server);
    super::stop(&server);
    ends_well(server);
}
