//! An app that takes one call at a time: never two, and everybody has a turn.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use gateway_tests::client::Client;
use gateway_tests::gate::{Form, Gate};
use gateway_tests::server::Server;

use super::{Mode, asking, ends_well, figure, get, in_every_mode, is_answered, refuses, serve};

in_every_mode! {
    never_two_at_once_and_nobody_starves,
    one_that_pipelines_does_not_keep_others_out,
    a_slow_upload_holds_nobody_up,
    one_that_blocks_holds_up_only_who_waits_for_it,
}

const CLIENTS: usize = 32;
const TURNS: usize = 20;

/// Asks again and again until everybody has had enough turns: nobody may have
/// fifty times as many meanwhile.
fn ask_until_all_are_through(server: &Server, through: &AtomicUsize) {
    let mut client = Client::new(server.connect());
    let mut turns = 0;
    while through.load(SeqCst) < CLIENTS {
        client.send(get("/work").as_bytes()).expect("the connection takes a request");
        is_answered(&mut client, server);
        turns += 1;
        assert!(turns < 50 * TURNS, "somebody starves");
        if turns == TURNS {
            through.fetch_add(1, SeqCst);
        }
    }
}

fn crowd(server: &Server) {
    let through = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        (0..CLIENTS).for_each(|_| drop(scope.spawn(|| ask_until_all_are_through(server, &through))));
    });
}

fn never_two_at_once_and_nobody_starves(mode: Mode) {
    let gate = Gate::new();
    let server = serve(&gate, Form::Exclusive, mode, &[]);
    crowd(&server);
    assert_eq!(figure(&server, "/most"), 1);
    super::stop(&server);
    ends_well(server);
}

/// Who has asked for much lets others have their turn between: the app holds
/// the greedy one's last call until another client has been answered.
fn one_that_pipelines_does_not_keep_others_out(mode: Mode) {
    let gate = Gate::new();
    let server = serve(&gate, Form::Exclusive, mode, &[]);
    let mut greedy = Client::new(server.connect());
    // All of it is read at once.
    greedy.send([get("/hold"), get("/").repeat(300), get("/hold?last")].concat().as_bytes()).unwrap();
    let held = gate.next();
    let mut modest = asking(&server, "/");
    refuses(&server);
    held.release();
    is_answered(&mut modest, &server);
    let last = gate.next();
    assert_eq!(last.target, "/hold?last");
    last.release();
    (0..302).for_each(|_| is_answered(&mut greedy, &server));
}

/// A body that has not come yet is nobody's turn, whatever the app would do
/// with one that comes.
fn a_slow_upload_holds_nobody_up(mode: Mode) {
    for form in [Form::Exclusive, Form::ExclusiveStreams] {
        let gate = Gate::new();
        let server = serve(&gate, form, mode, &[]);
        let mut slow = Client::new(server.connect());
        let head = "POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\nExpect: 100-continue\r\n\r\n";
        slow.send(head.as_bytes()).unwrap();
        assert_eq!(slow.head().unwrap().0, 100);
        slow.send(&[b'x'; 100_000]).unwrap();
        crowd(&server);
        assert!(gate.look().is_none(), "{form:?}: the app is called before the body is there");
        slow.send(&[b'x'; 100_000]).unwrap();
        gate.next().release();
        assert_eq!(slow.response("POST").unwrap().text(), "200000", "{form:?}");
        assert_eq!(figure(&server, "/most"), 1, "{form:?}");
    }
}

/// Everybody else is still accepted, and told where they are wrong.
fn one_that_blocks_holds_up_only_who_waits_for_it(mode: Mode) {
    let gate = Gate::new();
    let server = serve(&gate, Form::Exclusive, mode, &[]);
    let mut clients: Vec<_> = (0..10).map(|_| asking(&server, "/hold")).collect();
    for _ in 0..10 {
        let held = gate.next();
        refuses(&server);
        assert!(gate.look().is_none(), "two are inside");
        held.release();
    }
    clients.iter_mut().for_each(|client| is_answered(client, &server));
    assert_eq!(figure(&server, "/most"), 1);
}
