//! INPUT.

use std::io::Read as _;

use gateway_spec::prelude::*;

use super::harness::{Case, Outcome, get, post, rules};

fn gone() -> Error {
    Error::Gone
}

/// An app that reads `times` times, whatever comes of it, and answers `status`.
fn stubborn(case: Case, times: usize, status: u16) -> Outcome {
    case.serve(app_fn(move |mut environ, start_response| {
        for _ in 0..times {
            let _ = environ.input().read(&mut [0; 16]);
        }
        start_response.start(Head::new(Status::new(status)?, &[]))?;
        Ok(Body::empty())
    }))
}

/// An app that reads on a thread of its own, or not.
fn reading_on(another: bool) -> Outcome {
    post(3, &[Ok(b"abc")]).serve(app_fn(move |mut environ, start_response| {
        let mut read = || environ.input().read(&mut [0; 16]).map(drop);
        let outcome = if another { std::thread::scope(|scope| scope.spawn(read).join().unwrap()) } else { read() };
        assert_eq!(outcome.is_err(), another);
        start_response.start(Head::new(Status::NO_CONTENT, &[]))?;
        Ok(Body::empty())
    }))
}

rules! {
    "INPUT-01",
    input_01_holds: Case { preread: b"abc", ..post(3, &[]) }.reading(),
    input_01_broken: Case { preread: b"abcd", ..post(3, &[]) }.reading();
    "INPUT-02",
    input_02_holds: Case { preread: b"abc", complete: true, ..post(3, &[]) }.reading(),
    input_02_broken: Case { preread: b"ab", complete: true, ..post(3, &[]) }.reading();
    "INPUT-03",
    input_03_holds: Case { length: None, reads: vec![Ok(b"abc")], ..get() }
        .header("Transfer-Encoding", "chunked")
        .reading(),
    input_03_broken: Case { length: None, ..get() }.reading();
    "INPUT-04",
    input_04_holds: post(4, &[Ok(b"ab"), Ok(b"cd")]).reading(),
    input_04_broken: post(3, &[Ok(b"ab"), Ok(b"cd")]).reading();
    "INPUT-05",
    input_05_holds: stubborn(post(4, &[Ok(b"ab"), Err(Error::truncated)]), 2, 400),
    input_05_broken: post(4, &[Ok(b"ab")]).reading();
    "INPUT-06",
    input_06_holds: stubborn(post(2, &[Ok(b"ab")]), 4, 204),
    input_06_broken: stubborn(
        Case { length: None, reads: vec![Ok(b"ab"), Ok(b""), Ok(b"cd")], ..get() }
            .header("Transfer-Encoding", "chunked"),
        3,
        204,
    );
    "INPUT-07",
    input_07_holds: stubborn(post(4, &[Err(gone)]), 1, 400),
    input_07_broken: stubborn(post(4, &[Err(|| Error::app("the disk is full"))]), 1, 400);
    "INPUT-08",
    input_08_holds: reading_on(false),
    input_08_broken: reading_on(true);
    "INPUT-09",
    input_09_holds: stubborn(post(4, &[Err(gone)]), 1, 400),
    input_09_broken: stubborn(post(4, &[Err(gone), Err(gone)]), 2, 400);
    "INPUT-10",
    input_10_holds: stubborn(post(4, &[Err(Error::truncated)]), 1, 400),
    input_10_broken: stubborn(post(4, &[Err(Error::truncated)]), 1, 204);
}
