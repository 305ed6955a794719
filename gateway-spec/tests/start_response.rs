//! `start_response`: what is refused, the states, writing, failures.

use std::io::Write as _;

use gateway_spec::prelude::*;
use gateway_spec::testing::{Response, TestClient};
use gateway_spec::{Fault, ResponseState};

const TYPE: Header<'static> = Header::from_static("Content-Type", "text/plain");

/// What the server's own checks make of an app, without lint before them.
fn exchange(app: impl App) -> Result<Response> {
    TestClient::new(app).get("/").without_lint().try_send()
}

fn refused(status: Status, name: &str, value: &str) -> bool {
    let outcome = exchange(app_fn(|_, start_response| {
        start_response.start(Head::new(status, &[Header::new(name, value)]))?;
        Ok(Body::empty())
    }));
    match outcome {
        Ok(_) => false,
        Err(Error::Invalid(_)) => true,
        Err(other) => panic!("{other:?}"),
    }
}

#[test]
fn status_codes_are_200_to_999() {
    for code in [0, 1, 99, 100, 103, 199, 1000, u16::MAX] {
        assert!(matches!(Status::new(code), Err(Error::Invalid(_))), "{code}");
    }
    for code in [200, 204, 299, 418, 599, 600, 999] {
        assert_eq!(Status::new(code).unwrap().code(), code);
    }
}

#[test]
fn reasons_are_registered_or_the_apps() {
    let answer = |reason: Option<&'static str>| {
        exchange(app_fn(move |_, start_response| {
            start_response.start(Head { reason, ..Head::new(Status::NOT_FOUND, &[]) })?;
            Ok(Body::empty())
        }))
    };
    assert_eq!(answer(None).unwrap().reason, "Not Found");
    assert_eq!(answer(Some("Gone fishing")).unwrap().reason, "Gone fishing");
    for bad in ["a\rb", "a\nb", "a\0b"] {
        assert!(matches!(answer(Some(bad)), Err(Error::Invalid(_))), "{bad:?}");
    }
}

#[test]
fn headers_of_the_connection_are_refused() {
    for name in ["Connection", "Proxy-Connection", "Keep-Alive", "TE", "Transfer-Encoding", "Upgrade"] {
        for name in [name.to_owned(), name.to_lowercase(), name.to_uppercase()] {
            assert!(refused(Status::OK, &name, "x"), "{name}");
        }
    }
    assert!(!refused(Status::UPGRADE_REQUIRED, "Upgrade", "HTTP/3.0"));
    assert!(refused(Status::UPGRADE_REQUIRED, "Connection", "upgrade"));
    for name in ["Te-X", "Connections", "Trailer", "Host"] {
        assert!(!refused(Status::OK, name, "x"), "{name}");
    }
}

#[test]
fn no_byte_splits_a_response() {
    for bad in ["a\r\nb", "a\rb", "a\nb", "a\0b", "\n", "a\r"] {
        assert!(refused(Status::OK, "X", bad), "{bad:?} in a value");
        assert!(refused(Status::OK, bad, "x"), "{bad:?} in a name");
    }
    for bad in ["", " ", "X Y", "X:", "X\t", "(X)", "\u{e9}"] {
        assert!(refused(Status::OK, bad, "x"), "{bad:?} in a name");
    }
    for good in ["", "a\tb", "\u{e9}", "\"quoted, text\""] {
        assert!(!refused(Status::OK, "X", good), "{good:?} in a value");
    }
}

#[test]
fn headers_keep_order_and_spelling() {
    let response = exchange(app_fn(|_, start_response| {
        let headers = [Header::new("b", "1"), Header::new("A", "2"), Header::new("B", "3")];
        start_response.start(Head::new(Status::OK, &headers))?;
        Ok(Body::empty())
    }))
    .unwrap();
    let pairs: Vec<(&[u8], &[u8])> = response.headers.iter().map(|(name, value)| (&name[..], &value[..])).collect();
    assert_eq!(pairs, [(&b"b"[..], &b"1"[..]), (b"A", b"2"), (b"B", b"3")]);
}

