//! Bodies: kinds, lengths, how they are pulled and closed.

use std::fs::File;
use std::io::{self, Read, Seek as _, Write as _};
use std::sync::{Arc, Mutex};

use gateway_spec::prelude::*;
use gateway_spec::testing::TestClient;
use gateway_spec::{Chunk, Source, View};

fn pull(body: &mut Body<'_>) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    while let Some(chunk) = body.next()? {
        bytes.extend_from_slice(chunk.bytes);
    }
    assert!(body.next()?.is_none(), "the end stays the end");
    Ok(bytes)
}

fn file(text: &str) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

#[test]
fn every_kind_knows_its_length_and_gives_its_bytes() {
    let kept = file("0123456789");
    let cases: [(Body<'_>, Option<u64>, &str); 15] = [
        (Body::empty(), Some(0), ""),
        (Body::from(""), Some(0), ""),
        (Body::from("text"), Some(4), "text"),
        (Body::from(b"array"), Some(5), "array"),
        (Body::from(b"vec".to_vec()), Some(3), "vec"),
        (Body::from("string".to_owned()), Some(6), "string"),
        (Body::borrowed(b"borrowed"), Some(8), "borrowed"),
        (Body::parts(["a", "", "bc"]), Some(3), "abc"),
        (Body::byte_parts([vec![b'a'], vec![b'b']]), Some(2), "ab"),
        (Body::chunks(["a", "bc"]), None, "abc"),
        (Body::chunks(["a", "bc"]).with_length(3), Some(3), "abc"),
        (Body::reader(&b"read"[..]), None, "read"),
        (Body::file(file("a file")).unwrap(), Some(6), "a file"),
        (Body::file_range(file("0123456789"), 2, 5), Some(5), "23456"),
        (Body::borrowed_file(&kept, 2, 5), Some(5), "23456"),
    ];
    for (mut body, length, text) in cases {
        let what = format!("{body:?}");
        assert_eq!(body.length(), length, "{what}");
        assert_eq!(pull(&mut body).unwrap(), text.as_bytes(), "{what}");
    }
}

#[test]
fn what_a_server_sees_of_each_kind() {
    assert!(matches!(Body::empty().view(), View::Empty));
    assert!(matches!(Body::from("a").view(), View::Bytes(b"a")));
    assert!(matches!(Body::chunks(["a"]).view(), View::Stream(None)));
    assert!(matches!(Body::chunks(["a"]).with_length(1).view(), View::Stream(Some(1))));
    let parts = Body::parts(["a", "bc"]);
    let View::Parts(list) = parts.view() else { panic!("parts are parts") };
    assert_eq!(list.collect::<Vec<_>>(), [&b"a"[..], b"bc"]);
    let body = Body::file_range(file("0123456789"), 2, 5);
    let View::File(range) = body.view() else { panic!("a file is a file") };
    assert_eq!((range.offset, range.length), (2, 5));
}

#[test]
fn with_length_leaves_other_kinds_alone() {
    assert_eq!(Body::from("four").with_length(9).length(), Some(4));
    assert_eq!(Body::empty().with_length(9).length(), Some(0));
}

#[test]
fn the_rest_is_known_while_a_body_is_pulled() {
    let mut body = Body::chunks(["a", "bc"]).with_length(3);
    body.next().unwrap();
    assert_eq!(body.length(), Some(2));
    let mut body = Body::parts(["a", "bc"]);
    body.next().unwrap();
    assert_eq!(body.length(), Some(2));
    let mut body = Body::from("abc");
    body.next().unwrap();
    assert_eq!(body.length(), Some(0));
}

/// The file position is the app's own; a server never uses or moves it.
#[test]
fn a_file_is_read_at_offsets() {
    let mut own = file("0123456789");
    own.rewind().unwrap();
    let mut body = Body::file_range(own.try_clone().unwrap(), 4, 3);
    assert_eq!(pull(&mut body).unwrap(), b"456");
    assert_eq!(own.stream_position().unwrap(), 0);
}

/// Many responses may be sent from it, in turns, and none of them closes it.
#[test]
fn a_file_that_is_lent_stays_open() {
    let own = file(&"0123456789".repeat(20_000));
    let mut bodies: Vec<_> = (0..3).map(|at| Body::borrowed_file(&own, at, 100_000)).collect();
    for (at, body) in bodies.iter_mut().enumerate() {
        assert_eq!(body.next().unwrap().unwrap().bytes[0], b'0' + at as u8);
    }
    for body in &mut bodies {
        assert_eq!(pull(body).unwrap().len(), 100_000 - 64 * 1024);
    }
    drop(bodies);
    assert_eq!(own.metadata().unwrap().len(), 200_000);
}

#[test]
fn a_file_that_shrank_is_an_error() {
    let mut body = Body::file_range(file("abc"), 0, 5);
    assert_eq!(body.next().unwrap().unwrap().bytes, b"abc");
    assert!(body.next().is_err());
    assert!(body.next().unwrap().is_none(), "after an error the body is over");
}

#[test]
fn a_large_file_comes_in_pieces() {
    let text = "x".repeat(200_000);
    let mut body = Body::file(file(&text)).unwrap();
    assert!(body.next().unwrap().unwrap().bytes.len() < text.len());
    assert_eq!(pull(&mut body).unwrap().len() + 64 * 1024, text.len());
}

struct Failing(u8);

impl Read for Failing {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0 += 1;
        match self.0 {
            1 => Err(io::ErrorKind::Interrupted.into()),
            2 => {
                buf[0] = b'x';
                Ok(1)
            }
            _ => Err(io::Error::other("the disk is full")),
        }
    }
}

