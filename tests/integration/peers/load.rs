//! Load generators, for their strictness: each tells of every answer that it
//! did not like. What they measure is of no interest here.

use std::process::Command;

use gateway_tests::skip;

use crate::engines::{Engine, on_every_engine};

on_every_engine! {
    wrk_finds_no_fault => wrk_finds_no_fault,
    ab_finds_no_fault => ab_finds_no_fault,
}

/// Runs a load generator and gives its report.
fn report(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().expect("it is there");
    let (report, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{report}{errors}");
    report.into_owned()
}

/// The number behind a label.
fn number(report: &str, label: &str) -> Option<f64> {
    let line = report.lines().find_map(|line| line.trim().strip_prefix(label))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Where one connection is served at a time, a kept one may be closed for
/// another just when its next request is on its way, as HTTP allows
/// (RFC 9112, section 9.5): a load generator counts that.
fn may_keep(engine: Engine) -> bool {
    engine.name != "single"
}

fn wrk_finds_no_fault(engine: Engine) {
    if !skip::has("wrk_finds_no_fault", "wrk") {
        return;
    }
    let server = engine.serve("probe:app", &[]);
    let close: &[&str] = if may_keep(engine) { &[] } else { &["-H", "Connection: close"] };
    let burst: &[&str] = &["-t1", "-c16", "-d1s", "--timeout", "60s", &server.url("/stream")];
    let report = report("wrk", &[close, burst].concat());
    for fault in ["Socket errors", "Non-2xx"] {
        assert!(!report.contains(fault), "{report}\nthe server:\n{}", server.log());
    }
    assert!(number(&report, "Requests/sec:").is_some_and(|rate| rate > 0.0), "{report}");
}

fn ab_finds_no_fault(engine: Engine) {
    if !skip::has("ab_finds_no_fault", "ab") {
        return;
    }
    let server = engine.serve("probe:app", &[]);
    let kept: &[&str] = if may_keep(engine) { &["-k"] } else { &[] };
    for options in [kept, &[]] {
        let burst: &[&str] = &["-q", "-n", "1000", "-c", "16", &server.url("/status/200")];
        let report = report("ab", &[options, burst].concat());
        assert_eq!(number(&report, "Complete requests:"), Some(1000.0), "{report}");
        assert_eq!(number(&report, "Failed requests:"), Some(0.0), "{report}");
        assert!(!report.contains("Non-2xx"), "{report}");
    }
}
