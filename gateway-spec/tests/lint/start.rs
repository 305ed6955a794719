//! START.

use gateway_spec::prelude::*;

use super::harness::{Case, Outcome, get, rules};

/// An app that starts with each status in turn; the second and later ones
/// carry an error where `replacing`. It ignores what `start` answers.
fn starts(case: Case, statuses: &'static [u16], replacing: bool) -> Outcome {
    case.serve(app_fn(move |_, start_response| {
        let cause = Error::app("the database is away");
        for (index, &status) in statuses.iter().enumerate() {
            let error = (replacing && index > 0).then_some(&cause);
            let _ = start_response.start(Head { error, ..Head::new(Status::new(status)?, &[]) });
        }
        Ok(Body::empty())
    }))
}

/// An app that writes and then replaces its head.
fn late(bytes: &'static [u8]) -> Outcome {
    get().serve(app_fn(move |_, start_response| {
        let headers = [Header::new("Content-Type", "text/plain")];
        start_response.start(Head::new(Status::OK, &headers))?.send(bytes)?;
        let cause = Error::app("too late");
        start_response.start(Head::new(Status::BAD_GATEWAY, &headers).replacing(&cause))?;
        Ok(Body::empty())
    }))
}

fn refusing(at: usize, error: fn() -> Error) -> Case {
    Case { refuse: Some((at, error)), ..get() }
}

rules! {
    "START-01",
    start_01_holds: starts(get(), &[204], false),
    start_01_broken: starts(get(), &[], false);
    "START-02",
    start_02_holds: starts(get(), &[204, 500], true),
    start_02_broken: starts(get(), &[204, 500], false);
    "START-03",
    start_03_holds: late(b""),
    start_03_broken: late(b"x");
    "START-04",
    start_04_holds: starts(get(), &[204, 404, 500], true),
    start_04_broken: starts(get(), &[204, 202], true);
    "START-05",
    start_05_holds: starts(refusing(2, || Error::Gone), &[204, 500, 500], true),
    start_05_broken: starts(refusing(2, || Error::Gone), &[204, 500], true);
    "START-06",
    start_06_holds: starts(get(), &[204], false),
    start_06_broken: starts(refusing(1, || Error::Invalid("no".into())), &[204], false);
}