/// Every cell of the table on `ResponseState`.
#[test]
fn the_state_table() {
    use ResponseState::{Committed, Done, Idle, Set};

    let state = |error: Error| assert!(matches!(error, Error::State(_)), "{error:?}");
    for (from, replaces, to) in [
        (Idle, false, Some(Set)),
        (Idle, true, Some(Set)),
        (Set, false, None),
        (Set, true, Some(Set)),
        (Committed, false, None),
        (Committed, true, None),
        (Done, false, None),
        (Done, true, None),
    ] {
        let mut now = from;
        match now.start(replaces) {
            Ok(()) => assert_eq!(Some(now), to, "{from:?} {replaces}"),
            Err(error) => {
                state(error);
                assert_eq!((now, to), (from, None), "{from:?} {replaces}");
            }
        }
    }
    for (from, first) in [(Idle, None), (Set, Some(true)), (Committed, Some(false)), (Done, None)] {
        let mut now = from;
        match now.commit() {
            Ok(commits) => assert_eq!((now, Some(commits)), (Committed, first), "{from:?}"),
            Err(error) => {
                state(error);
                assert_eq!((now, first), (from, None), "{from:?}");
            }
        }
        now.finish();
        assert_eq!(now, Done);
    }
}

#[test]
fn a_second_start_needs_an_error() {
    let error = exchange(app_fn(|_, start_response| {
        start_response.start(Head::new(Status::OK, &[]))?;
        start_response.start(Head::new(Status::NOT_FOUND, &[]))?;
        Ok(Body::empty())
    }))
    .unwrap_err();
    assert!(matches!(error, Error::State(_)), "{error:?}");
}

#[test]
fn a_second_start_with_an_error_replaces_the_head() {
    let response = TestClient::new(app_fn(|_, start_response| {
        start_response.start(Head::new(Status::OK, &[Header::new("X-Old", "1")]))?;
        let error = Error::app("the database is away");
        start_response
            .start(Head::new(Status::SERVICE_UNAVAILABLE, &[Header::new("Retry-After", "5")]).replacing(&error))?;
        Ok(Body::empty())
    }))
    .get("/")
    .send();
    assert_eq!(response.status, Status::SERVICE_UNAVAILABLE);
    assert_eq!((response.header("x-old"), response.header("retry-after")), (None, Some("5")));
}

#[test]
fn no_start_after_the_head_is_out() {
    for flush in [false, true] {
        let error = exchange(app_fn(move |_, start_response| {
            let mut writer = start_response.start(Head::new(Status::OK, &[TYPE]))?;
            if flush {
                writer.flush()?;
            } else {
                writer.send(b"x")?;
            }
            let cause = Error::app("too late");
            start_response.start(Head::new(Status::BAD_GATEWAY, &[TYPE]).replacing(&cause))?;
            Ok(Body::empty())
        }))
        .unwrap_err();
        assert!(matches!(error, Error::State(_)), "{error:?}");
    }
}

#[test]
fn returning_without_start_is_an_error() {
    let error = exchange(app_fn(|_, _| Ok(Body::from("x")))).unwrap_err();
    assert!(matches!(error, Error::State(_)), "{error:?}");
    assert_eq!(error.fault(), Fault::App);
}

#[test]
fn a_refused_head_leaves_nothing_set() {
    let response = exchange(app_fn(|_, start_response| {
        assert!(start_response.start(Head::new(Status::OK, &[Header::new("X", "\n")])).is_err());
        start_response.start(Head::new(Status::NOT_FOUND, &[]))?;
        Ok(Body::empty())
    }))
    .unwrap();
    assert_eq!(response.status, Status::NOT_FOUND);
}

#[test]
fn what_is_written_comes_before_the_body() {
    let response = TestClient::new(app_fn(|_, start_response| {
        let mut writer = start_response.start(Head::new(Status::OK, &[TYPE, Header::new("Content-Length", "7")]))?;
        writer.send(b"one ")?;
        write!(writer, "{} ", 1 + 1)?;
        writer.send(b"")?;
        writer.flush()?;
        Ok(Body::from("3"))
    }))
    .get("/")
    .send();
    assert_eq!((response.text(), response.committed), ("one 2 3", true));
}