#[test]
fn an_error_of_a_reader_ends_the_stream() {
    let mut body = Body::reader(Failing(0));
    assert_eq!(body.next().unwrap().unwrap().bytes, b"x", "an interrupted read is tried again");
    assert_eq!(body.next().unwrap_err().to_string(), "the disk is full");
    assert!(body.next().unwrap().is_none());
}

#[test]
fn an_error_of_an_iterator_ends_the_stream() {
    let chunks = [Ok("a"), Err(Error::app("away")), Ok("never")];
    let mut body = Body::try_chunks(chunks);
    assert_eq!(body.next().unwrap().unwrap().bytes, b"a");
    assert!(body.next().is_err());
    assert!(body.next().unwrap().is_none());
}

#[test]
fn chunks_carry_their_flags() {
    struct Flagged;

    impl Source for Flagged {
        fn next(&mut self) -> Result<Option<Chunk<'_>>> {
            Ok(Some(Chunk { bytes: b"x", flush: true, last: true }))
        }

        fn length(&self) -> Option<u64> {
            Some(1)
        }
    }

    let mut body = Body::source(Flagged);
    assert_eq!(body.length(), Some(1));
    let chunk = body.next().unwrap().unwrap();
    assert!(chunk.flush && chunk.last);
    assert!(Body::from("x").next().unwrap().unwrap().last, "bytes are one chunk");
}

/// Content first, then the hooks in the order in which they were added.
#[test]
fn closing_has_an_order() {
    struct Noted(Arc<Mutex<Vec<&'static str>>>);

    impl Read for Noted {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Ok(0)
        }
    }

    impl Drop for Noted {
        fn drop(&mut self) {
            self.0.lock().unwrap().push("content");
        }
    }

    let notes = Arc::new(Mutex::new(Vec::new()));
    let (one, two) = (Arc::clone(&notes), Arc::clone(&notes));
    let body = Body::reader(Noted(Arc::clone(&notes)))
        .on_close(move || one.lock().unwrap().push("first"))
        .on_close(move || two.lock().unwrap().push("second"));
    assert!(notes.lock().unwrap().is_empty());
    drop(body);
    assert_eq!(*notes.lock().unwrap(), ["content", "first", "second"]);
}

/// How an exchange may end, and that its body is closed once in each.
#[test]
fn a_body_is_closed_exactly_once() {
    let closes = Arc::new(Mutex::new(0));
    let count = Arc::clone(&closes);
    let app = app_fn(move |environ: Environ<'_>, start_response: &mut dyn StartResponse<'_>| {
        start_response.start(Head::new(Status::OK, &[Header::new("Content-Type", "text/plain")]))?;
        let body = match environ.path_info() {
            b"/stream" => Body::chunks(["a", "b", "c"]),
            b"/fails" => Body::try_chunks([Ok("a"), Err(Error::app("away"))]),
            b"/panics" => Body::chunks((0..2).map(|n| if n == 0 { "a" } else { panic!("away") })),
            _ => Body::from("abc"),
        };
        let count = Arc::clone(&count);
        Ok(body.on_close(move || *count.lock().unwrap() += 1))
    });
    let client = TestClient::new(app);
    let closed = || std::mem::take(&mut *closes.lock().unwrap());
    for lint in [true, false] {
        let request = |method, path| {
            let request = client.request(method, path);
            if lint { request } else { request.without_lint() }
        };
        assert_eq!((request("GET", "/").send().text(), closed()), ("abc", 1));
        assert_eq!((request("GET", "/stream").send().text(), closed()), ("abc", 1));
        assert_eq!((request("HEAD", "/stream").send().text(), closed()), ("", 1));
        assert_eq!((request("GET", "/stream").leave_after(1).send().text(), closed()), ("a", 1));
        assert_eq!((request("GET", "/fails").try_send().unwrap_err().to_string(), closed()), ("away".to_owned(), 1));
        let panicked = request("GET", "/panics").try_send().unwrap_err();
        assert!(matches!(&panicked, Error::Panic(text) if text == "away"), "{panicked:?}");
        assert_eq!(closed(), 1);
    }
}

/// It borrows from the app and from the environ, without a copy.
#[test]
fn a_body_may_borrow_from_the_app() {
    struct Page(String);

    impl App for Page {
        fn call<'r>(&'r self, _: Environ<'r>, start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
            start_response.start(Head::new(Status::OK, &[Header::new("Content-Type", "text/plain")]))?;
            Ok(Body::parts([self.0.as_str(), "!"]))
        }
    }

    let client = TestClient::new(Page("page".into()));
    assert_eq!(client.get("/").send().text(), "page!");
}
