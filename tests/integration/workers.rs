//! A master and its workers: real processes, real signals.

mod control;
mod leaving;
mod upgrade;
mod wear;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use gateway_tests::artifacts;
use gateway_tests::client::Client;
use gateway_tests::process::{children, threads};
use gateway_tests::server::{Server, command, run};
use gateway_tests::wait::until;

use crate::engines::{Engine, on_every_engine};

/// How long nothing may happen before a test has failed.
const LONG: Duration = Duration::from_secs(60);

pub(crate) fn workers(server: &Server) -> Vec<u32> {
    children(server.id())
}

/// Waits for a whole new set of workers; the old ones may still be there.
pub(crate) fn replaced(server: &Server, old: &[u32]) -> Vec<u32> {
    let new = || workers(server).into_iter().filter(|id| !old.contains(id)).collect::<Vec<_>>();
    until("new workers", new, |new| new.len() == old.len());
    new()
}

pub(crate) fn gone(server: &Server, old: &[u32]) {
    let left = || workers(server).into_iter().filter(|id| old.contains(id)).count();
    until("the old workers are gone", left, |left| *left == 0);
}

fn answers(server: &Server) {
    let mut client = Client::new(server.connect());
    client.send(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").unwrap();
    assert_eq!(client.response("GET").unwrap().status, 200);
}

on_every_engine! {
    workers_serve_and_end_with_their_master => |engine: Engine| {
        let server = engine.serve("hello:app", &["--workers", "2"]);
        assert_eq!((workers(&server).len(), threads(server.id())), (2, 1));
        answers(&server);
        let all = workers(&server);
        let log = server.stop();
        assert!(all.iter().all(|id| !Path::new(&format!("/proc/{id}")).exists()), "{log}");
    },

    // Who serves one connection at a time closes it when another client waits, just
    // when its next request may be on the way.
    a_reload_meets_no_client => |engine: Engine| {
        reload_under_load(&engine.serve("hello:app", &["--workers", "2"]), engine.name != "single");
    },

    a_reload_closes_nobody => |engine: Engine| {
        // It makes room for others where several wait.
        closes_nobody(engine, if engine.name == "single" { 1 } else { 50 });
    },
}

/// Clients that wait are passed on: the old workers end without them, and the new
/// ones know what they have had.
fn closes_nobody(engine: Engine, count: usize) {
    let server = engine.serve("hello:app", &["--workers", "2", "--keep-alive-requests", "4"]);
    let mut clients: Vec<_> = (0..count).map(|_| Client::new(server.connect())).collect();
    // One that is in the midst of a request is passed on when that is answered.
    for client in &mut clients {
        asks(client, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", None);
    }
    for _ in 0..2 {
        let old = workers(&server);
        clients[0].send(b"GET / HT").unwrap();
        server.signal("HUP");
        replaced(&server, &old);
        asks(&mut clients[0], b"TP/1.1\r\nHost: a\r\n\r\n", None);
        gone(&server, &old);
        for client in &mut clients[1..] {
            asks(client, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", None);
        }
    }
    for client in &mut clients {
        asks(client, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", Some("close"));
    }
    server.stop();
}

fn asks(client: &mut Client<TcpStream>, request: &[u8], connection: Option<&str>) {
    client.send(request).expect("the request is taken");
    let response = client.response("GET").expect("the request is answered");
    assert_eq!((response.status, response.header("connection")), (200, connection));
}

/// Clients that send one request after the other, each on a connection for as
/// long as the server lets them if it is `kept`, see nothing of ten reloads.
fn reload_under_load(server: &Server, kept: bool) {
    let (done, answered) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !done.load(SeqCst) {
                    one_connection(server, kept, &done, &answered);
                }
            });
        }
        // Also when this thread fails.
        let _end = End(&done);
        for _ in 0..10 {
            let (old, before) = (workers(server), answered.load(SeqCst));
            server.signal("HUP");
            replaced(server, &old[..2]);
            gone(server, &old);
            until("clients are answered", || answered.load(SeqCst), |now| *now > before + 8);
        }
    });
}

/// Ends the clients.
struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, SeqCst);
    }
}

