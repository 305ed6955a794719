//! Requests that a web server has read: each form, in pieces of every size.

use super::script::{check_scheme, serve_scheme};
use super::*;
use crate::net::Scheme;

const FRONTS: [Scheme; 3] = [Scheme::Uwsgi, Scheme::Scgi, Scheme::FastCgi];

/// A request as a web server sends it.
fn request(scheme: Scheme, pairs: &[(&str, &str)], body: &str) -> Vec<u8> {
    let length = body.len().to_string();
    let pairs = [&[("CONTENT_LENGTH", &*length), ("SCGI", "1")], pairs].concat();
    match scheme {
        Scheme::Uwsgi => uwsgi(&pairs, body),
        Scheme::Scgi => {
            let head: String = pairs.iter().map(|(name, value)| format!("{name}\0{value}\0")).collect();
            format!("{}:{head},{body}", head.len()).into_bytes()
        }
        _ => fastcgi(1, &pairs, body, 1),
    }
}

fn uwsgi(pairs: &[(&str, &str)], body: &str) -> Vec<u8> {
    let text = |text: &str| [&(text.len() as u16).to_le_bytes()[..], text.as_bytes()].concat();
    let head: Vec<u8> = pairs.iter().flat_map(|(name, value)| [text(name), text(value)].concat()).collect();
    [&[0][..], &(head.len() as u16).to_le_bytes(), &[0], &head, body.as_bytes()].concat()
}

fn record(kind: u8, id: u8, content: &[u8]) -> Vec<u8> {
    let [high, low] = (content.len() as u16).to_be_bytes();
    [&[1, kind, 0, id, high, low, 2, 0][..], content, b"pp"].concat()
}

fn fastcgi(id: u8, pairs: &[(&str, &str)], body: &str, keep: u8) -> Vec<u8> {
    let pairs: Vec<u8> = pairs
        .iter()
        .flat_map(|(name, value)| [&[name.len() as u8, value.len() as u8], name.as_bytes(), value.as_bytes()].concat())
        .collect();
    let mut out = record(1, id, &[0, 1, keep, 0, 0, 0, 0, 0]);
    pairs.chunks(50).for_each(|piece| out.extend(record(4, id, piece)));
    out.extend(record(4, id, b""));
    body.as_bytes().chunks(3).for_each(|piece| out.extend(record(5, id, piece)));
    out.extend(record(5, id, b""));
    // The end has no padding: nobody may wait for what nobody sends.
    out.truncate(out.len() - 2);
    let at = out.len() - 2;
    out[at] = 0;
    out
}

/// What a FastCGI web server makes of records: STDOUT of each request, and its end.
fn records(output: &str) -> String {
    let bytes: Vec<u8> = output.chars().map(|char| char as u32 as u8).collect();
    let (mut rest, mut text) = (&bytes[..], String::new());
    while let [1, kind, _, id, high, low, padding, _, behind @ ..] = rest {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        match kind {
            6 => text += &String::from_utf8_lossy(&behind[..length]),
            3 => text += &format!("<end {id} {}>", behind[4]),
            kind => text += &format!("<{kind}>"),
        }
        rest = &behind[length + usize::from(*padding)..];
    }
    assert_eq!(rest, b"", "{output:?}");
    text
}

const GET: &[(&str, &str)] = &[("REQUEST_METHOD", "GET"), ("PATH_INFO", "/a b"), ("REQUEST_URI", "/a%20b?c")];
const POST: &[(&str, &str)] = &[("REQUEST_METHOD", "POST"), ("PATH_INFO", "/c"), ("REQUEST_URI", "/c")];

/// What the web server gets.
fn check_all(app: impl App + 'static + Clone, pairs: &[(&str, &str)], body: &str, head: &str, content: &str) {
    for scheme in FRONTS {
        let input = request(scheme, pairs, body);
        match scheme {
            Scheme::Uwsgi => check_scheme(app.clone(), scheme, &input, &format!("HTTP/1.1 {head}{content}")),
            Scheme::Scgi => check_scheme(app.clone(), scheme, &input, &format!("Status: {head}{content}")),
            _ => {
                let live = Arc::new(service(app.clone()));
                let collected = Arc::new(Service { bodies: Bodies::Collected, ..Service::clone(&live) });
                let step = if cfg!(miri) { input.len() / 2 } else { 1 };
                let sizes = (1..=input.len()).step_by(step);
                for (size, service) in sizes.flat_map(|size| [(size, &live), (size, &collected)]) {
                    let pieces = input.chunks(size).map(<[u8]>::to_vec).collect();
                    let output = serve_scheme(service, scheme, pieces, 5).output;
                    let output: String = output.iter().map(|byte| char::from(*byte)).collect();
                    let expected = format!("Status: {head}{content}<end 1 0>");
                    assert_eq!(plain(&records(&output)), expected, "in pieces of {size}");
                }
            }
        }
    }
}

