//! Pieces of a file.

use super::*;

fn site() -> (Site, TestClient<Files>) {
    let site = Site::of(&[("a.txt", "0123456789")]);
    let client = site.client();
    (site, client)
}

#[test]
fn one_piece() {
    let (_site, client) = site();
    for (range, expected, content_range) in [
        ("bytes=0-3", "0123", "bytes 0-3/10"),
        ("bytes=7-", "789", "bytes 7-9/10"),
        ("bytes=-2", "89", "bytes 8-9/10"),
        ("bytes=0-999", "0123456789", "bytes 0-9/10"),
        ("bytes=50-60,2-2", "2", "bytes 2-2/10"),
    ] {
        let response = send(client.get("/a.txt").header("Range", range));
        assert_eq!(outcome(&response), (206, expected), "{range}");
        assert_eq!(response.header("content-range"), Some(content_range));
        assert_eq!(response.header("content-type"), Some("text/plain; charset=utf-8"));
        assert_eq!(response.length, Some(expected.len() as u64));
        assert!(response.header("etag").is_some());
    }
}

#[test]
fn bytes_that_are_not_there() {
    let (_site, client) = site();
    for range in ["bytes=10-", "bytes=10-20,99-", "bytes=-0"] {
        let response = send(client.get("/a.txt").header("Range", range));
        assert_eq!(response.status.code(), 416, "{range}");
        assert_eq!(response.header("content-range"), Some("bytes */10"));
    }
}

#[test]
fn what_is_no_range_is_not_there() {
    let (_site, client) = site();
    for range in ["bytes=3-2", "bytes=a-b", "lines=0-1", "bytes", ""] {
        let response = send(client.get("/a.txt").header("Range", range));
        assert_eq!(outcome(&response), (200, "0123456789"), "{range}");
        assert_eq!(response.header("content-range"), None);
    }
    // Two headers are no list of ranges.
    let twice = client.get("/a.txt").header("Range", "bytes=0-1").header("Range", "bytes=2-3");
    assert_eq!(send(twice).status.code(), 200);
}

#[test]
fn only_get_has_pieces() {
    let (_site, client) = site();
    for range in ["bytes=0-3", "bytes=99-"] {
        let response = send(client.head("/a.txt").header("Range", range));
        assert_eq!((response.status.code(), response.length), (200, Some(10)), "{range}");
        assert_eq!(response.header("content-range"), None);
    }
}

#[test]
fn several_pieces() {
    let (_site, client) = site();
    let response = send(client.get("/a.txt").header("Range", "bytes=0-1, 90-, 5-5,-2"));
    assert_eq!(response.status.code(), 206);
    assert_eq!(response.header("content-range"), None);
    let content_type = response.header("content-type").unwrap();
    let boundary = content_type.strip_prefix("multipart/byteranges; boundary=").unwrap();
    let part = |range: &str, bytes: &str| {
        format!(
            "--{boundary}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Range: bytes {range}/10\r\n\r\n{bytes}\r\n"
        )
    };
    let expected = [part("0-1", "01"), part("5-5", "5"), part("8-9", "89"), format!("--{boundary}--\r\n")].concat();
    assert_eq!(response.text(), expected);
    assert_eq!(response.length, Some(expected.len() as u64));

    let other = send(client.get("/a.txt").header("Range", "bytes=0-1,5-5"));
    assert_ne!(other.header("content-type"), response.header("content-type"), "a boundary can be foretold");
}

#[test]
fn a_large_file_in_pieces() {
    let (site, client) = site();
    let text: String = (b'a'..=b'z').map(char::from).cycle().take(300_000).collect();
    site.write("large.bin", &text);
    let response = send(client.get("/large.bin").header("Range", "bytes=1000-150000,200000-299999"));
    assert!(response.text().contains(&text[1000..150_001]));
    assert!(response.text().contains(&text[200_000..300_000]));
    assert_eq!(response.length, Some(response.body.len() as u64));
}

/// Not whole: it must not look as if it were.
#[test]
fn a_file_that_became_shorter_is_an_error() {
    use super::super::parts::Parts;
    use super::super::ranges::Span;
    use gateway_spec::Source as _;

    let (site, _client) = site();
    let file = File::options().read(true).write(true).open(site.path("a.txt")).unwrap();
    let spans = [Span { first: 0, length: 2 }, Span { first: 5, length: 5 }];
    let (mut parts, _) = Parts::new(file.try_clone().unwrap(), 10, &spans, "text/plain");
    file.set_len(7).unwrap();
    let error = loop {
        match parts.next() {
            Ok(chunk) => assert!(chunk.is_some(), "it ended as if it were whole"),
            Err(error) => break error.to_string(),
        }
    };
    assert_eq!(error, "the file became shorter while it was sent");
}

#[test]
fn a_request_for_the_same_bytes_again_and_again_is_no_lever() {
    let (_site, client) = site();
    for range in ["bytes=0-,0-", "bytes=0-,1-,2-,3-", "bytes=-9,-9"] {
        let response = send(client.get("/a.txt").header("Range", range));
        assert_eq!(outcome(&response), (200, "0123456789"), "{range}");
    }
    let many = format!("bytes={}", vec!["0-0"; 17].join(","));
    assert_eq!(send(client.get("/a.txt").header("Range", many)).status.code(), 200);
}
