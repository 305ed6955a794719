//! Bodies that are read live while there is a place for it.

use super::*;
use crate::exchange::Places;

const LARGE: usize = 70_000;

fn admitting(app: impl App + 'static, places: usize) -> Arc<Service> {
    Arc::new(Service { bodies: Bodies::Admitted, live: Some(Places::new(places)), ..service(app) })
}

/// A connection that has sent this much of a request.
fn begun(service: &Arc<Service>, input: &[u8], now: &Now) -> Exchange {
    let mut exchange = Exchange::new(Arc::clone(service), Endpoint::default(), now);
    let mut rest = input;
    while !rest.is_empty() {
        let room = exchange.room();
        let count = room.len().min(rest.len());
        room[..count].copy_from_slice(&rest[..count]);
        exchange.fed(count, now);
        rest = &rest[count..];
    }
    exchange
}

fn large() -> Vec<u8> {
    format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {LARGE}\r\n\r\nabc").into_bytes()
}

fn is_free(service: &Service) -> bool {
    service.live.as_ref().is_some_and(|places| places.try_enter().is_some())
}

#[test]
fn a_large_body_is_live_while_a_place_is_free() {
    let (service, now) = (admitting(app_fn(echo), 1), now());
    let mut first = begun(&service, &large(), &now);
    assert_eq!((first.want(), first.has_live_input()), (Want::Run, true));
    assert!(!is_free(&service), "the place is taken from the decision on");
    let second = begun(&service, &large(), &now);
    assert_eq!((second.want(), second.has_live_input()), (Want::Read, false), "its body is collected");
    let rest = vec![b'x'; LARGE - 3];
    let mut client = Client { input: [rest].into(), window: usize::MAX, ..Client::default() };
    first.run(&mut ScriptedPort(&mut client, now));
    assert_eq!((first.want(), is_free(&service)), (Want::Write, false), "a long answer is being sent");
    while first.want() == Want::Write {
        let count = match first.pending() {
            Pending::Bytes { bytes, .. } => bytes.len(),
            Pending::Slices(slices) => slices.as_slices().iter().map(|slice| slice.len()).sum(),
            Pending::File { .. } => unreachable!("echo answers from memory"),
        };
        first.sent(count, &now);
    }
    assert!(is_free(&service), "the request is over");
}

#[test]
fn a_place_is_left_however_the_request_ends() {
    let (service, now) = (admitting(app_fn(|_, _| Err(Error::app("on purpose"))), 1), now());
    let mut failed = begun(&service, &large(), &now);
    assert!(failed.has_live_input());
    failed.run(&mut ScriptedPort(&mut Client::default(), now));
    assert!(is_free(&service));
    let mut gone = begun(&service, &large(), &now);
    assert!(!is_free(&service));
    gone.gone();
    assert!(is_free(&service));
    drop(begun(&service, &large(), &now));
    assert!(is_free(&service));
}

/// What is complete when the app is called needs no place.
#[test]
fn small_bodies_take_no_place() {
    let (service, now) = (admitting(app_fn(echo), 1), now());
    for request in ["GET / HTTP/1.1\r\nHost: a\r\n\r\n", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"] {
        let exchange = begun(&service, request.as_bytes(), &now);
        assert_eq!((exchange.want(), exchange.has_live_input(), is_free(&service)), (Want::Run, false, true));
    }
}

/// A client that waits for 100 is told by the app's first read, or at once
/// where its body is collected.
#[test]
fn a_100_comes_from_who_reads_the_body() {
    let (service, now) = (admitting(app_fn(echo), 1), now());
    let request = b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n";
    let live = begun(&service, request, &now);
    assert_eq!((live.want(), live.has_live_input()), (Want::Run, true));
    let collected = begun(&service, request, &now);
    assert_eq!(collected.want(), Want::Write);
    let Pending::Bytes { bytes, .. } = collected.pending() else { panic!("one run") };
    assert!(bytes.starts_with(b"HTTP/1.1 100 Continue\r\n"));
}

/// The answers are those of the other two ways, whatever is free.
#[test]
fn admitted_bodies_are_answered_alike() {
    let input = "POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
                 3\r\nabc\r\n2;x\r\nde\r\n0\r\nT: t\r\n\r\nGET /n HTTP/1.1\r\nHost: a\r\n\r\n";
    for places in [0, 1] {
        let service = admitting(app_fn(echo), places);
        // Miri takes a second for each.
        for at in (1..input.len()).step_by(if cfg!(miri) { 40 } else { 1 }) {
            let pieces = vec![input.as_bytes()[..at].to_vec(), input.as_bytes()[at..].to_vec()];
            let client = serve(&service, pieces, usize::MAX);
            let expected = "HTTP/1.1 200 OK\nContent-Length: 13\n\nPOST /c abcde\
                            HTTP/1.1 200 OK\nContent-Length: 7\n\nGET /n ";
            assert_eq!(plain(&String::from_utf8_lossy(&client.output)), expected, "{at} {places}");
        }
    }
}
