//! Threads come when calls need them, and go when there is nothing to do.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gateway_spec::prelude::*;
use gateway_tests::client::Client;
use gateway_tests::gate::{Form, Gate, Held};
use gateway_tests::process::threads;
use gateway_tests::wait::until;

use super::{Mode, answer, asking, ends_well, get, in_every_mode, is_answered, refuses, serve};

in_every_mode! { there_are_as_many_threads_as_calls_need }

/// The one that waits for the end, and the one that watches the loops.
const OTHERS: u64 = 2;

fn there_are_as_many_threads_as_calls_need(mode: Mode) {
    const THREADS: u64 = 8;
    let loops: u64 = mode[1].parse().unwrap();
    let gate = Gate::new();
    let server = serve(&gate, Form::Concurrent, mode, &["--threads", "8"]);
    let started = until("a thread for each loop", || threads(server.id()), |count| *count >= OTHERS + loops);
    assert!(started < OTHERS + THREADS, "{started} threads before anybody has called");
    let mut clients: Vec<_> = (0..50).map(|_| asking(&server, "/hold")).collect();
    let mut most = 0;
    let mut inside = gate.take(8);
    for _ in 8..50 {
        refuses(&server);
        most = most.max(threads(server.id()));
        inside.remove(0).release();
        inside.push(gate.next());
    }
    inside.into_iter().for_each(Held::release);
    clients.iter_mut().for_each(|client| is_answered(client, &server));
    // One for each call, and one that polls; a loop may have its own.
    assert!((OTHERS + THREADS + 1..=OTHERS + THREADS + loops).contains(&most), "{most} threads");
    super::stop(&server);
    drop(clients);
    ends_well(server);
}

/// Quick calls need no more threads than loops, however many clients there are.
/// On a busy machine one may look like a call that blocks; not every time.
#[test]
fn quick_calls_are_made_by_those_who_poll() {
    let visit = || {
        let gate = Gate::new();
        let server = serve(&gate, Form::Concurrent, &["--loops", "2"], &["--threads", "64"]);
        let mut clients: Vec<_> = (0..50).map(|_| Client::new(server.connect())).collect();
        for _ in 0..3 {
            for client in &mut clients {
                client.send(get("/").as_bytes()).unwrap();
            }
            clients.iter_mut().for_each(|client| is_answered(client, &server));
        }
        threads(server.id())
    };
    until("threads for 50 clients", visit, |count| *count == OTHERS + 2);
}

/// Threads that nobody needs end, and others come when they are needed again.
/// In this process, because no flag says how long they wait: each call tells
/// which thread it is on.
#[test]
fn threads_without_work_end() {
    const CALLS: usize = 10;
    let inside = Arc::new(Mutex::new(BTreeSet::new()));
    let (theirs, (go, wait)) = (Arc::clone(&inside), std::sync::mpsc::sync_channel::<()>(0));
    let wait = Mutex::new(wait);
    let app = app_fn(move |_, start_response| {
        theirs.lock().unwrap_or_else(PoisonError::into_inner).insert(this_thread());
        wait.lock().unwrap_or_else(PoisonError::into_inner).recv().unwrap();
        start_response.start(Head::new(Status::OK, &[]))?;
        Ok(Body::from("done"))
    });
    let server = gateway_server::Server::new(app).bind("127.0.0.1:0").unwrap().engine("leader").unwrap();
    let mut server = server.loops(1).threads(CALLS).idle(Duration::from_millis(20));
    let (address, stopper) = (server.addresses()[0].tcp().unwrap(), server.stopper().unwrap());
    let run = std::thread::spawn(move || server.run());
    for _ in 0..3 {
        let mut clients: Vec<_> =
            (0..CALLS).map(|_| Client::new(std::net::TcpStream::connect(address).unwrap())).collect();
        for client in &mut clients {
            client.send(get("/").as_bytes()).unwrap();
        }
        let called = || inside.lock().unwrap_or_else(PoisonError::into_inner).len();
        until("all are inside", called, |count| *count == CALLS);
        (0..CALLS).for_each(|_| go.send(()).unwrap());
        for client in &mut clients {
            assert_eq!(client.response("GET").unwrap().text(), "done");
        }
        // One of them may lead the loop, and stay.
        let known = std::mem::take(&mut *inside.lock().unwrap_or_else(PoisonError::into_inner));
        let alive = || known.iter().filter(|thread| Path::new("/proc").join(thread).exists()).count();
        until("they end", alive, |count| *count <= 1);
    }
    stopper.stop();
    assert_eq!(run.join().unwrap().unwrap().abandoned, 0);
}

/// The calling thread, as `PROCESS/task/THREAD`.
fn this_thread() -> std::path::PathBuf {
    std::fs::read_link("/proc/thread-self").expect("a thread knows itself")
}

/// A loop whose threads have all ended but the one that leads it is taken over
/// again as before.
#[test]
fn calls_that_block_find_a_thread_again() {
    let gate = Gate::new();
    let server = serve(&gate, Form::Concurrent, &["--loops", "1"], &["--threads", "2"]);
    let mut client = asking(&server, "/");
    is_answered(&mut client, &server);
    for _ in 0..100 {
        client.send(get("/hold").as_bytes()).unwrap();
        let held = gate.next();
        refuses(&server);
        held.release();
        assert_eq!(answer(&mut client, &server).status, 200);
    }
}
