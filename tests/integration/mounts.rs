//! Several apps in one server: who answers what, and what each of them sees.

mod folder;
mod folder_load;
mod refusals;
mod reload;
mod router;

use std::path::Path;

use gateway_tests::artifacts;
use gateway_tests::client::{Client, Response};
use gateway_tests::server::{Server, command, run};

use crate::engines::{Engine, on_every_engine};

/// `--mount PLACE=MODULE:app`
fn mount(place: &str, module: &Path) -> [String; 2] {
    ["--mount".to_owned(), format!("{place}={}:app", module.display())]
}

/// The same of an example package.
fn mounted(place: &str, package: &str) -> [String; 2] {
    mount(place, &artifacts::module(package))
}

/// Serves these mounts on a free port, in one process unless there are workers.
fn serve(mounts: &[[String; 2]], more: &[&str]) -> Server {
    let mut command = command(more);
    command.args(["--bind", "127.0.0.1:0"]).args(mounts.iter().flatten());
    if !more.contains(&"--workers") {
        command.arg("--no-master");
    }
    Server::spawn(command, 1)
}

fn ask(server: &Server, host: &str, target: &str) -> Response {
    let mut client = Client::new(server.connect());
    let request = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    client.send(request.as_bytes()).unwrap();
    client.response("GET").unwrap_or_else(|error| panic!("{host} {target}: {error}\n{}", server.log()))
}

/// What an app that is asked for it by `/env?NAME` says of a variable.
fn variable(server: &Server, path: &str, name: &str) -> String {
    let response = ask(server, "a", &format!("{path}/env?{name}"));
    assert_eq!(response.status, 200, "{path} {name}");
    response.text()
}

on_every_engine! {
    each_app_has_its_part_of_the_path => |engine: Engine| {
        let mounts = [mounted("/a", "conformance"), mounted("/a/b", "conformance"), mounted("/hello", "hello")];
        let server = serve(&mounts, engine.flags);
        for (path, mount) in [("/a", "/a"), ("/a/x", "/a"), ("/a/b", "/a/b"), ("/a/b/c", "/a/b"), ("/a/bc", "/a")] {
            let answer = ask(&server, "a", &format!("{path}/env?SCRIPT_NAME"));
            // The conformance app answers one path only; others tell that they are no case.
            let known = path == mount;
            assert_eq!(answer.text(), if known { format!("={mount}") } else { "no such case".to_owned() }, "{path}");
        }
        assert_eq!(variable(&server, "/a", "PATH_INFO"), "=/env");
        assert_eq!(variable(&server, "/a/b", "REQUEST_URI"), "=/a/b/env?REQUEST_URI");
        // Not only what is asked for: bodies in both directions, files, errors.
        assert_eq!(ask(&server, "a", "/a/stream").text(), "chunk 0\nchunk 1\nchunk 2\nchunk 3\n");
        assert_eq!(ask(&server, "a", "/a/write").text(), "first, second, third\n");
        assert_eq!(ask(&server, "a", "/a/fail?1").status, 500);
        let mut client = Client::new(server.connect());
        client.send(b"POST /a/b/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello").unwrap();
        assert_eq!(client.response("POST").unwrap().text(), "hello");
        client.send(b"POST /a/stream-echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n").unwrap();
        client.send(b"5\r\nhello\r\n0\r\n\r\n").unwrap();
        assert_eq!(client.response("POST").unwrap().text(), "hello");
        // Nobody is at these; a connection goes on after such an answer.
        for path in ["/", "/ab", "/hellox", "//a", "/A"] {
            client.send(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes()).unwrap();
            assert_eq!(client.response("GET").unwrap().status, 404, "{path}");
        }
        assert_eq!(ask(&server, "a", "/hello").text(), "Hello, World!\n");
        drop(client);
        server.stop();
    },
}

#[test]
fn the_app_without_a_place_is_at_the_root() {
    let mounts =
        [mounted("/more", "conformance"), [artifacts::module("conformance").display().to_string(), "--lint".into()]];
    let server = serve(&mounts, &["--set", "greeting=good day"]);
    assert_eq!(variable(&server, "", "SCRIPT_NAME"), "=");
    assert_eq!(variable(&server, "/more", "SCRIPT_NAME"), "=/more");
    for path in ["/config", "/more/config"] {
        assert_eq!(ask(&server, "a", path).text(), "good day");
    }
    // A target that is no path is the root's.
    let mut client = Client::new(server.connect());
    client.send(b"OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").unwrap();
    assert_eq!(client.response("OPTIONS").unwrap().header("x-case"), Some(""));
    let log = server.log();
    assert!(!log.contains("lint"), "{log}");
    // Each app is linted, wherever it is.
    for path in ["/never", "/more/never"] {
        assert_eq!(ask(&server, "a", path).status, 500);
    }
    assert!(server.stop().matches("START-01").count() >= 2);
}

