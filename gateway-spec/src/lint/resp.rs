//! RESP: status, reason and headers of the response.

use super::facts::StartFacts;
use super::rule::{Check, Rule, Seen, Side::App};
use super::text::{is_control, is_date, is_padded, is_uri_reference, number, shown, when};
use crate::headers::{Header, is_hop_by_hop, is_safe_value, is_token};

/// Fields that stand for one value, so that a second one has no meaning.
const SINGLE: [&str; 12] = [
    "content-type",
    "content-range",
    "location",
    "etag",
    "last-modified",
    "expires",
    "date",
    "age",
    "server",
    "retry-after",
    "access-control-allow-origin",
    "strict-transport-security",
];

/// What RFC 9110 does not want to see on a 304.
const NOT_ON_304: [&str; 3] = ["content-length", "content-type", "content-encoding"];

pub(super) const RULES: &[Rule] = &[
    Rule::must(
        "RESP-01",
        App,
        "RFC 9110, 15; PEP 3333, The start_response() Callable",
        "The status is a number from 200 to 999. Interim responses (1xx) are the server's.",
        Check::Start(|start| when(!(200..=999).contains(&start.status), || format!("status {}", start.status))),
    ),
    Rule::must(
        "RESP-02",
        App,
        "PEP 3333, The start_response() Callable (response splitting)",
        "The reason phrase contains no CR, LF or NUL.",
        Check::Start(|start| {
            let reason = start.reason?.as_bytes();
            when(!is_safe_value(reason), || format!("the reason {}", shown(reason)))
        }),
    ),
    Rule::should(
        "RESP-03",
        App,
        "RFC 9112, 4",
        "The reason phrase is visible ASCII and spaces.",
        Check::Start(|start| {
            let reason = start.reason?.as_bytes();
            when(!reason.iter().all(|byte| matches!(byte, b' '..=b'~')), || format!("the reason {}", shown(reason)))
        }),
    ),
    Rule::must(
        "RESP-04",
        App,
        "RFC 9110, 5.1",
        "The name of every header is a token.",
        Check::Start(|start| {
            any(start, |header| {
                when(!is_token(header.name()), || format!("a header is named {}", shown(header.name())))
            })
        }),
    ),
    Rule::must(
        "RESP-05",
        App,
        "RFC 9110, 5.5; PEP 3333, The start_response() Callable (response splitting)",
        "No value of a header contains CR, LF or NUL.",
        Check::Start(|start| any(start, |header| when(!is_safe_value(header.value()), || format!("{header:?}")))),
    ),
    Rule::should(
        "RESP-06",
        App,
        "RFC 9110, 5.5",
        "No value of a header begins or ends with a space or a tab.",
        Check::Start(|start| any(start, |header| when(is_padded(header.value()), || seen(header)))),
    ),
    Rule::should(
        "RESP-07",
        App,
        "RFC 9110, 5.5",
        "The value of a header contains no control bytes besides the tab.",
        Check::Start(|start| {
            let control = |&byte: &u8| is_control(byte) && is_safe_value(&[byte]);
            any(start, |header| when(header.value().iter().any(control), || seen(header)))
        }),
    ),
    Rule::must(
        "RESP-08",
        App,
        "RFC 9110, 7.6.1; PEP 3333, Other HTTP Features",
        "Connection, Proxy-Connection, Keep-Alive, TE, Transfer-Encoding and Upgrade belong to the connection, which \
         is the server's: an app does not set them (Upgrade is allowed with 426).",
        Check::Start(|start| {
            any(start, |header| {
                let allowed = header.is("upgrade") && start.status == 426;
                when(is_hop_by_hop(header.name()) && !allowed, || seen(header))
            })
        }),
    ),
    Rule::must(
        "RESP-09",
        App,
        "RFC 9110, 8.6",
        "A 204 response has no Content-Length. (A server drops it.)",
        Check::Start(|start| {
            when(start.status == 204 && start.has("content-length"), || "Content-Length with status 204".to_owned())
        }),
    ),
    Rule::should(
        "RESP-10",
        App,
        "RFC 9110, 15.4.5",
        "A 304 response has no Content-Length, Content-Type or Content-Encoding: they are known from the response \
         that is still good. (A server leaves them.)",
        Check::Start(|start| {
            let name = NOT_ON_304.into_iter().find(|name| start.status == 304 && start.has(name))?;
            Some(format!("{name} with status 304"))
        }),
    ),
    Rule::must(
        "RESP-11",
        App,
        "RFC 9110, 8.6",
        "Content-Length is a number in decimal digits and nothing else.",
        Check::Start(|start| {
            let value = start.all("content-length").find(|value| number(value).is_none())?;
            Some(format!("Content-Length is {}", shown(value)))
        }),
    ),
    Rule::must(
        "RESP-12",
        App,
        "RFC 9110, 8.6",
        "There is at most one Content-Length.",
        Check::Start(|start| {
            let count = start.all("content-length").count();
            when(count > 1, || format!("{count} Content-Length headers"))
        }),
    ),
    Rule::must(
        "RESP-13",
        App,
        "RFC 9110, 5.3",
        "A header that has one value is there at most once: Content-Type, Content-Range, Location, ETag, \
         Last-Modified, Expires, Date, Age, Server, Retry-After, Access-Control-Allow-Origin, \
         Strict-Transport-Security.",
        Check::Start(|start| {
            let name = SINGLE.into_iter().find(|name| start.all(name).count() > 1)?;
            Some(format!("{name} is there {} times", start.all(name).count()))
        }),
    ),
    Rule::should(
        "RESP-14",
        App,
        "RFC 9110, 8.3.1",
        "Content-Type is `type/subtype`, with parameters after a `;`.",
        Check::Start(|start| {
            let value = start.all("content-type").find(|value| !is_media_type(value))?;
            Some(format!("Content-Type is {}", shown(value)))
        }),
    ),
    Rule::should(
        "RESP-15",
        App,
        "RFC 9110, 6.6.1",
        "Date is left to the server, which has a clock for all of its apps.",
        Check::Start(|start| when(start.has("date"), || "the app sets Date".to_owned())),
    ),
    Rule::should(
        "RESP-16",
        App,
        "RFC 9110, 10.2.4",
        "Server is left to the server.",
        Check::Start(|start| when(start.has("server"), || "the app sets Server".to_owned())),
    ),
    Rule::should(
        "RESP-17",
        App,
        "RFC 6265, 3",
        "Every cookie has a Set-Cookie of its own: they cannot be joined with commas.",
        Check::Start(|start| {
            let value = start.all("set-cookie").find(|value| is_joined_cookie(value))?;
            Some(format!("Set-Cookie is {}", shown(value)))
        }),
    ),
    Rule::should(
        "RESP-18",
        App,
        "RFC 6265, 4.1.1",
        "Set-Cookie begins with the cookie's name, a token, and `=`.",
        Check::Start(|start| {
            let named =
                |value: &[u8]| value.iter().position(|&byte| byte == b'=').is_some_and(|at| is_token(&value[..at]));
            let value = start.all("set-cookie").find(|value| !named(value))?;
            Some(format!("Set-Cookie is {}", shown(value)))
        }),
    ),
    Rule::must(
        "RESP-19",
        App,
        "RFC 9110, 10.2.2; RFC 3986, 4.1",
        "Location is a URI reference: other bytes are percent-encoded.",
        Check::Start(|start| {
            let value = start.all("location").find(|value| !is_uri_reference(value))?;
            Some(format!("Location is {}", shown(value)))
        }),
    ),
    Rule::should(
        "RESP-20",
        App,
        "RFC 9110, 15.4",
        "A 301, 302, 303, 307 or 308 response has a Location.",
        Check::Start(|start| needs(start, &[301, 302, 303, 307, 308], "location")),
    ),
    Rule::must(
        "RESP-21",
        App,
        "RFC 9110, 15.5.2",
        "A 401 response has a WWW-Authenticate.",
        Check::Start(|start| needs(start, &[401], "www-authenticate")),
    ),
    Rule::must(
        "RESP-22",
        App,
        "RFC 9110, 15.5.6",
        "A 405 response has an Allow.",
        Check::Start(|start| needs(start, &[405], "allow")),
    ),
    Rule::must(
        "RESP-23",
        App,
        "RFC 9110, 15.5.8",
        "A 407 response has a Proxy-Authenticate.",
        Check::Start(|start| needs(start, &[407], "proxy-authenticate")),
    ),
    Rule::must(
        "RESP-24",
        App,
        "RFC 9110, 15.5.22",
        "A 426 response has an Upgrade.",
        Check::Start(|start| needs(start, &[426], "upgrade")),
    ),
    Rule::must(
        "RESP-25",
        App,
        "RFC 9110, 15.3.7",
        "A 206 response has a Content-Range, or is of type multipart/byteranges and has none.",
        Check::Start(|start| {
            let mut types = start.all("content-type");
            let multipart = types.any(|value| value.to_ascii_lowercase().starts_with(b"multipart/byteranges"));
            when(start.status == 206 && start.has("content-range") == multipart, || {
                if multipart { "Content-Range with multipart/byteranges" } else { "no Content-Range" }.to_owned()
            })
        }),
    ),
    Rule::should(
        "RESP-26",
        App,
        "RFC 9110, 15.5.17",
        "A 416 response has a Content-Range with the length, as in `bytes */1234`.",
        Check::Start(|start| needs(start, &[416], "content-range")),
    ),
    Rule::must(
        "RESP-27",
        App,
        "RFC 9110, 8.8.3",
        "ETag is a text in double quotes, with `W/` before it where it is weak.",
        Check::Start(|start| {
            let value = start.all("etag").find(|value| !is_entity_tag(value))?;
            Some(format!("ETag is {}", shown(value)))
        }),
    ),
    Rule::should(
        "RESP-28",
        App,
        "RFC 9110, 5.6.7",
        "Last-Modified and Expires are dates of the form `Sun, 06 Nov 1994 08:49:37 GMT`.",
        Check::Start(|start| {
            any(start, |header| {
                let dated = header.is("last-modified") || header.is("expires");
                when(dated && !is_date(header.value()), || seen(header))
            })
        }),
    ),
    Rule::should(
        "RESP-29",
        App,
        "RFC 9110, 6.6.2",
        "An app announces no Trailer: version 1.0 has none.",
        Check::Start(|start| when(start.has("trailer"), || "the app sets Trailer".to_owned())),
    ),
    Rule::must(
        "RESP-30",
        App,
        "RFC 9110, 15.3.6",
        "Content-Length on a 205 response is 0.",
        Check::Start(|start| {
            let length = start.content_length().filter(|length| start.status == 205 && *length != 0)?;
            Some(format!("Content-Length is {length} with status 205"))
        }),
    ),
];

