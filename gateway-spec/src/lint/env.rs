//! ENV: the variables of the environ.

use std::net::IpAddr;

use super::rule::{Check, Rule, Seen, Side::Server};
use super::text::{number, percent_decode, shown, when};
use crate::environ::Environ;
use crate::headers::is_token;

const REQUIRED: [&str; 13] = [
    "REQUEST_METHOD",
    "SCRIPT_NAME",
    "PATH_INFO",
    "QUERY_STRING",
    "REQUEST_URI",
    "SERVER_NAME",
    "SERVER_PORT",
    "SERVER_PROTOCOL",
    "gateway.version",
    "gateway.url_scheme",
    "gateway.multithread",
    "gateway.multiprocess",
    "gateway.run_once",
];

const FLAGS: [&str; 3] = ["gateway.multithread", "gateway.multiprocess", "gateway.run_once"];

pub(super) const RULES: &[Rule] = &[
    Rule::must(
        "ENV-01",
        Server,
        "PEP 3333, environ Variables; decision: REQUEST_URI",
        "REQUEST_METHOD, SCRIPT_NAME, PATH_INFO, QUERY_STRING, REQUEST_URI, SERVER_NAME, SERVER_PORT, \
         SERVER_PROTOCOL, gateway.version, gateway.url_scheme, gateway.multithread, gateway.multiprocess and \
         gateway.run_once are there in every request.",
        Check::Environ(|environ| {
            let missing = REQUIRED.into_iter().find(|key| !environ.contains(key))?;
            Some(format!("{missing} is missing"))
        }),
    ),
    Rule::must(
        "ENV-02",
        Server,
        "RFC 9110, 9.1",
        "REQUEST_METHOD is a token.",
        Check::Environ(|environ| {
            let method = environ.get("REQUEST_METHOD")?;
            when(!is_token(&method), || format!("REQUEST_METHOD is {}", shown(&method)))
        }),
    ),
    Rule::must(
        "ENV-03",
        Server,
        "RFC 9110, 9.3.6; decision",
        "A CONNECT request never reaches an app: the server answers it with 501.",
        Check::Environ(|environ| when(environ.method() == "CONNECT", || "REQUEST_METHOD is CONNECT".to_owned())),
    ),
    Rule::must(
        "ENV-04",
        Server,
        "RFC 3875, 4.1.13",
        "SCRIPT_NAME is empty or begins with `/`.",
        Check::Environ(|environ| rooted("SCRIPT_NAME", environ.script_name())),
    ),
    Rule::must(
        "ENV-05",
        Server,
        "RFC 3875, 4.1.13; PEP 3333, environ Variables",
        "SCRIPT_NAME does not end with `/`; the root of the server is the empty string.",
        Check::Environ(|environ| {
            let name = environ.script_name();
            when(name.ends_with(b"/"), || format!("SCRIPT_NAME is {}", shown(name)))
        }),
    ),
    Rule::must(
        "ENV-06",
        Server,
        "RFC 3875, 4.1.5",
        "PATH_INFO is empty or begins with `/`.",
        Check::Environ(|environ| rooted("PATH_INFO", environ.path_info())),
    ),
    Rule::must(
        "ENV-07",
        Server,
        "PEP 3333, environ Variables",
        "SCRIPT_NAME and PATH_INFO are not both empty, except for the target `*`: the root is PATH_INFO `/`.",
        Check::Environ(|environ| {
            let empty = environ.script_name().is_empty() && environ.path_info().is_empty();
            when(empty && environ.request_uri() != b"*", || "SCRIPT_NAME and PATH_INFO are both empty".to_owned())
        }),
    ),
    Rule::must(
        "ENV-08",
        Server,
        "RFC 9112, 3.2.4; decision",
        "The target `*` comes with OPTIONS only, and then PATH_INFO is empty.",
        Check::Environ(|environ| {
            if environ.request_uri() != b"*" {
                return None;
            }
            let method = environ.method();
            when(method != "OPTIONS", || format!("the target * with {method}")).or_else(|| {
                when(!environ.path_info().is_empty(), || format!("PATH_INFO is {}", shown(environ.path_info())))
            })
        }),
    ),
    Rule::must(
        "ENV-09",
        Server,
        "RFC 3875, 4.1.5; decision",
        "SCRIPT_NAME followed by PATH_INFO is the path of REQUEST_URI, percent-decoded once and otherwise as it \
         came: nothing collapses `//` or resolves `..`. An absolute target without a path has the path `/`. (Not \
         on a request that a front-end or middleware rewrote and marked as edited.)",
        Check::Environ(path_agrees),
    ),
    Rule::must(
        "ENV-10",
        Server,
        "RFC 3875, 4.1.7",
        "QUERY_STRING is what follows the first `?` of REQUEST_URI, still encoded; it is empty without one. (Not on \
         a request marked as edited.)",
        Check::Environ(query_agrees),
    ),
    Rule::must(
        "ENV-11",
        Server,
        "RFC 9112, 3.2",
        "REQUEST_URI is the target as received: not empty, without spaces and control bytes.",
        Check::Environ(|environ| {
            let target = environ.request_uri();
            let bad = target.is_empty() || target.iter().any(|&byte| byte <= b' ' || byte == 0x7f);
            when(bad, || format!("REQUEST_URI is {}", shown(target)))
        }),
    ),
    Rule::must(
        "ENV-12",
        Server,
        "RFC 3875, 4.1.14; PEP 3333, environ Variables",
        "SERVER_NAME is not empty.",
        Check::Environ(|environ| {
            let name = environ.get("SERVER_NAME")?;
            when(name.is_empty(), || "SERVER_NAME is empty".to_owned())
        }),
    ),
    Rule::must(
        "ENV-13",
        Server,
        "RFC 3875, 4.1.15; decision: Unix sockets",
        "SERVER_PORT is a decimal port number; it is empty where the listener has no port.",
        Check::Environ(|environ| {
            let port = environ.get("SERVER_PORT")?;
            when(!port.is_empty() && !is_port(&port), || format!("SERVER_PORT is {}", shown(&port)))
        }),
    ),
    Rule::must(
        "ENV-14",
        Server,
        "RFC 9112, 2.3",
        "SERVER_PROTOCOL is `HTTP/` and a version: a digit, or two with a point between.",
        Check::Environ(|environ| {
            let protocol = environ.get("SERVER_PROTOCOL")?;
            let version = protocol.strip_prefix(b"HTTP/");
            let good = matches!(version, Some([b'0'..=b'9'] | [b'0'..=b'9', b'.', b'0'..=b'9']));
            when(!good, || format!("SERVER_PROTOCOL is {}", shown(&protocol)))
        }),
    ),
    Rule::must(
        "ENV-15",
        Server,
        "PEP 3333, environ Variables (wsgi.version)",
        "gateway.version is the version of this interface as `major.minor`; the major is 1.",
        Check::Environ(|environ| {
            let version = environ.get("gateway.version")?;
            let minor = version.strip_prefix(b"1.").and_then(number);
            when(minor.is_none(), || format!("gateway.version is {}", shown(&version)))
        }),
    ),
    Rule::must(
        "ENV-16",
        Server,
        "PEP 3333, environ Variables (wsgi.url_scheme)",
        "gateway.url_scheme is `http` or `https`.",
        Check::Environ(|environ| {
            let scheme = environ.get("gateway.url_scheme")?;
            when(!matches!(&*scheme, b"http" | b"https"), || format!("gateway.url_scheme is {}", shown(&scheme)))
        }),
    ),
    Rule::must(
        "ENV-17",
        Server,
        "PEP 3333, environ Variables; decision: `0` and `1`",
        "gateway.multithread, gateway.multiprocess and gateway.run_once are `0` or `1`.",
        Check::Environ(|environ| {
            let wrong = |key: &&str| environ.get(key).is_some_and(|value| !matches!(&*value, b"0" | b"1"));
            let key = FLAGS.into_iter().find(wrong)?;
            Some(format!("{key} is {}", shown(&environ.get(key)?)))
        }),
    ),
    Rule::must(
        "ENV-18",
        Server,
        "PEP 3333, environ Variables (HTTPS)",
        "HTTPS, where it is there, is `on`, and gateway.url_scheme is `https`.",
        Check::Environ(|environ| {
            let https = environ.get("HTTPS")?;
            let scheme = environ.url_scheme();
            when(&*https != b"on" || scheme != "https", || {
                format!("HTTPS is {} with gateway.url_scheme {scheme}", shown(&https))
            })
        }),
    ),
    Rule::must(
        "ENV-19",
        Server,
        "RFC 3875, 4.1.8",
        "REMOTE_ADDR, where it is there, is an IP address, without brackets and port.",
        Check::Environ(|environ| {
            let address = environ.get("REMOTE_ADDR")?;
            let good = std::str::from_utf8(&address).is_ok_and(|text| text.parse::<IpAddr>().is_ok());
            when(!good, || format!("REMOTE_ADDR is {}", shown(&address)))
        }),
    ),
    Rule::must(
        "ENV-20",
        Server,
        "decision",
        "REMOTE_PORT, where it is there, is a decimal port number.",
        Check::Environ(|environ| {
            let port = environ.get("REMOTE_PORT")?;
            when(!is_port(&port), || format!("REMOTE_PORT is {}", shown(&port)))
        }),
    ),
    Rule::must(
        "ENV-21",
        Server,
        "RFC 9110, 8.6",
        "CONTENT_LENGTH, where it is there, is a number in decimal digits and nothing else.",
        Check::Environ(|environ| {
            let length = environ.get("CONTENT_LENGTH")?;
            when(number(&length).is_none(), || format!("CONTENT_LENGTH is {}", shown(&length)))
        }),
    ),
    Rule::must(
        "ENV-22",
        Server,
        "RFC 3875, 4.1.2",
        "CONTENT_LENGTH, where it is there, is the length of gateway.input.",
        Check::Environ(|environ| {
            let (stated, length) = (environ.content_length()?, environ.body_length());
            when(length != Some(stated), || format!("CONTENT_LENGTH is {stated}, the input has {length:?}"))
        }),
    ),
    Rule::must(
        "ENV-23",
        Server,
        "RFC 3875, 4.1.3",
        "CONTENT_TYPE is the value of the request's Content-Type, and is there only with it. (Not on a request \
         marked as edited.)",
        Check::Environ(|environ| {
            let (stated, field) = (environ.get("CONTENT_TYPE"), environ.headers().first("content-type"));
            // A front-end that speaks CGI sends the variable and no field.
            let wrong = !environ.is_edited() && field.is_some() && stated.as_deref() != field;
            when(wrong, || format!("CONTENT_TYPE is {}", shown(stated.as_deref().unwrap_or_default())))
        }),
    ),
    Rule::must(
        "ENV-24",
        Server,
        "RFC 3875, 9.2 (httpoxy, CVE-2016-5385)",
        "There is no HTTP_PROXY: libraries take it for their own proxy setting.",
        Check::Environ(|environ| when(environ.contains("HTTP_PROXY"), || "HTTP_PROXY is there".to_owned())),
    ),
    Rule::must(
        "ENV-25",
        Server,
        "RFC 3875, 4.1.18",
        "There is no HTTP_CONTENT_TYPE and no HTTP_CONTENT_LENGTH: CGI has variables of their own for them.",
        Check::Environ(|environ| {
            let key = ["HTTP_CONTENT_TYPE", "HTTP_CONTENT_LENGTH"].into_iter().find(|key| environ.contains(key))?;
            Some(format!("{key} is there"))
        }),
    ),
    Rule::must(
        "ENV-26",
        Server,
        "RFC 3875, 3.4 and 4.1",
        "The name of a variable is UTF-8 text, not empty, without `=` and control characters.",
        Check::Environ(|environ| {
            let bad = |key: &str| {
                key.is_empty() || key.chars().any(|c| c == '=' || c.is_control() || c == char::REPLACEMENT_CHARACTER)
            };
            let key = environ.iter().map(|(key, _)| key.into_owned()).find(|key| bad(key))?;
            Some(format!("a variable is named {}", shown(key.as_bytes())))
        }),
    ),
    Rule::must(
        "ENV-27",
        Server,
        "decision",
        "The server names no variable twice. (Not on a request marked as edited, where the first one wins.)",
        Check::Environ(|environ| {
            let request = environ.request();
            let env = if request.edited() { &[] } else { request.env() };
            let twice = env.iter().enumerate().find(|(at, pair)| env[..*at].iter().any(|p| p.name() == pair.name()));
            twice.map(|(_, pair)| format!("{} is there twice", pair.name().escape_ascii()))
        }),
    ),
    Rule::should(
        "ENV-28",
        Server,
        "PEP 3333, environ Variables",
        "Names that begin with `gateway.` are only those of this document; a server or middleware puts its own name \
         before the point.",
        Check::Environ(|environ| {
            let own = |key: &str| key.starts_with("gateway.") && !REQUIRED.contains(&key);
            let key = environ.iter().map(|(key, _)| key.into_owned()).find(|key| own(key))?;
            Some(format!("{key} is not defined"))
        }),
    ),
    Rule::must(
        "ENV-29",
        Server,
        "PEP 3333, environ Variables (wsgi.multithread)",
        "gateway.multithread is `1` wherever two threads are inside the app at the same time.",
        Check::Life(|life| {
            when(life.others > 0 && !life.multithread, || {
                format!("gateway.multithread is 0 and {} more threads are inside", life.others)
            })
        }),
    ),
];

