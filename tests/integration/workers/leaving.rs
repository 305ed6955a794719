//! `--pre-stop-delay`: balancers hear of the end before it comes.

use std::time::Duration;

use gateway_tests::client::Client;

use super::{asks, kill, workers};
use crate::engines::{Engine, on_every_engine};

const HELLO: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";

on_every_engine! {
    all_are_served_while_balancers_hear_of_it => |engine: Engine| {
        let server = engine.serve("hello:app", &["--workers", "2", "--pre-stop-delay", "1h"]);
        let mut kept = Client::new(server.connect());
        asks(&mut kept, HELLO, None);
        server.signal("TERM");
        server.wait_for_log("stopping");
        let all = workers(&server);
        // A worker may hear of it a moment later than the log says.
        let mut last = 0;
        while last < 20 {
            let mut client = Client::new(server.connect());
            client.send(HELLO).unwrap();
            let response = client.response("GET").unwrap();
            assert_eq!(response.status, 200);
            last = if response.header("connection") == Some("close") { last + 1 } else { 0 };
        }
        // Who was there before too, but where one client makes room for another.
        if engine.name != "single" {
            asks(&mut kept, HELLO, Some("close"));
        }
        assert_eq!(workers(&server), all);
        // Told again, nobody waits.
        server.signal("TERM");
        let (status, log) = server.wait();
        assert!(status.success(), "{log}");
    },
}

#[test]
fn it_comes_by_itself() {
    let server = gateway_tests::server::Server::start("hello:app", &["--workers", "1", "--pre-stop-delay", "1s"]);
    let start = std::time::Instant::now();
    kill(server.id(), "TERM");
    let (status, log) = server.wait();
    // It has waited; how long it may take is nobody's to say.
    assert!(status.success() && start.elapsed() >= Duration::from_secs(1), "{log}");
}
