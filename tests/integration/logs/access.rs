//! What stands in the access log, on each engine, to the last line.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use gateway_tests::client::Client;
use gateway_tests::gate::{Form, Gate};
use gateway_tests::packets::{scgi, uwsgi};
use gateway_tests::process::{children, threads_named};
use gateway_tests::server::Server;
use gateway_tests::wait::until;

use super::{Place, ask};
use crate::engines::{Engine, on_every_engine};

const COUNT: usize = 50;

on_every_engine! { all_lines_are_there_at_the_end => all_lines_are_there_at_the_end }

fn all_lines_are_there_at_the_end(engine: Engine) {
    for workers in [&[][..], &["--workers", "2"]] {
        let place = Place::new();
        let name = place.name("access");
        let server = engine.serve("hello:app", &[workers, &["--access-log", &name]].concat());
        ask(&server, "a", COUNT);
        ask(&server, "b", COUNT);
        let log = server.stop();
        let lines = place.lines("access");
        assert_eq!(lines.len(), 2 * COUNT, "{workers:?} {log}");
        for (number, prefix) in (0..COUNT).flat_map(|number| [(number, "a"), (number, "b")]) {
            let words = format!("\"GET /{prefix}{number} HTTP/1.1\" 200 14 \"-\" \"-\"");
            assert_eq!(lines.iter().filter(|line| line.ends_with(&words)).count(), 1, "{words}: {lines:?}");
        }
        assert!(lines.iter().all(|line| line.starts_with("127.0.0.1 - - [")), "{lines:?}");
        assert!(!log.contains("could not be written"), "{log}");
    }
}

on_every_engine! { what_a_web_server_says_is_in_the_line => what_a_web_server_says_is_in_the_line }

/// Whom it has let in, not whom the client says; and of a request that is refused, what it
/// was.
fn what_a_web_server_says_is_in_the_line(engine: Engine) {
    let place = Place::new();
    let name = place.name("access");
    let binds = ["--bind", "127.0.0.1:0", "--bind", "uwsgi://127.0.0.1:0", "--bind", "scgi://127.0.0.1:0"];
    let server = engine.serve("hello:app", &[&binds[..], &["--access-log", &name]].concat());
    let ask = |number: usize, path: &str| {
        let pairs = [
            ("CONTENT_LENGTH", "0"),
            ("SCGI", "1"),
            ("REQUEST_METHOD", "GET"),
            ("REQUEST_URI", "/a\"?b"),
            ("PATH_INFO", path),
            ("SERVER_PROTOCOL", "HTTP/1.1"),
            ("REMOTE_ADDR", "192.0.2.1"),
            ("REMOTE_USER", "eva"),
            // bob:
            ("HTTP_AUTHORIZATION", "Basic Ym9iOg=="),
        ];
        let pairs = pairs.map(|(name, value)| (name.into(), value.into()));
        let packet = if number == 1 { uwsgi(&pairs) } else { scgi(&pairs) };
        let address = server.places()[number].split_once("://").unwrap().1.to_owned();
        let mut client = TcpStream::connect(address).unwrap();
        client.write_all(&packet).unwrap();
        client.read_to_end(&mut Vec::new()).unwrap();
    };
    for number in [1, 2] {
        ask(number, "/a");
        ask(number, "a");
    }
    let log = server.stop();
    let lines = place.lines("access");
    let good = r#""GET /a\x22?b HTTP/1.1" 200 14 "-" "-""#;
    let bad = r#""GET /a\x22?b HTTP/1.1" 400 - "-" "-""#;
    let count = |begin: &str, end: &str| lines.iter().filter(|it| it.starts_with(begin) && it.ends_with(end)).count();
    let counts = (count("192.0.2.1 - eva [", good), count("127.0.0.1 - - [", bad));
    assert_eq!(counts, (2, 2), "{lines:?} {log}");
}

on_every_engine! { a_reload_loses_no_line => a_reload_loses_no_line }

fn a_reload_loses_no_line(engine: Engine) {
    let place = Place::new();
    let name = place.name("access");
    let more = ["--workers", "2", "--access-log", &name, "--access-log-format", "json"];
    let server = engine.serve("hello:app", &more);
    ask(&server, "a", COUNT);
    let old = children(server.id());
    server.signal("HUP");
    let are_new = |now: &Vec<u32>| now.len() == 2 && now.iter().all(|process| !old.contains(process));
    until("the old workers are gone", || children(server.id()), are_new);
    // None of what they served is lost with them.
    assert_eq!(place.objects("access").len(), COUNT);
    ask(&server, "b", COUNT);
    let log = server.stop();
    let targets: BTreeSet<String> = place.objects("access").iter().map(|line| line["target"].to_string()).collect();
    assert_eq!((place.objects("access").len(), targets.len()), (2 * COUNT, 2 * COUNT), "{log}");
}

