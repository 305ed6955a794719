//! BODY.

use std::fs::File;
use std::io::Write as _;

use gateway_spec::prelude::*;
use gateway_spec::{Chunk, Source};

use super::harness::{Case, Outcome, answer, get, respond, rules, start};

/// A stream of a script: chunks, then the end, an error, or a chunk again.
struct Scripted(Vec<Step>);

#[derive(Clone, Copy)]
enum Step {
    Give(&'static [u8]),
    Last(&'static [u8]),
    End,
    Fail,
}

use Step::{End, Fail, Give, Last};

impl Source for Scripted {
    fn next(&mut self) -> Result<Option<Chunk<'_>>> {
        let step = if self.0.is_empty() { End } else { self.0.remove(0) };
        match step {
            Give(bytes) => Ok(Some(Chunk::new(bytes))),
            Last(bytes) => Ok(Some(Chunk { last: true, ..Chunk::new(bytes) })),
            End => Ok(None),
            Fail => Err(Error::app("the disk is full")),
        }
    }
}

/// A stream of these steps, with a Content-Length or a stated length or neither.
fn stream(case: Case, declared: Option<&'static str>, stated: Option<u64>, steps: &'static [Step]) -> Outcome {
    case.serve(app_fn(move |_, start_response| {
        let declared = declared.map(|length| Header::new("Content-Length", length));
        start(start_response, declared.as_slice())?;
        let body = Body::source(Scripted(steps.to_vec()));
        Ok(match stated {
            Some(length) => body.with_length(length),
            None => body,
        })
    }))
}

/// A file of ten bytes, sent from `offset` on.
fn file(offset: u64, length: u64) -> Outcome {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(b"0123456789").unwrap();
    get().serve(app_fn(move |_, start_response| {
        start(start_response, &[])?;
        Ok(Body::file_range(file.try_clone()?, offset, length))
    }))
}

fn special(path: &'static str) -> Outcome {
    get().serve(app_fn(move |_, start_response| {
        start(start_response, &[])?;
        Ok(Body::file_range(File::open(path)?, 0, 0))
    }))
}

fn untyped(body: &'static str) -> Outcome {
    get().serve(app_fn(move |_, start_response| {
        start_response.start(Head::new(Status::OK, &[]))?;
        Ok(Body::from(body))
    }))
}

fn again(case: Case) -> Case {
    Case { again: 1, ..case }
}

rules! {
    "BODY-01",
    body_01_holds: answer(304, &[], ""),
    body_01_broken: answer(204, &[], "x");
    "BODY-02",
    body_02_holds: answer(205, &[], ""),
    body_02_broken: answer(205, &[], "x");
    "BODY-03",
    body_03_holds: answer(200, &[("Content-Length", b"2")], "ok"),
    body_03_broken: answer(200, &[("Content-Length", b"3")], "ok");
    "BODY-04",
    body_04_holds: stream(get(), Some("4"), None, &[Give(b"ab"), Last(b"cd")]),
    body_04_broken: stream(get(), Some("3"), None, &[Give(b"ab"), Give(b"cd")]);
    "BODY-05",
    body_05_holds: stream(Case { pulls: 1, ..get() }, Some("4"), None, &[Give(b"ab")]),
    body_05_broken: stream(get(), Some("4"), None, &[Give(b"ab")]);
    "BODY-06",
    body_06_holds: stream(get(), None, Some(4), &[Give(b"ab"), Give(b"cd")]),
    body_06_broken: stream(get(), None, Some(4), &[Give(b"ab"), Last(b"c")]);
    "BODY-07",
    body_07_holds: stream(again(get()), None, None, &[Give(b"ab"), End, End]),
    body_07_broken: stream(again(get()), None, None, &[Give(b"ab"), End, Give(b"cd")]);
    "BODY-08",
    body_08_holds: stream(get(), None, None, &[Last(b"ab"), Give(b"cd")]),
    body_08_broken: stream(again(get()), None, None, &[Last(b"ab"), Give(b"cd")]);
    "BODY-09",
    body_09_holds: stream(get(), None, None, &[Give(b"ab"), Last(b"")]),
    body_09_broken: stream(get(), None, None, &[Give(b"ab"), Give(b"")]);
    "BODY-10",
    body_10_holds: file(4, 6),
    body_10_broken: file(4, 7);
    "BODY-11",
    body_11_holds: file(0, 0),
    body_11_broken: special("/dev/null");
    "BODY-12",
    body_12_holds: untyped(""),
    body_12_broken: untyped("x");
}

/// The other end of the same rule.
#[test]
fn body_06_is_broken_by_too_many_bytes_too() {
    let outcome = stream(get(), None, Some(3), &[Give(b"ab"), Give(b"cd")]);
    assert_eq!(outcome.ids, ["BODY-06"]);
    assert_eq!(outcome.sent, b"ab", "the chunk that breaks the rule is withheld");
}

#[test]
fn body_08_covers_pulls_after_an_error() {
    assert_eq!(stream(again(get()), None, None, &[Fail, Give(b"x")]).ids, ["BODY-08"]);
}

/// An empty body stands for that of GET; nothing is counted.
#[test]
fn head_may_declare_a_length_without_a_body() {
    let case = Case { method: "HEAD", ..get() };
    let outcome = respond(case, 200, None, &[("Content-Length", b"1000"), ("Content-Type", b"text/plain")], "");
    assert!(outcome.ids.is_empty(), "{outcome:?}");
}

/// An error of the app's own is no broken rule.
#[test]
fn a_stream_may_fail() {
    let outcome = stream(get(), Some("4"), None, &[Give(b"ab"), Fail]);
    assert_eq!(outcome.error.as_deref(), Some("the disk is full"));
    assert!(outcome.ids.is_empty(), "{outcome:?}");
}
