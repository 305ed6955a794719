//! `--loops`, `--threads`, `--hand-over`: what they say, take and refuse.

use std::num::NonZero;
use std::thread::available_parallelism;

use gateway_tests::artifacts;
use gateway_tests::gate::{Form, Gate, Held};
use gateway_tests::process::epoll_sets;
use gateway_tests::server::run;
use gateway_tests::wait::until;

use super::{Mode, asking, figure, is_answered, refuses, serve};

fn text(arguments: &[&str]) -> (Option<i32>, String) {
    let output = run(arguments);
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    (output.status.code(), text)
}

#[test]
fn help_says_what_they_do_and_their_defaults() {
    let (code, help) = text(&["--help"]);
    assert_eq!(code, Some(0));
    let engine = help.split("Engine:").nth(1).expect("they stand under a heading");
    let engine = engine.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in [
        "--loops <N> leader: how many threads poll at once [default: the cores of this process]",
        "--threads <N> leader: the most calls of the app at once [default: 64]",
        "--hand-over <WHEN> leader:",
        "[default: auto]",
    ] {
        assert!(engine.contains(words), "no {words:?} in {engine}");
    }
}

#[test]
fn what_is_no_number_or_another_engines_is_refused() {
    let hello = format!("{}:app", artifacts::module("hello").display());
    for (flag, value, word) in [
        ("--loops", "0", "0"),
        ("--loops", "two", "two"),
        ("--loops", "-1", "-1"),
        ("--loops", "70000", "70000"),
        ("--threads", "0", "0"),
        ("--threads", "many", "many"),
        ("--threads", "70000", "70000"),
        ("--hand-over", "sometimes", "auto, always, never"),
        ("--hand-over", "", "auto, always, never"),
    ] {
        let (code, text) = text(&[&format!("{flag}={value}"), &hello]);
        assert!(code == Some(2) && text.contains(flag) && text.contains(word), "{flag} {value}: {text}");
    }
    for (flag, value) in [
        ("--loops", "1"),
        ("--threads", "1"),
        ("--hand-over", "auto"),
        ("--hand-over", "always"),
        ("--hand-over", "never"),
    ] {
        for engine in gateway_server::engine::ENGINES.iter().filter(|engine| engine.name != "leader") {
            let (code, text) = text(&["--engine", engine.name, flag, value, &hello]);
            let words = format!("{flag} belongs to --engine leader; the engine is {}", engine.name);
            assert!(code == Some(2) && text.contains(&words), "{text}");
        }
    }
}

/// Each loop has an epoll set of its own.
fn has_loops(mode: Mode, more: &[&str], count: usize) {
    let gate = Gate::new();
    let server = serve(&gate, Form::Concurrent, mode, more);
    until("a set for each loop", || epoll_sets(server.id()), |sets| *sets == count);
    let mut clients: Vec<_> = (0..count).map(|_| asking(&server, "/")).collect();
    clients.iter_mut().for_each(|client| is_answered(client, &server));
}

#[test]
fn there_are_as_many_loops_as_cores_or_as_said() {
    let cores = available_parallelism().map_or(1, NonZero::get);
    has_loops(&[], &[], cores);
    has_loops(&["--loops", "1"], &[], 1);
    // More than there are cores.
    let more = (cores + 5).to_string();
    has_loops(&[], &["--loops", &more], cores + 5);
}

/// A loop that could never call, or never have a client, would be of no use.
#[test]
fn there_are_no_more_loops_than_calls_or_connections() {
    has_loops(&["--loops", "8", "--threads", "2"], &[], 2);
    has_loops(&["--loops", "8", "--connections", "6"], &[], 6);
    has_loops(&["--loops", "8", "--threads", "1"], &["--hand-over", "always"], 1);
}

#[test]
fn sixty_four_calls_run_at_once_where_nothing_else_is_said() {
    let gate = Gate::new();
    let server = serve(&gate, Form::Concurrent, &[], &[]);
    let mut clients: Vec<_> = (0..70).map(|_| asking(&server, "/hold")).collect();
    let inside = gate.take(64);
    refuses(&server);
    assert!(gate.look().is_none(), "more than 64 are inside");
    inside.into_iter().for_each(Held::release);
    gate.take(6).into_iter().for_each(Held::release);
    clients.iter_mut().for_each(|client| is_answered(client, &server));
    assert_eq!(figure(&server, "/most"), 64);
}

/// An app that takes one call at a time gets one, whatever is said.
#[test]
fn an_exclusive_app_is_called_once_at_a_time_whatever_is_said() {
    let gate = Gate::new();
    let server = serve(&gate, Form::Exclusive, &["--threads", "8"], &["--hand-over", "always"]);
    let mut clients: Vec<_> = (0..20).map(|_| asking(&server, "/hold")).collect();
    (0..20).for_each(|_| gate.next().release());
    clients.iter_mut().for_each(|client| is_answered(client, &server));
    assert_eq!(figure(&server, "/most"), 1);
}