/// Where the app's calls run on, too.
#[test]
fn calls_that_do_not_end_in_time_do_not_take_lines_with_them() {
    let (place, gate) = (Place::new(), Gate::new());
    let name = place.name("access");
    let server = gate.serve(Form::Concurrent, &["--graceful-timeout", "50ms", "--access-log", &name]);
    let mut quick = Client::new(server.connect());
    quick.send(b"GET /hold?quick HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    gate.next().release();
    quick.response("GET").unwrap();
    let mut slow = Client::new(server.connect());
    slow.send(b"GET /hold?slow HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    let held = gate.next();
    server.signal("TERM");
    let (status, log) = server.wait();
    assert!(status.code() == Some(1) && log.contains("did not end in time: 1"), "{status} {log}");
    assert!(place.read("access").contains("GET /hold?quick HTTP/1.1"), "{log}");
    drop(held);
}

#[test]
fn lines_come_without_an_end() {
    let place = Place::new();
    let name = place.name("access");
    let server = Server::start("hello:app", &["--access-log", &name]);
    for count in 1..=3 {
        ask(&server, "a", 1);
        until("the line is there", || place.lines("access").len(), |lines| *lines == count);
    }
    assert_eq!(threads_named(server.id(), "access-log").len(), 1);
    server.stop();
}

#[test]
fn without_the_flag_nobody_writes() {
    let server = Server::start("hello:app", &[]);
    ask(&server, "a", 1);
    assert!(threads_named(server.id(), "access-log").is_empty());
    server.stop();
}

#[test]
fn a_format_of_ones_own() {
    let place = Place::new();
    let name = place.name("access");
    let format = "%h %P %L %{Host}i %{gateway.url_scheme}e %m %U%q %H %s %B %b %{X-Request-ID}i %u";
    let server = Server::start("hello:app", &["--access-log", &name, "--access-log-format", format]);
    let mut client = Client::new(server.connect());
    client
        .send(
            b"HEAD /a?b HTTP/1.1\r\nHost: shop\r\nX-Request-ID: abc\r\nAuthorization: Basic QWxhZGRpbjpvcGVu\r\n\r\n\
              GET /a HTTP/1.0\r\n\r\n",
        )
        .unwrap();
    client.response("HEAD").unwrap();
    client.response("GET").unwrap();
    let pid = server.id();
    server.stop();
    let lines = place.lines("access");
    assert_eq!(lines.len(), 2);
    let id = lines[0].split(' ').nth(2).unwrap();
    assert!(id.starts_with(&format!("{pid}-")) && id.ends_with("-1"), "{id}");
    let other = format!("{}-2", id.strip_suffix("-1").unwrap());
    assert_eq!(lines[0], format!("127.0.0.1 {pid} {id} shop http HEAD /a?b HTTP/1.1 200 0 - abc Aladdin"));
    assert_eq!(lines[1], format!("127.0.0.1 {pid} {other} - http GET /a HTTP/1.0 200 14 14 - -"));
}

#[test]
fn standard_output_takes_lines_too() {
    let place = Place::new();
    let out = std::fs::File::create(place.path("out")).unwrap();
    let bind = place.name("app.sock");
    let mut command = gateway_tests::server::command(&["--access-log", "-", "--access-log-format", "json"]);
    command.args(["--bind", &format!("unix:{bind}"), &gateway_tests::artifacts::module("hello").display().to_string()]);
    let mut child = command.stdout(out).stderr(std::process::Stdio::null()).spawn().unwrap();
    until("it listens", || place.lines("out").len(), |lines| *lines == 1);
    let mut client = std::os::unix::net::UnixStream::connect(&bind).unwrap();
    std::io::Write::write_all(&mut client, b"GET /u HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    until("the line is there", || place.lines("out").len(), |lines| *lines == 2);
    let line = super::object(&place.lines("out")[1]);
    // A Unix socket has no address.
    assert!(line["target"] == "/u" && line.get("client").is_none() && line["status"] == 200, "{line}");
    let pid = rustix::process::Pid::from_raw(child.id().cast_signed()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert!(child.wait().unwrap().success());
}

/// Of a client that left, of one that was refused, and of one that was too late.
#[test]
fn answers_that_are_no_good_have_lines_too() {
    let place = Place::new();
    let name = place.name("access");
    let flags = ["--access-log", &name, "--access-log-format", "json", "--request-timeout", "100ms"];
    let server = Server::start("faulty:app", &flags);
    for request in ["GET /panic_in_call HTTP/1.1\r\nHost: a\r\n\r\n", "nonsense\r\n\r\n", "GET / HTTP/1.1\r\n\r\n"] {
        let mut client = Client::new(server.connect());
        client.send(request.as_bytes()).unwrap();
        client.response("GET").unwrap();
    }
    server.stop();
    let mut lines: Vec<String> = place
        .objects("access")
        .iter()
        .map(|line| format!("{} {} {}", line["status"], line["target"], line["line"]))
        .collect();
    lines.sort();
    assert_eq!(lines, ["400 null \"GET / HTTP/1.1\"", "400 null \"nonsense\"", "500 \"/panic_in_call\" null"]);
}
