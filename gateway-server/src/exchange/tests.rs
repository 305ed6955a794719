//! The exchange without sockets: a scripted port and a script of input, whole,
//! byte by byte and at every split.

mod admitted;
mod enveloped;
mod observed;
mod preface;
mod resting;
mod rules;
mod script;

use std::io::{self, IoSlice, Read as _, Write as _};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use gateway_spec::prelude::*;

use self::script::*;
use super::{Bodies, Exchange, Now, Pending, Port, Service, Want};
use crate::net::Endpoint;

fn now() -> Now {
    Now { instant: Instant::now(), date: *b"Sun, 06 Nov 1994 08:49:37 GMT" }
}

// ----- apps ------------------------------------------------------------------

/// Answers with the method, the path and the body.
fn echo<'r>(mut environ: Environ<'r>, start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
    let mut text = format!("{} {} ", environ.method(), environ.path_str()?);
    environ.input().read_to_string(&mut text)?;
    start_response.start(Head::new(Status::OK, &[]))?;
    Ok(Body::from(text))
}

/// Answers with a stream of two chunks.
fn stream<'r>(_: Environ<'r>, start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
    start_response.start(Head::new(Status::OK, &[]))?;
    Ok(Body::chunks(["one", "", "two"]))
}

// ----- tests -----------------------------------------------------------------

#[test]
fn answers_and_keeps_alive() {
    check(
        app_fn(echo),
        "GET /a%20b HTTP/1.1\r\nHost: a\r\n\r\nPOST /c HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nxyz",
        "HTTP/1.1 200 OK\nContent-Length: 9\n\nGET /a b HTTP/1.1 200 OK\nContent-Length: 11\n\nPOST /c xyz",
    );
}

#[test]
fn reads_a_chunked_body_live_and_finds_the_next_request() {
    check(
        app_fn(echo),
        "POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
         3\r\nabc\r\n2;x\r\nde\r\n0\r\nT: t\r\n\r\nGET /n HTTP/1.1\r\nHost: a\r\n\r\n",
        "HTTP/1.1 200 OK\nContent-Length: 13\n\nPOST /c abcdeHTTP/1.1 200 OK\nContent-Length: 7\n\nGET /n ",
    );
}

#[test]
fn streams_in_chunks_to_http11_and_until_close_to_http10() {
    check(
        app_fn(stream),
        "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET / HTTP/1.0\r\n\r\n",
        "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n3\none\n3\ntwo\n0\n\nHTTP/1.1 200 OK\nConnection: close\n\nonetwo",
    );
}

#[test]
fn http10_keeps_alive_when_asked_and_able() {
    check(
        app_fn(echo),
        "GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /b HTTP/1.0\r\n\r\n",
        "HTTP/1.1 200 OK\nConnection: keep-alive\nContent-Length: 7\n\nGET /a \
         HTTP/1.1 200 OK\nConnection: close\nContent-Length: 7\n\nGET /b ",
    );
}

#[test]
fn head_keeps_the_length_and_never_pulls() {
    let pulls = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&pulls);
    let app = app_fn(move |environ: Environ<'_>, start_response| {
        start_response.start(Head::new(Status::OK, &[]))?;
        let seen = Arc::clone(&seen);
        let chunks = std::iter::repeat_with(move || seen.fetch_add(1, SeqCst)).take(1).map(|_| "1234");
        Ok(match environ.path_info() {
            b"/known" => Body::chunks(chunks).with_length(4),
            b"/left-out" => Body::empty(),
            _ => Body::from("12345"),
        })
    });
    check(
        app,
        "HEAD /known HTTP/1.1\r\nHost: a\r\n\r\nHEAD / HTTP/1.1\r\nHost: a\r\n\r\n\
         HEAD /left-out HTTP/1.1\r\nHost: a\r\n\r\nHEAD / HTTP/1.1\r\n\r\n",
        "HTTP/1.1 200 OK\nContent-Length: 4\n\nHTTP/1.1 200 OK\nContent-Length: 5\n\nHTTP/1.1 200 OK\n\n\
         HTTP/1.1 400 Bad Request\nContent-Type: text/plain; charset=utf-8\nConnection: close\nContent-Length: 44\n\n",
    );
    assert_eq!(pulls.load(SeqCst), 0);
}

