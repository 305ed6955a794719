use gateway_spec::testing::{Response, TestClient};

use super::*;

/// What the app of that name comes to; the faults are the point, so no lint.
fn outcome(name: &str) -> Result<Response> {
    TestClient::new(app_fn(by_path)).get(&format!("/{name}")).without_lint().try_send()
}

fn check(name: &str, expected: &str) {
    let outcome = match outcome(name) {
        Ok(response) => format!("{}: {}", response.status.code(), response.text().trim_end()),
        Err(error) => format!("{error:?}"),
    };
    assert!(outcome.starts_with(expected), "{name}: {outcome}");
}

#[test]
fn each_name_has_its_fault() {
    check("good", "200: good");
    check("panic_in_call", "Panic(\"a panic in call");
    check("panic_after_start", "Panic(\"a panic after start_response");
    check("panic_in_stream", "Panic(\"a panic in the stream");
    check("panic_first_in_stream", "Panic(\"a panic before the first chunk");
    check("panic_in_close", "Panic(\"a panic in close");
    check("panic_payload", "Panic(\"a payload that is not text");
    check("panic_payload_in_stream", "Panic(\"a payload that is not text");
    check("start_never", "State(");
    check("start_twice", "State(");
    check("start_twice_with_error", "503: replaced");
    check("start_too_late", "State(");
    check("header_crlf", "Invalid(\"the value of header X-Out");
    check("header_hop_by_hop", "Invalid(\"header Connection");
    check("header_name", "Invalid(\"header name");
    check("status_99", "Invalid(\"status 99");
    check("error_before_start", "App(\"an error before start_response");
    check("error_after_start", "App(\"an error after start_response");
    check("error_first_in_stream", "App(\"an error before the first chunk");
    check("error_in_stream", "App(\"an error in the stream");
}

#[test]
fn lengths_differ_from_what_is_declared() -> Result<()> {
    for (name, declared, sent) in [("short", "10", "0123"), ("long", "4", "0123456789")] {
        for kind in ["bytes", "stream", "write"] {
            let response = outcome(&format!("{name}_{kind}"))?;
            assert_eq!(response.header("content-length"), Some(declared), "{name}_{kind}");
            assert_eq!(response.text(), sent, "{name}_{kind}");
        }
    }
    Ok(())
}

#[test]
fn an_endless_stream_is_closed_when_the_client_leaves() {
    let response = TestClient::new(app_fn(by_path)).get("/endless").leave_after(3).send();
    assert_eq!((response.body.len(), response.closed), (3 * 16 * 1024, 1));
}

#[test]
fn an_unknown_name_gets_the_list() -> Result<()> {
    let response = outcome("nothing")?;
    assert_eq!(response.status, Status::NOT_FOUND);
    assert!(response.text().lines().eq(APPS.iter().map(|(name, _)| *name)));
    Ok(())
}

#[test]
fn every_app_stands_in_the_documentation() {
    let rows = include_str!("lib.rs").lines().filter_map(|line| line.strip_prefix("//! | `"));
    let mut documented: Vec<_> = rows.filter_map(|row| row.split('`').next()).collect();
    documented.retain(|name| !["app", "create_fails", "create_panics"].contains(name));
    let names: Vec<_> = APPS.iter().map(|(name, _)| *name).collect();
    assert_eq!(documented, names);
}

#[test]
fn cannot_be_created() {
    let config = || Config::from_pairs::<&str, &str>([]);
    let error = starting::create_fails(&config()).expect_err("it fails");
    assert_eq!(error.to_string(), "the database is away");
    assert!(std::panic::catch_unwind(|| starting::create_panics(&config())).is_err());
}
