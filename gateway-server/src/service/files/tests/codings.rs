//! Compressed forms that lie beside a file.

use super::*;

fn site() -> (Site, TestClient<Files>) {
    let site = Site::of(&[
        ("app.js", "plain"),
        ("app.js.br", "brotli"),
        ("app.js.gz", "gzip"),
        ("only.css", "plain"),
        ("only.css.gz", "gzip"),
        ("photo.png", "plain"),
        ("photo.png.gz", "gzip"),
        ("index.html", "plain"),
        ("index.html.br", "brotli"),
    ]);
    let client = site.client();
    (site, client)
}

fn check(client: &TestClient<Files>, target: &str, accepted: &str, expected: &str, coding: Option<&str>) {
    let response = send(client.get(target).header("Accept-Encoding", accepted));
    assert_eq!(outcome(&response), (200, expected), "{target} for {accepted:?}");
    assert_eq!(response.header("content-encoding"), coding, "{target} for {accepted:?}");
}

#[test]
fn the_client_chooses() {
    let (_site, client) = site();
    check(&client, "/app.js", "gzip, deflate, br", "brotli", Some("br"));
    check(&client, "/app.js", "gzip, br;q=0.5", "gzip", Some("gzip"));
    check(&client, "/app.js", "gzip;q=0, br;q=0", "plain", None);
    check(&client, "/app.js", "identity, gzip;q=0.5", "plain", None);
    check(&client, "/app.js", "*", "brotli", Some("br"));
    check(&client, "/app.js", "zstd", "plain", None);
    check(&client, "/only.css", "br, gzip;q=0.1", "gzip", Some("gzip"));
    check(&client, "/only.css", "br", "plain", None);
    check(&client, "/", "br", "brotli", Some("br"));
    assert_eq!(get(&client, "/app.js").header("content-encoding"), None);
}

#[test]
fn the_type_is_that_of_the_file() {
    let (_site, client) = site();
    let response = send(client.get("/app.js").header("Accept-Encoding", "br"));
    assert_eq!(response.header("content-type"), Some("text/javascript; charset=utf-8"));
}

#[test]
fn a_form_that_is_asked_for_itself_is_a_file() {
    let (_site, client) = site();
    let response = send(client.get("/app.js.gz").header("Accept-Encoding", "gzip"));
    assert_eq!(outcome(&response), (200, "gzip"));
    assert_eq!(response.header("content-type"), Some("application/gzip"));
    assert_eq!((response.header("content-encoding"), response.header("vary")), (None, None));
}

#[test]
fn caches_are_told_that_there_may_be_others() {
    let (site, client) = site();
    site.write("alone.txt", "plain");
    for (target, vary) in
        [("/app.js", Some("Accept-Encoding")), ("/alone.txt", Some("Accept-Encoding")), ("/photo.png", None)]
    {
        assert_eq!(get(&client, target).header("vary"), vary, "{target}");
        let response = send(client.get(target).header("Accept-Encoding", "br"));
        assert_eq!(response.header("vary"), vary, "{target}");
        let tag = response.header("etag").unwrap().to_owned();
        let unchanged = send(client.get(target).header("Accept-Encoding", "br").header("If-None-Match", tag));
        assert_eq!((unchanged.status.code(), unchanged.header("vary")), (304, vary), "{target}");
    }
    check(&client, "/photo.png", "gzip", "plain", None);
}

#[test]
fn each_form_has_a_tag_of_its_own() {
    let (_site, client) = site();
    let tag = |accepted: &str| {
        let response = send(client.get("/app.js").header("Accept-Encoding", accepted));
        response.header("etag").unwrap().to_owned()
    };
    let (plain, gzip, brotli) = (tag(""), tag("gzip"), tag("br"));
    assert!(plain != gzip && gzip != brotli && brotli != plain);
    let response = send(client.get("/app.js").header("Accept-Encoding", "br").header("If-None-Match", gzip));
    assert_eq!(outcome(&response), (200, "brotli"));
}

/// The same file, linked: not even then.
#[test]
fn tags_differ_where_nothing_else_does() {
    let site = Site::of(&[("a.txt", "text")]);
    fs::hard_link(site.path("a.txt"), site.path("a.txt.gz")).unwrap();
    let client = site.client();
    let gzip = send(client.get("/a.txt").header("Accept-Encoding", "gzip"));
    assert_ne!(gzip.header("etag"), get(&client, "/a.txt").header("etag"));
}

#[test]
fn a_form_that_is_older_than_its_file_is_passed_over() {
    let (site, client) = site();
    site.touch("app.js", THEN + 1);
    check(&client, "/app.js", "br, gzip", "plain", None);
    site.touch("app.js.gz", THEN + 1);
    check(&client, "/app.js", "br, gzip", "gzip", Some("gzip"));
    site.touch("app.js.br", THEN + 2);
    check(&client, "/app.js", "br, gzip", "brotli", Some("br"));
    // Alone it is no form of anything.
    fs::remove_file(site.path("app.js")).unwrap();
    assert_eq!(send(client.get("/app.js").header("Accept-Encoding", "br")).status.code(), 404);
}

#[test]
fn a_form_that_leads_outside_is_passed_over() {
    let (site, client) = site();
    for name in ["app.js.br", "app.js.gz"] {
        fs::remove_file(site.path(name)).unwrap();
    }
    std::os::unix::fs::symlink("../secret.txt", site.path("app.js.br")).unwrap();
    fs::create_dir(site.path("app.js.gz")).unwrap();
    check(&client, "/app.js", "br, gzip", "plain", None);
}

#[test]
fn a_piece_is_one_of_the_form_that_is_sent() {
    let (_site, client) = site();
    let ranged = |range: &str| send(client.get("/app.js").header("Accept-Encoding", "br").header("Range", range));
    let one = ranged("bytes=0-2");
    assert_eq!(outcome(&one), (206, "bro"));
    assert_eq!((one.header("content-encoding"), one.header("content-range")), (Some("br"), Some("bytes 0-2/6")));
    // Several would be one body that is encoded as a whole.
    let several = ranged("bytes=0-1,4-5");
    assert_eq!(outcome(&several), (200, "brotli"));
}
