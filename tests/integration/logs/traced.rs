//! What an app says by `tracing`, and its panics.

use std::thread;

use serde_json::Value;

use super::{Place, ask};
use crate::engines::{Engine, on_every_engine};

on_every_engine! { events_are_lines => events_are_lines }

fn events_are_lines(engine: Engine) {
    let place = Place::new();
    let (log, access) = (place.name("log"), place.name("access"));
    let flags = ["--log-file", &log, "--log-format", "json", "--access-log", &access, "--access-log-format", "json"];
    let server = engine.serve("traced:app", &flags);
    // At the same time, where the engine can: lines of two requests must not be mixed up.
    thread::scope(|scope| {
        for prefix in ["nap?a", "nap?b"] {
            let server = &server;
            let asking = scope.spawn(move || ask(server, prefix, 3));
            // It closes connections that wait while others do.
            if engine.name == "single" {
                asking.join().unwrap();
            }
        }
    });
    ask(&server, "panic?", 1);
    ask(&server, "thread?", 1);
    server.stop();
    let lines = place.objects("log");
    let said = |message: &str| -> Vec<&Value> {
        lines
            .iter()
            .filter(|line| line["part"] == "traced" && line["message"].as_str().unwrap().starts_with(message))
            .collect()
    };
    let created = said("created");
    assert!(created[0]["level"] == "INFO" && created[0].get("request_id").is_none(), "{created:?}");
    let [asked, answers] = ["asked", "answers"].map(said);
    assert_eq!((asked.len(), answers.len()), (8, 7), "{lines:#?}");
    assert!(asked.iter().all(|line| line["level"] == "INFO") && answers.iter().all(|line| line["level"] == "DEBUG"));
    assert!(asked[0]["message"].as_str().unwrap().contains(" path=\"/nap\" length=4"), "{}", asked[0]);
    let ids = |lines: &[&Value]| -> Vec<String> { lines.iter().map(|line| line["request_id"].to_string()).collect() };
    let (asked, answers) = (ids(&asked), ids(&answers));
    let answered: Vec<String> = place.objects("access").iter().map(|line| line["request_id"].to_string()).collect();
    assert!(asked.iter().all(|id| answered.contains(id) && asked.iter().filter(|it| *it == id).count() == 1));
    assert!(answers.iter().all(|id| asked.contains(id)), "{answers:?} of {asked:?}");
    let elsewhere = said("elsewhere");
    assert!(elsewhere.len() == 1 && elsewhere[0].get("request_id").is_none(), "{elsewhere:?}");
    let panics: Vec<&Value> = lines.iter().filter(|line| line["part"] == "panic").collect();
    assert_eq!(panics.len(), 1, "{lines:#?}");
    let message = panics[0]["message"].as_str().unwrap();
    assert!(message.starts_with("panicked at ") && message.ends_with(": nothing is here"), "{message}");
    assert!(message.contains("src/lib.rs:") && asked.contains(&panics[0]["request_id"].to_string()), "{message}");
    assert!(said("nobody").is_empty());
}
