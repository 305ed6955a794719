//! Bodies that are not small: an app that says so reads them while they come,
//! in at most half of the calls; all others get them whole.

use gateway_tests::client::Client;
use gateway_tests::gate::{Form, Gate, Held};
use gateway_tests::server::Server;

use super::{Mode, asking, ends_well, figure, in_every_mode, is_answered, refuses, serve};

in_every_mode! {
    half_of_the_calls_read_their_input_while_it_comes,
    an_app_that_does_not_ask_for_it_never_waits_for_its_client,
}

/// Two parts of a body, of which neither is small.
const PART: usize = 100_000;

const FRAMINGS: [&str; 2] = ["Content-Length: 200000", "Transfer-Encoding: chunked"];

fn part(framing: &str, is_last: bool) -> Vec<u8> {
    let data = "x".repeat(PART);
    match (framing, is_last) {
        ("Transfer-Encoding: chunked", false) => format!("{PART:x}\r\n{data}\r\n").into_bytes(),
        ("Transfer-Encoding: chunked", true) => format!("{PART:x}\r\n{data}\r\n0\r\n\r\n").into_bytes(),
        _ => data.into_bytes(),
    }
}

/// A client that has sent the first part of its body, once it was told to go
/// on: either the app reads, or its body is being collected.
pub(super) fn uploading(server: &Server, target: &str, framing: &str) -> Client {
    let mut client = Client::new(server.connect());
    let fields = "Host: a\r\nConnection: close\r\nExpect: 100-continue";
    let head = format!("POST {target} HTTP/1.1\r\n{fields}\r\n{framing}\r\n\r\n");
    client.send(head.as_bytes()).unwrap();
    assert_eq!(client.head().unwrap().0, 100);
    client.send(&part(framing, false)).unwrap();
    client
}

/// Holds that the app has had all of a body.
fn is_whole(client: &mut Client, server: &Server) {
    let response = client.response("POST").unwrap_or_else(|error| panic!("no answer: {error}\n{}", server.log()));
    assert_eq!((response.status, &*response.text()), (200, "200000"), "{}", server.log());
    // What it had is free again.
    assert!(client.at_end().unwrap());
}

/// A body of which the app has the first part before the second is sent.
fn is_read_live(gate: &Gate, server: &Server, framing: &str) {
    let mut client = uploading(server, "/upload?live", framing);
    let held = gate.next();
    assert_eq!(held.target, "/upload?live", "{framing}");
    held.release();
    client.send(&part(framing, true)).unwrap();
    is_whole(&mut client, server);
}

/// The second part of a body that is collected: only now is the app called.
fn is_collected(client: &mut Client, gate: &Gate, server: &Server, framing: &str) {
    assert!(gate.look().is_none(), "{framing}: the app is called before the body is there");
    client.send(&part(framing, true)).unwrap();
    let held = gate.next();
    assert_eq!(held.target, "/upload", "{framing}");
    held.release();
    is_whole(client, server);
}

fn half_of_the_calls_read_their_input_while_it_comes(mode: Mode) {
    let gate = Gate::new();
    let server = serve(&gate, Form::Streams, mode, &["--threads", "4"]);
    for framing in FRAMINGS {
        let mut live: Vec<_> = (0..2).map(|_| uploading(&server, "/upload?live", framing)).collect();
        let inside = gate.take(2);
        assert!(inside.iter().all(|held| held.target == "/upload?live"));
        let mut collected: Vec<_> = (0..4).map(|_| uploading(&server, "/upload", framing)).collect();
        // Otherwise no permit would be left for this one.
        assert_eq!(figure(&server, "/inside"), 3, "{framing}");
        inside.into_iter().for_each(Held::release);
        for client in &mut live {
            client.send(&part(framing, true)).unwrap();
            is_whole(client, &server);
        }
        // The places are free again, but not for those that have begun.
        (0..3).for_each(|_| is_read_live(&gate, &server, framing));
        collected.iter_mut().for_each(|client| is_collected(client, &gate, &server, framing));
    }
    super::stop(&server);
    ends_well(server);
}

/// Uploads that have not come to their end hold no permit: there is one.
fn an_app_that_does_not_ask_for_it_never_waits_for_its_client(mode: Mode) {
    let gate = Gate::new();
    let server = serve(&gate, Form::Concurrent, mode, &["--threads", "1"]);
    let mut slow: Vec<_> = FRAMINGS.iter().map(|framing| uploading(&server, "/upload", framing)).collect();
    (0..10).for_each(|_| is_answered(&mut asking(&server, "/"), &server));
    for (client, framing) in slow.iter_mut().zip(FRAMINGS) {
        is_collected(client, &gate, &server, framing);
    }
    drop(slow);
    super::stop(&server);
    ends_well(server);
}

/// Half of one call is none: everybody's body is collected.
#[test]
fn the_only_call_waits_for_no_client() {
    let gate = Gate::new();
    let server = serve(&gate, Form::Streams, &[], &["--threads", "1"]);
    let mut slow = uploading(&server, "/upload", FRAMINGS[0]);
    is_answered(&mut asking(&server, "/"), &server);
    is_collected(&mut slow, &gate, &server, FRAMINGS[0]);
}

/// A client that leaves in the middle of a live upload gives its place back.
#[test]
fn a_client_that_leaves_its_upload_leaves_its_place() {
    let gate = Gate::new();
    let server = serve(&gate, Form::Streams, &[], &["--threads", "2"]);
    for _ in 0..10 {
        let mut leaving = uploading(&server, "/upload?live", FRAMINGS[0]);
        let held = gate.next();
        leaving.finish();
        held.release();
        // The app has failed: its body was cut short.
        let response = leaving.response("POST").unwrap();
        assert!(response.status >= 400 && leaving.at_end().unwrap(), "{response:?}");
    }
    is_read_live(&gate, &server, FRAMINGS[1]);
}

/// Where nobody watches over the loops, threads do not poll together: the time
/// of a client that says no more would never be over.
#[test]
fn a_deadline_is_kept_after_a_long_upload_where_nothing_is_handed_over() {
    let gate = Gate::new();
    let more = ["--hand-over", "never", "--head-timeout", "100ms"];
    let server = serve(&gate, Form::Streams, &["--loops", "1"], &more);
    let framing = FRAMINGS[0];
    let mut client = uploading(&server, "/upload", framing);
    let held = gate.next();
    // Its end comes more than a tick after its begin.
    (0..50).for_each(|_| refuses(&server));
    held.release();
    client.send(&part(framing, true)).unwrap();
    is_whole(&mut client, &server);
    let mut client = Client::new(server.connect());
    client.send(b"GET ").unwrap();
    assert_eq!(client.response("GET").unwrap().status, 408);
}
