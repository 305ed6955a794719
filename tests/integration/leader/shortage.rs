//! Threads that the system does not give: what needs one waits for it, and is not
//! forgotten.

use gateway_tests::gate::{Form, Gate, Held};
use gateway_tests::server::Server;
use gateway_tests::thread_limit::ThreadLimit;
use gateway_tests::wait::until;

use super::uploads::uploading;
use super::{asking, ends_well, is_answered, refuses};

const ANY: u64 = u64::MAX;

/// More often than the monitor looks before it goes to sleep.
const OFTEN: u64 = 50;

fn serve(gate: &Gate, limit: &ThreadLimit, form: Form, hand_over: &str) -> Server {
    let arguments = ["--engine", "leader", "--loops", "1", "--hand-over", hand_over];
    let mut command = gate.command(form, &arguments);
    limit.hold(&mut command);
    Server::spawn(command, 1)
}

/// Nobody leads while all threads are inside calls, for as long as no other can be
/// started; somebody does from then on.
#[test]
fn a_loop_is_taken_over_once_there_is_a_thread() {
    for hand_over in ["auto", "always"] {
        let (gate, limit) = (Gate::new(), ThreadLimit::new(ANY));
        let server = serve(&gate, &limit, Form::Concurrent, hand_over);
        is_answered(&mut asking(&server, "/"), &server);
        assert!(limit.started() > 0, "the limit does not hold for this process");
        limit.allow(0);
        let (mut clients, mut inside) = (Vec::new(), Vec::new());
        while limit.refused() < OFTEN {
            clients.push(asking(&server, "/hold"));
            let look = || {
                inside.extend(gate.look());
                (inside.len() == clients.len(), limit.refused())
            };
            until("a call is inside, or a thread is asked for again and again", look, |(is_inside, refused)| {
                *is_inside || *refused >= OFTEN
            });
        }
        limit.allow(ANY);
        refuses(&server);
        inside.extend(gate.take(clients.len() - inside.len()));
        inside.into_iter().for_each(Held::release);
        clients.iter_mut().for_each(|client| is_answered(client, &server));
        super::stop(&server);
        drop(clients);
        ends_well(server);
    }
}

/// Without a monitor nobody asks again; the next call that waits does. The first
/// one is over so soon that its loop does not count as one whose calls block.
#[test]
fn a_call_that_waits_asks_for_a_thread_that_was_refused_before() {
    let (gate, limit) = (Gate::new(), ThreadLimit::new(ANY));
    let server = serve(&gate, &limit, Form::Streams, "never");
    is_answered(&mut asking(&server, "/"), &server);
    limit.allow(0);
    is_answered(&mut asking(&server, "/work"), &server);
    assert!(limit.refused() > 0, "its loop was handed over");
    limit.allow(ANY);
    let mut client = uploading(&server, "/upload", "Content-Length: 200000");
    let held = gate.next();
    refuses(&server);
    held.release();
    client.send(&vec![b'x'; 100_000]).unwrap();
    assert_eq!(client.response("POST").unwrap().text(), "200000");
    super::stop(&server);
    drop(client);
    ends_well(server);
}

/// A server that cannot begin to serve says so, and does not only look as if.
#[test]
fn a_server_whose_loops_nobody_can_lead_does_not_start() {
    for (hand_over, threads) in [("auto", 2), ("always", 2), ("never", 1)] {
        // All but the last that it needs at the start, or none.
        for allowed in 0..=threads {
            let (gate, limit) = (Gate::new(), ThreadLimit::new(allowed));
            let arguments = ["--engine", "leader", "--loops", "2", "--hand-over", hand_over];
            let mut command = gate.command(Form::Concurrent, &arguments);
            limit.hold(&mut command);
            let output = command.output().unwrap();
            let log = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(1), "{hand_over}, {allowed} threads: {log}");
            // Nor does it say where it listens.
            assert!(output.stdout.is_empty(), "{hand_over}, {allowed} threads: {log}");
            assert!(log.contains("thread"), "{hand_over}, {allowed} threads: {log}");
        }
    }
}
