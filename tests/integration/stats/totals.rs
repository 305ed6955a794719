//! What is told agrees with a client that counts, to the request.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use gateway_tests::client::Client;
use gateway_tests::wait::until;
use serde_json::Value;

use super::{Told, ask_app};
use crate::engines::{Engine, on_every_engine};
use crate::workers::kill;

on_every_engine! {
    what_is_told_is_what_was_answered => what_is_told_is_what_was_answered,
}

/// Targets of `probe`, and the class of their answers.
const ASKED: [(&str, &str); 5] = [
    ("/", "2xx"),
    ("/status/302", "3xx"),
    ("/status/404", "4xx"),
    ("/stream?n=3", "2xx"),
    ("/set-header?v=%0d", "5xx"),
];

/// Asks all of that so often on one connection, and counts.
fn ask_all(told: &Told, times: usize, counts: &[AtomicU64; 5]) {
    for _ in 0..times {
        for (place, (target, _)) in ASKED.iter().enumerate() {
            let mut client = Client::new(told.server.connect());
            client.send(format!("GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").as_bytes()).unwrap();
            client.response("GET").unwrap();
            counts[place].fetch_add(1, SeqCst);
        }
    }
}

/// Holds that it is told so.
fn holds(told: &Told, counts: &[AtomicU64; 5], accepted: u64) {
    let of = |class: &str| {
        let some = ASKED.iter().zip(counts).filter(|((_, its), _)| *its == class);
        some.map(|(_, count)| count.load(SeqCst)).sum::<u64>()
    };
    let is_so = |stats: &Value| {
        let classes = ["2xx", "3xx", "4xx", "5xx"].into_iter().all(|class| stats["responses"][class] == of(class));
        classes && stats["connections"]["open"] == 0 && stats["connections"]["accepted"] == accepted
    };
    let stats = told.wait("what was counted", is_so);
    let all: u64 = counts.iter().map(|count| count.load(SeqCst)).sum();
    assert_eq!((&stats["requests"], &stats["in_flight"]), (&all.into(), &0.into()), "{stats}");
    assert_eq!((&stats["latency"]["count"], &stats["queue_wait"]["count"]), (&all.into(), &all.into()), "{stats}");
    for class in ["2xx", "3xx", "4xx", "5xx"] {
        let told = told.metric(&format!("gateway_requests_total{{class=\"{class}\"}}"));
        assert_eq!(told, Some(of(class) as f64), "{class}");
    }
    assert_eq!(told.metric("gateway_request_duration_seconds_count"), Some(all as f64));
    assert_eq!(told.metric("gateway_request_duration_seconds_bucket{le=\"+Inf\"}"), Some(all as f64));
    assert_eq!(told.metric("gateway_connections_accepted_total"), Some(accepted as f64));
}

/// With two workers, after a reload, and after a worker was killed: what was counted
/// never falls.
fn what_is_told_is_what_was_answered(engine: Engine) {
    let told = Told::on(engine, "probe:app", "2", &[]);
    let counts: [AtomicU64; 5] = Default::default();
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| ask_all(&told, 4, &counts));
        }
    });
    holds(&told, &counts, 60);

    let before = told.workers();
    told.server.signal("HUP");
    told.wait("new workers", |stats| {
        let workers = stats["workers"].as_array().unwrap();
        workers.len() == 2 && workers.iter().all(|worker| !before.contains(&worker["process"].as_u64().unwrap()))
    });
    holds(&told, &counts, 60);
    ask_all(&told, 2, &counts);
    holds(&told, &counts, 70);

    kill(u32::try_from(told.workers()[0]).unwrap(), "KILL");
    let crashed = |stats: &Value| stats["restarts"]["crashed"] == 1 && stats["workers"].as_array().unwrap().len() == 2;
    let stats = told.wait("another worker", crashed);
    assert_eq!(stats["reloads"], serde_json::json!({"ok": 1, "failed": 0}), "{stats}");
    told.wait("both serve", |stats| stats["workers"].as_array().unwrap().iter().all(|it| it["state"] == "serving"));
    ask_all(&told, 1, &counts);
    holds(&told, &counts, 75);
    told.server.stop();
}

