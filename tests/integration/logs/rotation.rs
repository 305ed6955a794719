//! Files that another program moves away: USR1 has all processes open new ones.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::SeqCst;
use std::thread;

use gateway_tests::client::Client;
use gateway_tests::process::family;
use gateway_tests::server::Server;
use gateway_tests::skip;
use gateway_tests::wait::until;

use super::{Place, ask, read};
use crate::engines::{Engine, on_every_engine};
use crate::proof::site::Site;

/// How often files are moved away.
const TIMES: usize = 4;

on_every_engine! { each_line_is_in_one_of_the_files => each_line_is_in_one_of_the_files }

fn each_line_is_in_one_of_the_files(engine: Engine) {
    for workers in [&[][..], &["--workers", "2"]] {
        let place = Place::new();
        let name = place.name("access");
        let format = ["--access-log-format", "%U"];
        let server = engine.serve("hello:app", &[workers, &["--access-log", &name], &format].concat());
        let done = AtomicBool::new(false);
        // It closes connections that wait while others do.
        let clients = if engine.name == "single" { 1 } else { 3 };
        let asked: usize = thread::scope(|scope| {
            let clients: Vec<_> = (0..clients)
                .map(|client| {
                    scope.spawn({
                        let (address, done) = (server.address(), &done);
                        move || asks(address, client, done)
                    })
                })
                .collect();
            for time in 0..TIMES {
                until("lines are there", || place.lines("access").len(), |lines| *lines > 20);
                fs::rename(place.path("access"), place.path(&format!("access.{time}"))).unwrap();
                server.signal("USR1");
                until("there is a new one", || place.path("access").exists(), |there| *there);
            }
            done.store(true, SeqCst);
            clients.into_iter().map(|client| client.join().unwrap()).sum()
        });
        let log = server.stop();
        let names = (0..TIMES).map(|time| format!("access.{time}")).chain(["access".to_owned()]);
        let mut lines: Vec<String> = names.flat_map(|name| place.lines(&name)).collect();
        assert_eq!(lines.len(), asked, "{workers:?} {log}");
        lines.sort();
        lines.dedup();
        assert_eq!(lines.len(), asked, "{workers:?} some line is there twice");
        assert!(!log.contains("cannot be opened"), "{log}");
    }
}

/// Asks for one thing after the other, some of them on one connection, until it is enough.
fn asks(address: SocketAddr, client: usize, done: &AtomicBool) -> usize {
    let mut count = 0;
    while !done.load(SeqCst) {
        let mut connection = Client::new(TcpStream::connect(address).unwrap());
        for _ in 0..20 {
            let request = format!("GET /{client}-{count} HTTP/1.1\r\nHost: a\r\n\r\n");
            connection.send(request.as_bytes()).unwrap();
            let response = connection.response("GET").unwrap();
            count += 1;
            if response.header("connection") == Some("close") {
                break;
            }
        }
    }
    count
}

/// The old program and the new one write into the same file for a while.
#[test]
fn each_line_is_there_across_upgrades() {
    let place = Place::new();
    let name = place.name("access");
    let site = Site::new(&["--workers", "2", "--access-log", &name, "--access-log-format", "%U"]);
    let done = AtomicBool::new(false);
    let asked: usize = thread::scope(|scope| {
        let clients = [0, 1, 2].map(|client| {
            scope.spawn({
                let (address, done) = (site.address(), &done);
                move || asks(address, client, done)
            })
        });
        for _ in 0..TIMES {
            let before = place.lines("access").len();
            site.upgrade();
            until("lines are there", || place.lines("access").len(), |lines| *lines > before + 20);
        }
        done.store(true, SeqCst);
        clients.map(|client| client.join().unwrap()).into_iter().sum()
    });
    site.stop();
    let mut lines = place.lines("access");
    assert_eq!(lines.len(), asked, "{}", site.log());
    lines.sort();
    lines.dedup();
    assert_eq!(lines.len(), asked, "some line is there twice");
}

