//! `gateway.input`: every split, ends, errors, threads.

use std::io::{BufRead, ErrorKind, Read};
use std::time::Duration;

use gateway_spec::abi::host::{Host, Hosted, RequestHead, Transport};
use gateway_spec::prelude::*;
use gateway_spec::testing::TestClient;

const TEXT: &str = "one\ntwo\n\nfour, longer\nlast";

/// A client whose app answers with what `read` makes of the input.
fn client(read: impl Fn(&mut Environ<'_>) -> Result<Vec<u8>> + Send + Sync) -> TestClient<impl App> {
    TestClient::new(app_fn(move |mut environ, start_response| {
        let text = read(&mut environ)?;
        start_response.start(Head::new(Status::OK, &[Header::new("Content-Type", "text/plain")]))?;
        Ok(Body::from(text))
    }))
}

/// Holds `read` against every point at which `preread` can end and several
/// sizes of what follows, with lint and without it.
fn at_every_split(read: impl Fn(&mut Environ<'_>) -> Result<Vec<u8>> + Send + Sync, expected: &[u8]) {
    let client = client(read);
    // Miri takes a second for each.
    let step = if cfg!(miri) { TEXT.len() / 2 } else { 1 };
    for preread in (0..=TEXT.len()).step_by(step) {
        for piece in [0, 1, 2, 7] {
            let request = || client.post("/").body(TEXT).arriving(preread, piece);
            assert_eq!(request().send().body, expected, "{preread} {piece}");
            assert_eq!(request().without_lint().send().body, expected, "{preread} {piece} without lint");
            let chunked = client.post("/").chunked(TEXT).arriving(preread, piece);
            assert_eq!(chunked.send().body, expected, "{preread} {piece} chunked");
        }
    }
}

#[test]
fn the_whole_body() {
    at_every_split(
        |environ| {
            let mut body = Vec::new();
            environ.input().read_to_end(&mut body)?;
            Ok(body)
        },
        TEXT.as_bytes(),
    );
}

/// Whatever was read before, and whatever is in the vector.
#[test]
fn the_rest_of_a_body() {
    at_every_split(
        |environ| {
            let mut body = b"> ".to_vec();
            environ.input().read_until(b'\n', &mut body)?;
            let count = environ.input().read_to_end(&mut body)?;
            assert_eq!(count, TEXT.len() - "one\n".len());
            assert_eq!(environ.input().read_to_end(&mut body)?, 0);
            Ok(body)
        },
        format!("> {TEXT}").as_bytes(),
    );
}

/// A small body is there when the app is called: it costs one allocation, and
/// no memory is zeroed for it.
#[test]
fn a_body_at_hand_is_taken_in_one_piece() {
    let client = client(|environ| {
        let mut body = Vec::new();
        environ.input().read_to_end(&mut body)?;
        assert_eq!(body.capacity(), TEXT.len());
        Ok(body)
    });
    assert_eq!(client.post("/").body(TEXT).without_lint().send().text(), TEXT);
}

#[test]
fn lines() {
    at_every_split(
        |environ| {
            let lines: std::io::Result<Vec<String>> = environ.input().lines().collect();
            Ok(lines?.join("|").into_bytes())
        },
        b"one|two||four, longer|last",
    );
}

/// Blocks and lines in turn, each by an `Input` of its own: nothing is lost.
#[test]
fn blocks_and_lines_mixed() {
    at_every_split(
        |environ| {
            let mut body = Vec::new();
            let mut block = [0; 2];
            environ.input().read_exact(&mut block)?;
            body.extend(block);
            environ.input().read_until(b'\n', &mut body)?;
            environ.input().read_until(b'\n', &mut body)?;
            environ.input().read_exact(&mut block)?;
            body.extend(block);
            let mut line = String::new();
            environ.input().read_line(&mut line)?;
            body.extend(line.as_bytes());
            environ.input().read_to_end(&mut body)?;
            Ok(body)
        },
        TEXT.as_bytes(),
    );
}

#[test]
fn the_end_stays_the_end() {
    at_every_split(
        |environ| {
            std::io::copy(&mut environ.input(), &mut std::io::sink())?;
            let mut buf = [0; 8];
            let again = [environ.input().read(&mut buf)?, environ.input().read(&mut buf)?];
            let buffered = environ.input().fill_buf()?.len();
            Ok(format!("{again:?} {buffered}").into_bytes())
        },
        b"[0, 0] 0",
    );
}

#[test]
fn no_body_ends_at_once() {
    let client = client(|environ| {
        let mut body = Vec::new();
        environ.input().read_to_end(&mut body)?;
        Ok(body)
    });
    assert_eq!(client.get("/").send().body, b"");
    assert_eq!(client.post("/").send().body, b"");
}

#[test]
fn a_truncated_body_is_an_error() {
    let client = client(|environ| {
        let mut body = Vec::new();
        let error = environ.input().read_to_end(&mut body).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
        assert_eq!(body, b"part", "what came is there");
        Err(error.into())
    });
    for preread in 0..=4 {
        for chunked in [false, true] {
            let request = client.post("/");
            let request = if chunked { request.chunked("part") } else { request.body("part") };
            let error = request.arriving(preread, 1).truncated().try_send().unwrap_err();
            assert!(matches!(error, Error::Io(_)), "{error:?}");
        }
    }
}

#[test]
fn a_client_that_left_is_gone() {
    let client = client(|environ| {
        let error = environ.input().read(&mut [0; 8]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BrokenPipe);
        assert!(environ.is_disconnected());
        assert!(matches!(environ.sleep(Duration::from_millis(1)), Err(Error::Gone)));
        Err(error.into())
    });
    let error = client.post("/").body("abc").arriving(0, 0).gone().try_send().unwrap_err();
    assert!(matches!(error, Error::Gone), "{error:?}");
}

#[test]
fn a_replaced_input_gives_its_own_bytes() {
    let client = client(|environ| {
        environ.set_input(&b"other"[..]);
        environ.insert("CONTENT_LENGTH", "5");
        assert_eq!(environ.content_length(), Some(5));
        let mut line = Vec::new();
        environ.input().read_until(b't', &mut line)?;
        environ.input().read_to_end(&mut line)?;
        Ok(line)
    });
    assert_eq!(client.post("/").body("original").arriving(3, 0).send().body, b"other");
}

/// A server without a way to read: what is complete must not ask for it.
struct Unreadable;

impl Transport for Unreadable {
    fn start(&mut self, _: Head<'_>) -> Result<()> {
        Ok(())
    }

    fn read(&mut self, _: &mut [u8]) -> Result<usize> {
        Err(Error::app("was read"))
    }

    fn write(&mut self, _: &[u8], _: bool) -> Result<()> {
        Ok(())
    }

    fn sleep(&mut self, _: Duration) -> Result<()> {
        Ok(())
    }

    fn state(&mut self) -> (bool, Option<Duration>) {
        (false, Some(Duration::from_secs(3)))
    }
}

#[test]
fn a_complete_body_needs_no_read() {
    let app = app_fn(|mut environ, _| {
        assert_eq!(environ.deadline(), Some(Duration::from_secs(3)));
        let mut body = Vec::new();
        environ.input().read_to_end(&mut body)?;
        Ok(Body::from(body))
    });
    let host = Host::new("test-server", "1.2", 0, |_, _, _| {});
    for (content_length, body_complete, reads) in [(Some(3), false, false), (None, true, false), (None, false, true)] {
        let head = RequestHead { preread: b"abc", content_length, body_complete, ..RequestHead::EMPTY };
        let hosted = Hosted::new(host.view(), &head, Unreadable);
        let outcome = hosted.call(&app).map(|body| body.length());
        match outcome {
            Ok(length) => assert_eq!((length, reads), (Some(3), false)),
            Err(error) => assert_eq!((error.to_string(), reads), ("was read".to_owned(), true)),
        }
    }
}

/// Another thread can reach the input in safe code; it gets an error.
#[test]
fn request_functions_answer_only_the_thread_inside() {
    let client = TestClient::new(app_fn(|mut environ, start_response| {
        let mut writer = start_response.start(Head::new(Status::OK, &[Header::new("Content-Type", "text/plain")]))?;
        std::thread::scope(|scope| {
            let work = || {
                let read = environ.input().read(&mut [0; 8]).map_err(Error::from);
                assert!(matches!(read, Err(Error::State(_))), "{read:?}");
                let write = writer.send(b"x");
                assert!(matches!(write, Err(Error::State(_))), "{write:?}");
                let sleep = environ.sleep(Duration::ZERO);
                assert!(matches!(sleep, Err(Error::State(_))), "{sleep:?}");
                assert!(!environ.is_disconnected() && environ.deadline().is_none());
                environ.errors().info("the log works everywhere");
            };
            scope.spawn(work).join().unwrap();
        });
        // Nothing was done: all of it still works here.
        let mut body = Vec::new();
        environ.input().read_to_end(&mut body)?;
        writer.send(b"read: ")?;
        Ok(Body::from(body))
    }));
    let response = client.post("/").body("abc").arriving(0, 0).without_lint().send();
    assert_eq!((response.text(), response.log.len()), ("read: abc", 1));
}

/// A body owns the environ and reads the input while it is pulled.
#[test]
fn a_stream_reads_the_input_live() {
    struct Echo<'r>(Environ<'r>);

    impl Read for Echo<'_> {
        fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
            self.0.input().read(buf)
        }
    }

    let client = TestClient::new(app_fn(|environ, start_response| {
        start_response.start(Head::new(Status::OK, &[Header::new("Content-Type", "text/plain")]))?;
        Ok(Body::reader(Echo(environ)))
    }));
    // Miri takes a second for each.
    let step = if cfg!(miri) { TEXT.len() / 2 } else { 1 };
    for preread in (0..=TEXT.len()).step_by(step) {
        let response = client.post("/").body(TEXT).arriving(preread, 3).send();
        assert_eq!((response.text(), response.closed), (TEXT, 1));
    }
}
