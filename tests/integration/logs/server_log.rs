//! The server's own log.

use gateway_tests::server::{Server, command};

use super::{Place, ask};

#[test]
fn lines_of_json_are_objects() {
    let place = Place::new();
    let log = place.name("log");
    let server = Server::start("faulty:app", &["--workers", "2", "--log-file", &log, "--log-format", "json"]);
    ask(&server, "panic_in_call?", 2);
    let master = server.id();
    let said = server.stop();
    let lines = place.objects("log");
    for line in &lines {
        assert_eq!(line["timestamp"].as_str().unwrap().len(), "2000-01-01T00:00:00.000000Z".len(), "{line}");
        assert!(["ERROR", "WARN", "INFO", "DEBUG"].contains(&line["level"].as_str().unwrap()), "{line}");
        assert!(line["target"].is_string() && line["message"].is_string(), "{line}");
        // The master is no worker.
        assert_eq!(line["pid"] == master, line.get("worker").is_none(), "{line}");
    }
    let failed: Vec<_> =
        lines.iter().filter(|line| line["message"].as_str().unwrap().contains("panic_in_call")).collect();
    assert!(failed.len() >= 2, "{lines:#?}");
    let ids: Vec<&str> = failed
        .iter()
        .filter(|line| line["level"] == "ERROR")
        .map(|line| line["request_id"].as_str().unwrap())
        .collect();
    assert!(ids.len() == 2 && ids[0] != ids[1], "{ids:?}");
    assert!(
        failed.iter().all(|line| line["request_id"].as_str().unwrap().starts_with(&format!("{}-", line["pid"]))),
        "{ids:?}"
    );
    assert!(lines.iter().any(|line| line["message"] == "stopped"));
    // Nothing but panics is said elsewhere.
    assert!(!said.contains("stopped"), "{said}");
}

#[test]
fn a_level_chooses_unless_the_variable_does() {
    for (level, variable, expected) in [
        ("error", None, [false, false]),
        ("info", None, [true, false]),
        ("debug", None, [true, true]),
        ("error", Some("info"), [true, false]),
        ("error", Some("gateway_server::net=info"), [true, false]),
        ("debug", Some("app=debug"), [false, true]),
    ] {
        let place = Place::new();
        let log = place.name("log");
        let target = gateway_tests::artifacts::module("traced").display().to_string();
        let mut command =
            command(&["--no-master", "--log", &log, "--log-level", level, "--bind", "127.0.0.1:0", &target]);
        match variable {
            Some(value) => command.env("GATEWAY_LOG", value),
            None => command.env_remove("GATEWAY_LOG"),
        };
        let server = Server::spawn(command, 1);
        ask(&server, "a", 1);
        server.stop();
        let log = place.read("log");
        let found = ["descriptors (nofile)", "answers"].map(|words| log.contains(words));
        assert_eq!(found, expected, "{level} {variable:?}: {log}");
    }
}

#[test]
fn a_line_of_text_says_who() {
    let place = Place::new();
    let log = place.name("log");
    let server = Server::start("faulty:app", &["--log-file", &log]);
    ask(&server, "panic_in_call?", 1);
    let pid = server.id();
    server.stop();
    let lines = place.lines("log");
    let is_so = |words: &str, who: &str| {
        lines.iter().any(|line| line.contains(words) && line.split(' ').nth(1).is_some_and(|it| it.starts_with(who)))
    };
    assert!(is_so("stopped", &pid.to_string()) && is_so("panic_in_call", &format!("{pid}-")), "{lines:#?}");
    assert!(!place.read("log").contains('\u{1b}'));
}
