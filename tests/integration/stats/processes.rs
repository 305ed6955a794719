//! The process that tells: it is there while others are busy, comes back, and goes.

use gateway_tests::client::Client;
use gateway_tests::process::is_there;
use gateway_tests::server::{Server, run};
use gateway_tests::wait::until;
use gateway_tests::{artifacts, skip};

use super::{Told, address, ask_app};
use crate::workers::kill;

/// However many calls sleep, and whatever the engine.
#[test]
fn it_answers_while_all_threads_sleep() {
    for (engine, threads) in [("leader", Some("1")), ("thread", None), ("single", None)] {
        let more = threads.map_or_else(Vec::new, |count| vec!["--threads", count]);
        let told = Told::start("probe:app", "1", &[&["--engine", engine], &more[..]].concat());
        let mut clients: Vec<_> = (0..4).map(|_| Client::new(told.server.connect())).collect();
        for client in &mut clients {
            client.send(b"GET /sleep?ms=60000 HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
        }
        told.wait("a call that sleeps", |stats| stats["in_flight"].as_u64() > Some(0));
        assert_eq!((told.get("/live").text(), told.get("/ready").text()), ("live\n".to_owned(), "ready\n".to_owned()));
        assert!(told.metric("gateway_in_flight_requests") > Some(0.0), "{engine}");
        // They would sleep on.
        told.server.signal("QUIT");
        told.server.wait();
    }
}

#[test]
fn one_that_is_killed_comes_back() {
    let told = Told::start("hello:app", "1", &[]);
    assert_eq!(ask_app(&told.server, "/"), 200);
    let first = told.onlooker();
    kill(first, "KILL");
    told.server.wait_for_log("the process of --stats ended with signal 9 (SIGKILL); another takes its place");
    until("another one", || gateway_tests::process::children(told.server.id()).len(), |count| *count == 2);
    // It knows what the first one knew.
    assert_eq!(told.stats()["requests"], 1);
    assert_ne!(told.onlooker(), first);
    let errors = told.stats()["errors"].clone();
    assert!(errors[0]["text"].as_str().unwrap().contains("the process of --stats ended"), "{errors}");
    told.server.stop();
}

#[test]
fn it_ends_with_its_master() {
    for signal in ["TERM", "QUIT", "KILL"] {
        let told = Told::start("hello:app", "2", &[]);
        let (onlooker, workers) = (told.onlooker(), told.workers());
        told.server.signal(signal);
        told.server.wait();
        until("nothing is left", || is_there(onlooker), |there| !there);
        for worker in workers {
            until("nothing is left", || is_there(worker.try_into().unwrap()), |there| !there);
        }
    }
}

/// A server that is told to end is not for new clients, and says so while it serves.
#[test]
fn it_is_not_ready_while_it_ends() {
    let told = Told::start("hello:app", "1", &["--pre-stop-delay", "60s"]);
    assert_eq!(told.get("/ready").status, 200);
    told.server.signal("TERM");
    until("it is not ready", || told.get("/ready").status, |status| *status == 503);
    assert_eq!((told.get("/ready").text(), told.get("/live").status), ("it ends\n".to_owned(), 200));
    assert_eq!((ask_app(&told.server, "/"), told.stats()["ending"].clone()), (200, true.into()));
    told.server.signal("TERM");
    let (status, log) = told.server.wait();
    assert!(status.success(), "{log}");
}

/// Ready is who serves, and who does not is tried again: that is counted.
#[test]
fn it_is_not_ready_while_no_worker_serves() {
    let folder = tempfile::tempdir().unwrap();
    let (place, away) = (folder.path().join("libapp.so"), folder.path().join("away"));
    std::fs::copy(artifacts::module("hello"), &place).unwrap();
    let target = format!("{}:app", place.display());
    let told = Told::of(Server::start_target(&target, &["--stats", "127.0.0.1:0", "--workers", "1"]));
    std::fs::rename(&place, &away).unwrap();
    kill(told.workers()[0].try_into().unwrap(), "KILL");
    let stats = told.wait("another cannot start", |stats| stats["restarts"]["failed"].as_u64() > Some(0));
    assert_eq!(stats["restarts"]["crashed"], 1, "{stats}");
    until("it is not ready", || told.get("/ready").status, |status| *status == 503);
    assert_eq!(told.get("/live").status, 200);
    std::fs::rename(&away, &place).unwrap();
    until("it is ready", || told.get("/ready").status, |status| *status == 200);
    assert_eq!(ask_app(&told.server, "/"), 200);
    told.server.stop();
}

/// What has no rights of root reads what it has to.
#[test]
fn it_gives_up_rights_as_workers_do() {
    if !skip::is_root("it_gives_up_rights_as_workers_do") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "a-token-for-root-alone").unwrap();
    let more = ["--user", "nobody", "--stats-token-file", file.to_str().unwrap()];
    let told = Told::start("hello:app", "1", &more);
    let bearer = "Authorization: Bearer a-token-for-root-alone\r\n";
    let stats: serde_json::Value = serde_json::from_slice(&told.ask("GET", "/stats", bearer).body).unwrap();
    assert!(stats["workers"][0]["memory_bytes"].as_u64() > Some(1 << 20), "{stats}");
    for process in gateway_tests::process::children(told.server.id()) {
        let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
        let user = status.lines().find_map(|line| line.strip_prefix("Uid:")).unwrap();
        assert!(!user.split_whitespace().any(|id| id == "0"), "{user}");
    }
    told.server.stop();
}

/// The program that takes over has the address, and its own figures.
#[test]
fn an_upgrade_keeps_the_address() {
    let folder = tempfile::tempdir().unwrap();
    let pid = folder.path().join("pid");
    let target = artifacts::module("hello").display().to_string();
    let arguments = ["--stats", "127.0.0.1:0", "--workers", "1", "--pidfile", pid.to_str().unwrap()];
    let told = Told::of(Server::start_target(&target, &arguments));
    assert_eq!(ask_app(&told.server, "/"), 200);
    let (old, onlooker) = (told.server.id(), told.onlooker());
    assert!(run(&["upgrade", pid.to_str().unwrap()]).status.success(), "{}", told.server.log());
    // Its worker may get a client until then.
    until("the old ones end", || is_there(onlooker) || is_there(old), |there| !there);
    assert_eq!(address(&told.server.log()), told.stats);
    let stats = told.wait("the new one", |stats| stats["process"] != old);
    assert_eq!((&stats["requests"], &stats["workers"][0]["state"]), (&0.into(), &"serving".into()), "{stats}");
    let new: u32 = stats["process"].as_u64().unwrap().try_into().unwrap();
    assert_eq!(ask_app(&told.server, "/"), 200);
    assert_eq!(told.stats()["requests"], 1);
    kill(new, "TERM");
    until("the new one ends", || is_there(new), |there| !there);
}
