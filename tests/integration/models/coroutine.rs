//! Coroutines: who runs while another waits, and who must not.

use gateway_tests::client::Client;
use gateway_tests::process::threads;
use gateway_tests::server::Server;

use super::{get, one_at_a_time};

/// While one coroutine sleeps, reads or writes, others run: one thread.
#[test]
fn coroutines_suspend_in_sleep_read_and_write() {
    let server = Server::start("probe:app", &["--engine", "coroutine"]);
    let mut waiting = Vec::new();
    for request in [
        "GET /sleep?ms=60000 HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST /chunked-echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n",
        "GET /stream?n=100000&size=1000 HTTP/1.1\r\nHost: a\r\n\r\n",
    ] {
        let mut client = Client::new(server.connect());
        client.send(request.as_bytes()).unwrap();
        waiting.push(client);
    }
    assert_eq!(get(&server, "/"), "This is the probe.\n");
    assert_eq!(threads(server.id()), 2, "the one that watches, and the one that serves");
}

/// An app that takes one call at a time is called so, also where calls suspend:
/// those who wait are queued, and all are answered.
#[test]
fn coroutines_queue_for_an_app_that_takes_one_call_at_a_time() {
    for flags in [&["--engine", "coroutine"][..], &["--engine", "thread"], &["--engine", "epoll"]] {
        let server = Server::start_target(&one_at_a_time(), flags);
        let mut clients: Vec<Client> = (0..20).map(|_| Client::new(server.connect())).collect();
        for client in &mut clients {
            client.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n").unwrap();
        }
        // Whoever is inside now reads its body, and nobody knows who that is.
        for client in &mut clients {
            client.send(b"3\r\nabc\r\n0\r\n\r\n").unwrap();
        }
        for client in &mut clients {
            let response = client.response("POST").unwrap_or_else(|error| panic!("{error}\n{}", server.log()));
            assert_eq!(response.text(), "1 at a time\n", "{flags:?}");
        }
    }
}

/// One that gives and takes without ever waiting does not keep the others from
/// their turn.
#[test]
fn coroutines_let_others_run_while_one_is_busy() {
    let server = Server::start("faulty:app", &["--engine", "coroutine"]);
    // Nobody reads it slowly: the stream never has to wait.
    let mut busy = server.connect();
    std::io::Write::write_all(&mut busy, b"GET /endless HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    let reader = std::thread::spawn(move || std::io::copy(&mut busy, &mut std::io::sink()));
    for _ in 0..20 {
        assert_eq!(get(&server, "/good"), "good\n");
    }
    drop(server);
    let _ = reader.join();
}