fn any(start: &StartFacts<'_>, wrong: impl Fn(&Header<'_>) -> Seen) -> Seen {
    start.headers.iter().find_map(wrong)
}

fn seen(header: &Header<'_>) -> String {
    format!("{} is {}", header.name().escape_ascii(), shown(header.value()))
}

fn needs(start: &StartFacts<'_>, statuses: &[u16], name: &str) -> Seen {
    when(statuses.contains(&start.status) && !start.has(name), || format!("status {} without {name}", start.status))
}

fn is_media_type(value: &[u8]) -> bool {
    let kind = value.split(|&byte| byte == b';').next().unwrap_or_default().trim_ascii_end();
    let mut halves = kind.splitn(2, |&byte| byte == b'/');
    halves.next().is_some_and(is_token) && halves.next().is_some_and(is_token)
}

/// A comma that a pair follows: the one in `Expires` is followed by a date.
fn is_joined_cookie(value: &[u8]) -> bool {
    let after = value.split(|&byte| byte == b',').skip(1);
    let pair = |text: &[u8]| {
        let first = text.split(|&byte| byte == b';').next().unwrap_or_default().trim_ascii();
        first.iter().position(|&byte| byte == b'=').is_some_and(|at| is_token(&first[..at]))
    };
    after.into_iter().any(pair)
}

fn is_entity_tag(value: &[u8]) -> bool {
    let opaque = value.strip_prefix(b"W/").unwrap_or(value);
    let inner = opaque.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\""));
    inner.is_some_and(|inner| inner.iter().all(|&byte| byte == b'!' || (byte > b'"' && byte != 0x7f)))
}
