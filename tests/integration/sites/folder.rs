//! Modules of one page each, in a folder that is served.

use gateway_tests::artifacts;
use gateway_tests::client::Client;
use gateway_tests::server::{Server, command};

use super::{Asked, answers};

const ASKED: &[Asked] = &[
    ("GET /x/ctime", 200, " UTC+00:00\n"),
    ("GET /x/ctime?timezone=e8", 200, " UTC+08:00\n"),
    ("GET /x/ctime?timezone=mars", 400, "as in e8, w5 or e5:30.\n"),
    ("GET /x/sayhello", 200, "Hello, World!\n"),
    ("GET /x/sayhello?name=Ada", 200, "Hello, Ada!\n"),
    // There are no such modules, these have no such pages, and nothing is elsewhere.
    ("GET /x/sayhaha", 404, ""),
    ("GET /x/libctime.so", 404, ""),
    ("GET /x/ctime/sayhello", 404, ""),
    ("GET /x/", 404, ""),
    ("GET /x", 404, ""),
    ("GET /ctime", 404, ""),
    ("GET /", 404, ""),
];

#[test]
fn modules_in_a_folder_answer_by_their_names() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["ctime", "sayhello"] {
        std::fs::copy(artifacts::module(name), folder.path().join(format!("lib{name}.so"))).unwrap();
    }
    let mounted = format!("/x={}", folder.path().display());
    let server = Server::spawn(command(&["--bind", "127.0.0.1:0", "--app-dir", &mounted, "--lint"]), 1);
    answers(&mut Client::new(server.connect()), ASKED);
    server.stop();
}

#[test]
fn modules_to_drop_in_answer_at_their_root() {
    for (app, text) in [("ctime:app", " UTC+00:00\n"), ("sayhello:app", "Hello, World!\n")] {
        let server = Server::start(app, &["--lint"]);
        answers(&mut Client::new(server.connect()), &[("GET /", 200, text)]);
    }
}