#[test]
fn statuses_without_a_body_have_none() {
    let app = app_fn(|environ: Environ<'_>, start_response| {
        let status = match environ.path_info() {
            b"/204" => Status::NO_CONTENT,
            b"/304" => Status::NOT_MODIFIED,
            _ => Status::RESET_CONTENT,
        };
        start_response.start(Head::new(status, &[Header::new("Content-Length", "3")]))?;
        Ok(if environ.query_string() == b"stream" { Body::chunks(["a", "bc"]) } else { Body::from("abc") })
    });
    check(
        app,
        "GET /204 HTTP/1.1\r\nHost: a\r\n\r\nGET /304 HTTP/1.1\r\nHost: a\r\n\r\n\
         GET /204?stream HTTP/1.1\r\nHost: a\r\n\r\nGET /205?stream HTTP/1.1\r\nHost: a\r\n\r\n",
        "HTTP/1.1 204 No Content\n\nHTTP/1.1 304 Not Modified\nContent-Length: 3\n\n\
         HTTP/1.1 204 No Content\n\nHTTP/1.1 205 Reset Content\nContent-Length: 0\n\n",
    );
}

#[test]
fn a_refused_request_is_told_why_and_ends_the_connection() {
    check(
        app_fn(echo),
        "GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "HTTP/1.1 400 Bad Request\nContent-Type: text/plain; charset=utf-8\nConnection: close\nContent-Length: 44\n\n\
         400 Bad Request: the Host header is missing\n",
    );
}

#[test]
fn an_app_that_fails_answers_500_and_the_connection_goes_on() {
    let app = app_fn(|environ: Environ<'_>, start_response| match environ.path_info() {
        b"/panic" => panic!("on purpose"),
        b"/error" => Err("on purpose".into()),
        b"/late" => {
            start_response.start(Head::new(Status::OK, &[Header::new("A", "b")]))?;
            Err("on purpose".into())
        }
        b"/stream" => {
            start_response.start(Head::new(Status::OK, &[Header::new("A", "b")]))?;
            Ok(Body::try_chunks([Err::<&str, _>(Error::app("on purpose"))]))
        }
        _ => Ok(Body::from("start_response was never called")),
    });
    let failure = "HTTP/1.1 500 Internal Server Error\nContent-Type: text/plain; charset=utf-8\n\
                   Content-Length: 26\n\n500 Internal Server Error\n";
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n");
    let input = ["/error", "/late", "/stream", "/never"].map(get).concat();
    check(app, &input, &failure.repeat(4));
    let client = serve(&Arc::new(service(app)), vec![get("/panic").into()], usize::MAX);
    assert_eq!(plain(&String::from_utf8_lossy(&client.output)), failure);
}

#[test]
fn a_stream_that_fails_after_its_first_byte_is_cut_without_an_end() {
    let app = app_fn(|_, start_response| {
        start_response.start(Head::new(Status::OK, &[]))?;
        Ok(Body::try_chunks([Ok("abc"), Err(Error::app("on purpose"))]))
    });
    check(app, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n3\nabc\n");
}

/// Says 4 bytes and gives more or less, in each way there is.
fn declared<'r>(environ: Environ<'r>, start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
    let mut writer = start_response.start(Head::new(Status::OK, &[Header::new("Content-Length", "4")]))?;
    Ok(match environ.path_info() {
        b"/more" => Body::from("123456"),
        b"/more-stream" => Body::chunks(["12", "34", "56"]),
        b"/more-lying" => Body::from(vec![b'x'; 100_000]),
        b"/more-write" => {
            assert!(matches!(writer.send(b"123456"), Err(Error::Limit(_))));
            Body::empty()
        }
        b"/less" => Body::from("12"),
        b"/less-stream" => Body::chunks(["1", "2"]),
        _ => Body::from("1234"),
    })
}

