//! What is refused at the start, and how.

use gateway_tests::artifacts;
use gateway_tests::server::{command, run};

use super::Place;

fn check(arguments: &[&str], code: i32, words: &str) {
    let hello = artifacts::module("hello").display().to_string();
    let output = run(&[arguments, &["--bind", "127.0.0.1:0", &hello]].concat());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
    assert!(said.contains(words), "{arguments:?}: no {words:?} in {said}");
}

#[test]
fn settings_that_make_no_sense() {
    check(&["--access-log-format", "json"], 2, "--access-log-format belongs to --access-log, which is not given");
    check(&["--access-log", "-", "--access-log-format", "%h %Z"], 2, "there is no %Z; there are %h, ");
    check(&["--access-log", "-", "--access-log-format", "combind"], 2, "write common, combined, json, or a format");
    check(&["--access-log", "-", "--access-log-format", "%{X}o"], 2, "there is no %{X}o; ");
    check(&["--access-log", "-", "--access-log-format", "%h\n"], 2, "one line");
    check(&["--log-format", "xml"], 2, "possible values: text, json");
    check(&["--log-level", "loud"], 2, "possible values: error, warn, info, debug, trace");
}

#[test]
fn logs_that_cannot_be_written() {
    for flag in ["--log-file", "--access-log"] {
        let what = if flag == "--log-file" { "log" } else { "access log" };
        for (path, why) in [("/nowhere/x", "No such file or directory"), ("/", "Is a directory")] {
            for how in ["--no-master", "--workers=2"] {
                check(&[how, flag, path], 1, &format!("gateway-server: cannot write the {what} {path}: {why}"));
            }
        }
    }
}

/// As all paths are, but those of the file of --config.
#[test]
fn paths_are_seen_from_the_folder() {
    let place = Place::new();
    let hello = artifacts::module("hello").display().to_string();
    std::fs::create_dir(place.path("sub")).unwrap();
    let text = "access-log = \"-\"\nlog-file = \"log\"\nlog-format = \"json\"\n";
    std::fs::write(place.path("gateway.toml"), text).unwrap();
    let (file, sub) = (place.name("gateway.toml"), place.name("sub"));
    let page = run(&["--config", &file, "--print-config", &hello]);
    let page = String::from_utf8_lossy(&page.stdout).into_owned();
    assert!(
        page.contains("access-log = \"-\"") && page.contains(&format!("log-file = \"{}\"", place.name("log"))),
        "{page}"
    );
    let mut command = command(&["--chdir", &sub, "--access-log", "access", "--log-file", "log"]);
    command.args(["--bind", "127.0.0.1:0", &hello]);
    let server = gateway_tests::server::Server::spawn(command, 1);
    super::ask(&server, "a", 1);
    server.stop();
    assert!(place.lines("sub/access").len() == 1 && place.read("sub/log").contains("stopped"));
}
