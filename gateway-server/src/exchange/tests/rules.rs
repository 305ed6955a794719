//! The rules of docs/HTTP.md that bytes in a file do not show: each test
//! carries the id of its rule.

mod closing;

use super::*;
use crate::exchange::Timeouts;
use crate::protocol::Refusal;
use crate::stats::Fault;

/// A request of one line and these fields.
fn request(line: &str, fields: &str) -> String {
    format!("{line}\r\nHost: a\r\n{fields}\r\n")
}

/// What a client gets that sends `input` at once and then no more.
fn answer(service: &Arc<Service>, input: &str) -> (String, Option<Want>) {
    let client = serve(service, vec![input.into()], usize::MAX);
    (String::from_utf8_lossy(&client.output).replace("\r\n", "\n"), client.end)
}

/// An exchange to which these bytes have come.
fn fed(service: &Arc<Service>, bytes: &[u8], now: &Now) -> Exchange {
    let mut exchange = Exchange::new(Arc::clone(service), Endpoint::default(), now);
    feed(&mut exchange, bytes, now);
    exchange
}

fn feed(exchange: &mut Exchange, bytes: &[u8], now: &Now) {
    if !bytes.is_empty() {
        exchange.room()[..bytes.len()].copy_from_slice(bytes);
        exchange.fed(bytes.len(), now);
    }
}

/// Takes all that the exchange has to send.
fn take(exchange: &mut Exchange, now: &Now) -> String {
    let mut output = Vec::new();
    while exchange.want() == Want::Write {
        let before = output.len();
        match exchange.pending() {
            Pending::Bytes { bytes, .. } => output.extend_from_slice(bytes),
            Pending::Slices(slices) => slices.as_slices().iter().for_each(|slice| output.extend_from_slice(slice)),
            Pending::File { .. } => break,
        }
        exchange.sent(output.len() - before, now);
    }
    String::from_utf8_lossy(&output).into_owned()
}

/// Calls the app with a client that sends nothing more.
fn run(exchange: &mut Exchange, now: Now) {
    exchange.run(&mut ScriptedPort(&mut Client { window: usize::MAX, ..Client::default() }, now));
}

fn later(start: &Now, seconds: u64) -> Now {
    Now { instant: start.instant + Duration::from_secs(seconds), ..*start }
}

fn collecting(app: impl App + 'static) -> Service {
    Service { bodies: Bodies::Collected, ..service(app) }
}

// ----- the end of a request ------------------------------------------------------

#[test]
fn frame_09_nothing_is_answered_behind_a_refusal() {
    let next = request("GET /next HTTP/1.1", "");
    for refused in ["GET /\r\n", "GET / HTTP/1.1\r\n\r\n", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n"] {
        let now = now();
        let service = Arc::new(service(app_fn(echo)));
        let mut exchange = fed(&service, format!("{refused}{next}").as_bytes(), &now);
        assert!(take(&mut exchange, &now).contains("\r\nConnection: close\r\n"));
        assert_eq!(exchange.want(), Want::Shutdown);
        exchange.shut(&now);
        feed(&mut exchange, next.as_bytes(), &now);
        assert_eq!((exchange.want(), exchange.requests()), (Want::Read, 0), "{refused}");
    }
}

// ----- the connection ------------------------------------------------------------

#[test]
fn conn_01_the_answer_says_what_becomes_of_the_connection() {
    let service = Arc::new(service(app_fn(echo)));
    for (version, field, said) in [
        ("1.1", "", ""),
        ("1.1", "keep-alive", ""),
        ("1.1", "close", "close"),
        ("1.1", "keep-alive, CLOSE", "close"),
        ("1.0", "", "close"),
        ("1.0", "Keep-Alive", "keep-alive"),
        ("1.0", "keep-alive, close", "close"),
    ] {
        let input = request(&format!("GET / HTTP/{version}"), &format!("Connection: {field}\r\n"));
        let (output, _) = answer(&service, &input);
        let line = output.lines().find_map(|line| line.strip_prefix("Connection: ")).unwrap_or_default();
        assert_eq!(line, said, "{version} {field}");
    }
}