#[test]
fn excess_is_cut_and_the_connection_goes_on() {
    let head = "HTTP/1.1 200 OK\nContent-Length: 4\n\n";
    for (path, body) in [("/more", "1234"), ("/more-stream", "1234"), ("/more-write", "1234"), ("/more-lying", "xxxx")]
    {
        check(
            app_fn(declared),
            &format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\nGET /same HTTP/1.1\r\nHost: a\r\n\r\n"),
            &format!("{head}{body}{head}1234"),
        );
    }
}

#[test]
fn a_missing_byte_cuts_the_connection() {
    for path in ["/less", "/less-stream"] {
        check(
            app_fn(declared),
            &format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\nGET /same HTTP/1.1\r\nHost: a\r\n\r\n"),
            "HTTP/1.1 200 OK\nContent-Length: 4\n\n12",
        );
    }
}

#[test]
#[cfg_attr(miri, ignore = "Miri opens no temporary files")]
fn large_bodies_are_sent_from_where_they_lie() {
    let text: &'static str = Box::leak("0123456789".repeat(2000).into_boxed_str());
    let mut file = tempfile::tempfile().expect("a temporary file");
    file.write_all(text.as_bytes()).expect("a temporary file takes bytes");
    let app = app_fn(move |environ: Environ<'_>, start_response| {
        start_response.start(Head::new(Status::OK, &[]))?;
        Ok(match environ.path_info() {
            b"/bytes" => Body::from(text),
            b"/parts" => Body::parts((0..200).map(|part| &text[part * 100..][..100])),
            _ => Body::file_range(file.try_clone()?, 10, 19_990),
        })
    });
    let service = Arc::new(service(app));
    for (path, expected) in [("/bytes", text), ("/parts", text), ("/file", &text[10..])] {
        for window in [usize::MAX, 4096, 777] {
            let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
            let client = serve(&service, vec![request.into()], window);
            let output = plain(&String::from_utf8_lossy(&client.output));
            let (head, body) = output.split_once("\n\n").expect("a head");
            assert_eq!(head, format!("HTTP/1.1 200 OK\nConnection: close\nContent-Length: {}", expected.len()));
            assert!(body == expected, "{path} with a window of {window}");
        }
    }
}

#[test]
fn write_sends_before_the_app_goes_on() {
    let app = app_fn(|_, start_response| {
        let mut writer = start_response.start(Head::new(Status::OK, &[]))?;
        writer.send(b"")?;
        writer.send(b"ab")?;
        writer.send(b"c")?;
        Ok(Body::from("def"))
    });
    check(
        app,
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n2\nab\n1\nc\n3\ndef\n0\n\n",
    );
}

