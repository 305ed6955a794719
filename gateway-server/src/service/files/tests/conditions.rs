//! Conditional requests.

use super::*;

const EARLIER: &str = "Sun, 06 Nov 1994 08:49:36 GMT";
const LATER: &str = "Sun, 06 Nov 1994 08:49:38 GMT";

/// The status of a GET of an old file, its own tag for TAG.
fn check(headers: &[(&str, &str)], expected: u16) {
    let site = Site::of(&[("a.txt", "0123456789")]);
    let client = site.client();
    let tag = get(&client, "/a.txt").header("etag").unwrap().to_owned();
    for method in ["GET", "HEAD"] {
        let request = client.request(method, "/a.txt");
        let request =
            headers.iter().fold(request, |request, (name, value)| request.header(name, value.replace("TAG", &tag)));
        // Only GET has ranges.
        let expected = if method == "HEAD" && expected == 206 { 200 } else { expected };
        assert_eq!(send(request).status.code(), expected, "{method} {headers:?}");
    }
}

#[test]
fn none_match() {
    check(&[("If-None-Match", "TAG")], 304);
    check(&[("If-None-Match", "W/TAG")], 304);
    check(&[("If-None-Match", "*")], 304);
    check(&[("If-None-Match", "\"a\", W/\"b,c\" ,TAG")], 304);
    check(&[("If-None-Match", "\"a\""), ("If-None-Match", "TAG")], 304);
    check(&[("If-None-Match", "\"a\"")], 200);
    check(&[("If-None-Match", "")], 200);
    check(&[("If-None-Match", "a, TAG")], 200);
    check(&[("If-None-Match", "\"a, TAG")], 200);
    // The tag decides, whatever the date says.
    check(&[("If-None-Match", "\"a\""), ("If-Modified-Since", LATER)], 200);
    check(&[("If-None-Match", "TAG"), ("If-Modified-Since", EARLIER)], 304);
}

#[test]
fn modified_since() {
    check(&[("If-Modified-Since", THEN_TEXT)], 304);
    check(&[("If-Modified-Since", LATER)], 304);
    check(&[("If-Modified-Since", EARLIER)], 200);
    // The two older forms (RFC 9110, section 5.6.7).
    check(&[("If-Modified-Since", "Sunday, 06-Nov-94 08:49:37 GMT")], 304);
    check(&[("If-Modified-Since", "Sun Nov  6 08:49:37 1994")], 304);
    for bad in ["", "yesterday", "784111777", "Sun, 06 Nov 1994 08:49:37", "Sun, 99 Nov 1994 08:49:37 GMT"] {
        check(&[("If-Modified-Since", bad)], 200);
    }
}

#[test]
fn if_match() {
    check(&[("If-Match", "TAG")], 200);
    check(&[("If-Match", "*")], 200);
    check(&[("If-Match", "\"a\", TAG")], 200);
    check(&[("If-Match", "\"a\"")], 412);
    // Strong, so that a weak tag is never the same.
    check(&[("If-Match", "W/TAG")], 412);
    check(&[("If-Match", "")], 412);
    // The date does not count beside it.
    check(&[("If-Match", "TAG"), ("If-Unmodified-Since", EARLIER)], 200);
    check(&[("If-Match", "\"a\""), ("If-Unmodified-Since", LATER)], 412);
}

#[test]
fn unmodified_since() {
    check(&[("If-Unmodified-Since", THEN_TEXT)], 200);
    check(&[("If-Unmodified-Since", LATER)], 200);
    check(&[("If-Unmodified-Since", EARLIER)], 412);
    check(&[("If-Unmodified-Since", "yesterday")], 200);
}

#[test]
fn the_order_of_conditions() {
    check(&[("If-Match", "\"a\""), ("If-None-Match", "TAG")], 412);
    check(&[("If-Match", "TAG"), ("If-None-Match", "TAG")], 304);
    check(&[("If-Unmodified-Since", EARLIER), ("If-Modified-Since", LATER)], 412);
    check(&[("If-Unmodified-Since", LATER), ("If-None-Match", "TAG"), ("Range", "bytes=0-1")], 304);
    check(&[("If-Match", "\"a\""), ("Range", "bytes=0-1")], 412);
    check(&[("If-Match", "TAG"), ("If-None-Match", "\"a\""), ("Range", "bytes=0-1"), ("If-Range", "TAG")], 206);
}

#[test]
fn ranges_of_the_same_content_only() {
    let range = ("Range", "bytes=0-1");
    check(&[range, ("If-Range", "TAG")], 206);
    check(&[range, ("If-Range", THEN_TEXT)], 206);
    check(&[range, ("If-Range", "\"a\"")], 200);
    check(&[range, ("If-Range", "W/TAG")], 200);
    check(&[range, ("If-Range", EARLIER)], 200);
    check(&[range, ("If-Range", LATER)], 200);
    check(&[range, ("If-Range", "")], 200);
    check(&[("Range", "bytes=50-"), ("If-Range", "\"a\"")], 200);
    check(&[("If-Range", "TAG")], 200);
}

#[test]
fn an_unchanged_file_is_not_sent_again() {
    let site = Site::of(&[("a.txt", "text")]);
    let client = site.client();
    let first = get(&client, "/a.txt");
    let tag = first.header("etag").unwrap();
    let second = send(client.get("/a.txt").header("If-None-Match", tag));
    assert_eq!((outcome(&second), second.length), ((304, ""), Some(0)));
    for name in ["etag", "last-modified", "vary"] {
        assert_eq!(second.header(name), first.header(name), "{name}");
    }
    assert_eq!(second.header("content-type"), None);
}

/// Two contents of one second, of the same length: the tag tells them apart, and a
/// date is not given that would not.
#[test]
fn a_change_within_a_second_shows() {
    let site = Site::of(&[("a.txt", "old")]);
    let client = site.client();
    let now = std::time::SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    touch(&site.path("a.txt"), now);
    let first = get(&client, "/a.txt");
    assert_eq!(first.header("last-modified"), None, "its second is not over");
    let tag = first.header("etag").unwrap().to_owned();

    fs::write(site.path("a.txt"), "new").unwrap();
    touch(&site.path("a.txt"), now + Duration::from_nanos(1));
    let second = send(client.get("/a.txt").header("If-None-Match", tag.clone()));
    assert_eq!(outcome(&second), (200, "new"));

    // Replaced by a copy that keeps the time.
    fs::write(site.path("b.txt"), "own").unwrap();
    touch(&site.path("b.txt"), now);
    fs::rename(site.path("b.txt"), site.path("a.txt")).unwrap();
    assert_eq!(outcome(&send(client.get("/a.txt").header("If-None-Match", tag))), (200, "own"));
}

/// A date from before 1970, or one that is far off, is no date of HTTP.
#[test]
fn a_time_that_cannot_be_said_breaks_nothing() {
    let site = Site::of(&[("a.txt", "text")]);
    let client = site.client_with(|it| it.autoindex = true);
    let file = File::open(site.path("a.txt")).unwrap();
    file.set_modified(UNIX_EPOCH - Duration::from_secs(10)).unwrap();
    let response = get(&client, "/a.txt");
    assert_eq!((outcome(&response), response.header("last-modified")), ((200, "text"), None));
    let since = send(client.get("/a.txt").header("If-Modified-Since", THEN_TEXT));
    assert_eq!(since.status.code(), 200);
    assert_eq!(get(&client, "/").status.code(), 200);
}
