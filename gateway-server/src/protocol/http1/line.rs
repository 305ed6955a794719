//! The request line (RFC 9112, section 3).

use gateway_spec::headers::is_token;

use super::Version;
use super::target::Marks;
use crate::protocol::Refusal;

/// A request line, split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Line<'b> {
    /// A token.
    pub(super) method: &'b [u8],
    /// At least one byte, and none that ends it.
    pub(super) target: &'b [u8],
    /// What bytes it has.
    pub(super) marks: Marks,
    pub(super) version: Version,
}

impl<'b> Line<'b> {
    /// Splits the request line that `head` begins with from what follows it.
    #[inline(always)]
    pub(super) fn split(head: &'b [u8]) -> Result<(Self, &'b [u8]), Refusal> {
        let Some((method, rest)) = split_method(head) else { return Err(fault(head)) };
        let (marks, size) = Marks::of(rest);
        let (target, rest) = rest.split_at(size);
        let Some((version, rest)) = rest.split_first_chunk() else { return Err(fault(head)) };
        // Not by a pattern, which looks at each byte.
        let version = if version == b" HTTP/1.1\r\n" {
            Version::Http11
        } else if version == b" HTTP/1.0\r\n" {
            Version::Http10
        } else {
            return Err(fault(head));
        };
        if target.is_empty() { Err(fault(head)) } else { Ok((Self { method, target, marks, version }, rest)) }
    }
}

#[inline(always)]
fn split_method(head: &[u8]) -> Option<(&[u8], &[u8])> {
    match head.split_at_checked(4) {
        Some((b"GET ", rest)) => Some((&head[..3], rest)),
        _ => split_other_method(head),
    }
}

fn split_other_method(head: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = head.iter().position(|&byte| byte == b' ')?;
    is_token(&head[..end]).then_some((&head[..end], &head[end + 1..]))
}

/// Refuses a request line that nothing behind it can mend, so that a client of
/// HTTP/0.9, which sends no more, gets its answer.
pub(super) fn check(line: &[u8]) -> Result<(), Refusal> {
    if line.ends_with(b" HTTP/1.1") || line.ends_with(b" HTTP/1.0") {
        return Ok(());
    }
    Err(line_fault(line))
}

/// What is wrong with the request line that `head` begins with.
#[cold]
fn fault(head: &[u8]) -> Refusal {
    if matches!(head, [b'\r' | b'\n', ..]) {
        return Refusal::EmptyLines;
    }
    let end = memchr::memchr(b'\n', head).unwrap_or(head.len());
    match head[..end].strip_suffix(b"\r") {
        Some(line) => line_fault(line),
        None if end < head.len() => Refusal::BareLf,
        None => line_fault(head),
    }
}

fn line_fault(line: &[u8]) -> Refusal {
    let mut parts = line.splitn(3, |&byte| byte == b' ');
    let mut part = || parts.next().unwrap_or_default();
    let (method, target, version) = (part(), part(), part());
    match version {
        // The preface of HTTP/2 is no request at all (RFC 9113, section 3.4).
        _ if !is_token(method) || line.starts_with(b"PRI * ") => Refusal::RequestLine,
        _ if !target.iter().all(u8::is_ascii_graphic) => Refusal::Target,
        [b'H', b'T', b'T', b'P', b'/', b'0'..=b'9', b'.', b'0'..=b'9']
            if !matches!(version, b"HTTP/1.0" | b"HTTP/1.1") =>
        {
            Refusal::Version
        }
        _ => Refusal::RequestLine,
    }
}
