//! The files of `docs/deploy`: what reads them takes them, and they agree.

mod containers;
mod pages;
pub(crate) mod proxies;
mod systemd;
mod times;

use std::time::Duration;

use gateway_tests::artifacts::workspace;
use gateway_tests::server::command;

/// The text of a file.
fn file(name: &str) -> String {
    std::fs::read_to_string(workspace().join("docs/deploy").join(name)).unwrap()
}

/// What stands behind a key at the beginning of a line, up to its end.
fn after<'a>(text: &'a str, key: &str) -> &'a str {
    let found = text.lines().find_map(|line| line.trim_start().strip_prefix(key));
    found.unwrap_or_else(|| panic!("no {key:?} in:\n{text}")).trim()
}

/// A time as nginx, HAProxy and our own flags write it.
fn time(text: &str) -> Duration {
    let digits: String = text.trim_matches(['"', ';']).chars().take_while(char::is_ascii_digit).collect();
    assert!(text.contains('s') && !text.contains("ms"), "{text} is not in seconds");
    Duration::from_secs(digits.parse().unwrap())
}

/// Holds that these arguments are a configuration.
fn is_configuration(arguments: &[&str]) {
    let output = command(&[&["--check-config"], arguments].concat()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && output.stdout == b"ok\n", "{arguments:?}: {said}");
}
