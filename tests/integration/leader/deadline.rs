//! `--request-timeout`: a call that takes too long costs its client an answer, and
//! nobody else anything.

use gateway_tests::client::Client;
use gateway_tests::gate::{Form, Gate};
use gateway_tests::server::{Server, run};

use super::{Mode, asking, ends_well, in_every_mode, is_answered, serve};

in_every_mode!(a_call_that_is_stuck_is_answered_for, calls_in_time_are_the_apps);

/// Of four calls at once one never returns.
fn a_call_that_is_stuck_is_answered_for(mode: Mode) {
    let gate = Gate::new();
    let server = serve(&gate, Form::Concurrent, mode, &["--threads", "4", "--request-timeout", "1s"]);
    let mut late = asking(&server, "/hold");
    let stuck = gate.next();
    let response = late.response("GET").unwrap();
    assert_eq!((response.status, response.header("connection")), (504, Some("close")));
    server.wait_for_log("a call of the app took too long");
    for _ in 0..8 {
        is_answered(&mut asking(&server, "/"), &server);
    }
    stuck.release();
    super::stop(&server);
    ends_well(server);
}

fn calls_in_time_are_the_apps(mode: Mode) {
    let gate = Gate::new();
    let server = serve(&gate, Form::Concurrent, mode, &["--request-timeout", "60s"]);
    let mut client = asking(&server, "/hold");
    gate.next().release();
    is_answered(&mut client, &server);
    super::stop(&server);
    drop(client);
    ends_well(server);
}

/// An app can ask how much time it has; without a limit there is none to tell.
#[test]
fn an_app_is_told_of_its_deadline() {
    let left = |text: &str| text.trim_end().strip_prefix("left: ")?.strip_suffix(" s")?.parse::<u64>().ok();
    for (limit, most) in [(&["--request-timeout", "600s"][..], Some(600)), (&[], None)] {
        let server = Server::start("probe:app", limit);
        let mut client = Client::new(server.connect());
        client.send(b"GET /deadline HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
        let text = client.response("GET").unwrap().text();
        assert!(left(&text).is_some() == most.is_some() && left(&text) <= most, "{text}");
    }
}

#[test]
fn it_is_leaders() {
    let output = run(&["--engine", "thread", "--request-timeout", "1s", "libhello.so:app"]);
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(told.contains("--request-timeout belongs to --engine leader; the engine is thread"), "{told}");
}