/// Asks until the server closes, which it says before.
fn one_connection(server: &Server, kept: bool, done: &AtomicBool, answered: &AtomicUsize) {
    let mut client = Client::new(server.connect());
    loop {
        let last = !kept || done.load(SeqCst);
        let close = if last { "Connection: close\r\n" } else { "" };
        client.send(format!("GET / HTTP/1.1\r\nHost: a\r\n{close}\r\n").as_bytes()).expect("the request is taken");
        let response = client.response("GET").expect("the request is answered");
        assert_eq!((response.status, response.text().as_str()), (200, "Hello, World!\n"));
        answered.fetch_add(1, SeqCst);
        if last || response.header("connection").is_some_and(|value| value == "close") {
            return;
        }
    }
}

#[test]
fn a_worker_that_is_killed_is_replaced() {
    let server = Server::start("hello:app", &["--workers", "2"]);
    let old = workers(&server);
    kill(old[0], "KILL");
    server.wait_for_log("worker 1 ended with signal 9 (SIGKILL); another takes its place");
    gone(&server, &old[..1]);
    until("two workers", || workers(&server).len(), |count| *count == 2);
    answers(&server);
    server.stop();
}

/// A module that can be replaced.
fn module(dir: &Path, from: &str) -> PathBuf {
    let place = dir.join("libapp.so");
    let made = dir.join("libapp.so.new");
    std::fs::copy(artifacts::module(from), &made).unwrap();
    std::fs::rename(&made, &place).unwrap();
    place
}

#[test]
fn a_reload_brings_the_new_app() {
    let dir = tempfile::tempdir().unwrap();
    let target = format!("{}:app", module(dir.path(), "hello").display());
    let server = Server::start_target(&target, &["--workers", "2"]);
    let old = workers(&server);
    module(dir.path(), "environ");
    server.signal("HUP");
    server.wait_for_log("reloaded");
    gone(&server, &old);
    let mut client = Client::new(server.connect());
    client.send(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").unwrap();
    assert!(client.response("GET").unwrap().text().contains("REQUEST_METHOD"));
    server.stop();
}

/// What cannot be loaded, created or survived changes nothing.
#[test]
fn a_reload_of_what_cannot_serve_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let place = module(dir.path(), "hello");
    let server = Server::start_target(&format!("{}:app", place.display()), &["--workers", "2"]);
    let old = workers(&server);
    let spoil: [(&str, &dyn Fn()); 3] = [
        ("no file", &|| std::fs::remove_file(&place).unwrap()),
        ("is no module", &|| {
            let made = dir.path().join("new");
            std::fs::write(&made, b"not a library").unwrap();
            std::fs::rename(made, &place).unwrap();
        }),
        ("has no app", &|| drop(module(dir.path(), "multi"))),
    ];
    for (count, (name, spoil)) in spoil.into_iter().enumerate() {
        spoil();
        server.signal("HUP");
        let told = || server.log().matches("not reloaded, the old workers serve on").count();
        until(name, told, |told| *told > count);
        until(name, || workers(&server), |now| *now == old);
        answers(&server);
    }
    module(dir.path(), "hello");
    server.signal("HUP");
    server.wait_for_log("reloaded: the new workers serve");
    gone(&server, &old);
    answers(&server);
    server.stop();
}

/// Nobody has to say that it is there.
#[test]
fn a_file_that_changes_is_loaded() {
    let dir = tempfile::tempdir().unwrap();
    let place = module(dir.path(), "hello");
    // By a link, as deployments have one for the current release.
    let link = dir.path().join("current.so");
    std::os::unix::fs::symlink(&place, &link).unwrap();
    let server = Server::start_target(&format!("{}:app", link.display()), &["--workers", "1", "--watch"]);
    let text = || {
        let mut client = Client::new(server.connect());
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").unwrap();
        client.response("GET").unwrap().text()
    };
    assert_eq!(text(), "Hello, World!\n");
    module(dir.path(), "environ");
    until("the new app", text, |text| text.contains("REQUEST_METHOD"));
    // What cannot be loaded changes nothing, and what can be again does.
    std::fs::write(dir.path().join("bad"), "not a library").unwrap();
    std::fs::rename(dir.path().join("bad"), &place).unwrap();
    server.wait_for_log("not reloaded, the old workers serve on");
    assert!(text().contains("REQUEST_METHOD"));
    std::os::unix::fs::symlink(artifacts::module("hello"), dir.path().join("other.so")).unwrap();
    std::fs::rename(dir.path().join("other.so"), &link).unwrap();
    until("another app", text, |text| text == "Hello, World!\n");
    server.stop();
}

