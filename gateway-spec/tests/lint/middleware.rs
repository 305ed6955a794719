//! How `Lint` acts, beyond single rules.

use std::io::Read as _;

use gateway_spec::lint::Lint;
use gateway_spec::prelude::*;
use gateway_spec::testing::TestClient;
use gateway_spec::{AppFlags, Level, View};

use super::harness::{get, post};

/// The error of a MUST cannot be swallowed by the app.
#[test]
fn an_app_that_ignores_a_broken_must_still_fails() {
    let outcome = get().serve(app_fn(|_, start_response| {
        let _ = start_response.start(Head::new(Status::OK, &[Header::new("Connection", "close")]));
        start_response.start(Head::new(Status::NO_CONTENT, &[]))?;
        Ok(Body::empty())
    }));
    assert_eq!(outcome.error.as_deref(), Some("RESP-08: Connection is \"close\""));
}

#[test]
fn a_broken_rule_of_the_server_names_it() {
    let outcome = get().no_env("SERVER_NAME").ok();
    assert_eq!(outcome.error.as_deref(), Some("ENV-01: SERVER_NAME is missing (server test-server/1.2)"));
    assert_eq!(outcome.lines, [(Level::Error, outcome.error.unwrap())]);
}

/// The app is not called with a request that breaks a MUST.
#[test]
fn a_broken_request_does_not_reach_the_app() {
    let outcome = get().no_env("SERVER_NAME").serve(app_fn(|_, _| panic!("was called")));
    assert_eq!(outcome.ids, ["ENV-01"]);
}

#[test]
fn kinds_and_lengths_of_bodies_stay() {
    let kinds = app_fn(|environ, start_response| {
        start_response.start(Head::new(Status::OK, &[Header::new("Content-Type", "text/plain")]))?;
        Ok(match environ.path_info() {
            b"/bytes" => Body::from("abc"),
            b"/parts" => Body::parts(["a", "bc"]),
            b"/stream" => Body::chunks(["a", "bc"]),
            b"/sized" => Body::chunks(["a", "bc"]).with_length(3),
            _ => Body::file(tempfile::tempfile()?)?,
        })
    });
    let client = TestClient::new(kinds);
    let lengths = ["/bytes", "/parts", "/stream", "/sized", "/file"].map(|path| client.get(path).send().length);
    assert_eq!(lengths, [Some(3), Some(3), None, Some(3), Some(0)]);
    assert_eq!(client.get("/stream").send().body, b"abc");
}

/// A body keeps the kind by which a server sends it best.
#[test]
fn parts_stay_parts_under_lint() {
    struct Spy;

    impl App for Spy {
        fn call<'r>(&'r self, environ: Environ<'r>, start: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
            static INNER: std::sync::OnceLock<Lint<Parts>> = std::sync::OnceLock::new();
            let body = INNER.get_or_init(|| Lint::new(Parts)).call(environ, start)?;
            assert!(matches!(body.view(), View::Parts(_)));
            Ok(body)
        }
    }

    struct Parts;

    impl App for Parts {
        fn call<'r>(&'r self, _: Environ<'r>, start: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
            start.start(Head::new(Status::OK, &[Header::new("Content-Type", "text/plain")]))?;
            Ok(Body::parts(["a", "bc"]))
        }
    }

    assert_eq!(TestClient::new(Spy).get("/").send().text(), "abc");
}

#[test]
fn input_passes_through_unchanged() {
    let client = TestClient::new(app_fn(|mut environ, start_response| {
        let mut body = Vec::new();
        environ.input().read_to_end(&mut body)?;
        start_response.start(Head::new(Status::OK, &[Header::new("Content-Type", "text/plain")]))?;
        Ok(Body::from(body))
    }));
    for preread in [0, 1, 5, 11] {
        for piece in [0, 1, 3] {
            let response = client.post("/").body("hello world").arriving(preread, piece).send();
            assert_eq!(response.text(), "hello world", "{preread} {piece}");
        }
    }
    assert_eq!(client.post("/").chunked("hello").send().text(), "hello");
}

/// Middleware between lint and the app may replace the input by any other.
#[test]
fn a_replaced_input_is_not_measured_by_the_old_length() {
    let outcome = post(3, &[Ok(b"abc")]).serve(app_fn(|mut environ, start_response| {
        environ.set_input(&b"longer than three"[..]);
        environ.insert("CONTENT_LENGTH", "17");
        let mut text = String::new();
        environ.input().read_to_string(&mut text)?;
        assert_eq!(text, "longer than three");
        start_response.start(Head::new(Status::NO_CONTENT, &[]))?;
        Ok(Body::empty())
    }));
    assert!(outcome.ids.is_empty(), "{outcome:?}");
}

/// The request alone is held against its target: middleware may rewrite paths.
#[test]
fn middleware_may_rewrite_the_path() {
    let inner = Lint::new(app_fn(|environ, start_response| {
        assert_eq!(environ.path_info(), b"/index.html");
        start_response.start(Head::new(Status::NO_CONTENT, &[]))?;
        Ok(Body::empty())
    }));
    struct Rewrite<A>(A);
    impl<A: App> App for Rewrite<A> {
        fn call<'r>(&'r self, mut environ: Environ<'r>, start: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
            environ.insert("PATH_INFO", "/index.html");
            self.0.call(environ, start)
        }
    }
    let outcome = get().serve(Rewrite(inner));
    assert!(outcome.ids.is_empty() && outcome.error.is_none(), "{outcome:?}");
}

/// Lint inside lint sees the same exchange.
#[test]
fn lint_stacks() {
    let response = TestClient::new(Lint::new(app_fn(|mut environ, start_response| {
        let mut body = Vec::new();
        environ.input().read_to_end(&mut body)?;
        start_response.start(Head::new(Status::OK, &[Header::new("Content-Type", "text/plain")]))?;
        Ok(Body::chunks([body]))
    })))
    .post("/")
    .body("hello")
    .send();
    assert_eq!((response.text(), response.closed), ("hello", 1));
    assert!(response.warnings.is_empty(), "{:?}", response.warnings);
}

#[test]
fn flags_and_shutdown_are_passed_on() {
    use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

    #[derive(Default)]
    struct Flagged(AtomicBool);

    impl App for Flagged {
        fn call<'r>(&'r self, _: Environ<'r>, _: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
            Err(Error::app("not called"))
        }

        fn shutdown(&self) {
            self.0.store(true, SeqCst);
        }

        fn flags(&self) -> AppFlags {
            AppFlags::STREAMS_INPUT
        }
    }

    let lint = Lint::new(Flagged::default());
    assert_eq!(lint.flags(), AppFlags::STREAMS_INPUT);
    lint.shutdown();
    assert!(lint.inner().0.load(SeqCst));
}

/// The test client: a SHOULD is a warning, apart from the app's own lines.
#[test]
fn the_test_client_shows_warnings_and_fails_late_musts() {
    let client = TestClient::new(app_fn(|environ, start_response| {
        environ.errors().info("one\ntwo");
        start_response.start(Head::new(Status::OK, &[]))?;
        Ok(Body::from("x"))
    }));
    let response = client.get("/").send();
    assert_eq!(response.log.len(), 1);
    let ids: Vec<&str> = response.warnings.iter().filter_map(|warning| warning.split(':').next()).collect();
    assert_eq!(ids, ["ERR-01", "BODY-12"]);
    assert!(client.get("/").without_lint().send().warnings.is_empty());
}
