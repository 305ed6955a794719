//! More clients than there are descriptors, or than select(2) can watch.

use std::io;
use std::process::Command;

use gateway_tests::client::Client;
use gateway_tests::process::children;
use gateway_tests::server::{Server, command};
use gateway_tests::wait::until;
use gateway_tests::{artifacts, skip};

use super::{ask, serves};
use crate::engines::{Engine, on_every_engine};

on_every_engine! {
    a_server_out_of_descriptors_recovers => a_server_out_of_descriptors_recovers,
    clients_beyond_the_cap_wait_for_their_turn => clients_beyond_the_cap_wait_for_their_turn,
}

/// What a server says when it cannot take clients in.
const SHED: &str = "clients are turned away for now";

/// Serves `probe` with few descriptors.
fn with_few(engine: Engine, count: u32) -> Server {
    let target = format!("{}:app", artifacts::module("probe").display());
    let server = command(&[engine.flags, &["--bind", "127.0.0.1:0", &target]].concat());
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("ulimit -n {count}; exec \"$0\" \"$@\"")]);
    shell.arg(server.get_program()).args(server.get_args());
    shell.envs(server.get_envs().filter_map(|(name, value)| Some((name, value?))));
    Server::spawn(shell, 1)
}

fn a_server_out_of_descriptors_recovers(engine: Engine) {
    let server = with_few(engine, 40);
    let mut first = Client::new(server.connect());
    assert_eq!(ask(&mut first, "/").unwrap().status, 200);
    let crowd: Vec<_> = (0..100).map(|_| server.connect()).collect();
    // The others have one descriptor at a time, or one in each process.
    if !["single", "fork"].contains(&engine.name) {
        until("the log", || server.log(), |log| log.contains(SHED));
        assert_eq!(ask(&mut first, "/").unwrap().status, 200, "who is inside is served");
    }
    drop((first, crowd));
    serves(&server, "/");
    let told = server.stop().matches(SHED).count();
    assert!(told < 20, "the log tells of it {told} times");
}

/// How a client of a crowd fared.
fn is_served(client: &mut Client) -> bool {
    match ask(client, "/") {
        Ok(response) => response.status == 200,
        // Shed: closed or reset, but never left waiting.
        Err(error) => {
            let gone = [io::ErrorKind::UnexpectedEof, io::ErrorKind::ConnectionReset, io::ErrorKind::BrokenPipe];
            assert!(gone.contains(&error.kind()), "{error}");
            false
        }
    }
}

/// select(2) cannot watch descriptors from FD_SETSIZE on.
#[test]
fn select_sheds_what_it_cannot_watch() {
    const CROWD: usize = 1100;
    if !skip::has_descriptors("select_sheds_what_it_cannot_watch", 2 * CROWD as u64) {
        return;
    }
    let server = Server::start("probe:app", &["--engine", "select", "--connections", "2000"]);
    let mut crowd: Vec<Client> = (0..CROWD).map(|_| Client::new(server.connect())).collect();
    // Whoever cannot be watched has had its first answer by then: it came with
    // its request, and is shed when it would have to be waited for.
    for client in &mut crowd {
        is_served(client);
    }
    let served: Vec<bool> = crowd.iter_mut().map(is_served).collect();
    let count = served.iter().filter(|served| **served).count();
    assert!((900..1024).contains(&count), "{count} of {CROWD} were served:\n{}", server.log());
    let log = server.log();
    assert!(log.contains(SHED) && log.contains("FD_SETSIZE (1024)"), "the log does not name the limit:\n{log}");
    // Those inside are still served.
    let mut inside = crowd.iter_mut().zip(&served).filter(|(_, served)| **served);
    assert!(inside.all(|(client, _)| is_served(client)));
    drop(crowd);
    let mut late: Vec<Client> = (0..100).map(|_| Client::new(server.connect())).collect();
    assert!(late.iter_mut().all(is_served), "{}", server.log());
    server.stop();
}

/// More clients than the cap: they wait, and are served in the end. `single`
/// has no other cap than one.
fn clients_beyond_the_cap_wait_for_their_turn(engine: Engine) {
    if engine.name == "single" {
        return;
    }
    let server = engine.serve("probe:app", &["--connections", "4"]);
    let mut crowd: Vec<Client> = (0..40).map(|_| Client::new(server.connect())).collect();
    for client in &mut crowd {
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").unwrap();
    }
    assert!(children(server.id()).len() <= 4);
    // Each leaves once it is served, and makes room by that.
    for mut client in crowd {
        assert_eq!(client.response("GET").unwrap().status, 200);
    }
    server.stop();
}