/// At the start it is told as without a master.
#[test]
fn what_cannot_be_served_is_told_at_the_start() {
    let module = artifacts::module("hello");
    for (target, code) in [
        ("/nowhere/libhello.so:app".to_owned(), 2),
        (format!("{}:nothing", module.display()), 2),
        (format!("{}:app", artifacts::module("counter").display()), 1),
    ] {
        let with = |more: &[&str]| {
            let set = ["--set", "start=none"];
            let output = run(&[&["--bind", "127.0.0.1:0"], more, &set, &[target.as_str()]].concat());
            (output.status.code(), String::from_utf8(output.stderr).unwrap().lines().last().unwrap().to_owned())
        };
        let alone = with(&["--no-master"]);
        assert_eq!(alone.0, Some(code), "{alone:?}");
        assert_eq!(with(&["--workers", "2"]), alone);
    }
}

#[test]
fn more_and_fewer() {
    let server = Server::start("hello:app", &["--workers", "1"]);
    for (signal, count) in [("TTIN", 2), ("TTIN", 3), ("TTOU", 2), ("TTOU", 1)] {
        server.signal(signal);
        until(signal, || workers(&server).len(), |now| *now == count);
        answers(&server);
    }
    server.signal("TTOU");
    server.wait_for_log("there is one worker, which stays");
    server.signal("USR1");
    server.wait_for_log("there is no log to be opened anew");
    answers(&server);
    server.stop();
}

#[test]
fn a_quit_ends_all_at_once() {
    let server = Server::start("hello:app", &["--workers", "2"]);
    let (all, mut client) = (workers(&server), server.connect());
    client.set_read_timeout(Some(LONG)).unwrap();
    client.write_all(b"GET / HT").unwrap();
    server.signal("QUIT");
    let (status, log) = server.wait();
    assert!(status.success(), "{log}");
    assert!(all.iter().all(|id| !Path::new(&format!("/proc/{id}")).exists()), "{log}");
}

/// Nobody stays behind a master that is killed.
#[test]
fn workers_end_without_their_master() {
    let server = Server::start("hello:app", &["--workers", "2"]);
    let all = workers(&server);
    kill(server.id(), "KILL");
    drop(server);
    // They may wait for somebody to reap them.
    let alive = |id: &u32| {
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat"));
        stat.is_ok_and(|stat| !stat.contains(") Z "))
    };
    until("the workers end", || all.iter().filter(|id| alive(id)).count(), |left| *left == 0);
}

/// An app is told whether there are other processes of it.
#[test]
fn an_app_is_told_of_the_other_processes() {
    for (count, flag) in [("1", "0"), ("2", "1")] {
        let server = Server::start("environ:app", &["--workers", count, "--engine", "thread"]);
        let mut client = Client::new(server.connect());
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").unwrap();
        let text = client.response("GET").unwrap().text();
        let line = text.lines().find(|line| line.contains("gateway.multiprocess")).unwrap_or_default();
        assert!(line.contains(flag), "{line} in {text}");
        server.stop();
    }
}

/// The pid file is there while the server is, and names whom signals go to.
#[test]
fn a_pid_file_names_who_takes_signals() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("server.pid");
    let file = path.to_str().unwrap();
    let named = || std::fs::read_to_string(&path).unwrap_or_default();
    // One that was left behind, by a process that is none of ours by now, is replaced.
    for (left, more) in
        [("1", &["--workers", "2"][..]), ("4194305", &["--no-master"]), ("nonsense", &["--workers", "1"])]
    {
        std::fs::write(&path, left).unwrap();
        let server = Server::start("hello:app", &[more, &["--pidfile", file]].concat());
        assert_eq!(named(), format!("{}\n", server.id()));
        let second = run(&["--pidfile", file, "--bind", "127.0.0.1:0", artifacts::module("hello").to_str().unwrap()]);
        let told = String::from_utf8(second.stderr).unwrap();
        assert_eq!(second.status.code(), Some(1), "{told}");
        assert!(
            told.contains(&format!("names process {}, which is a gateway-server that runs", server.id())),
            "{told}"
        );
        assert_eq!(named(), format!("{}\n", server.id()));
        server.stop();
        assert!(!path.exists());
    }
    let nowhere =
        run(&["--pidfile", "/nowhere/a.pid", "--bind", "127.0.0.1:0", artifacts::module("hello").to_str().unwrap()]);
    let told = String::from_utf8(nowhere.stderr).unwrap();
    assert!(nowhere.status.code() == Some(1) && told.contains("cannot write the pid file /nowhere/a.pid"), "{told}");
}