fn rooted(key: &str, path: &[u8]) -> Seen {
    when(!path.is_empty() && path[0] != b'/', || format!("{key} is {}", shown(path)))
}

fn is_port(text: &[u8]) -> bool {
    number(text).is_some_and(|port| port <= u64::from(u16::MAX))
}

/// The target from its path on, without scheme and authority; `/` where an
/// absolute one has no path.
fn path_and_query(target: &[u8]) -> Vec<u8> {
    if target.starts_with(b"/") {
        return target.to_vec();
    }
    let Some(scheme) = target.windows(3).position(|window| window == b"://") else { return Vec::new() };
    let rest = &target[scheme + 3..];
    match rest.iter().position(|byte| matches!(byte, b'/' | b'?')) {
        Some(at) if rest[at] == b'/' => rest[at..].to_vec(),
        Some(at) => [b"/", &rest[at..]].concat(),
        None => b"/".to_vec(),
    }
}

fn split_query(target: &[u8]) -> (&[u8], &[u8]) {
    match target.iter().position(|&byte| byte == b'?') {
        Some(at) => (&target[..at], &target[at + 1..]),
        None => (target, b""),
    }
}

fn path_agrees(environ: &Environ<'_>) -> Seen {
    let request = environ.request();
    if request.edited() {
        return None;
    }
    let target = path_and_query(request.request_uri());
    let path = percent_decode(split_query(&target).0);
    let given = [request.script_name(), request.path_info()].concat();
    when(given != path, || {
        let (script, info) = (shown(request.script_name()), shown(request.path_info()));
        format!("SCRIPT_NAME {script} and PATH_INFO {info} for the path {}", shown(&path))
    })
}

fn query_agrees(environ: &Environ<'_>) -> Seen {
    let request = environ.request();
    let query = split_query(request.request_uri()).1;
    when(!request.edited() && request.query_string() != query, || {
        format!("QUERY_STRING is {}, the target has {}", shown(request.query_string()), shown(query))
    })
}
