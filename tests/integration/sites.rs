//! The sites among the example apps, behind the real server.

mod browser;
mod guestbook;
mod tutorial;

use gateway_tests::client::Client;
use gateway_tests::server::Server;

#[test]
fn mysite_gives_a_page_and_its_picture_over_one_connection() {
    let server = Server::start("mysite:app", &["--lint"]);
    let mut client = Client::new(server.connect());
    let mut get = |target: &str| {
        client.send(format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes()).unwrap();
        client.response("GET").unwrap()
    };
    let page = get("/");
    assert!(page.text().contains("<img src=\"/gate.svg\""), "{}", page.text());
    let picture = get("/gate.svg");
    assert_eq!((picture.status, picture.header("content-type")), (200, Some("image/svg+xml")));
    assert!(get("/ctime?timezone=e8").text().ends_with(" UTC+08:00\n"));
    assert_eq!(get("/ctime?timezone=8").status, 400);
    assert_eq!(get("/sayhaha").text(), "Haha!\n");
    assert_eq!(get("/nowhere").status, 404);
}

#[test]
fn modules_to_drop_in_answer_at_their_root() {
    for (app, answer) in [("ctime:app", " UTC+00:00\n"), ("sayhello:app", "Hello, World!\n")] {
        let server = Server::start(app, &["--lint"]);
        let mut client = Client::new(server.connect());
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
        let text = client.response("GET").unwrap().text();
        assert!(text.ends_with(answer), "{app}: {text}");
    }
}