#[test]
fn front_10_requests_are_answered_in_each_form() {
    check_all(echo, GET, "", "200 OK\nContent-Length: 9\n\n", "GET /a b ");
    check_all(echo, POST, "some body", "200 OK\nContent-Length: 17\n\n", "POST /c some body");
    check_all(stream, GET, "", "200 OK\n\n", "onetwo");
    let head = [&[("REQUEST_METHOD", "HEAD")], &GET[1..]].concat();
    check_all(echo, &head, "", "200 OK\nContent-Length: 10\n\n", "");
}

fn variables<'r>(environ: Environ<'r>, start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
    let mut text = String::new();
    for name in [
        "SCRIPT_NAME",
        "PATH_INFO",
        "QUERY_STRING",
        "REQUEST_URI",
        "SERVER_PROTOCOL",
        "SERVER_NAME",
        "SERVER_PORT",
        "REMOTE_ADDR",
        "HTTPS",
        "HTTP_X_A",
        "CONTENT_TYPE",
        "REMOTE_USER",
        "gateway.url_scheme",
    ] {
        let value = environ.get(name).unwrap_or_default();
        text += &format!("{name}={} ", String::from_utf8_lossy(&value));
    }
    start_response.start(Head::new(Status::OK, &[]))?;
    Ok(Body::from(text))
}

#[test]
fn what_the_web_server_says_is_what_the_app_sees() {
    let pairs = [
        GET,
        &[
            ("SCRIPT_NAME", "/shop"),
            ("QUERY_STRING", "c"),
            ("SERVER_PROTOCOL", "HTTP/2.0"),
            ("SERVER_NAME", "example.org"),
            ("SERVER_PORT", "443"),
            ("REMOTE_ADDR", "192.0.2.1"),
            ("HTTPS", "on"),
            ("HTTP_X_A", "b"),
            ("CONTENT_TYPE", "text/x"),
            ("REMOTE_USER", "eva"),
        ],
    ]
    .concat();
    let content = "SCRIPT_NAME=/shop PATH_INFO=/a b QUERY_STRING=c REQUEST_URI=/a%20b?c SERVER_PROTOCOL=HTTP/2.0 \
                   SERVER_NAME=example.org SERVER_PORT=443 REMOTE_ADDR=192.0.2.1 HTTPS=on HTTP_X_A=b \
                   CONTENT_TYPE=text/x REMOTE_USER=eva gateway.url_scheme=https ";
    check_all(variables, &pairs, "", &format!("200 OK\nContent-Length: {}\n\n", content.len()), content);
}

