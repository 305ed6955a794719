//! Whatever a client or an app says, it says it on one line, in its own field.

use gateway_tests::client::Client;
use gateway_tests::server::Server;

use super::Place;

/// What a client may try in a target, or in a header's value.
fn attempts() -> Vec<Vec<u8>> {
    let mut attempts: Vec<Vec<u8>> = [
        &b"/\" 500 1 \"http://x\" \"y"[..],
        b"/\",\"status\":500,\"x\":\"",
        b"/\\\" \\n \\x0a",
        b"/%0d%0a127.0.0.1%20-%20-%20[x]%20%22GET%20/%20HTTP/1.1%22%20200%205",
        b"/\x1b[2K\x1b[1A",
        b"/\xff\xfe\xc3",
        "/\u{2028}\u{202e}\u{85}".as_bytes(),
        b"/\t\t",
        b"/\x00\x07\x08\x7f",
        b"/\r127.0.0.1 - - [x] \"GET / HTTP/1.1\" 200 5",
        b"/\n127.0.0.1 - - [x] \"GET / HTTP/1.1\" 200 5",
    ]
    .map(<[u8]>::to_vec)
    .into();
    attempts.push([&b"/"[..], &b"\"".repeat(7000)].concat());
    attempts
}

/// Requests that try it in the target, in headers, in one that is folded, and by being no
/// request at all.
fn requests(attempt: &[u8]) -> Vec<Vec<u8>> {
    let all = |parts: &[&[u8]]| parts.concat();
    vec![
        all(&[b"GET ", attempt, b" HTTP/1.1\r\nHost: a\r\n\r\n"]),
        all(&[b"GET / HTTP/1.1\r\nHost: a\r\nReferer: ", attempt, b"\r\nUser-Agent: ", attempt, b"\r\n\r\n"]),
        all(&[b"GET / HTTP/1.1\r\nHost: a\r\nUser-Agent: a\r\n ", attempt, b"\r\n\r\n"]),
        all(&[b"GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Basic ", attempt, b"\r\n\r\n"]),
        all(&[attempt, b"\r\n\r\n"]),
        all(&[attempt, b" / HTTP/1.1\r\nHost: ", attempt, b"\r\n\r\n"]),
    ]
}

/// The lines after all of it, in this format; there is one for each answer.
fn lines(format: &str) -> Vec<String> {
    let place = Place::new();
    let (access, log) = (place.name("access"), place.name("log"));
    let flags = ["--access-log", &access, "--access-log-format", format, "--log-file", &log, "--log-format", "json"];
    let server = Server::start("hello:app", &flags);
    let mut answers = 0;
    for request in attempts().iter().flat_map(|attempt| requests(attempt)) {
        let mut client = Client::new(server.connect());
        // A refusal may come before the end.
        let _ = client.send(&request);
        client.finish();
        while client.response("GET").is_ok() {
            answers += 1;
        }
    }
    server.stop();
    let lines = place.lines("access");
    assert!(answers > attempts().len() && lines.len() == answers, "{answers}: {lines:#?}");
    // Of the server's own lines each is one object.
    assert!(place.objects("log").iter().all(|line| line["pid"].is_u64()));
    let all = place.read("access") + &place.read("log");
    assert!(!all.chars().any(|char| char != '\n' && gateway_spec::is_unsafe(char)), "{all}");
    lines
}

#[test]
fn no_client_forges_a_line_of_text() {
    for line in lines("combined") {
        assert!(line.is_ascii() && line.starts_with("127.0.0.1 - "), "{line}");
        // The request, the referer, the user agent.
        assert_eq!(line.matches('"').count(), 6, "{line}");
        let status = line.split('"').nth(2).unwrap();
        assert!([" 200 14 ", " 400 - "].contains(&status), "{line}");
    }
    for line in lines("common") {
        assert_eq!(line.matches('"').count(), 2, "{line}");
    }
}

#[test]
fn no_client_forges_a_field() {
    for line in lines("%s|%{User-Agent}i|%{Referer}i|%r %m %U %{Host}i") {
        assert_eq!((line.matches('|').count(), line.matches(' ').count()), (3, 3), "{line}");
        assert!(["200", "400"].contains(&line.split('|').next().unwrap()), "{line}");
    }
}

#[test]
fn no_client_forges_json() {
    for line in lines("json") {
        let line = super::object(&line);
        assert!(line["status"] == 200 || line["status"] == 400, "{line}");
        assert_eq!(line["client"], "127.0.0.1");
    }
}
