//! Every example app behind the real server, as its text says it answers.

use gateway_tests::artifacts;
use gateway_tests::client::{Client, Response};
use gateway_tests::server::Server;

fn ask(server: &Server, request: &str) -> Response {
    let mut client = Client::new(server.connect());
    client.send(format!("{request} HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\n\r\n").as_bytes()).unwrap();
    let method = request.split(' ').next().unwrap();
    let response = client.response(method).unwrap_or_else(|error| panic!("{request}: {error}\n{}", server.log()));
    assert!(response.complete, "{request}");
    response
}

#[test]
fn hello_says_hello() {
    let response = ask(&Server::start("hello:app", &[]), "GET /");
    assert_eq!((response.status, &*response.text()), (200, "Hello, World!\n"));
    assert_eq!(response.header("content-type"), Some("text/plain"));
}

#[test]
fn c_hello_says_hello() {
    let module = artifacts::c_module("example-apps/c-hello/hello.c", "c_hello", &[]);
    let server = Server::start_target(&module.display().to_string(), &[]);
    let response = ask(&server, "GET /");
    assert_eq!(response.status, 200);
    assert!(response.text().contains("Hello"), "{}", response.text());
    let head = ask(&server, "HEAD /");
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("content-length"), response.header("content-length"));
}

#[test]
fn environ_escapes_what_it_shows() {
    let page = ask(&Server::start("environ:app", &[]), "GET /%3Cscript%3E?a=%22").text();
    assert!(page.contains("&lt;script&gt;") && !page.contains("<script>"), "{page}");
    assert!(page.contains("gateway.multithread"), "{page}");
}

/// CGI shows a program the server's own environment; here nothing of it shows.
#[test]
fn the_process_environment_is_never_merged_in() {
    let target = format!("{}:app", artifacts::module("environ").display());
    let mut command = gateway_tests::server::command(&["--bind", "127.0.0.1:0", &target]);
    command.env("HTTP_SECRET", "of the process").env("REMOTE_USER", "of the process");
    let page = ask(&Server::spawn(command, 1), "GET /").text();
    assert!(page.contains("REMOTE_ADDR") && !page.contains("of the process"), "{page}");
}

#[test]
fn counter_counts_from_where_it_is_told_to() {
    let server = Server::start("counter:app", &["--set", "start=10", "--set", "step=2"]);
    let (first, second) = (ask(&server, "GET /").text(), ask(&server, "GET /").text());
    assert!(first != second, "{first} {second}");
}

#[test]
fn multi_has_an_app_for_each_name() {
    let hello = ask(&Server::start("multi:hello", &[]), "GET /").text();
    let goodbye = ask(&Server::start("multi:goodbye", &[]), "GET /").text();
    assert!(hello != goodbye, "{hello} {goodbye}");
}

#[test]
fn stream_comes_in_chunks() {
    let response = ask(&Server::start("stream:app", &[]), "GET /?n=2");
    assert_eq!(response.header("transfer-encoding"), Some("chunked"));
    assert!(!response.body.is_empty());
}

#[test]
fn middleware_adds_its_header() {
    let plain = ask(&Server::start("hello:app", &[]), "GET /").headers.len();
    let wrapped = ask(&Server::start("middleware:app", &[]), "GET /").headers.len();
    assert!(wrapped > plain, "{wrapped} headers against {plain}");
}

#[test]
fn bench_answers_every_path() {
    let server = Server::start("bench:app", &[]);
    for (path, length) in
        [("/plaintext", 13), ("/json", 27), ("/bytes64k", 65_536), ("/file64k", 65_536), ("/sleep10", 0)]
    {
        let response = ask(&server, &format!("GET {path}"));
        assert_eq!(response.status, 200, "{path}");
        assert!(length == 0 || response.body.len() == length, "{path}: {} bytes", response.body.len());
    }
    let upload = vec![b'x'; 300_000];
    for (path, answer) in [("/echo", &upload[..]), ("/upload", b"ok")] {
        let mut client = Client::new(server.connect());
        client.send(format!("POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n").as_bytes()).unwrap();
        client.send(&upload).unwrap();
        let response = client.response("POST").unwrap();
        assert!(response.status == 200 && response.body.starts_with(answer), "{path}: {}", response.status);
    }
}