/// The memory of one connection serves the next, which may speak something else.
#[test]
fn nothing_of_it_is_left_for_the_next_connection() {
    let service = Arc::new(service(app_fn(variables)));
    let mut exchange = Exchange::vacant(service);
    let mut ask = |scheme, input: &[u8]| {
        let endpoint = Endpoint::new(Arc::new(crate::net::Local::new("localhost", 80).speaking(scheme)), None);
        exchange.resume(super::super::Resting::new(endpoint, &now()));
        exchange.room()[..input.len()].copy_from_slice(input);
        exchange.fed(input.len(), &now());
        let mut client = Client { window: usize::MAX, ..Client::default() };
        exchange.run(&mut ScriptedPort(&mut client, now()));
        let Pending::Bytes { bytes, .. } = exchange.pending() else { panic!("it is short") };
        String::from_utf8_lossy(bytes).into_owned()
    };
    let pairs = [GET, &[("SCRIPT_NAME", "/shop"), ("REMOTE_USER", "eva"), ("HTTPS", "on")]].concat();
    for scheme in FRONTS {
        assert!(ask(scheme, &request(scheme, &pairs, "")).contains("SCRIPT_NAME=/shop"));
        let answer = ask(Scheme::Http, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        assert!(answer.contains("SCRIPT_NAME= PATH_INFO=/ "), "{answer}");
        assert!(answer.contains("HTTPS= ") && answer.contains("REMOTE_USER= gateway.url_scheme=http "), "{answer}");
    }
}

#[test]
fn front_08_a_connection_that_stays_serves_one_request_after_the_other() {
    let two = [
        fastcgi(1, &[POST, &[("CONTENT_LENGTH", "5")]].concat(), "first", 1),
        record(9, 0, b"\x0f\x00FCGI_MPXS_CONNS"),
        fastcgi(2, GET, "", 1),
        fastcgi(3, GET, "", 0),
        fastcgi(4, GET, "", 0),
    ]
    .concat();
    let expected = "Status: 200 OK\nContent-Length: 13\n\nPOST /c first<end 1 0><10>\
                    Status: 200 OK\nContent-Length: 9\n\nGET /a b <end 2 0>\
                    Status: 200 OK\nContent-Length: 9\n\nGET /a b <end 3 0>";
    let service = Arc::new(service(app_fn(echo)));
    for size in [1, 2, 3, 7, 50, 1000] {
        let pieces = two.chunks(size).map(<[u8]>::to_vec).collect();
        let output = serve_scheme(&service, Scheme::FastCgi, pieces, usize::MAX).output;
        let output: String = output.iter().map(|byte| char::from(*byte)).collect();
        assert_eq!(plain(&records(&output)), expected, "in pieces of {size}");
    }
}

/// Who keeps no connection has no more to say, but perhaps that it gives up.
#[test]
fn front_08_a_connection_that_does_not_stay_is_closed_at_once() {
    let ends = |scheme, input: Vec<u8>| {
        let client = serve_scheme(&Arc::new(service(app_fn(echo))), scheme, vec![input], usize::MAX);
        assert!(!client.output.is_empty());
        client.end.expect("it ends")
    };
    let post = |length| [POST, &[("CONTENT_LENGTH", length)]].concat();
    for scheme in [Scheme::Uwsgi, Scheme::Scgi] {
        assert_eq!(ends(scheme, request(scheme, GET, "")), Want::Close);
    }
    assert_eq!(ends(Scheme::FastCgi, fastcgi(1, GET, "", 0)), Want::Close);
    assert_eq!(ends(Scheme::FastCgi, fastcgi(1, &post("3"), "abc", 0)), Want::Close);
    // A close over what lies unread would be a reset.
    for more in [record(2, 1, b""), fastcgi(2, GET, "", 0)] {
        assert_eq!(ends(Scheme::FastCgi, [fastcgi(1, GET, "", 0), more].concat()), Want::Shutdown);
    }
    // What is behind a body that was read apart is not known.
    assert_eq!(ends(Scheme::FastCgi, fastcgi(1, &post("70000"), &"x".repeat(70_000), 0)), Want::Shutdown);
}

/// Logs while it is called, and while it is pulled.
fn complaining<'r>(environ: Environ<'r>, start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
    let mut count = 0;
    crate::stats::heard(|| "called".to_owned());
    start_response.start(Head::new(Status::OK, &[]))?;
    if environ.path_info() == b"/panic" {
        panic!("asked for");
    }
    Ok(Body::chunks(std::iter::from_fn(move || {
        count += 1;
        crate::stats::heard(|| "pulled".to_owned());
        (count < 3).then_some("x")
    })))
}

#[test]
fn front_08_lines_of_the_app_go_to_the_web_servers_log() {
    let service = Arc::new(service(app_fn(complaining)));
    let expected = "<7>Status: 200 OK\n\nx<7>x<7><7><end 1 0>";
    for (path, expected) in [("/", expected), ("/panic", "<7>Status: 500 Internal Server Error\n")] {
        let pairs = [("REQUEST_METHOD", "GET"), ("PATH_INFO", path)];
        let output = serve_scheme(&service, Scheme::FastCgi, vec![fastcgi(1, &pairs, "", 0)], 999).output;
        let output: String = output.iter().map(|byte| char::from(*byte)).collect();
        let output = plain(&records(&output));
        assert!(output.starts_with(expected), "{output}");
        assert_eq!(output.matches("<end").count(), 1, "{output}");
    }
}

/// Leaves the body alone.
fn lazy<'r>(_: Environ<'r>, start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
    start_response.start(Head::new(Status::OK, &[]))?;
    Ok(Body::from("x"))
}