#[test]
fn conn_02_no_request_is_read_behind_a_close_of_either_side() {
    let get = request("GET / HTTP/1.1", "");
    let close = request("GET / HTTP/1.1", "Connection: close\r\n");
    let said = "HTTP/1.1 200 OK\nConnection: close\nContent-Length: 6\n\nGET / ";
    check(app_fn(echo), &format!("{close}{get}"), said);
    // The server's own close: it is about to end.
    let now = now();
    let service = Arc::new(service(app_fn(echo)));
    let mut exchange = fed(&service, get.repeat(2).as_bytes(), &now);
    exchange.stop(false);
    run(&mut exchange, now);
    assert!(take(&mut exchange, &now).contains("\r\nConnection: close\r\n"));
    assert_eq!((exchange.want(), exchange.requests()), (Want::Shutdown, 1));
}

#[test]
fn conn_03_half_closed_clients_get_their_answer() {
    let service = Arc::new(service(app_fn(echo)));
    let post = request("POST / HTTP/1.1", "Content-Length: 3\r\n") + "abc";
    let (output, end) = answer(&service, &format!("{}{post}", request("GET / HTTP/1.1", "")));
    assert!(output.contains("GET / HTTP") && output.ends_with("POST / abc"), "{output}");
    assert_eq!(end, Some(Want::Close), "nothing can come that would reset the connection");
}

#[test]
fn conn_04_pipelined_requests_are_answered_in_their_order() {
    let requests: String = (0..20).map(|n| request(&format!("GET /{n} HTTP/1.1"), "")).collect();
    let (output, _) = answer(&Arc::new(service(app_fn(echo))), &requests);
    let answered: Vec<&str> =
        output.split("HTTP/1.1 200 OK").skip(1).filter_map(|it| it.split("GET /").nth(1)).collect();
    assert_eq!(answered, (0..20).map(|n| format!("{n} ")).collect::<Vec<_>>());
}

#[test]
fn conn_05_a_body_that_is_left_is_read_over_up_to_64_kilobytes() {
    let service = Arc::new(service(app_fn(stream)));
    for (size, answers) in [(65_536, 2), (65_537, 1)] {
        let body = format!("{size:x}\r\n{}\r\n0\r\n\r\n", "x".repeat(size));
        let two = request("POST / HTTP/1.1", "Transfer-Encoding: chunked\r\n") + &body + &request("GET / HTTP/1.1", "");
        let pieces = two.as_bytes().chunks(4096).map(<[u8]>::to_vec).collect();
        let client = serve(&service, pieces, usize::MAX);
        assert_eq!(String::from_utf8_lossy(&client.output).matches("HTTP/1.1 200").count(), answers, "{size}");
    }
}

#[test]
fn conn_07_the_last_of_the_allowed_requests_says_close() {
    let service = Arc::new(Service { keep_alive_requests: 2, ..service(app_fn(echo)) });
    let (output, end) = answer(&service, &request("GET / HTTP/1.1", "").repeat(3));
    assert_eq!(
        (output.matches("HTTP/1.1 200").count(), output.matches("Connection: close").count()),
        (2, 1),
        "{output}"
    );
    assert_eq!(end, Some(Want::Shutdown));
}

// ----- Expect --------------------------------------------------------------------

const CONTINUE: &str = "HTTP/1.1 100 Continue\n\n";

fn expecting(version: &str) -> String {
    request(&format!("POST / HTTP/{version}"), "Expect: 100-continue\r\nContent-Length: 3\r\n")
}

#[test]
fn expect_01_one_100_and_none_once_the_body_has_begun() {
    for service in [service(app_fn(echo)), collecting(app_fn(echo))].map(Arc::new) {
        for (first, rest, count) in [("", "abc", 1), ("a", "bc", 0), ("abc", "", 0)] {
            let pieces = [expecting("1.1") + first, rest.to_owned()].map(String::into_bytes);
            let client = serve(&service, pieces.into_iter().filter(|piece| !piece.is_empty()).collect(), usize::MAX);
            let output = String::from_utf8_lossy(&client.output).replace("\r\n", "\n");
            assert_eq!(output.matches(CONTINUE).count(), count, "{output}");
            assert!(output.trim_start_matches(CONTINUE).starts_with("HTTP/1.1 200 OK\n"), "{output}");
            assert!(output.ends_with("POST / abc"), "{output}");
        }
    }
}

