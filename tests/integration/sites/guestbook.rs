//! The guest book keeps what it has told a visitor is written.

use std::collections::BTreeMap;
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};

use gateway_tests::client::{Client, Response};
use gateway_tests::server::{Server, command, run};
use gateway_tests::trace::Traced;
use gateway_tests::wait::until;
use gateway_tests::{artifacts, skip};
use serde_json::Value;
use tempfile::TempDir;

use crate::workers::workers;

/// Anything of the right form: a page repeats what a visitor's cookie says.
const TOKEN: &str = "0123456789abcdef0123456789abcdef";
const KILLS: usize = 6;
const CLIENTS: usize = 4;

/// Serves a book whose file is in the folder.
pub(super) fn serve(folder: &TempDir, more: &[&str]) -> Server {
    let database = format!("database={}", folder.path().join("book.db").display());
    Server::start("guestbook:app", &[&["--set", &database], more].concat())
}

#[test]
fn no_kill_takes_an_entry_back_on_leader() {
    no_kill_takes_an_entry_back("leader");
}

#[test]
fn no_kill_takes_an_entry_back_on_thread() {
    no_kill_takes_an_entry_back("thread");
}

/// Workers are killed while visitors write. Each writes an entry until it is told that
/// the entry is in the book, and remembers how many times it has tried.
fn no_kill_takes_an_entry_back(engine: &str) {
    let folder = tempfile::tempdir().unwrap();
    let server = serve(&folder, &["--engine", engine, "--workers", "2"]);
    let (done, acknowledged) = (AtomicBool::new(false), AtomicUsize::new(0));
    let tries: BTreeMap<String, usize> = std::thread::scope(|scope| {
        let visitor = |visitor| visit(visitor, server.address(), &done, &acknowledged);
        let visitors: Vec<_> = (0..CLIENTS).map(|number| scope.spawn(move || visitor(number))).collect();
        // Also when this thread fails.
        let end = End(&done);
        for round in 0..KILLS {
            let before = acknowledged.load(SeqCst);
            until("entries are written", || acknowledged.load(SeqCst), |now| *now >= before + 10);
            let old = workers(&server);
            let victim = old[round % old.len()];
            let killed = Command::new("kill").args(["-KILL", &victim.to_string()]).status().unwrap();
            assert!(killed.success());
            until("another worker", || workers(&server), |now| now.len() == 2 && !now.contains(&victim));
        }
        drop(end);
        visitors.into_iter().flat_map(|visitor| visitor.join().unwrap()).collect()
    });
    let found = entries(server.address());
    assert!(tries.len() >= 10 * KILLS && tries.values().any(|tries| *tries > 1), "kills meet requests: {tries:?}");
    for (text, tries) in &tries {
        let times = found.get(text).copied().unwrap_or_default();
        assert!((1..=*tries).contains(&times), "{text}: {times} times in the book, {tries} tries\n{}", server.log());
    }
    assert_eq!(found.len(), tries.len(), "nothing else is in the book");
    server.stop();
}

/// Ends the visitors.
struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, SeqCst);
    }
}

/// Writes entries until it is over, and tells how many tries each took.
fn visit(visitor: usize, address: SocketAddr, done: &AtomicBool, acknowledged: &AtomicUsize) -> Vec<(String, usize)> {
    let mut written = Vec::new();
    let mut client = None;
    while !done.load(SeqCst) {
        let text = format!("entry {} of {visitor}", written.len());
        let mut tries = 0;
        loop {
            tries += 1;
            match post(&mut client, address, &text) {
                Ok(response) if response.status == 303 && response.complete => break,
                Ok(response) => panic!("{text}: {response:?}"),
                // A worker was killed: whether the entry was written is not known.
                Err(_) => client = None,
            }
        }
        acknowledged.fetch_add(1, SeqCst);
        written.push((text, tries));
    }
    written
}

fn post(client: &mut Option<Client>, address: SocketAddr, text: &str) -> io::Result<Response> {
    let client = match client {
        Some(client) => client,
        None => client.insert(Client::new(TcpStream::connect(address)?)),
    };
    let form = format!("token={TOKEN}&name=a&text={}", text.replace(' ', "+"));
    let head = format!(
        "POST /entries HTTP/1.1\r\nHost: a\r\nCookie: guestbook-token={TOKEN}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n",
        form.len()
    );
    client.send(format!("{head}{form}").as_bytes())?;
    client.response("POST")
}

/// The texts of all entries, and how many times each is there.
fn entries(address: SocketAddr) -> BTreeMap<String, usize> {
    let mut client = Client::new(TcpStream::connect(address).unwrap());
    let mut found = BTreeMap::new();
    for page in 1.. {
        client.send(format!("GET /entries.json?page={page} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes()).unwrap();
        let answer: Value = serde_json::from_slice(&client.response("GET").unwrap().body).unwrap();
        for entry in answer["entries"].as_array().unwrap() {
            *found.entry(entry["text"].as_str().unwrap().to_owned()).or_default() += 1;
        }
        if answer["pages"]["older"].is_null() {
            break;
        }
    }
    found
}

/// The power's end cannot be tried here; what keeps an entry then can be seen.
#[test]
fn an_entry_is_on_the_disk_before_its_visitor_is_told() {
    if !skip::has("an_entry_is_on_the_disk_before_its_visitor_is_told", "strace") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let database = format!("database={}", folder.path().join("book.db").display());
    let target = format!("{}:app", artifacts::module("guestbook").display());
    let command = command(&["--bind", "127.0.0.1:0", "--no-master", "--set", &database, &target]);
    let traced = Traced::spawn(&command, "fsync,fdatasync");
    let synced = || traced.calls("").total();
    let mut client = None;
    for number in 0..5 {
        let before = synced();
        let response = post(&mut client, traced.server.address(), &format!("entry {number}")).unwrap();
        assert_eq!(response.status, 303);
        // strace writes after the call: what it has written is not early, but may be late.
        until("the entry is synced", synced, |now| *now > before);
    }
}

#[test]
fn a_file_that_cannot_be_used_keeps_the_server_from_starting() {
    let target = format!("{}:app", artifacts::module("guestbook").display());
    let output = run(&["--bind", "127.0.0.1:0", "--set", "database=/nowhere/book.db", &target]);
    let log = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "{log}");
    assert!(log.contains("the database /nowhere/book.db has no folder: /nowhere is not there"), "{log}");
}
