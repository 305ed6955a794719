//! CLOSE and ERR.

use gateway_spec::abi::host::{Host, Hosted, RequestHead, Transport};
use gateway_spec::lint::{Lint, Violation, check_line};
use gateway_spec::prelude::*;

use super::harness::{Outcome, found, get, rules};

fn quiet() -> impl App {
    app_fn(|_, start_response| {
        start_response.start(Head::new(Status::NO_CONTENT, &[]))?;
        Ok(Body::empty())
    })
}

/// What lint keeps beyond the exchange.
fn kept(lint: &Lint<impl App>) -> Outcome {
    Outcome { ids: lint.violations().iter().map(Violation::id).collect(), ..Outcome::default() }
}

/// Accepts every head; nothing else is asked of it.
struct Accept;

impl Transport for Accept {
    fn start(&mut self, head: Head<'_>) -> Result<()> {
        head.check()
    }

    fn read(&mut self, _: &mut [u8]) -> Result<usize> {
        Ok(0)
    }

    fn write(&mut self, _: &[u8], _: bool) -> Result<()> {
        Ok(())
    }

    fn sleep(&mut self, _: std::time::Duration) -> Result<()> {
        Ok(())
    }

    fn state(&mut self) -> (bool, Option<std::time::Duration>) {
        (false, None)
    }
}

/// A server that shuts down before or after it has closed a body.
fn shutdown_with_body(open: bool) -> Outcome {
    let case = get();
    let env: Vec<Header<'_>> = case.env.iter().map(|(key, value)| Header::new(key, value)).collect();
    let headers = [Header::new("Host", "localhost")];
    let head = RequestHead {
        method: b"GET",
        path_info: b"/",
        request_uri: b"/",
        env: &env,
        headers: &headers,
        ..RequestHead::EMPTY
    };
    let host = Host::new("test-server", "1.2", 0, |_, _, _| {});
    let lint = Lint::new(quiet());
    let hosted = Hosted::new(host.view(), &head, Accept);
    let body = hosted.call(&lint).unwrap();
    if open {
        lint.shutdown();
        drop(body);
    } else {
        drop(body);
        lint.shutdown();
    }
    kept(&lint)
}

fn shutdowns(count: usize) -> Outcome {
    let lint = Lint::new(quiet());
    (0..count).for_each(|_| lint.shutdown());
    kept(&lint)
}

fn call_after_shutdown(shutdown: bool) -> Outcome {
    let lint = Lint::new(quiet());
    if shutdown {
        lint.shutdown();
    }
    get().serve_lint(&lint)
}

fn closing(panics: bool) -> Outcome {
    get().serve(app_fn(move |_, start_response| {
        start_response.start(Head::new(Status::NO_CONTENT, &[]))?;
        Ok(Body::empty().on_close(move || assert!(!panics, "as the test wants it")))
    }))
}

fn failing(text: &'static str) -> Outcome {
    let mut outcome = get().serve(app_fn(move |_, _| Err(Error::app(text))));
    assert_eq!(outcome.error.take().as_deref(), Some(text));
    outcome
}

fn panicking(panics: bool) -> Outcome {
    let outcome = get().serve(app_fn(move |_, start_response| {
        assert!(!panics, "as the test wants it");
        start_response.start(Head::new(Status::NO_CONTENT, &[]))?;
        Ok(Body::empty())
    }));
    assert_eq!(outcome.error.is_some(), panics);
    outcome
}

rules! {
    "CLOSE-01",
    close_01_holds: shutdown_with_body(false),
    close_01_broken: shutdown_with_body(true);
    "CLOSE-02",
    close_02_holds: shutdowns(1),
    close_02_broken: shutdowns(2);
    "CLOSE-03",
    close_03_holds: call_after_shutdown(false),
    close_03_broken: call_after_shutdown(true);
    "CLOSE-04",
    close_04_holds: closing(false),
    close_04_broken: closing(true);
    "ERR-01",
    err_01_holds: found(check_line("app", "caf\u{e9}\tau lait")),
    err_01_broken: found(check_line("app", "name\nERROR forged"));
    "ERR-02",
    err_02_holds: found(check_line("app", "-")),
    err_02_broken: found(check_line("app", ""));
    "ERR-03",
    err_03_holds: found(check_line("my_app::db", "slow")),
    err_03_broken: found(check_line("my app", "slow"));
    "ERR-04",
    err_04_holds: failing("the database is away"),
    err_04_broken: failing("");
    "ERR-05",
    err_05_holds: panicking(false),
    err_05_broken: panicking(true);
}