#[test]
fn hosts_have_apps_of_their_own() {
    let mounts = [mounted("api.test/", "conformance"), mounted("*.test/hello", "hello"), mounted("/hello", "environ")];
    let server = serve(&mounts, &[]);
    for host in ["api.test", "API.TEST", "api.test:8000", "api.test."] {
        assert_eq!(ask(&server, host, "/bytes").text(), "static bytes\n", "{host}");
    }
    // A host that is named owns all of its paths.
    assert_eq!(ask(&server, "api.test", "/hello").text(), "no such case");
    assert_eq!(ask(&server, "www.test", "/hello").text(), "Hello, World!\n");
    assert_eq!(ask(&server, "www.test", "/bytes").status, 404);
    assert!(ask(&server, "other", "/hello").text().contains("SCRIPT_NAME"));
    // What the target says counts more than the header.
    assert_eq!(ask(&server, "other", "http://api.test/bytes").text(), "static bytes\n");
    // Who names none is for anybody.
    let mut client = Client::new(server.connect());
    client.send(b"GET /hello HTTP/1.0\r\n\r\n").unwrap();
    assert!(client.response("GET").unwrap().text().contains("SCRIPT_NAME"));
    server.stop();
}

/// What one app may not do, the others of its server may not either.
#[test]
fn an_app_that_takes_one_call_at_a_time_may_stand_beside_others() {
    let exclusive = artifacts::c_module("tests/plugins/engines.c", "one_at_a_time", &["ONE_AT_A_TIME"]);
    let server = serve(&[mount("/one", &exclusive), mounted("/hello", "hello")], &[]);
    assert_eq!(ask(&server, "a", "/hello").text(), "Hello, World!\n");
    assert_eq!(ask(&server, "a", "/one").text(), "1 at a time\n");
    server.stop();
}

#[test]
fn each_app_may_have_settings_of_its_own() {
    let mounts = [mounted("/a", "conformance"), mounted("/b", "conformance"), mounted("x.test/count", "counter")];
    let all = ["--set", "/b:greeting=b", "--set", "X.test/count:start=41", "--set", "/a:greeting=a:b=c"];
    let server = serve(&mounts, &all);
    assert_eq!(ask(&server, "a", "/a/config").text(), "a:b=c");
    assert_eq!(ask(&server, "a", "/b/config").text(), "b");
    let counted = ask(&server, "x.test", "/count").text();
    assert!(counted.contains("41") || counted.contains("42"), "{counted}");
    server.stop();
    // What is said of all holds where nothing else is said.
    let server = serve(&mounts[..2], &["--set", "/b:greeting=b", "--set", "greeting=all"]);
    assert_eq!(
        (ask(&server, "a", "/a/config").text(), ask(&server, "a", "/b/config").text()),
        ("all".into(), "b".into())
    );
    server.stop();
}

#[test]
fn children_of_fork_create_all_apps() {
    let flags = ["--engine", "fork", "--fork-create", "child", "--set", "greeting=hi"];
    let server = serve(&[mounted("/a", "conformance"), mounted("/b", "conformance")], &flags);
    for path in ["/a/config", "/b/config"] {
        assert_eq!(ask(&server, "a", path).text(), "hi");
    }
    server.stop();
}

/// All of them are looked at; which is broken is said.
#[test]
fn check_looks_at_all() {
    let check = |mounts: &[[String; 2]], code: i32, texts: &[&str]| {
        let arguments: Vec<&str> = mounts.iter().flatten().map(String::as_str).chain(["--check"]).collect();
        let output = run(&arguments);
        let text = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
        assert_eq!(output.status.code(), Some(code), "{text}");
        assert!(texts.iter().all(|words| text.contains(words)), "no {texts:?} in {text}");
    };
    let (hello, api) = (mounted("/", "hello"), mounted("/api", "conformance"));
    check(&[hello.clone(), api.clone()], 0, &["ok: /: /", "ok: /api: /"]);
    let refuses = ["--mount".to_owned(), format!("x.test/b={}:refuses", artifacts::module("conformance").display())];
    check(&[hello.clone(), refuses], 1, &["ok: /: /", "x.test/b: ", "no database today"]);
    let crashing = artifacts::c_module("tests/plugins/crash.c", "crash_signal", &["CRASH_SIGNAL"]);
    check(&[api, mount("/bad", &crashing)], 1, &["ok: /api: /", "crashed", "SIGSEGV"]);
    check(&[hello, mount("/bad", Path::new("/no/such.so"))], 2, &["/bad: ", "/no/such.so"]);
}