/// What is refused, fails and takes too long has a number of its own.
#[test]
fn faults_are_told_by_kind() {
    let told = Told::start("probe:app", "1", &["--request-timeout", "100ms", "--threads", "2"]);
    let refused = |bytes: &[u8]| {
        let mut client = Client::new(told.server.connect());
        client.send(bytes).unwrap();
        client.response("GET").unwrap().status
    };
    assert_eq!(refused(b"GET / HTTP/1.1\r\n\r\n"), 400);
    assert_eq!(refused(b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"), 400);
    assert_eq!(refused(b"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n"), 501);
    assert_eq!(ask_app(&told.server, "/sleep?ms=1000"), 504);
    let stats = told.wait("the call is over", |stats| stats["responses"]["5xx"] == 2 && stats["late_calls"] == 0);
    for reason in ["missing_host", "repeated_host", "connect"] {
        assert_eq!(stats["refusals"][reason], 1, "{stats}");
        assert_eq!(told.metric(&format!("gateway_refusals_total{{reason=\"{reason}\"}}")), Some(1.0));
    }
    assert_eq!((&stats["timeouts"], &stats["responses"]["4xx"]), (&1.into(), &2.into()), "{stats}");
    assert_eq!(told.metric("gateway_timeouts_total"), Some(1.0));
    told.server.stop();
}

/// What runs and what waits for it.
#[test]
fn threads_and_the_queue_are_told() {
    let told = Told::start("probe:app", "1", &["--threads", "2"]);
    let mut clients: Vec<_> = (0..5).map(|_| Client::new(told.server.connect())).collect();
    for client in &mut clients {
        client.send(b"GET /sleep?ms=2000&secret=1 HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    }
    let is_so = |stats: &Value| stats["threads"]["busy"] == 2 && stats["queued"] == 3;
    let stats = told.wait("two run and three wait", is_so);
    assert_eq!((&stats["threads"]["idle"], &stats["in_flight"]), (&0.into(), &2.into()), "{stats}");
    assert_eq!(stats["workers"][0]["running"], serde_json::json!(["GET /sleep", "GET /sleep"]), "{stats}");
    assert_eq!(stats["connections"]["open"], 5, "{stats}");
    assert_eq!(told.metric("gateway_threads{state=\"busy\"}"), Some(2.0));
    for client in &mut clients {
        assert_eq!(client.response("GET").unwrap().status, 200);
    }
    told.wait("nothing runs", |stats| stats["threads"]["busy"] == 0 && stats["queued"] == 0);
    drop(clients);
    told.wait("nobody is there", |stats| stats["connections"]["open"] == 0);
    told.server.stop();
}

/// A child of `fork` that is killed is no client any more.
#[test]
fn a_child_that_crashes_is_no_client_any_more() {
    let told = Told::start("probe:app", "1", &["--engine", "fork"]);
    let mut client = Client::new(told.server.connect());
    client.send(b"GET /process HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    let text = client.response("GET").unwrap().text();
    let child: u32 = text.split_whitespace().next().unwrap().parse().unwrap();
    told.wait("a client", |stats| stats["connections"]["open"] == 1);
    kill(child, "KILL");
    // The one after the other.
    let stats = told
        .wait("no client, and a crash", |stats| stats["connections"]["open"] == 0 && stats["faults"]["crashed"] == 1);
    assert_eq!(stats["requests"], 1, "{stats}");
    told.server.stop();
}

/// A client who waits, and is passed on at a reload, was taken once.
#[test]
fn a_client_that_is_passed_on_was_taken_once() {
    let told = Told::start("hello:app", "1", &[]);
    let mut client = Client::new(told.server.connect());
    let asks = |client: &mut Client| {
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
        assert_eq!(client.response("GET").unwrap().status, 200);
    };
    asks(&mut client);
    let old = told.workers();
    told.server.signal("HUP");
    until("a new worker", || told.workers(), |new| new.len() == 1 && new != &old);
    asks(&mut client);
    let connections = told.stats()["connections"].clone();
    assert_eq!(connections, serde_json::json!({"open": 1, "accepted": 1}));
    told.server.stop();
}