#[test]
fn empty_writes_commit_nothing() {
    let response = TestClient::new(app_fn(|_, start_response| {
        start_response.start(Head::new(Status::OK, &[]))?.send(b"")?;
        let error = Error::app("away");
        start_response.start(Head::new(Status::BAD_GATEWAY, &[]).replacing(&error))?;
        Ok(Body::empty())
    }))
    .get("/")
    .send();
    assert_eq!((response.status, response.committed), (Status::BAD_GATEWAY, false));
}

#[test]
fn a_write_to_a_client_that_left_is_gone() {
    let app = app_fn(|_, start_response| {
        let mut writer = start_response.start(Head::new(Status::OK, &[TYPE]))?;
        let error = writer.write(b"x").unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::BrokenPipe);
        Err(error.into())
    });
    let client = TestClient::new(app);
    for request in [client.get("/").gone(), client.get("/").gone().without_lint()] {
        assert!(matches!(request.try_send(), Err(Error::Gone)));
    }
}

/// Middleware wraps callback, writer and body; the app notices nothing.
#[test]
fn middleware_wraps_all_of_it() {
    struct Shout<A>(A);

    struct Upper<W>(W);

    impl<W: std::io::Write> std::io::Write for Upper<W> {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.write(&bytes.to_ascii_uppercase())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            self.0.flush()
        }
    }

    impl<A: App> App for Shout<A> {
        fn call<'r>(&'r self, environ: Environ<'r>, outer: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
            let mut start = |head: Head<'_>| {
                let headers = [head.headers, &[Header::new("X-Shout", "yes")]].concat();
                let writer = outer.start(Head { headers: &headers, ..head })?;
                Ok(gateway_spec::Writer::from_sink(Upper(writer)))
            };
            let mut body = self.0.call(environ, &mut start)?;
            let mut loud = Vec::new();
            while let Some(chunk) = body.next()? {
                loud.extend(chunk.bytes.to_ascii_uppercase());
            }
            Ok(Body::from(loud))
        }
    }

    let app = app_fn(|_, start_response| {
        start_response.start(Head::new(Status::OK, &[TYPE]))?.send(b"written ")?;
        Ok(Body::chunks(["and ", "returned"]))
    });
    let response = TestClient::new(Shout(app)).get("/").send();
    assert_eq!((response.text(), response.header("x-shout")), ("WRITTEN AND RETURNED", Some("yes")));
}

#[test]
fn panics_become_errors() {
    struct Nasty;

    impl Drop for Nasty {
        fn drop(&mut self) {
            panic!("the payload panics as well");
        }
    }

    let text = |app: &dyn Fn()| {
        let outcome = std::panic::AssertUnwindSafe(app);
        gateway_spec::abi::guard::caught(|| {
            outcome();
            Ok(())
        })
        .unwrap_err()
    };
    assert!(matches!(text(&|| panic!("a {}", "text")), Error::Panic(text) if text == "a text"));
    assert!(matches!(text(&|| std::panic::panic_any(Nasty)), Error::Panic(_)));
    for message in ["one", "two"] {
        let error = exchange(app_fn(move |_, _| panic!("{message}"))).unwrap_err();
        assert!(matches!(&error, Error::Panic(text) if text == message), "{error:?}");
        assert_eq!(error.fault(), Fault::App);
    }
}

#[test]
fn errors_keep_their_meaning_through_io() {
    for error in [Error::Gone, Error::State("x".into()), Error::Limit("x".into()), Error::truncated()] {
        let (status, text) = (error.to_status(), error.to_string());
        let back = Error::from(std::io::Error::from(error));
        assert_eq!((back.to_status(), back.to_string()), (status, text));
    }
    let own = Error::from(std::io::Error::other("the disk is full"));
    assert!(matches!(own, Error::App(_)), "{own:?}");
}