#[test]
fn unread_bodies_are_read_over_up_to_a_cap() {
    let app = app_fn(|_, start_response| {
        start_response.start(Head::new(Status::OK, &[]))?;
        Ok(Body::empty())
    });
    let ok = "HTTP/1.1 200 OK\nContent-Length: 0\n\n";
    check(
        app,
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n\
         GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        &ok.repeat(2),
    );
    // Larger than the receive buffer, and still worth the connection.
    for body in [
        format!("Content-Length: 66000\r\n\r\n{}", "x".repeat(66_000)),
        format!("Transfer-Encoding: chunked\r\n\r\nc350\r\n{}\r\n0\r\n\r\n", "x".repeat(50_000)),
    ] {
        let two = format!("POST / HTTP/1.1\r\nHost: a\r\n{body}GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        let pieces = two.as_bytes().chunks(4096).map(<[u8]>::to_vec).collect();
        let client = serve(&Arc::new(service(app)), pieces, usize::MAX);
        assert_eq!(plain(&String::from_utf8_lossy(&client.output)), ok.repeat(2));
    }
    let large = format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n{}", "x".repeat(1000));
    let client = serve(&Arc::new(service(app)), vec![large.into()], usize::MAX);
    let expected = "HTTP/1.1 200 OK\nConnection: close\nContent-Length: 0\n\n";
    assert_eq!(plain(&String::from_utf8_lossy(&client.output)), expected);
    assert_eq!(client.end, Some(Want::Shutdown), "a close with unread bytes would reset the connection");
}

#[test]
fn a_100_is_sent_at_the_first_read_and_only_then() {
    let request = "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n";
    let answered = |app: Arc<Service>, pieces: &[&str]| {
        let pieces = pieces.iter().map(|piece| piece.as_bytes().to_vec()).collect();
        let client = serve(&app, pieces, usize::MAX);
        String::from_utf8_lossy(&client.output).into_owned()
    };
    let reading = Arc::new(service(app_fn(echo)));
    let output = answered(Arc::clone(&reading), &[request, "abc"]);
    assert!(output.starts_with("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"), "{output}");
    assert!(output.ends_with("POST / abc"), "{output}");
    // The body has begun to arrive: nobody waits for a 100.
    let output = answered(reading, &[&format!("{request}abc")]);
    assert!(output.starts_with("HTTP/1.1 200 OK\r\n"), "{output}");
    // An app that does not read: no 100, and the connection cannot go on.
    let ignoring = Arc::new(service(app_fn(stream)));
    let output = answered(ignoring, &[request]);
    assert!(output.starts_with("HTTP/1.1 200 OK\r\n") && output.contains("Connection: close\r\n"), "{output}");
}

#[test]
fn a_body_that_is_cut_short_is_an_error_to_the_app() {
    for request in [
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 70000\r\n\r\nabc",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nabc",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcX",
    ] {
        let client = serve(&Arc::new(service(app_fn(echo))), vec![request.into()], usize::MAX);
        let output = String::from_utf8_lossy(&client.output).into_owned();
        assert!(output.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{request:?}: {output}");
    }
}

#[test]
fn a_half_closed_client_gets_all_its_answers() {
    let request = "GET /a HTTP/1.1\r\nHost: a\r\n\r\n".repeat(3);
    let client = serve(&Arc::new(service(app_fn(echo))), vec![request.into()], usize::MAX);
    assert_eq!(String::from_utf8_lossy(&client.output).matches("GET /a ").count(), 3);
    assert_eq!(client.end, Some(Want::Close), "a client that sends no more needs no linger");
}

/// More of an app than its call is its code; none of it may end a connection
/// without an answer, or the server.
#[test]
fn panics_around_the_call_are_500s_too() {
    struct Length;
    impl gateway_spec::Source for Length {
        fn next(&mut self) -> Result<Option<gateway_spec::Chunk<'_>>> {
            Ok(None)
        }
        fn length(&self) -> Option<u64> {
            panic!("on purpose")
        }
    }
    #[derive(Debug)]
    struct Failure(bool);
    impl std::error::Error for Failure {}
    impl std::fmt::Display for Failure {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            assert!(!self.0, "on purpose");
            f.write_str("a failure")
        }
    }
    impl Drop for Failure {
        fn drop(&mut self) {
            panic!("on purpose")
        }
    }
    let app = app_fn(|environ: Environ<'_>, start_response| match environ.path_info() {
        b"/length" => {
            start_response.start(Head::new(Status::OK, &[]))?;
            Ok(Body::source(Length))
        }
        path => Err(Error::app(Failure(path == b"/text"))),
    });
    for path in ["/length", "/drop", "/text"] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n");
        let client = serve(&Arc::new(service(app)), vec![request.into()], usize::MAX);
        let output = String::from_utf8_lossy(&client.output).into_owned();
        assert!(output.starts_with("HTTP/1.1 500 Internal Server Error\r\n"), "{path}: {output}");
    }
}