#[test]
fn what_the_app_leaves_of_a_body_is_read_over() {
    let post = [POST, &[("CONTENT_LENGTH", "200")]].concat();
    let two = [fastcgi(1, &post, &"b".repeat(200), 1), fastcgi(2, GET, "", 0)].concat();
    let expected = "Status: 200 OK\nContent-Length: 1\n\nx<end 1 0>Status: 200 OK\nContent-Length: 1\n\nx<end 2 0>";
    let service = Arc::new(service(app_fn(lazy)));
    for size in [1, 9, 100, 10_000] {
        let pieces = two.chunks(size).map(<[u8]>::to_vec).collect();
        let output = serve_scheme(&service, Scheme::FastCgi, pieces, usize::MAX).output;
        let output: String = output.iter().map(|byte| char::from(*byte)).collect();
        assert_eq!(plain(&records(&output)), expected, "in pieces of {size}");
    }
}

#[test]
fn front_01_http_is_told_what_is_spoken() {
    let text = "400 Bad Request: this port speaks uwsgi, SCGI or FastCGI to web servers, and no HTTP\n";
    let length = text.len();
    for scheme in FRONTS {
        let service = Arc::new(service(app_fn(echo)));
        let output = serve_scheme(&service, scheme, vec![b"GET / HTTP/1.1\r\nHost: a\r\n\r\n".to_vec()], 999).output;
        let expected = format!(
            "HTTP/1.1 400 Bad Request\nContent-Type: text/plain; charset=utf-8\nConnection: close\n\
             Content-Length: {length}\n\n{text}"
        );
        assert_eq!(plain(&String::from_utf8_lossy(&output)), expected);
    }
}

#[test]
fn front_02_who_does_not_speak_http_is_told_so() {
    for scheme in FRONTS {
        let service = Arc::new(service(app_fn(echo)));
        let output = serve_scheme(&service, Scheme::Http, vec![request(scheme, GET, "")], 999).output;
        let output = String::from_utf8_lossy(&output);
        assert!(output.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{output}");
        assert!(output.contains("this port speaks HTTP, and not uwsgi"), "{output}");
    }
}

#[test]
fn what_is_refused_is_answered_as_the_web_server_wants_it() {
    let bad = [("REQUEST_METHOD", "G T"), ("PATH_INFO", "/"), ("REQUEST_URI", "/")];
    let text = "400 Bad Request: this is not an HTTP/1.1 request\n";
    let head = format!("400 Bad Request\nContent-Type: text/plain; charset=utf-8\nContent-Length: {}\n\n", text.len());
    check_all(echo, &bad, "", &head, text);
}

#[test]
fn what_is_malformed_ends_the_connection() {
    let service = Arc::new(service(app_fn(echo)));
    let bad =
        [(Scheme::Uwsgi, &b"\x05\0\0\0"[..]), (Scheme::Scgi, b"x:"), (Scheme::FastCgi, b"\x02\x01\0\x01\0\0\0\0")];
    for (scheme, bytes) in bad {
        let client = serve_scheme(&service, scheme, vec![bytes.to_vec()], 999);
        assert_eq!((client.output.len(), client.end), (0, Some(Want::Close)));
    }
    assert_eq!(service.counters.of(crate::stats::Fault::Malformed), 3);
}

/// Longer than one record, and in memory.
/// More than a record of FastCGI's holds.
const LARGE: usize = if cfg!(miri) { 70_000 } else { 200_000 };

fn large<'r>(_: Environ<'r>, start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
    start_response.start(Head::new(Status::OK, &[]))?;
    Ok(Body::from(vec![b'x'; LARGE]))
}

#[test]
fn a_long_body_is_sent_in_each_form() {
    for scheme in FRONTS {
        let service = Arc::new(service(app_fn(large)));
        let output = serve_scheme(&service, scheme, vec![request(scheme, GET, "")], 10_000).output;
        let mut output: String = output.iter().map(|byte| char::from(*byte)).collect();
        if scheme == Scheme::FastCgi {
            output = records(&output);
        }
        assert!(output.contains(&format!("Content-Length: {LARGE}\r\n")), "{}", &output[..200]);
        assert_eq!(output.bytes().filter(|byte| *byte == b'x').count(), LARGE);
    }
}
