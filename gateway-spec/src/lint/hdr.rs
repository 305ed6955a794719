//! HDR: the request headers.

use super::rule::{Check, Rule, Side::Server};
use super::text::{is_control, is_padded, shown, when};
use crate::headers::{is_safe_value, is_token};

pub(super) const RULES: &[Rule] = &[
    Rule::must(
        "HDR-01",
        Server,
        "RFC 9110, 5.1",
        "The name of every request header is a token.",
        Check::Environ(|environ| {
            let header = environ.headers().into_iter().find(|header| !is_token(header.name()))?;
            Some(format!("a header is named {}", shown(header.name())))
        }),
    ),
    Rule::must(
        "HDR-02",
        Server,
        "RFC 9110, 5.5",
        "No value of a request header contains CR, LF or NUL.",
        Check::Environ(|environ| {
            let header = environ.headers().into_iter().find(|header| !is_safe_value(header.value()))?;
            Some(format!("the header {header:?}"))
        }),
    ),
    Rule::must(
        "HDR-03",
        Server,
        "RFC 9112, 5.1",
        "The server strips spaces and tabs around the value of a request header.",
        Check::Environ(|environ| {
            let header = environ.headers().into_iter().find(|header| is_padded(header.value()))?;
            Some(format!("{} is {}", header.name().escape_ascii(), shown(header.value())))
        }),
    ),
    Rule::should(
        "HDR-04",
        Server,
        "RFC 9110, 5.5",
        "The value of a request header contains no control bytes besides the tab.",
        Check::Environ(|environ| {
            let control = |&byte: &u8| is_control(byte) && is_safe_value(&[byte]);
            let header = environ.headers().into_iter().find(|header| header.value().iter().any(control))?;
            Some(format!("{} is {}", header.name().escape_ascii(), shown(header.value())))
        }),
    ),
    Rule::must(
        "HDR-05",
        Server,
        "RFC 9112, 3.2",
        "An HTTP/1.1 request has a Host; the server answers one without it with 400.",
        Check::Environ(|environ| {
            let missing = environ.server_protocol() == "HTTP/1.1" && environ.headers().first("host").is_none();
            when(missing, || "there is no Host".to_owned())
        }),
    ),
    Rule::must(
        "HDR-06",
        Server,
        "RFC 9112, 3.2",
        "No request has more than one Host.",
        Check::Environ(|environ| {
            let count = environ.headers().all("host").count();
            when(count > 1, || format!("{count} Host headers"))
        }),
    ),
    Rule::must(
        "HDR-07",
        Server,
        "RFC 9110, 7.2",
        "Host is `host` or `host:port`: without spaces, control bytes and the characters `/ ? # @ \\`.",
        Check::Environ(|environ| {
            let host = environ.headers().first("host")?;
            let bad = |&byte: &u8| byte <= b' ' || byte == 0x7f || b"/?#@\\".contains(&byte);
            when(host.iter().any(bad), || format!("Host is {}", shown(host)))
        }),
    ),
    Rule::must(
        "HDR-08",
        Server,
        "RFC 9112, 6.1 and 6.3 (request smuggling)",
        "No request has both Transfer-Encoding and Content-Length.",
        Check::Environ(|environ| {
            let headers = environ.headers();
            let both = headers.first("transfer-encoding").is_some() && headers.first("content-length").is_some();
            when(both, || "Transfer-Encoding and Content-Length".to_owned())
        }),
    ),
    Rule::must(
        "HDR-09",
        Server,
        "RFC 9110, 8.6",
        "No request has more than one Content-Length; equal ones are made one or refused.",
        Check::Environ(|environ| {
            let count = environ.headers().all("content-length").count();
            when(count > 1, || format!("{count} Content-Length headers"))
        }),
    ),
    Rule::must(
        "HDR-10",
        Server,
        "RFC 9112, 6.3",
        "The last transfer coding of a request is `chunked`: the end of any other body is unknown.",
        Check::Environ(|environ| {
            let codings = environ.headers().joined("transfer-encoding")?;
            let last = codings.rsplit(|&byte| byte == b',').next().unwrap_or_default().trim_ascii();
            when(!last.eq_ignore_ascii_case(b"chunked"), || format!("Transfer-Encoding is {}", shown(&codings)))
        }),
    ),
    Rule::must(
        "HDR-11",
        Server,
        "RFC 9112, 6.1",
        "An HTTP/1.0 request with Transfer-Encoding does not reach an app: its framing is faulty.",
        Check::Environ(|environ| {
            let old = environ.server_protocol() == "HTTP/1.0";
            when(old && environ.headers().first("transfer-encoding").is_some(), || {
                "Transfer-Encoding in HTTP/1.0".to_owned()
            })
        }),
    ),
];
