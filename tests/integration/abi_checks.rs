//! What a module shows to the dynamic linker: `gateway_entry` and nothing else.
//! A generic exported name really is interposed by the host's or libc's.

use std::path::Path;
use std::process::Command;

use gateway_tests::artifacts;

/// The modules that are looked at: packages whose module is `lib<package>.so`.
const PACKAGES: &[&str] =
    &["conformance", "hello", "environ", "middleware", "counter", "multi", "stream", "probe", "bench", "faulty"];

/// C files, with the names of their modules.
const C_FILES: &[(&str, &str)] = &[
    ("tests/plugins/conformance.c", "c_conformance"),
    ("tests/plugins/faults.c", "good"),
    ("example-apps/c-hello/hello.c", "c_hello"),
];

/// The dynamic symbols that a library defines, without those of the linker.
fn exports(path: &Path) -> Vec<String> {
    let output = Command::new("nm").args(["-D", "--defined-only"]).arg(path).output().expect("nm can be run");
    assert!(output.status.success(), "nm failed: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().filter_map(|line| line.split_whitespace().last()).map(str::to_owned).collect()
}

#[test]
fn rust_modules_export_the_entry_alone() {
    for package in PACKAGES {
        assert_eq!(exports(&artifacts::module(package)), ["gateway_entry"], "{package}");
    }
}

#[test]
fn c_modules_export_the_entry_alone() {
    for (source, name) in C_FILES {
        assert_eq!(exports(&artifacts::c_module(source, name, &[])), ["gateway_entry"], "{source}");
    }
}

#[test]
fn a_module_without_the_entry_shows_that() {
    let path = artifacts::c_module("tests/plugins/faults.c", "no_entry", &["FAULT_NO_ENTRY"]);
    assert_eq!(exports(&path), Vec::<String>::new());
}