#[test]
fn expect_03_an_app_that_does_not_read_sends_no_100_and_closes() {
    let (output, end) = answer(&Arc::new(service(app_fn(stream))), &expecting("1.1"));
    assert!(output.starts_with("HTTP/1.1 200 OK\n") && output.contains("\nConnection: close\n"), "{output}");
    assert_eq!(end, Some(Want::Shutdown));
}

#[test]
fn expect_04_http10_gets_no_100() {
    for service in [service(app_fn(echo)), collecting(app_fn(echo))].map(Arc::new) {
        let client = serve(&service, vec![expecting("1.0").into(), "abc".into()], usize::MAX);
        let output = String::from_utf8_lossy(&client.output);
        assert!(output.starts_with("HTTP/1.1 200 OK\r\n") && output.ends_with("POST / abc"), "{output}");
    }
}

// ----- responses -----------------------------------------------------------------

#[test]
fn resp_01_the_end_is_told_in_one_way() {
    let told = |app: &Arc<Service>, version: &str| {
        let (output, _) = answer(app, &request(&format!("GET / HTTP/{version}"), "Connection: keep-alive\r\n"));
        let has = |text: &str| output.contains(text);
        (has("\nContent-Length: "), has("\nTransfer-Encoding: chunked\n"), has("\nConnection: close\n"))
    };
    let (known, unknown) = (Arc::new(service(app_fn(echo))), Arc::new(service(app_fn(stream))));
    assert_eq!(told(&known, "1.1"), (true, false, false));
    assert_eq!(told(&known, "1.0"), (true, false, false));
    assert_eq!(told(&unknown, "1.1"), (false, true, false));
    assert_eq!(told(&unknown, "1.0"), (false, false, true));
}

#[test]
fn resp_02_some_responses_have_no_body_whatever_the_app_gives() {
    let app = app_fn(|environ: Environ<'_>, start_response| {
        let code = environ.path_str()?.trim_start_matches('/').parse().unwrap_or(200);
        start_response.start(Head::new(Status::new(code)?, &[]))?;
        Ok(Body::from("content"))
    });
    let service = Arc::new(service(app));
    for (line, length) in [
        ("HEAD /200 HTTP/1.1", Some("Content-Length: 7")),
        ("GET /204 HTTP/1.1", None),
        ("GET /205 HTTP/1.1", Some("Content-Length: 0")),
        ("GET /304 HTTP/1.1", None),
    ] {
        let (output, _) = answer(&service, &request(line, ""));
        assert!(output.ends_with("\n\n") && !output.contains("content"), "{line}: {output}");
        assert_eq!(output.lines().find(|line| line.starts_with("Content-Length")), length, "{line}");
    }
    // An app has no 1xx to give: it is told so.
    let (output, _) = answer(&service, &request("GET /102 HTTP/1.1", ""));
    assert!(output.starts_with("HTTP/1.1 500 "), "{output}");
}

#[test]
fn resp_03_excess_is_cut_at_the_declared_length() {
    for path in ["/more", "/more-stream", "/more-lying", "/more-write"] {
        let two = request(&format!("GET {path} HTTP/1.1"), "") + &request("GET /same HTTP/1.1", "");
        let (output, _) = answer(&Arc::new(service(app_fn(declared))), &two);
        let bodies: Vec<&str> = output.split("\n\n").skip(1).map(|it| it.split("HTTP/1.1").next().unwrap()).collect();
        assert_eq!(bodies.iter().map(|body| body.len()).collect::<Vec<_>>(), [4, 4], "{path}: {output}");
    }
}

#[test]
fn resp_04_a_response_that_is_not_whole_cuts_the_connection() {
    for path in ["/less", "/less-stream"] {
        let service = Arc::new(service(app_fn(declared)));
        let two = request(&format!("GET {path} HTTP/1.1"), "") + &request("GET /same HTTP/1.1", "");
        let (output, end) = answer(&service, &two);
        assert!(output.ends_with("\n\n12"), "{path}: {output}");
        assert_eq!((end, service.counters.of(Fault::Cut)), (Some(Want::Shutdown), 1), "{path}");
    }
}

