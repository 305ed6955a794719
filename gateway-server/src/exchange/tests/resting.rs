//! Connections that rest, and the memory that serves one after the other.

use super::*;
use crate::exchange::{Resting, Timeouts};
use crate::net::Local;

const REQUEST: &[u8] = b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n";

fn feed(exchange: &mut Exchange, bytes: &[u8], now: &Now) {
    exchange.room()[..bytes.len()].copy_from_slice(bytes);
    exchange.fed(bytes.len(), now);
}

/// Runs what is ready, and takes all that is answered.
fn answer(exchange: &mut Exchange, now: &Now) -> String {
    let mut client = Client { window: usize::MAX, ..Client::default() };
    while exchange.want() == Want::Run {
        exchange.run(&mut ScriptedPort(&mut client, *now));
    }
    let Pending::Bytes { bytes, .. } = exchange.pending() else { panic!("one run") };
    let text = plain(&String::from_utf8_lossy(bytes));
    let count = bytes.len();
    exchange.sent(count, now);
    text
}

/// Answers with who asks.
fn who<'r>(environ: Environ<'r>, start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
    start_response.start(Head::new(Status::OK, &[]))?;
    let get = |key| environ.get(key).map_or("-".into(), |value| String::from_utf8_lossy(&value).into_owned());
    Ok(Body::from(["SERVER_NAME", "SERVER_PORT", "REMOTE_ADDR", "REMOTE_PORT"].map(get).join(" ")))
}

/// Beside the socket and the engine's own entry this is all that an idle
/// connection costs; all of it together is to stay below 600 bytes.
#[test]
fn who_rests_is_small() {
    assert!(size_of::<Resting>() <= 48, "{}", size_of::<Resting>());
    assert!(size_of::<Option<Resting>>() == size_of::<Resting>());
}

#[test]
fn one_memory_serves_several_connections_by_turns() {
    let now = now();
    let local = Arc::new(Local::new("localhost", 80));
    let from = |remote: Option<&str>| {
        let remote = remote.map(|remote| remote.parse().unwrap());
        Resting::new(Endpoint::new(Arc::clone(&local), remote), &now)
    };
    let mut exchange = Exchange::vacant(Arc::new(service(app_fn(who))));
    assert_eq!((exchange.want(), exchange.rest().is_none()), (Want::Close, true));
    let mut clients = [from(Some("10.0.0.1:1")), from(None), from(Some("[::1]:65535"))].map(Some);
    let expected = ["localhost 80 10.0.0.1 1", "localhost 80 - -", "localhost 80 ::1 65535"];
    for round in 1..=3 {
        for (client, expected) in clients.iter_mut().zip(expected) {
            exchange.resume(client.take().unwrap());
            assert_eq!((exchange.want(), exchange.requests()), (Want::Read, round - 1));
            feed(&mut exchange, REQUEST, &now);
            assert!(exchange.rest().is_none(), "a request has begun");
            assert!(answer(&mut exchange, &now).ends_with(expected));
            *client = exchange.rest();
            assert_eq!(client.as_ref().unwrap().requests(), round);
            assert_eq!(exchange.want(), Want::Close, "it serves nobody");
        }
    }
}

#[test]
fn only_between_two_requests_is_there_rest() {
    let now = now();
    let mut exchange = Exchange::new(Arc::new(service(app_fn(echo))), Endpoint::default(), &now);
    let rest = |exchange: &mut Exchange| exchange.rest().map(|resting| exchange.resume(resting)).is_some();
    assert!(rest(&mut exchange), "nothing came");
    for (at, byte) in REQUEST.iter().enumerate() {
        feed(&mut exchange, &[*byte], &now);
        assert!(!rest(&mut exchange), "{at} bytes of a head came");
    }
    let mut client = Client::default();
    exchange.run(&mut ScriptedPort(&mut client, now));
    assert!(!rest(&mut exchange), "its answer is to be sent");
    let Pending::Bytes { bytes, .. } = exchange.pending() else { panic!("one run") };
    let count = bytes.len();
    exchange.sent(count - 1, &now);
    assert!(!rest(&mut exchange), "a byte is to be sent");
    exchange.sent(1, &now);
    assert!(rest(&mut exchange));
    // The empty line that some send behind a body counts for the next head.
    feed(&mut exchange, b"\r\n", &now);
    assert!(exchange.is_idle() && !rest(&mut exchange));
    exchange.eof(&now);
    assert!(!rest(&mut exchange), "it is over");
}