/// A Unix socket is the master's: it outlives its workers, and goes with it.
#[test]
fn a_unix_socket_stays_for_as_long_as_its_master() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.sock");
    let address = format!("unix:{}", path.display());
    let server = Server::start("hello:app", &["--workers", "2", "--bind", &address]);
    for _ in 0..2 {
        let old = workers(&server);
        let mut client = UnixStream::connect(&path).unwrap();
        client.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        assert!(answer.ends_with("Hello, World!\n"), "{answer}");
        server.signal("HUP");
        replaced(&server, &old);
        gone(&server, &old);
    }
    server.stop();
    assert!(!path.exists());
}

/// Who serves alone has no workers.
#[test]
fn what_is_a_masters_needs_one() {
    for (arguments, what) in [
        (&["--no-master", "--workers", "2"][..], "'--no-master[=<BOOL>]' cannot be used with '--workers <N>'"),
        (
            &["--no-master", "--start-timeout", "1s"],
            "'--no-master[=<BOOL>]' cannot be used with '--start-timeout <TIME>'",
        ),
        (&["--no-master", "--watch"], "'--no-master[=<BOOL>]' cannot be used with '--watch[=<BOOL>]'"),
        (&["--no-master", "--pre-stop-delay", "1s"], "cannot be used with '--pre-stop-delay <TIME>'"),
        (&["--no-master", "--max-requests", "1"], "cannot be used with '--max-requests <N>'"),
        (&["--no-master", "--max-worker-age", "1s"], "cannot be used with '--max-worker-age <TIME>'"),
        (&["--no-master", "--max-worker-rss", "1GiB"], "cannot be used with '--max-worker-rss <SIZE>'"),
        (&["--no-master", "--max-late-calls", "1"], "cannot be used with '--max-late-calls <N>'"),
        (&["--no-master", "--worker-timeout", "1s"], "cannot be used with '--worker-timeout <TIME>'"),
        (&["--max-requests-jitter", "5"], "--max-requests-jitter belongs to --max-requests, which is not given"),
        (
            &["--engine", "thread", "--max-late-calls", "5"],
            "--max-late-calls belongs to --engine leader; the engine is thread",
        ),
        (&["--max-worker-rss", "0"], "a size of 0 lets nobody in"),
        (&["--max-worker-age", "soon"], "expected number at 0"),
        (&["--max-late-calls", "0"], "0 is not in 1..=65535"),
        (&["--queue", "many"], "invalid digit found in string"),
        (&["--no-master", "--reload-step", "one"], "'--no-master[=<BOOL>]' cannot be used with '--reload-step <HOW>'"),
        (&["--workers", "none"], "write a number from 1 to 1024, or auto"),
        (&["--workers", "1025"], "write a number from 1 to 1024, or auto"),
        (&["--workers", "2", "--reload-step", "some"], "all, one"),
    ] {
        let output = run(&[arguments, &["libhello.so:app"]].concat());
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert!(told.contains(what), "{told}");
    }
    let mut command = command(&["--no-master", "libhello.so:app"]);
    let output = command.env("GATEWAY_START_TIMEOUT", "1s").output().expect("the server can be run");
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("no-master (flag) cannot be used with start-timeout (GATEWAY_START_TIMEOUT)"), "{told}");
}

/// Without a word about it there is a master, and one worker.
#[test]
fn a_master_is_there_by_itself() {
    let target = format!("{}:app", artifacts::module("hello").display());
    for (more, count) in [(&[][..], 1), (&["--no-master"], 0)] {
        let server = Server::spawn(command(&[more, &["--bind", "127.0.0.1:0", &target]].concat()), 1);
        assert_eq!(workers(&server).len(), count);
        answers(&server);
        server.stop();
    }
}

pub(crate) fn kill(process: u32, signal: &str) {
    let status = std::process::Command::new("kill").args(["-s", signal, &process.to_string()]).status();
    assert!(status.expect("kill can be run").success());
}
