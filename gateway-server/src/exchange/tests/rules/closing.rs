//! CONN-06: how a connection is closed.

use super::*;

const CLOSE: &str = "Connection: close\r\n";

#[test]
fn conn_06_a_close_is_two_steps_and_bounded() {
    let (start, service) = (now(), Arc::new(service(app_fn(echo))));
    let shut = || {
        let pipelined = request("GET / HTTP/1.1", CLOSE) + "GET";
        let mut exchange = fed(&service, pipelined.as_bytes(), &start);
        run(&mut exchange, start);
        assert!(take(&mut exchange, &start).ends_with("GET / "));
        assert_eq!(exchange.want(), Want::Shutdown);
        exchange.shut(&start);
        assert_eq!((exchange.want(), exchange.is_lingering()), (Want::Read, true));
        exchange
    };
    let mut closed_by_client = shut();
    closed_by_client.eof(&start);
    assert_eq!(closed_by_client.want(), Want::Close);
    let mut silent = shut();
    assert_eq!(silent.deadline(), Some(later(&start, 2).instant));
    silent.tick(&later(&start, 2));
    assert_eq!(silent.want(), Want::Close);
    let (mut endless, mut left) = (shut(), 4 << 20);
    while endless.want() == Want::Read {
        let count = endless.room().len().min(left);
        assert!(count > 0, "more than 4 MiB are read");
        endless.fed(count, &start);
        left -= count;
    }
    assert_eq!((endless.want(), left), (Want::Close, 0));
}

/// How the connection ends of a client that sends these pieces, and no FIN.
fn end(service: Service, pieces: &[String]) -> Want {
    let (service, now) = (Arc::new(service), now());
    let mut exchange = Exchange::new(service, Endpoint::default(), &now);
    let input = pieces.iter().map(|piece| piece.clone().into_bytes()).collect();
    let mut client = Client { input, window: usize::MAX, ..Client::default() };
    loop {
        match exchange.want() {
            Want::Read => {
                let piece = client.input.pop_front().expect("the connection ends by then");
                feed(&mut exchange, &piece, &now);
            }
            Want::Write => drop(take(&mut exchange, &now)),
            Want::Run => exchange.run(&mut ScriptedPort(&mut client, now)),
            end @ (Want::Shutdown | Want::Close) => return end,
        }
    }
}

#[test]
fn conn_06_who_has_said_close_and_sent_all_is_closed_at_once() {
    let post = request("POST / HTTP/1.1", "Connection: close\r\nContent-Length: 3\r\n");
    for pieces in [
        &[request("GET / HTTP/1.1", CLOSE)][..],
        &[request("HEAD / HTTP/1.1", CLOSE)],
        &[request("GET / HTTP/1.0", "")],
        &[request("GET / HTTP/1.1", "") + &request("GET / HTTP/1.1", CLOSE)],
        &["GET / HTTP/1.1\r\nHo".to_owned(), "st: a\r\nConnection: close\r\n\r\n".to_owned()],
        &[post.clone() + "abc"],
        &[post, "abc".to_owned()],
    ] {
        assert_eq!(end(service(app_fn(echo)), pieces), Want::Close, "{pieces:?}");
        assert_eq!(end(collecting(app_fn(echo)), pieces), Want::Close, "{pieces:?}");
    }
    let failing = service(app_fn(|_, _| Err("on purpose".into())));
    assert_eq!(end(failing, &[request("GET / HTTP/1.1", CLOSE)]), Want::Close);
}

/// Bytes may lie unread, or come: a close over them would be a reset.
#[test]
fn conn_06_who_may_still_send_is_not_closed_at_once() {
    let post = |length: &str| request("POST / HTTP/1.1", &format!("{CLOSE}{length}\r\n"));
    let (large, chunked) = (post("Content-Length: 70000"), post("Transfer-Encoding: chunked"));
    for pieces in [
        // More than a client has to send that has said close.
        &[request("GET / HTTP/1.1", CLOSE) + "\r\n"][..],
        &[request("GET / HTTP/1.1", CLOSE) + &request("GET / HTTP/1.1", "")],
        // As much as there was room for.
        &[full_request()],
        // What is behind a body that was read apart is not known.
        &[large.clone(), "x".repeat(70_000)],
        &[chunked, "3\r\nabc\r\n0\r\n\r\n".to_owned()],
        // A refusal.
        &["GET / HTTP/1.1\r\nConnection: close\r\n\r\n".to_owned()],
    ] {
        assert_eq!(end(service(app_fn(echo)), pieces), Want::Shutdown, "{}", pieces[0]);
    }
    assert_eq!(end(collecting(app_fn(echo)), &collected()), Want::Shutdown);
    // A body that the app leaves.
    assert_eq!(end(service(app_fn(stream)), &[large]), Want::Shutdown);
    // The server's own wish, of which the client hears later.
    let once = Service { keep_alive_requests: 1, ..service(app_fn(echo)) };
    assert_eq!(end(once, &[request("GET / HTTP/1.1", "")]), Want::Shutdown);
}

/// A request that fills the receive buffer.
fn full_request() -> String {
    let room = Exchange::vacant(Arc::new(service(app_fn(echo)))).room().len();
    let most = room - request("GET / HTTP/1.1", &format!("{CLOSE}A: \r\n")).len();
    request("GET / HTTP/1.1", &format!("{CLOSE}A: {}\r\n", "x".repeat(most)))
}

/// A body that is collected, in pieces for which there is room.
fn collected() -> Vec<String> {
    let head = request("POST / HTTP/1.1", &format!("{CLOSE}Content-Length: 70000\r\n"));
    std::iter::once(head).chain((0..70).map(|_| "x".repeat(1000))).collect()
}
