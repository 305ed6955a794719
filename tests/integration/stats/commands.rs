//! `gateway-server status` and `top`.

use std::process::Output;

use gateway_tests::artifacts;
use gateway_tests::server::{Server, command, run};

use super::{Told, ask_app};

fn said(output: &Output) -> (Option<i32>, String) {
    let text = [&output.stdout[..], &output.stderr].concat();
    (output.status.code(), String::from_utf8(text).unwrap())
}

#[test]
fn status_says_whether_a_server_runs() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pid");
    let path = file.to_str().unwrap();
    let status = || said(&run(&["status", path]));
    let (code, text) = status();
    assert!(code == Some(3) && text.starts_with("not running: there is no"), "{text}");
    let server = Server::start("hello:app", &["--workers", "2", "--pidfile", path]);
    assert_eq!(ask_app(&server, "/"), 200);
    let (code, text) = status();
    assert_eq!(code, Some(0), "{text}");
    let first = format!("serving: gateway-server {}, process {}, for ", env!("CARGO_PKG_VERSION"), server.id());
    assert!(text.starts_with(&first) && text.ends_with("\nworkers: 2 of 2\nrequests: 1\n"), "{text}");
    server.stop();
    std::fs::write(&file, "4000000\n").unwrap();
    let (code, text) = status();
    assert!(code == Some(3) && text.contains("is left from process 4000000, which has ended"), "{text}");
    // A number that is another program's by now.
    std::fs::write(&file, format!("{}\n", std::process::id())).unwrap();
    assert_eq!(status().0, Some(3));
    std::fs::write(&file, "nobody\n").unwrap();
    let (code, text) = status();
    assert!(code == Some(1) && text.contains("it names no process"), "{text}");
    let alone = Server::start("hello:app", &["--pidfile", path, "--no-master"]);
    let (code, text) = status();
    assert!(code == Some(1) && text.contains("runs, and tells nothing"), "{text}");
    alone.stop();
}

#[test]
fn top_shows_what_is_told() {
    let told = Told::start("hello:app", "2", &[]);
    assert_eq!(ask_app(&told.server, "/a"), 200);
    let (code, text) = said(&run(&["top", "--once", &told.stats.to_string()]));
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("requests     1  (1xx 0, 2xx 1,") && !text.contains('\u{1b}'), "{text}");
    for worker in told.workers() {
        assert!(text.contains(&format!(" {worker} serving ")), "{text}");
    }
    // What nobody reads is not shown on and on.
    let mut endless = command(&["top", &told.stats.to_string()]).stdout(std::process::Stdio::piped()).spawn().unwrap();
    drop(endless.stdout.take());
    assert!(endless.wait().unwrap().success());
    told.server.stop();
}

#[test]
fn top_says_why_it_shows_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (file, socket) = (folder.path().join("token"), folder.path().join("sock"));
    std::fs::write(&file, "a-token-of-some-length\n").unwrap();
    let place = format!("unix:{}", socket.display());
    let top = |more: &[&str]| said(&run(&[&["top", "--once", &place], more].concat()));
    let (code, text) = top(&[]);
    assert!(code == Some(1) && text.contains("nobody answers: is the server running"), "{text}");
    let token = file.to_str().unwrap();
    let server = Server::start("hello:app", &["--workers", "1", "--stats", &place, "--stats-token-file", token]);
    server.wait_for_log("figures for operators at");
    let (code, text) = top(&[]);
    assert!(code == Some(1) && text.contains("the token is missing or wrong"), "{text}");
    assert_eq!(top(&["--token-file", token]).0, Some(0));
    let by_variable = command(&["top", "--once", &place]).env("GATEWAY_STATS_TOKEN_FILE", token).output().unwrap();
    assert_eq!(said(&by_variable).0, Some(0));
    assert_eq!(top(&["--token-file", "/none"]).0, Some(2));
    // An app is not --stats.
    let (code, text) = said(&run(&["top", "--once", &server.address().to_string()]));
    assert!(code == Some(1) && text.contains("is not --stats"), "{text}");
    server.stop();
    assert!(artifacts::server().exists());
}
