//! WRITE: the writer that `start_response` gives.

use super::rule::Side::{App, Server};
use super::rule::{Check, Rule};
use super::text::when;
use crate::error::Error;

pub(super) const RULES: &[Rule] = &[
    Rule::must(
        "WRITE-01",
        App,
        "PEP 3333, Handling the Content-Length Header",
        "An app writes no more bytes than the Content-Length it declared.",
        Check::Write(|write| {
            let (declared, total) = (write.declared?, write.before + write.count);
            when(total > declared, || format!("{total} bytes written, Content-Length is {declared}"))
        }),
    ),
    Rule::must(
        "WRITE-02",
        App,
        "PEP 3333, The write() Callable",
        "An app does not write after it has returned: not from within its body either.",
        Check::Write(|write| when(write.returned, || "a write after the app returned".to_owned())),
    ),
    Rule::must(
        "WRITE-03",
        App,
        "RFC 9110, 15.3.5, 15.3.6 and 15.4.5",
        "An app writes no bytes of a 204, 205 or 304 response.",
        Check::Write(|write| {
            let bodiless = matches!(write.status, 204 | 205 | 304);
            when(bodiless && write.count > 0, || format!("{} bytes written with status {}", write.count, write.status))
        }),
    ),
    Rule::must(
        "WRITE-04",
        App,
        "decision: threads",
        "The writer is used only by the thread that is inside the request's `call`.",
        Check::Write(|write| when(!write.inside, || "a write from another thread".to_owned())),
    ),
    Rule::should(
        "WRITE-05",
        App,
        "decision: disconnects",
        "After a write has failed an app does not write again.",
        Check::Write(|write| when(write.failed && write.outcome.is_none(), || "a write after a failed one".to_owned())),
    ),
    Rule::must(
        "WRITE-06",
        Server,
        "PEP 3333, The write() Callable",
        "A server answers LIMIT to a write only where it goes beyond the declared Content-Length.",
        Check::Write(|write| {
            let Some(Err(error @ Error::Limit(_))) = write.outcome else { return None };
            let fits = write.declared.is_none_or(|declared| write.before + write.count <= declared);
            when(fits, || format!("write answered: {error}"))
        }),
    ),
];
