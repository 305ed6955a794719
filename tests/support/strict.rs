//! A strict reader of requests, written as naively as possible and from
//! docs/HTTP.md alone: it shares no code with the server, so that the two can
//! be compared. It says how many requests bytes hold and where each ends.

use std::net::Ipv6Addr;

/// What bytes hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The whole requests, in order.
    pub requests: Vec<Strict>,
    /// The head of a request whose body is not whole or not valid.
    pub open: Option<Strict>,
    /// What comes behind them.
    pub end: End,
}

/// A request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Strict {
    /// The method.
    pub method: String,
    /// The target, as it came.
    pub target: String,
    /// The body.
    pub body: Vec<u8>,
    /// Just after its last byte.
    pub end: usize,
    keep_alive: bool,
    framing: Framing,
}

/// What comes behind whole requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Nothing: the connection waits.
    Waits,
    /// Nothing that is read: the last request has closed the connection.
    Closes,
    /// Less than a request.
    Incomplete,
    /// What is no request.
    Invalid,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framing {
    Length(usize),
    Chunked,
}

/// Why there is no request, or no body.
type Fault = End;

/// Reads all of `bytes`.
#[must_use]
pub fn read(bytes: &[u8]) -> Reading {
    let (mut requests, mut at) = (Vec::new(), 0);
    loop {
        let (open, end) = match next(&bytes[at..]) {
            Err(end) => (None, end),
            Ok((head, start)) => match body(&bytes[at + start..], head.framing) {
                Err(end) => (Some(head), end),
                Ok((body, length)) => {
                    at += start + length;
                    requests.push(Strict { body, end: at, ..head.clone() });
                    if head.keep_alive {
                        continue;
                    }
                    (None, End::Closes)
                }
            },
        };
        return Reading { requests, open, end };
    }
}

/// The next head, and where its body begins.
fn next(bytes: &[u8]) -> Result<(Strict, usize), Fault> {
    let skipped = if bytes.starts_with(b"\r\n") { 2 } else { 0 };
    let bytes = &bytes[skipped..];
    if bytes.is_empty() {
        return Err(End::Waits);
    }
    let length = find(bytes, b"\r\n\r\n").ok_or(End::Incomplete)?;
    if length + 4 > 32 * 1024 {
        return Err(End::Invalid);
    }
    // As Latin-1: a character is a byte.
    let text: String = bytes[..length].iter().map(|&byte| char::from(byte)).collect();
    let lines: Vec<&str> = text.split("\r\n").collect();
    let head = head(&lines).ok_or(End::Invalid)?;
    Ok((head, skipped + length + 4))
}

fn head(lines: &[&str]) -> Option<Strict> {
    let [method, target, version] = *lines[0].split(' ').collect::<Vec<_>>() else { return None };
    let fields: Vec<(String, &str)> = lines[1..].iter().map(|line| field(line)).collect::<Option<_>>()?;
    let all = |name: &str| -> Vec<&str> { fields.iter().filter(|it| it.0 == name).map(|it| it.1).collect() };
    let is_new = match version {
        "HTTP/1.1" => true,
        "HTTP/1.0" => false,
        _ => return None,
    };
    let tokens = all("connection").join(",").to_ascii_lowercase();
    let has = |token| tokens.split(',').any(|it| it.trim_matches([' ', '\t']) == token);
    let expects = all("expect").iter().all(|it| it.eq_ignore_ascii_case("100-continue"));
    let hosts = all("host");
    let fits = lines[0].chars().count() <= 8 * 1024 && fields.len() <= 100;
    let is_hosted = hosts.len() == usize::from(is_new) || (!is_new && hosts.len() == 1);
    let is_one = all("content-type").len() <= 1;
    if !(fits && is_hosted && is_one && expects && hosts.iter().all(|host| is_host(host))) {
        return None;
    }
    (is_token(method) && is_target(method, target)).then_some(())?;
    Some(Strict {
        method: method.to_owned(),
        target: target.to_owned(),
        body: Vec::new(),
        end: 0,
        keep_alive: !has("close") && (is_new || has("keep-alive")),
        framing: framing(&all("content-length"), &all("transfer-encoding"), is_new)?,
    })
}

/// Name in lower case, and value.
fn field(line: &str) -> Option<(String, &str)> {
    let (name, value) = line.split_once(':')?;
    let is_text = value.chars().all(|char| char == '\t' || (char >= ' ' && char != '\x7f'));
    (is_token(name) && is_text).then(|| (name.to_ascii_lowercase(), value.trim_matches([' ', '\t'])))
}

fn is_token(text: &str) -> bool {
    let delimiters = "\"(),/:;<=>?@[\\]{}";
    !text.is_empty() && text.chars().all(|char| char.is_ascii_graphic() && !delimiters.contains(char))
}