/// Counts how often each body is closed.
#[test]
fn every_body_is_closed_once() {
    let closes = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&closes);
    let app = app_fn(move |environ: Environ<'_>, start_response| {
        let path = environ.path_str()?.to_owned();
        start_response.start(Head::new(Status::OK, &[]))?;
        let body = match &*path {
            "/bytes" => Body::from("abc"),
            "/large" => Body::from(vec![b'x'; 100_000]),
            "/fails" => Body::try_chunks([Ok("a"), Err(Error::app("on purpose"))]),
            "/endless" => Body::chunks(std::iter::repeat("abc")),
            _ => Body::chunks(["a", "b"]),
        };
        let seen = Arc::clone(&seen);
        Ok(body.on_close(move || seen.lock().unwrap().push(path)))
    });
    let service = Arc::new(service(app));
    for path in ["/bytes", "/large", "/stream", "/fails"] {
        for method in ["GET", "HEAD"] {
            serve(&service, vec![format!("{method} {path} HTTP/1.1\r\nHost: a\r\n\r\n").into()], usize::MAX);
            assert_eq!(std::mem::take(&mut *closes.lock().unwrap()), [path], "{method}");
        }
    }
    // The client leaves in the middle of a stream.
    let now = now();
    let mut exchange = Exchange::new(service, Endpoint::default(), &now);
    let request = b"GET /endless HTTP/1.1\r\nHost: a\r\n\r\n";
    exchange.room()[..request.len()].copy_from_slice(request);
    exchange.fed(request.len(), &now);
    let mut client = Client { window: usize::MAX, ..Client::default() };
    exchange.run(&mut ScriptedPort(&mut client, now));
    exchange.run(&mut ScriptedPort(&mut client, now));
    assert_eq!((exchange.want(), closes.lock().unwrap().len()), (Want::Write, 0));
    exchange.gone();
    assert_eq!((exchange.want(), closes.lock().unwrap().len()), (Want::Close, 1));
    drop(exchange);
    assert_eq!(closes.lock().unwrap().len(), 1);
}

#[test]
fn deadlines_are_told_and_kept() {
    let start = now();
    let later = |seconds| Now { instant: start.instant + Duration::from_secs(seconds), ..start };
    let service = Arc::new(service(app_fn(echo)));
    let begun = |input: &[u8]| {
        let mut exchange = Exchange::new(Arc::clone(&service), Endpoint::default(), &start);
        exchange.room()[..input.len()].copy_from_slice(input);
        if !input.is_empty() {
            exchange.fed(input.len(), &start);
        }
        exchange
    };
    let answer = |exchange: &Exchange| match exchange.pending() {
        Pending::Bytes { bytes, .. } => bytes.to_vec(),
        Pending::Slices(slices) => slices.as_slices().iter().flat_map(|slice| slice.to_vec()).collect::<Vec<u8>>(),
        Pending::File { .. } => Vec::new(),
    };
    // Nothing came: closed without a word.
    let mut silent = begun(b"");
    assert_eq!(silent.deadline(), Some(later(10).instant));
    silent.tick(&later(9));
    assert_eq!(silent.want(), Want::Read);
    silent.tick(&later(10));
    assert_eq!(silent.want(), Want::Close);
    // Half a head, half a body: told.
    for half in [&b"GET / HT"[..], b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab"] {
        let mut slow = begun(half);
        assert_eq!(slow.deadline(), Some(later(10).instant));
        slow.tick(&later(10));
        assert!(answer(&slow).starts_with(b"HTTP/1.1 408 Request Timeout\r\n"));
    }
    // An answer that nobody takes: gone.
    let mut stuck = begun(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    stuck.run(&mut ScriptedPort(&mut Client::default(), start));
    assert_eq!((stuck.want(), stuck.deadline()), (Want::Write, Some(later(30).instant)));
    stuck.tick(&later(30));
    assert_eq!(stuck.want(), Want::Close);
}

#[test]
fn stopping_answers_what_runs_and_closes_what_is_idle() {
    let now = now();
    let service = Arc::new(service(app_fn(echo)));
    let mut idle = Exchange::new(Arc::clone(&service), Endpoint::default(), &now);
    idle.stop(true);
    assert_eq!(idle.want(), Want::Close);
    let mut busy = Exchange::new(service, Endpoint::default(), &now);
    let request = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    busy.room()[..request.len()].copy_from_slice(request);
    busy.fed(request.len(), &now);
    busy.stop(true);
    let mut client = Client { window: usize::MAX, ..Client::default() };
    busy.run(&mut ScriptedPort(&mut client, now));
    if let Pending::Bytes { bytes, .. } = busy.pending() {
        ScriptedPort(&mut client, now).send(&[IoSlice::new(bytes)]).unwrap();
    }
    busy.sent(client.output.len(), &now);
    assert!(plain(&String::from_utf8_lossy(&client.output)).contains("\nConnection: close\n"));
    assert_eq!(busy.want(), Want::Shutdown);
}

/// An empty line begins no request: the connection is as idle as before.
#[test]
fn a_lone_empty_line_leaves_a_connection_idle() {
    let now = now();
    let mut exchange = Exchange::new(Arc::new(service(app_fn(echo))), Endpoint::default(), &now);
    let feed = |exchange: &mut Exchange, bytes: &[u8]| {
        exchange.room()[..bytes.len()].copy_from_slice(bytes);
        exchange.fed(bytes.len(), &now);
    };
    feed(&mut exchange, b"\r\n");
    assert!(exchange.is_idle());
    feed(&mut exchange, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(exchange.want(), Want::Run);
}

#[test]
fn a_stream_that_gives_nothing_ends_when_the_client_is_gone() {
    struct Gone<'a>(ScriptedPort<'a>);
    impl Port for Gone<'_> {
        fn fill(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            self.0.fill(buf)
        }
        fn send(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
            self.0.send(slices)
        }
        fn sleep(&mut self, duration: Duration) -> bool {
            self.0.sleep(duration)
        }
        fn is_gone(&mut self) -> bool {
            true
        }
        fn is_closing(&mut self) -> bool {
            false
        }
        fn now(&mut self) -> &Now {
            self.0.now()
        }
    }
    let now = now();
    let app = app_fn(|_, start_response| {
        start_response.start(Head::new(Status::OK, &[]))?;
        Ok(Body::chunks(std::iter::repeat("")))
    });
    let mut exchange = Exchange::new(Arc::new(service(app)), Endpoint::default(), &now);
    let request = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    exchange.room()[..request.len()].copy_from_slice(request);
    exchange.fed(request.len(), &now);
    let mut client = Client::default();
    exchange.run(&mut Gone(ScriptedPort(&mut client, now)));
    exchange.run(&mut Gone(ScriptedPort(&mut client, now)));
    assert_eq!(exchange.want(), Want::Close);
}