#[test]
fn resp_05_the_servers_own_errors_are_small_plain_text() {
    let app = app_fn(|_, _| Err("a secret of the app".into()));
    let service = Arc::new(service(app));
    for (input, text) in [
        (request("GET / HTTP/1.1", ""), "500 Internal Server Error\n"),
        ("GET / HTTP/1.1\r\n\r\n".to_owned(), "400 Bad Request: the Host header is missing\n"),
    ] {
        let (output, _) = answer(&service, &input);
        let (head, body) = output.split_once("\n\n").expect("a head");
        assert!(head.contains("\nContent-Type: text/plain; charset=utf-8\n"), "{head}");
        assert!(head.ends_with(&format!("\nContent-Length: {}", text.len())), "{head}");
        assert_eq!(body, text);
    }
}

#[test]
fn resp_06_a_head_that_would_split_or_misframe_is_an_error() {
    for header in [
        Header::new("A", "b\r\nC: d"),
        Header::new("A", "b\rc"),
        Header::new("A", "b\nc"),
        Header::new("A", "b\0"),
        Header::new("A b", "c"),
        Header::new("A:", "b"),
        Header::new("", "b"),
        Header::new("Transfer-Encoding", "chunked"),
        Header::new("Connection", "keep-alive"),
        Header::new("Content-Length", "1, 1"),
    ] {
        let app = app_fn(move |_, start_response| {
            start_response.start(Head::new(Status::OK, &[header]))?;
            Ok(Body::from("x"))
        });
        let (output, _) = answer(&Arc::new(service(app)), &request("GET / HTTP/1.1", ""));
        assert!(output.starts_with("HTTP/1.1 500 "), "{header:?}: {output}");
    }
}

// ----- limits --------------------------------------------------------------------

#[test]
#[cfg_attr(miri, ignore = "Miri opens no temporary files")]
fn limit_05_a_collected_body_has_a_limit_of_its_own() {
    let mut service = collecting(app_fn(echo));
    service.limits.spool = 70_000;
    let service = Arc::new(service);
    let chunk = |size: usize| format!("{size:x}\r\n{}\r\n0\r\n\r\n", "x".repeat(size));
    for (fields, body, status) in [
        ("Content-Length: 70000\r\n", "x".repeat(70_000), 200),
        ("Content-Length: 70001\r\n", String::new(), 413),
        ("Transfer-Encoding: chunked\r\n", chunk(70_000), 200),
        ("Transfer-Encoding: chunked\r\n", chunk(70_001), 413),
    ] {
        let input = request("POST / HTTP/1.1", fields) + &body;
        let pieces = input.as_bytes().chunks(4096).map(<[u8]>::to_vec).collect();
        let client = serve(&service, pieces, usize::MAX);
        let output = String::from_utf8_lossy(&client.output);
        assert!(output.starts_with(&format!("HTTP/1.1 {status} ")), "{fields}");
    }
}

#[test]
#[cfg_attr(miri, ignore = "Miri opens no temporary files")]
fn limit_06_a_body_that_cannot_be_stored_is_refused() {
    let service = Arc::new(Service { spool_dir: Some("/nowhere/at/all".into()), ..collecting(app_fn(echo)) });
    let input = request("POST / HTTP/1.1", "Content-Length: 70000\r\n") + &"x".repeat(70_000);
    let pieces = input.as_bytes().chunks(4096).map(<[u8]>::to_vec).collect();
    let client = serve(&service, pieces, usize::MAX);
    assert!(client.output.starts_with(b"HTTP/1.1 507 "), "{}", client.output.escape_ascii());
    assert_eq!(service.counters.of(Fault::Refused(Refusal::Storage)), 1);
}

// ----- time limits ---------------------------------------------------------------

#[test]
fn the_time_limits_are_those_that_the_table_states() {
    let seconds = Duration::from_secs;
    let Timeouts { head, keep_alive, body_grace, body_rate, write, call: _ } = Timeouts::default();
    assert_eq!([head, keep_alive, body_grace, write], [10, 75, 10, 30].map(seconds));
    assert_eq!(body_rate, 512);
}