fn is_target(method: &str, target: &str) -> bool {
    if !target.chars().all(|char| char.is_ascii_graphic() && char != '#') || method == "CONNECT" {
        return false;
    }
    let lower = target.to_ascii_lowercase();
    let rest = if target.starts_with('/') {
        target
    } else if method == "OPTIONS" && target == "*" {
        ""
    } else {
        let Some(rest) = lower.strip_prefix("http://").or_else(|| lower.strip_prefix("https://")) else { return false };
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        if end == 0 || !is_host(&rest[..end]) {
            return false;
        }
        &rest[end..]
    };
    let path = rest.split('?').next().unwrap_or_default();
    path.split('%').skip(1).all(|part| is_hex(part) && !part.starts_with("00"))
}

fn is_host(host: &str) -> bool {
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => (name, port),
        _ => (host, ""),
    };
    let has_port = port.is_empty() || (port.len() <= 5 && is_digits(port) && port.parse::<u16>().is_ok());
    let has_name = match name.strip_prefix('[') {
        Some(rest) => rest.strip_suffix(']').is_some_and(|it| it.parse::<Ipv6Addr>().is_ok()),
        None => {
            let fits = |char: char| char.is_ascii_alphanumeric() || "-._~!$&'()*+,;=%".contains(char);
            name.chars().all(fits) && name.split('%').skip(1).all(is_hex)
        }
    };
    host.is_empty() || (!name.is_empty() && has_name && has_port)
}

fn is_hex(text: &str) -> bool {
    text.chars().take(2).filter(char::is_ascii_hexdigit).count() == 2
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|char| char.is_ascii_digit())
}

fn framing(lengths: &[&str], codings: &[&str], is_new: bool) -> Option<Framing> {
    match (lengths, codings) {
        ([], []) => Some(Framing::Length(0)),
        ([length], []) if is_digits(length) && length.len() < 20 => {
            let length: u64 = length.parse().ok()?;
            (length <= 1 << 30).then_some(Framing::Length(length as usize))
        }
        ([], [coding]) if is_new && coding.eq_ignore_ascii_case("chunked") => Some(Framing::Chunked),
        _ => None,
    }
}

/// The body, and where it ends.
fn body(bytes: &[u8], framing: Framing) -> Result<(Vec<u8>, usize), Fault> {
    match framing {
        Framing::Length(length) => Ok((bytes.get(..length).ok_or(End::Incomplete)?.to_vec(), length)),
        Framing::Chunked => chunked(bytes),
    }
}

/// A chunked body at the beginning of `bytes`, and where it ends.
///
/// # Errors
/// [`End::Incomplete`] or [`End::Invalid`].
pub fn chunked(bytes: &[u8]) -> Result<(Vec<u8>, usize), Fault> {
    let (mut data, mut extensions, mut at) = (Vec::new(), 0, 0);
    loop {
        let line = line(&bytes[at..])?;
        at += line.len() + 2;
        let text: String = line.iter().map(|&byte| char::from(byte)).collect();
        let (size, extension) = text.split_once(';').unwrap_or((&text, ""));
        let is_size = (1..=15).contains(&size.len()) && size.chars().all(|char| char.is_ascii_hexdigit());
        extensions += extension.chars().count();
        let is_fit = line.len() <= 256 && extensions <= data.len() + 16 * 1024;
        if !is_size || !is_fit || field(&format!("x:{extension}")).is_none() {
            return Err(End::Invalid);
        }
        let size = u64::from_str_radix(size, 16).map_err(|_| End::Invalid)?;
        if size > (1 << 30) - data.len() as u64 {
            return Err(End::Invalid);
        }
        if size == 0 {
            return Ok((data, at + trailers(&bytes[at..])?));
        }
        let size = size as usize;
        data.extend_from_slice(bytes.get(at..at + size).ok_or(End::Incomplete)?);
        at += size;
        match bytes.get(at..at + 2) {
            Some(b"\r\n") => at += 2,
            Some(_) => return Err(End::Invalid),
            None => return Err(End::Incomplete),
        }
    }
}

/// The length of the trailer section.
fn trailers(bytes: &[u8]) -> Result<usize, Fault> {
    let mut at = 0;
    loop {
        let line = line(&bytes[at..])?;
        at += line.len() + 2;
        if at > 8 * 1024 {
            return Err(End::Invalid);
        }
        if line.is_empty() {
            return Ok(at);
        }
        let text: String = line.iter().map(|&byte| char::from(byte)).collect();
        field(&text).ok_or(End::Invalid)?;
    }
}

/// The bytes up to the next CR LF; other CRs and LFs stay in them, and break
/// what they stand in.
fn line(bytes: &[u8]) -> Result<&[u8], Fault> {
    find(bytes, b"\r\n").map(|end| &bytes[..end]).ok_or(End::Incomplete)
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}
