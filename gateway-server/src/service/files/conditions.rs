//! Conditional requests, in the order of RFC 9110, section 13.2.2.

use std::time::SystemTime;

use gateway_spec::Environ;
use httpdate::parse_http_date;

use super::stamp::Validators;

/// What the conditions of a request come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Answer as if there were none.
    Go,
    /// 304
    NotModified,
    /// 412
    Failed,
}

/// Weighs the conditions of a GET or HEAD.
pub(super) fn weigh(environ: &Environ<'_>, validators: &Validators) -> Verdict {
    // Each date counts only where its list of tags was not sent.
    let holds = match environ.get("HTTP_IF_MATCH") {
        Some(list) => list_has(&list, validators, Comparison::Strong),
        None => date(environ, "HTTP_IF_UNMODIFIED_SINCE").is_none_or(|date| is_unchanged(validators, date)),
    };
    if !holds {
        return Verdict::Failed;
    }
    let is_known = match environ.get("HTTP_IF_NONE_MATCH") {
        Some(list) => list_has(&list, validators, Comparison::Weak),
        None => date(environ, "HTTP_IF_MODIFIED_SINCE").is_some_and(|date| is_unchanged(validators, date)),
    };
    if is_known { Verdict::NotModified } else { Verdict::Go }
}

/// Whether a Range may be answered: If-Range is not there, or names this very
/// content. It is the date that was sent, or nothing: an earlier or later one is
/// no proof.
pub(super) fn range_holds(environ: &Environ<'_>, validators: &Validators) -> bool {
    let Some(text) = environ.get("HTTP_IF_RANGE") else { return true };
    let is_date = |sent: &[u8]| parse(&text).is_some_and(|date| parse(sent) == Some(date));
    *text == *validators.etag.as_bytes()
        || validators.last_modified.as_ref().is_some_and(|sent| is_date(sent.as_bytes()))
}

/// How tags are compared (section 8.8.3.2). Those that are sent here are strong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Strong,
    Weak,
}

/// Whether a list of tags, or `*`, has the one of this content.
fn list_has(list: &[u8], validators: &Validators, comparison: Comparison) -> bool {
    let mut rest = list.trim_ascii();
    if rest == b"*" {
        return true;
    }
    while !rest.is_empty() {
        let opaque = rest.strip_prefix(b"W/");
        let (is_weak, text) = (opaque.is_some(), opaque.unwrap_or(rest));
        // A tag may have commas in it, so that its end is the next quote.
        let end = text.strip_prefix(b"\"").and_then(|inner| inner.iter().position(|byte| *byte == b'"'));
        let Some(end) = end else { return false };
        let (tag, behind) = text.split_at(end + 2);
        if tag == validators.etag.as_bytes() && (!is_weak || comparison == Comparison::Weak) {
            return true;
        }
        let is_between = |byte: &u8| matches!(byte, b',' | b' ' | b'\t');
        rest = &behind[behind.iter().take_while(|byte| is_between(byte)).count()..];
    }
    false
}

/// A file whose time HTTP cannot say may always have changed.
fn is_unchanged(validators: &Validators, since: SystemTime) -> bool {
    validators.changed.is_some_and(|changed| changed <= since)
}

/// What is no date is not there (sections 13.1.3 and 13.1.4).
fn date(environ: &Environ<'_>, key: &str) -> Option<SystemTime> {
    parse(&environ.get(key)?)
}

fn parse(text: &[u8]) -> Option<SystemTime> {
    parse_http_date(std::str::from_utf8(text).ok()?).ok()
}
