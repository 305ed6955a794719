//! START: the calls of `start_response`.

use super::rule::Side::{App, Server};
use super::rule::{Check, Rule};
use super::text::when;
use crate::error::Error;

pub(super) const RULES: &[Rule] = &[
    Rule::must(
        "START-01",
        App,
        "PEP 3333, The start_response() Callable; decision",
        "An app that returns a body has called start_response with success before.",
        Check::Return(|call| {
            when(call.status.is_none() && call.error.is_none(), || "the app returned without start_response".to_owned())
        }),
    ),
    Rule::must(
        "START-02",
        App,
        "PEP 3333, The start_response() Callable",
        "A second call of start_response carries the error that caused it, and so replaces the first head.",
        Check::Start(|start| {
            when(start.started && !start.replaces, || "start_response was called twice without an error".to_owned())
        }),
    ),
    Rule::must(
        "START-03",
        App,
        "PEP 3333, The start_response() Callable",
        "start_response is not called once the head is on its way: after a write of bytes, or a flush.",
        Check::Start(|start| {
            when(start.committed, || format!("start_response with {} after the head was sent", start.status))
        }),
    ),
    Rule::should(
        "START-04",
        App,
        "PEP 3333, Error Handling",
        "A head that replaces another because of an error has a 4xx or 5xx status.",
        Check::Start(|start| {
            when(start.replaces && start.status < 400, || format!("status {} because of an error", start.status))
        }),
    ),
    Rule::should(
        "START-05",
        App,
        "PEP 3333, Error Handling",
        "An app whose last call of start_response was refused does not return a body as if it had been accepted.",
        Check::Return(|call| {
            let ignored = call.refused && call.status.is_some() && call.error.is_none();
            when(ignored, || "the app ignored that start_response failed".to_owned())
        }),
    ),
    Rule::must(
        "START-06",
        Server,
        "PEP 3333, The start_response() Callable",
        "A server accepts every head that keeps these rules, on the thread that is inside the call.",
        Check::Refused(|error| {
            when(matches!(error, Error::Invalid(_) | Error::State(_)), || format!("start_response answered: {error}"))
        }),
    ),
];
