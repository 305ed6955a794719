//! INPUT: `gateway.input`.

use super::rule::Side::{App, Server};
use super::rule::{Check, Rule};
use super::text::when;
use crate::error::Error;

pub(super) const RULES: &[Rule] = &[
    Rule::must(
        "INPUT-01",
        Server,
        "decision: preread bytes",
        "The bytes that have been read ahead are no more than the length of the body.",
        Check::Environ(|environ| {
            let (ahead, length) = (environ.request().preread().len() as u64, environ.request().content_length()?);
            when(ahead > length, || format!("{ahead} bytes read ahead of {length}"))
        }),
    ),
    Rule::must(
        "INPUT-02",
        Server,
        "decision: preread bytes",
        "A body that is marked complete has all of its bytes read ahead.",
        Check::Environ(|environ| {
            let request = environ.request();
            let (ahead, length) = (request.preread().len() as u64, request.content_length()?);
            when(request.body_complete() && ahead < length, || format!("complete with {ahead} bytes of {length}"))
        }),
    ),
    Rule::must(
        "INPUT-03",
        Server,
        "RFC 9112, 6.3",
        "A request with neither Content-Length nor Transfer-Encoding has no body: its length is 0.",
        Check::Environ(|environ| {
            let request = environ.request();
            let framed = environ.contains("CONTENT_LENGTH") || environ.headers().first("transfer-encoding").is_some();
            when(!framed && !environ.is_edited() && request.content_length() != Some(0), || {
                format!("the length is {:?}", request.content_length())
            })
        }),
    ),
    Rule::must(
        "INPUT-04",
        Server,
        "PEP 3333, Input and Error Streams; RFC 3875, 4.2",
        "gateway.input gives no more bytes than the length of the body: it ends there by itself.",
        Check::Read(|read| {
            let total = read.before + read.outcome.unwrap_or(0) as u64;
            let length = read.length?;
            when(total > length, || format!("{total} bytes of a body of {length}"))
        }),
    ),
    Rule::must(
        "INPUT-05",
        Server,
        "RFC 9112, 8; decision: truncation",
        "A body that is cut short is an error, never an early end.",
        Check::Read(|read| {
            let (length, end) = (read.length?, matches!(read.outcome, Ok(0)));
            when(end && read.before < length, || format!("the end after {} bytes of {length}", read.before))
        }),
    ),
    Rule::must(
        "INPUT-06",
        Server,
        "PEP 3333, Input and Error Streams",
        "After its end gateway.input gives the end again, as often as it is read.",
        Check::Read(|read| {
            let more = read.ended && read.outcome.is_ok_and(|count| count > 0);
            when(more, || "bytes after the end".to_owned())
        }),
    ),
    Rule::must(
        "INPUT-07",
        Server,
        "decision: errors say whose fault they are",
        "A failing read answers IO, GONE, LIMIT, STATE or NOMEM: never an error that stands for the app's own failure.",
        Check::Read(|read| {
            let error = read.outcome.err()?;
            let foreign = matches!(error, Error::App(_) | Error::Panic(_) | Error::Invalid(_));
            when(foreign, || format!("read failed with {error:?}"))
        }),
    ),
    Rule::must(
        "INPUT-08",
        App,
        "decision: threads",
        "gateway.input is read only by the thread that is inside the request's `call` or `next`.",
        Check::Read(|read| when(!read.inside, || "a read from another thread".to_owned())),
    ),
    Rule::should(
        "INPUT-09",
        App,
        "decision: truncation",
        "An app does not read again after a read has failed.",
        Check::Read(|read| when(read.failed, || "a read after a failed one".to_owned())),
    ),
    Rule::should(
        "INPUT-10",
        App,
        "RFC 9112, 8",
        "A request whose body could not be read is not answered with success.",
        Check::Return(|call| {
            let status = call.status.filter(|status| call.input_failed && (200..300).contains(status))?;
            when(call.error.is_none(), || format!("{status} although reading the body failed"))
        }),
    ),
];