#[test]
fn who_rests_has_the_deadline_it_had() {
    let (start, timeouts) = (now(), Timeouts::default());
    let later = Now { instant: start.instant + Duration::from_secs(7), ..start };
    let mut exchange = Exchange::new(Arc::new(service(app_fn(echo))), Endpoint::default(), &start);
    let check = |exchange: &mut Exchange, since: &Now, seconds| {
        let expected = since.instant.checked_add(Duration::from_secs(seconds));
        assert_eq!(exchange.deadline(), expected);
        let resting = exchange.rest().unwrap();
        assert_eq!(resting.deadline(&timeouts), expected);
        exchange.resume(resting);
        assert_eq!(exchange.deadline(), expected);
    };
    check(&mut exchange, &start, 10);
    feed(&mut exchange, REQUEST, &start);
    answer(&mut exchange, &later);
    check(&mut exchange, &later, 75);
    // Who is told to stop while it rests answers with `close`.
    exchange.stop(false);
    let resting = exchange.rest().unwrap();
    exchange.resume(resting);
    feed(&mut exchange, REQUEST, &start);
    assert!(answer(&mut exchange, &later).contains("\nConnection: close\n"));
}

/// How a connection ends.
type End = fn(&mut Exchange, &Now);

/// Nothing of a connection is left for the next one, however it ended.
#[test]
fn memory_of_a_connection_that_is_over_serves_another() {
    let now = now();
    let close = b"GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let ends: [(&[u8], End); 5] = [
        (b"GET / HT", |exchange, now| exchange.eof(now)),
        (b"GET / HT", |exchange, _| exchange.gone()),
        (b"\r\n", |_, _| {}),
        (REQUEST, |exchange, now| {
            exchange.run(&mut ScriptedPort(&mut Client::default(), *now));
            exchange.gone();
        }),
        (close, |exchange, now| {
            answer(exchange, now);
            exchange.shut(now);
            feed(exchange, b"more", now);
        }),
    ];
    for vacates in [true, false] {
        let mut exchange = Exchange::vacant(Arc::new(service(app_fn(echo))));
        for (at, (input, end)) in ends.iter().enumerate() {
            exchange.resume(Resting::new(Endpoint::default(), &now));
            feed(&mut exchange, input, &now);
            end(&mut exchange, &now);
            if vacates {
                exchange.vacate();
                assert_eq!(exchange.want(), Want::Close);
            }
            exchange.resume(Resting::new(Endpoint::default(), &now));
            assert_eq!((exchange.want(), exchange.requests()), (Want::Read, 0), "{at}");
            feed(&mut exchange, REQUEST, &now);
            let expected = "HTTP/1.1 200 OK\nContent-Length: 7\n\nGET /a ";
            assert_eq!(answer(&mut exchange, &now), expected, "{at}");
        }
    }
}

/// What one large request or answer took is given back.
#[test]
fn vacant_memory_is_small() {
    let now = now();
    let app = app_fn(|mut environ: Environ<'_>, start_response| {
        let mut body = Vec::new();
        environ.input().read_to_end(&mut body)?;
        let mut writer = start_response.start(Head::new(Status::OK, &[]))?;
        writer.write_all(&vec![b'x'; 1 << 20])?;
        Ok(Body::empty())
    });
    let mut exchange = Exchange::new(Arc::new(service(app)), Endpoint::default(), &now);
    feed(&mut exchange, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 65000\r\n\r\n", &now);
    while exchange.want() == Want::Read {
        let count = exchange.room().len();
        exchange.fed(count.min(65_000), &now);
    }
    let mut client = Client { mark: usize::MAX, ..Client::default() };
    exchange.run(&mut ScriptedPort(&mut client, now));
    assert!(exchange.slot.wire_ref().held() > 1 << 20);
    exchange.vacate();
    exchange.resume(Resting::new(Endpoint::default(), &now));
    assert!(exchange.slot.wire_ref().held() <= super::super::HIGH_WATER);
    assert!(exchange.room().len() <= 64 * 1024, "{}", exchange.room().len());
}
