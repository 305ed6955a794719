//! BODY: what the app returns, and what comes out of it.

use super::rule::Side::{App, Server};
use super::rule::{Check, Rule};
use super::text::when;

pub(super) const RULES: &[Rule] = &[
    Rule::must(
        "BODY-01",
        App,
        "RFC 9110, 15.3.5 and 15.4.5",
        "A 204 or 304 response has an empty body.",
        Check::Body(|body| {
            let length = body.length.filter(|length| matches!(body.status, 204 | 304) && *length > 0)?;
            Some(format!("{length} bytes with status {}", body.status))
        }),
    ),
    Rule::must(
        "BODY-02",
        App,
        "RFC 9110, 15.3.6",
        "A 205 response has an empty body.",
        Check::Body(|body| {
            let length = body.length.filter(|length| body.status == 205 && *length > 0)?;
            Some(format!("{length} bytes with status 205"))
        }),
    ),
    Rule::must(
        "BODY-03",
        App,
        "PEP 3333, Handling the Content-Length Header",
        "Where both are known, Content-Length is the number of bytes written and returned. (Not for HEAD, where an \
         empty body may stand for that of GET, nor for 304.)",
        Check::Body(|body| {
            let sent = body.written + body.length?;
            let declared = body.declared.filter(|_| !body.head && !matches!(body.status, 204 | 304))?;
            when(sent != declared, || format!("Content-Length is {declared}, the body has {sent} bytes"))
        }),
    ),
    Rule::must(
        "BODY-04",
        App,
        "PEP 3333, Handling the Content-Length Header",
        "A stream gives no more bytes than Content-Length leaves.",
        Check::Pull(|pull| {
            let (declared, sent) = (pull.declared?, pull.written + pull.total());
            when(sent > declared, || format!("{sent} bytes, Content-Length is {declared}"))
        }),
    ),
    Rule::must(
        "BODY-05",
        App,
        "RFC 9112, 6.3",
        "A stream does not end before Content-Length is reached; one that cannot go on fails.",
        Check::Pull(|pull| {
            let (declared, sent) = (pull.declared?, pull.written + pull.total());
            when(pull.ends() && sent < declared, || format!("the end after {sent} bytes, Content-Length is {declared}"))
        }),
    ),
    Rule::must(
        "BODY-06",
        App,
        "decision: stated lengths",
        "A stream that states its length gives exactly that many bytes.",
        Check::Pull(|pull| {
            let (stated, total) = (pull.stated?, pull.total());
            let wrong = total > stated || (pull.ends() && total < stated);
            when(wrong, || format!("{total} bytes, the stream stated {stated}"))
        }),
    ),
    Rule::must(
        "BODY-07",
        App,
        "decision: streams",
        "A stream that has given its end gives the end again.",
        Check::Pull(|pull| {
            when(pull.ended && !matches!(pull.outcome, Ok(None)), || "a chunk after the end".to_owned())
        }),
    ),
    Rule::must(
        "BODY-08",
        Server,
        "decision: streams",
        "A server does not pull a stream again after an error, nor after a chunk that was flagged as the last.",
        Check::Pull(|pull| when(pull.over, || "a pull after an error or the last chunk".to_owned())),
    ),
    Rule::should(
        "BODY-09",
        App,
        "PEP 3333, Buffering and Streaming",
        "A stream gives no empty chunks; one that has nothing to give yet waits.",
        Check::Pull(|pull| {
            // An empty last chunk is the end under another name.
            when(matches!(pull.outcome, Ok(Some((0, false)))), || "an empty chunk".to_owned())
        }),
    ),
    Rule::must(
        "BODY-10",
        App,
        "decision: file bodies",
        "The range of a file body lies within the file.",
        Check::Body(|body| {
            let file = body.file?;
            let size = file.size?;
            let end = file.offset.checked_add(file.length);
            when(end.is_none_or(|end| end > size), || {
                format!("{} bytes from {} on, the file has {size}", file.length, file.offset)
            })
        }),
    ),
    Rule::should(
        "BODY-11",
        App,
        "decision: file bodies",
        "A file body is a regular file: others cannot be read at an offset.",
        Check::Body(|body| when(body.file?.size.is_none(), || "the descriptor is no regular file".to_owned())),
    ),
    Rule::should(
        "BODY-12",
        App,
        "RFC 9110, 8.3",
        "A response with a body has a Content-Type.",
        Check::Body(|body| {
            let some = body.written > 0 || body.length != Some(0);
            let bodiless = body.head || matches!(body.status, 204 | 205 | 304);
            when(some && !bodiless && !body.has_type, || "there is no Content-Type".to_owned())
        }),
    ),
];
