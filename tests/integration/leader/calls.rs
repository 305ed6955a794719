//! How many calls are inside at once: all that there are, up to `--threads`,
//! and never more.

use gateway_tests::gate::{Form, Gate, Held};

use super::{Mode, asking, ends_well, figure, in_every_mode, is_answered, refuses, serve};

in_every_mode! {
    as_many_calls_as_threads_are_inside_at_once,
    a_call_beyond_them_waits_until_one_returns,
    quick_calls_beyond_them_wait_too,
}

const MANY: usize = 200;

/// Each stays until all have come.
fn as_many_calls_as_threads_are_inside_at_once(mode: Mode) {
    let gate = Gate::new();
    let server = serve(&gate, Form::Concurrent, mode, &["--threads", "200"]);
    let mut clients: Vec<_> = (0..MANY).map(|_| asking(&server, "/hold")).collect();
    gate.take(MANY).into_iter().for_each(Held::release);
    clients.iter_mut().for_each(|client| is_answered(client, &server));
    assert_eq!(figure(&server, "/most"), MANY);
    drop(clients);
    super::stop(&server);
    ends_well(server);
}

/// By the app's own count, over many calls that each wait for another to return.
fn a_call_beyond_them_waits_until_one_returns(mode: Mode) {
    const THREADS: usize = 5;
    const CALLS: usize = 60;
    let gate = Gate::new();
    let server = serve(&gate, Form::Concurrent, mode, &["--threads", "5"]);
    let mut clients: Vec<_> = (0..CALLS).map(|_| asking(&server, "/hold")).collect();
    let mut inside = gate.take(THREADS);
    // Whoever polls has been told of the others: they wait.
    refuses(&server);
    assert!(gate.look().is_none(), "more calls are inside than --threads");
    for _ in THREADS..CALLS {
        inside.remove(0).release();
        inside.push(gate.next());
    }
    inside.into_iter().for_each(Held::release);
    clients.iter_mut().for_each(|client| is_answered(client, &server));
    assert_eq!(figure(&server, "/most"), THREADS);
    drop(clients);
    super::stop(&server);
    ends_well(server);
}

/// Loops that keep a permit for their quick calls give it back: held and quick
/// calls together are never more than `--threads`, and all are answered.
fn quick_calls_beyond_them_wait_too(mode: Mode) {
    const THREADS: usize = 3;
    let gate = Gate::new();
    let server = serve(&gate, Form::Concurrent, mode, &["--threads", "3"]);
    for _ in 0..10 {
        // The loops have quick calls only, and then ones that stay.
        let mut quick: Vec<_> = (0..20).map(|_| asking(&server, "/")).collect();
        quick.iter_mut().for_each(|client| is_answered(client, &server));
        let mut held: Vec<_> = (0..THREADS).map(|_| asking(&server, "/hold")).collect();
        let inside = gate.take(THREADS);
        let mut late: Vec<_> = (0..20).map(|_| asking(&server, "/work")).collect();
        refuses(&server);
        assert!(late.iter().all(|client| !client.has_more()), "a call has begun without a permit");
        inside.into_iter().for_each(Held::release);
        held.iter_mut().chain(&mut late).for_each(|client| is_answered(client, &server));
    }
    assert_eq!(figure(&server, "/most"), THREADS);
    super::stop(&server);
    ends_well(server);
}
