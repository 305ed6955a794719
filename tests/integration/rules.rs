//! The table of rules: its page is fresh, and each rule has a test.

use std::path::{Path, PathBuf};

use gateway_server::protocol::http1::rules::{self, RULES, Rule};
use gateway_tests::artifacts::workspace;
use gateway_tests::fixtures::{self, Fixture};

#[test]
fn http_md_is_fresh() {
    let stored = std::fs::read_to_string(workspace().join("docs/HTTP.md")).unwrap();
    assert!(stored == rules::page(), "docs/HTTP.md is stale: make spec");
    for rule in RULES {
        assert!(stored.contains(&format!("\n| {} | ", rule.id)), "{} is not rendered", rule.id);
    }
}

#[test]
fn every_rule_has_a_fixture_or_a_test() {
    // A rule that refuses needs bytes that are refused.
    let fixtures = fixtures::all();
    let shows = |it: &&Fixture| it.meaning.is_none() == it.rule.refusal.is_some();
    let mut evidence: Vec<String> = fixtures.iter().filter(shows).map(|it| it.rule.id.to_owned()).collect();
    for folder in ["tests/integration", "gateway-server/src", "gateway-server/tests"] {
        test_names(&workspace().join(folder), &mut evidence);
    }
    let is_tested = |rule: &Rule| {
        let part = rule.id.to_ascii_lowercase().replace('-', "_");
        evidence.iter().any(|name| name == rule.id || name.contains(&part))
    };
    for rule in RULES {
        assert!(is_tested(rule), "{}: give it a fixture, or a test that carries its id", rule.id);
    }
}

/// The names of the functions that carry `#[test]`, also of those that a macro
/// runs on every engine (`name => function`).
fn test_names(folder: &Path, names: &mut Vec<String>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for path in entries.map(|entry| entry.unwrap().path()).collect::<Vec<PathBuf>>() {
        if path.is_dir() {
            test_names(&path, names);
        } else if path.extension().is_some_and(|end| end == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            let tests = text.split("#[test]\n").skip(1);
            names.extend(tests.filter_map(|test| test.split("fn ").nth(1)?.split('(').next().map(str::to_owned)));
            let cases = text.split("on_every_engine! {").skip(1);
            names.extend(cases.map(|cases| cases.split('}').next().unwrap_or_default().to_owned()));
        }
    }
}
