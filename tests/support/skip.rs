//! Tests that cannot run where they are: listed by name, never silently passed.

use std::io::Write as _;
use std::process::Command;

use crate::artifacts::workspace;

/// Whether a program is there; if not, the test is listed as skipped.
///
/// # Panics
/// When the list cannot be written.
#[must_use]
pub fn has(test: &str, program: &str) -> bool {
    let found = Command::new("sh").args(["-c", &format!("command -v {program}")]).output();
    if found.is_ok_and(|output| output.status.success()) {
        return true;
    }
    let line = format!("skipped: {test} ({program} is not installed)");
    eprintln!("{line}");
    let target = workspace().join("target");
    std::fs::create_dir_all(&target).expect("the target folder can be made");
    let list = std::fs::OpenOptions::new().create(true).append(true).open(target.join("skipped.txt"));
    writeln!(list.expect("the list can be opened"), "{line}").expect("the list can be written");
    false
}
