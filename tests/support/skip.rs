//! Tests that cannot run where they are: listed by name, never silently passed.

use std::io::Write as _;
use std::process::Command;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::artifacts::workspace;

/// Whether a program is there; if not, the test is listed as skipped.
///
/// # Panics
/// When the list cannot be written.
#[must_use]
pub fn has(test: &str, program: &str) -> bool {
    let found = Command::new("sh").args(["-c", &format!("command -v {program}")]).output();
    let found = found.is_ok_and(|output| output.status.success());
    if !found {
        list(test, &format!("{program} is not installed"));
    }
    found
}

/// Whether a file is there that a program needs; if not, the test is listed as
/// skipped.
///
/// # Panics
/// When the list cannot be written.
#[must_use]
pub fn has_file(test: &str, path: &str) -> bool {
    let found = std::path::Path::new(path).exists();
    if !found {
        list(test, &format!("{path} is not there"));
    }
    found
}

/// Whether this process, and those that it starts, may have so many
/// descriptors, its limit raised as far as needed; if not, the test is listed
/// as skipped.
///
/// # Panics
/// When the list cannot be written.
#[must_use]
pub fn has_descriptors(test: &str, count: u64) -> bool {
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= count) {
        return true;
    }
    let raised = setrlimit(Resource::Nofile, Rlimit { current: Some(count), maximum: limit.maximum }).is_ok();
    if !raised {
        list(test, &format!("it needs {count} descriptors"));
    }
    raised
}

/// Whether this process may become any user; if not, the test is listed as
/// skipped.
///
/// # Panics
/// When the list cannot be written.
#[must_use]
pub fn is_root(test: &str) -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        list(test, "it needs root");
    }
    root
}

/// Whether this process may make network namespaces; if not, the test is listed as
/// skipped.
///
/// # Panics
/// When the list cannot be written.
#[must_use]
pub fn has_networks(test: &str) -> bool {
    if !has(test, "ip") || !is_root(test) {
        return false;
    }
    // Root of a container may not.
    let tried = Command::new("unshare").args(["--net", "true"]).output();
    let may = tried.is_ok_and(|output| output.status.success());
    if !may {
        list(test, "it needs network namespaces");
    }
    may
}

fn list(test: &str, why: &str) {
    let line = format!("skipped: {test} ({why})");
    eprintln!("{line}");
    let target = workspace().join("target");
    std::fs::create_dir_all(&target).expect("the target folder can be made");
    let list = std::fs::OpenOptions::new().create(true).append(true).open(target.join("skipped.txt"));
    writeln!(list.expect("the list can be opened"), "{line}").expect("the list can be written");
}