/// What is written beyond the mark waits for the client; what was sent is not
/// kept, also when the client never catches up.
#[test]
fn a_sluggish_client_costs_no_memory() {
    let app = app_fn(|_, start_response| {
        let mut writer = start_response.start(Head::new(Status::OK, &[]))?;
        for _ in 0..3000 {
            writer.write_all(&[b'x'; 1000])?;
        }
        Ok(Body::empty())
    });
    let now = now();
    let mut exchange = Exchange::new(Arc::new(service(app)), Endpoint::default(), &now);
    let request = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    exchange.room()[..request.len()].copy_from_slice(request);
    exchange.fed(request.len(), &now);
    let mut client = Client { window: 1000, mark: super::HIGH_WATER, ..Client::default() };
    exchange.run(&mut ScriptedPort(&mut client, now));
    let wire = exchange.slot.wire_ref();
    assert!(wire.backlog() <= super::HIGH_WATER + 2000, "{}", wire.backlog());
    assert!(wire.held() <= 4 * super::HIGH_WATER, "{}", wire.held());
}

/// However full the buffer is of its head, a body is read in pieces that are
/// worth a system call.
#[test]
fn a_long_head_leaves_room_for_its_body() {
    let (live, now) = (service(app_fn(echo)), now());
    let service = Service { bodies: Bodies::Collected, ..live };
    let mut exchange = Exchange::new(Arc::new(service), Endpoint::default(), &now);
    let start = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\nX: ";
    let request = format!("{start}{}\r\n\r\n", "x".repeat(16381 - start.len() - 4));
    let mut rest = request.as_bytes();
    while !rest.is_empty() {
        let room = exchange.room();
        let count = room.len().min(rest.len());
        room[..count].copy_from_slice(&rest[..count]);
        exchange.fed(count, &now);
        rest = &rest[count..];
    }
    assert!(exchange.room().len() >= 4096, "{}", exchange.room().len());
}
