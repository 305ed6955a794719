//! What is special to the engine `leader`: how many calls run at once, that one
//! which blocks holds nobody up, and what the fast path costs. The calls are
//! held by the test itself (`tests/plugins/gate.c`): that they are inside is
//! known and not guessed.

mod blocking;
mod calls;
mod connections;
mod deadline;
mod exclusive;
mod fast_path;
mod files;
mod flags;
mod listening;
mod room;
mod shedding;
mod shortage;
mod stopping;
mod threads;
mod uploads;

use std::process::ExitStatus;

use gateway_tests::client::{Client, Response};
use gateway_tests::gate::{Form, Gate};
use gateway_tests::server::Server;
use gateway_tests::wait::until;

/// Makes a test of each case for each way in which loops are led: the function
/// takes the flags that choose it.
macro_rules! in_every_mode {
    ($($case:ident),+ $(,)?) => {
        $(mod $case {
            #[test]
            fn with_one_loop() {
                super::$case(&["--loops", "1"]);
            }

            #[test]
            fn with_two_loops() {
                super::$case(&["--loops", "2"]);
            }

            #[test]
            fn handing_over_with_one_loop() {
                super::$case(&["--loops", "1", "--hand-over", "always"]);
            }

            #[test]
            fn handing_over_with_two_loops() {
                super::$case(&["--loops", "2", "--hand-over", "always"]);
            }
        })+
    };
}

use in_every_mode;

/// How a test chooses the engine: flags of its own come on top.
type Mode = &'static [&'static str];

/// Serves the gate in some mode, with more flags.
fn serve(gate: &Gate, form: Form, mode: Mode, more: &[&str]) -> Server {
    gate.serve(form, &[&["--engine", "leader"], mode, more].concat())
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n")
}

/// A client that has asked for something.
fn asking(server: &Server, path: &str) -> Client {
    let mut client = Client::new(server.connect());
    client.send(get(path).as_bytes()).expect("the connection takes a request");
    client
}

/// What a client gets for what it has asked.
fn answer(client: &mut Client, server: &Server) -> Response {
    client.response("GET").unwrap_or_else(|error| panic!("no answer: {error}\n{}", server.log()))
}

/// Holds that the answer is a good one.
fn is_answered(client: &mut Client, server: &Server) {
    let response = answer(client, server);
    assert_eq!(response.status, 200, "{}", response.text());
}

/// Asks for a number, over a connection of its own.
fn figure(server: &Server, path: &str) -> usize {
    let text = answer(&mut asking(server, path), server).text();
    text.parse().unwrap_or_else(|_| panic!("{path}: {text:?} is no number"))
}

/// Holds that whoever polls is there: a request that is refused costs no call.
fn refuses(server: &Server) {
    let mut client = Client::new(server.connect());
    client.send(b"GET / HTTP/1.1\r\n\r\n").expect("the connection takes a request");
    assert_eq!(answer(&mut client, server).status, 400);
}

/// Tells the server to end, and waits until it lets nobody in any more.
fn stop(server: &Server) {
    server.signal("TERM");
    until("the listener is closed", || std::net::TcpStream::connect(server.address()).is_err(), |closed| *closed);
}

/// Waits for the end, but not for ever.
fn end(server: Server) -> (ExitStatus, String) {
    let stat = || std::fs::read_to_string(format!("/proc/{}/stat", server.id())).unwrap_or_default();
    until("the server ends", stat, |stat| stat.is_empty() || stat.contains(") Z "));
    server.wait()
}

/// Holds that it ends, and well.
fn ends_well(server: Server) {
    let (status, log) = end(server);
    assert!(status.success(), "{status}\n{log}");
}