/// Also those that nothing is written to.
#[test]
fn all_processes_have_the_new_files() {
    let place = Place::new();
    let (access, log) = (place.name("access"), place.name("log"));
    let server = Server::start("hello:app", &["--workers", "2", "--access-log", &access, "--log-file", &log]);
    for file in ["access", "log"] {
        fs::rename(place.path(file), place.path(&format!("{file}.1"))).unwrap();
    }
    server.signal("USR1");
    for file in ["access", "log"] {
        until("there is a new one", || place.path(file).exists(), |there| *there);
        let (new, old) = (place.path(file), place.path(&format!("{file}.1")));
        let have = |path: &std::path::Path| {
            let links = |process| fs::read_dir(format!("/proc/{process}/fd")).into_iter().flatten();
            let is_it = |link: &std::io::Result<fs::DirEntry>| {
                link.as_ref().is_ok_and(|link| fs::read_link(link.path()).is_ok_and(|target| target == path))
            };
            family(server.id()).into_iter().filter(|process| links(*process).any(|link| is_it(&link))).count()
        };
        until("all write there", || (have(&new), have(&old)), |found| *found == (3, 0));
        assert_eq!(fs::metadata(&new).unwrap().permissions().mode() & 0o777, 0o640);
    }
    assert!(place.read("log").contains("the log was opened anew"));
    server.stop();
}

/// The old one stays, and the log says so.
#[test]
fn what_cannot_be_opened_anew_stays() {
    for workers in [&["--no-master"][..], &["--workers", "2"]] {
        let place = Place::new();
        let (access, log) = (place.name("access"), place.name("log"));
        let files = ["--access-log", &access, "--log-file", &log];
        let server = Server::start("hello:app", &[workers, &files].concat());
        for file in ["access", "log"] {
            fs::rename(place.path(file), place.path(&format!("{file}.1"))).unwrap();
            fs::create_dir(place.path(file)).unwrap();
        }
        server.signal("USR1");
        // Who serves alone says it when it writes the next time.
        let asked = || {
            ask(&server, "a", 1);
            place.read("log.1").matches("cannot be opened anew: Is a directory").count()
        };
        until("that is said", asked, |said| *said >= 1);
        let before = place.lines("access.1").len();
        until("lines are written", || place.lines("access.1").len(), |lines| *lines >= before);
        server.stop();
        assert!(place.read("log.1").contains("stopped"));
    }
}

/// Workers that have given up the rights of root open files anew in a folder that is not
/// theirs: their master has made them.
#[test]
fn another_user_opens_them_anew() {
    if !skip::is_root("another_user_opens_them_anew") {
        return;
    }
    let place = Place::new();
    fs::set_permissions(place.path(""), fs::Permissions::from_mode(0o755)).unwrap();
    fs::copy(gateway_tests::artifacts::module("hello"), place.path("libhello.so")).unwrap();
    let (access, log) = (place.name("access"), place.name("log"));
    let files = ["--access-log", &access, "--log-file", &log, "--user", "1054321:1012345", "--workers", "2"];
    let server = Server::start_target(&place.name("libhello.so"), &files);
    ask(&server, "a", 10);
    for file in ["access", "log"] {
        fs::rename(place.path(file), place.path(&format!("{file}.1"))).unwrap();
    }
    server.signal("USR1");
    until("there is a new one", || place.read("log"), |log| log.contains("access"));
    ask(&server, "b", 10);
    server.stop();
    assert_eq!(place.lines("access.1").len() + place.lines("access").len(), 20);
    assert!(!place.lines("access").is_empty());
    for file in ["access", "log", "access.1", "log.1"] {
        assert_eq!(fs::metadata(place.path(file)).unwrap().uid(), 1_054_321, "{file}");
    }
    let log = read(&place.path("log"));
    assert!(!log.contains("cannot be"), "{log}");
}
