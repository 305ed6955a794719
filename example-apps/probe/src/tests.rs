use gateway_spec::testing::{Response, TestClient};
use serde_json::{Value, json};

use super::*;

fn get(target: &str) -> Response {
    TestClient::new(app_fn(probe)).get(target).send()
}

fn check(target: &str, status: u16, body: &str) {
    let response = get(target);
    assert_eq!(response.status.code(), status, "{target}");
    assert_eq!(response.text(), body, "{target}");
    assert_eq!(response.closed, 1, "{target}");
}

#[test]
fn answers_plainly() {
    check("/", 200, "This is the probe.\n");
}

#[test]
fn says_who_answers() {
    check("/process", 200, &format!("{} {}\n", std::process::id(), std::os::unix::process::parent_id()));
}

#[test]
fn echoes_bodies_of_both_framings() {
    let client = TestClient::new(app_fn(probe));
    for path in ["/echo", "/chunked-echo"] {
        assert_eq!(client.post(path).send().body, b"");
        assert_eq!(client.post(path).body("with a length").send().text(), "with a length");
        assert_eq!(client.post(path).chunked("in pieces").arriving(3, 2).send().text(), "in pieces");
        assert!(client.post(path).body("cut").truncated().try_send().is_err(), "{path}");
    }
}

#[test]
fn only_echo_knows_its_length() {
    let client = TestClient::new(app_fn(probe));
    assert_eq!(client.post("/echo").body("12345").send().length, Some(5));
    assert_eq!(client.post("/chunked-echo").body("12345").send().length, None);
}

#[test]
fn leaves_the_body_unread() {
    // A body cut short is an error to those who read it, and only to them.
    let client = TestClient::new(app_fn(probe));
    assert_eq!(client.post("/ignore-body").body("cut").truncated().send().status, Status::OK);
}

#[test]
fn inspects() {
    let client = TestClient::new(app_fn(probe));
    let request = client.post("/inspect?a=%20&b").header("X-One", "1").header("x-one", b"\xff2").body("abc");
    let response = request.send();
    assert_eq!(response.header("content-type"), Some("application/json"));
    let answer: Value = serde_json::from_slice(&response.body).expect("JSON");
    let headers = json!([["host", "localhost"], ["x-one", "1"], ["x-one", "\u{ff}2"], ["content-length", "3"]]);
    let expected = json!({
        "inspect": 1, "method": "POST", "path": "/inspect", "path_is_decoded": true, "query": "a=%20&b",
        "version": "HTTP/1.1", "host": "localhost", "headers": headers, "body_len": 3,
        "body_sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    });
    assert_eq!(answer, expected);
}

#[test]
fn inspects_what_it_does_not_know() {
    let response = get("/nowhere/caf%C3%A9");
    assert_eq!(response.status, Status::NOT_FOUND);
    let answer: Value = serde_json::from_slice(&response.body).expect("JSON");
    assert_eq!(answer["path"], "/nowhere/caf\u{c3}\u{a9}");
}

#[test]
fn answers_any_status() {
    check("/status/200", 200, "200 OK\n");
    check("/status/418", 418, "418\n");
    check("/status/599", 599, "599\n");
    for (target, status) in [("/status/204", 204), ("/status/205", 205), ("/status/304", 304)] {
        check(target, status, "");
        assert_eq!(get(target).length, Some(0), "{target}");
    }
    for nonsense in ["199", "600", "99999", "-200", "", "ok", "200/", "%ff"] {
        check(&format!("/status/{nonsense}"), 400, "a status is a number from 200 to 599\n");
    }
}

#[test]
fn streams() {
    check("/stream?n=3&size=2", 200, "aabbcc");
    check("/stream?n=0", 200, "");
    assert_eq!(get("/stream").body.len(), 100);
    assert_eq!(get("/stream").length, None);
    let response = TestClient::new(app_fn(probe)).get("/stream?size=1").leave_after(2).send();
    assert_eq!((response.text(), response.closed), ("ab", 1));
}

#[test]
fn shows_an_image_to_the_connection_of_its_page() {
    assert!(get("/page").text().contains("/image.png?port=54321"));
    let image = get("/image.png?port=54321");
    assert_eq!(image.header("content-type"), Some("image/png"));
    assert!(image.body.starts_with(b"\x89PNG"));
    check("/image.png?port=54322", 409, "this is another connection\n");
}

#[test]
fn refuses_nonsense() {
    check("/stream?n=x", 400, "n is a number from 0 to 1000000\n");
    check("/stream?n=1000001", 400, "n is a number from 0 to 1000000\n");
    check("/stream?size=0", 400, "size is a number from 1 to 16777216\n");
    check("/sleep?ms=-1", 400, "ms is a number from 0 to 60000\n");
    check("/image.png?port=x", 400, "port is a number from 1 to 65535\n");
    check("/set-header", 400, "v, the value of the header, is missing\n");
}

#[test]
fn sleeps() {
    check("/sleep?ms=10", 200, "slept 10 ms\n");
    check("/sleep", 200, "slept 100 ms\n");
    let outcome = TestClient::new(app_fn(probe)).get("/sleep").gone().try_send();
    assert!(matches!(outcome, Err(Error::Gone)), "{outcome:?}");
}

#[test]
fn sets_a_header_but_splits_no_response() {
    assert_eq!(get("/set-header?v=a%20b").header("x-out"), Some("a b"));
    let client = TestClient::new(app_fn(probe));
    for value in ["a%0d%0aSet-Cookie:%20b", "a%0ab", "a%00b"] {
        let outcome = client.get(&format!("/set-header?v={value}")).without_lint().try_send();
        assert!(matches!(outcome, Err(Error::Invalid(_))), "{value}: {outcome:?}");
    }
}