#[test]
fn time_01_a_head_has_ten_seconds_from_its_first_byte() {
    let (start, service) = (now(), Arc::new(service(app_fn(echo))));
    let mut trickling = fed(&service, b"G", &start);
    feed(&mut trickling, b"ET", &later(&start, 9));
    assert_eq!(trickling.deadline(), Some(later(&start, 10).instant), "more bytes give no more time");
    trickling.tick(&later(&start, 10));
    assert!(take(&mut trickling, &start).starts_with("HTTP/1.1 408 Request Timeout\r\n"));
    assert_eq!(trickling.want(), Want::Shutdown);
    let mut silent = fed(&service, b"", &start);
    silent.tick(&later(&start, 10));
    assert_eq!((silent.want(), silent.has_answers()), (Want::Close, false));
}

#[test]
fn time_02_a_body_keeps_a_minimum_rate() {
    let start = now();
    let head = request("POST / HTTP/1.1", "Content-Length: 60000\r\n");
    for service in [service(app_fn(echo)), collecting(app_fn(echo))].map(Arc::new) {
        let mut slow = fed(&service, head.as_bytes(), &start);
        assert_eq!(slow.deadline(), Some(later(&start, 10).instant));
        // Each 512 bytes buy a second.
        feed(&mut slow, &[b'x'; 5120], &later(&start, 5));
        let deadline = slow.deadline().expect("a body has a deadline");
        assert!(deadline >= later(&start, 20).instant && deadline < later(&start, 21).instant);
        slow.tick(&later(&start, 21));
        assert!(take(&mut slow, &start).starts_with("HTTP/1.1 408 Request Timeout\r\n"));
    }
    // An app that reads is told by its engine.
    struct Slow<'a>(ScriptedPort<'a>);
    impl Port for Slow<'_> {
        fn fill(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::TimedOut.into())
        }
        fn send(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
            self.0.send(slices)
        }
        fn sleep(&mut self, duration: Duration) -> bool {
            self.0.sleep(duration)
        }
        fn is_gone(&mut self) -> bool {
            false
        }
        fn is_closing(&mut self) -> bool {
            false
        }
        fn now(&mut self) -> &Now {
            self.0.now()
        }
    }
    let live = Arc::new(service(app_fn(echo)));
    let mut read = fed(&live, request("POST / HTTP/1.1", "Transfer-Encoding: chunked\r\n").as_bytes(), &start);
    let mut client = Client { window: usize::MAX, ..Client::default() };
    read.run(&mut Slow(ScriptedPort(&mut client, start)));
    assert!(take(&mut read, &start).starts_with("HTTP/1.1 408 Request Timeout\r\n"));
}

#[test]
fn time_03_an_idle_connection_is_kept_for_75_seconds() {
    let (start, service) = (now(), Arc::new(service(app_fn(echo))));
    let mut idle = fed(&service, request("GET / HTTP/1.1", "").as_bytes(), &start);
    run(&mut idle, start);
    assert!(take(&mut idle, &start).ends_with("GET / "));
    assert_eq!(idle.deadline(), Some(later(&start, 75).instant));
    idle.tick(&later(&start, 74));
    assert_eq!(idle.want(), Want::Read);
    idle.tick(&later(&start, 75));
    assert_eq!((idle.want(), idle.has_answers()), (Want::Close, false));
}

#[test]
fn time_04_a_client_takes_some_of_its_answer_every_30_seconds() {
    let (start, service) = (now(), Arc::new(service(app_fn(echo))));
    let mut stuck = fed(&service, request("GET / HTTP/1.1", "").as_bytes(), &start);
    run(&mut stuck, start);
    stuck.sent(1, &later(&start, 29));
    assert_eq!(stuck.deadline(), Some(later(&start, 59).instant), "one byte is progress");
    stuck.tick(&later(&start, 58));
    assert_eq!(stuck.want(), Want::Write);
    stuck.tick(&later(&start, 59));
    assert_eq!(stuck.want(), Want::Close);
}
