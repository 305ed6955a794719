//! `--queue` and `--queue-timeout`: who cannot be served in time is told so at once,
//! and those that are served wait for nobody else.

use gateway_tests::gate::{Form, Gate};
use gateway_tests::server::run;

use super::{Mode, asking, ends_well, in_every_mode, is_answered, serve};

in_every_mode!(
    beyond_the_queue_all_are_turned_away,
    who_waits_too_long_is_turned_away,
    a_queue_of_none_turns_all_away,
    who_comes_is_served_by_who_can,
);

fn is_turned_away(client: &mut gateway_tests::client::Client) {
    let response = client.response("GET").unwrap();
    assert_eq!((response.status, response.header("retry-after")), (503, Some("1")));
    // It may come again on the same connection.
    assert_eq!(
        (response.header("connection"), response.text().as_str()),
        (None, "503 Service Unavailable: the server is busy\n")
    );
}

fn beyond_the_queue_all_are_turned_away(mode: Mode) {
    let gate = Gate::new();
    let server = serve(&gate, Form::Concurrent, mode, &["--threads", "2", "--queue", "2"]);
    let mut inside: Vec<_> = (0..2).map(|_| asking(&server, "/hold")).collect();
    let held = gate.take(2);
    // Of four, two have a place to wait; nobody knows which.
    let mut waiting: Vec<_> = (0..4).map(|_| asking(&server, "/hold")).collect();
    server.wait_for_log("clients are turned away for now: all threads are busy");
    let mut others: Vec<_> = (0..3).map(|_| asking(&server, "/")).collect();
    others.iter_mut().for_each(is_turned_away);
    others[0].send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    is_turned_away(&mut others[0]);
    held.into_iter().for_each(gateway_tests::gate::Held::release);
    inside.iter_mut().for_each(|client| is_answered(client, &server));
    let held = gate.take(2);
    held.into_iter().for_each(gateway_tests::gate::Held::release);
    let answers: Vec<u16> = waiting.iter_mut().map(|client| client.response("GET").unwrap().status).collect();
    assert_eq!(answers.iter().filter(|status| **status == 200).count(), 2, "{answers:?}");
    assert_eq!(answers.iter().filter(|status| **status == 503).count(), 2, "{answers:?}");
    is_answered(&mut asking(&server, "/"), &server);
    super::stop(&server);
    drop((inside, waiting, others));
    ends_well(server);
}

fn who_waits_too_long_is_turned_away(mode: Mode) {
    for form in [Form::Concurrent, Form::Exclusive] {
        let gate = Gate::new();
        let server = serve(&gate, form, mode, &["--threads", "1", "--queue-timeout", "100ms"]);
        let mut inside = asking(&server, "/hold");
        let held = gate.next();
        let mut waiting: Vec<_> = (0..5).map(|_| asking(&server, "/")).collect();
        waiting.iter_mut().for_each(is_turned_away);
        held.release();
        is_answered(&mut inside, &server);
        is_answered(&mut asking(&server, "/"), &server);
        super::stop(&server);
        drop((inside, waiting));
        ends_well(server);
    }
}

fn a_queue_of_none_turns_all_away(mode: Mode) {
    let gate = Gate::new();
    let server = serve(&gate, Form::Concurrent, mode, &["--threads", "1", "--queue", "0"]);
    let mut inside = asking(&server, "/hold");
    let held = gate.next();
    let mut others: Vec<_> = (0..3).map(|_| asking(&server, "/")).collect();
    others.iter_mut().for_each(is_turned_away);
    held.release();
    is_answered(&mut inside, &server);
    super::stop(&server);
    drop((inside, others));
    ends_well(server);
}

#[test]
fn it_is_leaders() {
    for flag in ["--queue", "--queue-timeout"] {
        let output = run(&["--engine", "thread", flag, if flag == "--queue" { "1" } else { "1s" }, "libhello.so:app"]);
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(told.contains(&format!("{flag} belongs to --engine leader; the engine is thread")), "{told}");
    }
}

/// A worker in which a client waits leaves those who come to one that is free.
fn who_comes_is_served_by_who_can(mode: Mode) {
    let gate = Gate::new();
    let flags = ["--workers", "2", "--threads", "1"];
    let server = serve(&gate, Form::Concurrent, mode, &flags);
    let first = (asking(&server, "/hold"), gate.next());
    let second = asking(&server, "/hold");
    let mut held = None;
    let is_settled = || {
        held = held.take().or_else(|| gate.look());
        held.is_some() || server.log().contains("clients are left to other workers")
    };
    gateway_tests::wait::until("it is inside, or waits", is_settled, |settled| *settled);
    // Where it waits in the first worker, the next one is the other worker's.
    let third = held.is_none().then(|| asking(&server, "/hold"));
    let other = held.unwrap_or_else(|| gate.next());
    other.release();
    first.1.release();
    let (mut one, mut two) = (first.0, second);
    if let Some(mut third) = third {
        gate.next().release();
        is_answered(&mut third, &server);
    }
    is_answered(&mut one, &server);
    is_answered(&mut two, &server);
    super::stop(&server);
    drop((one, two));
    ends_well(server);
}
