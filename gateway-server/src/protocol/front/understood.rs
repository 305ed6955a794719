//! What the variables of a request say (RFC 3875, section 4.1).

use core::net::IpAddr;

use gateway_spec::Header;
use gateway_spec::headers::is_token;

use super::Variables;
use super::known::Known;
use super::variables::Kind;
use crate::protocol::http1::{decode_path, is_host, length};
use crate::protocol::{Limits, Refusal};

/// A request, in terms of its variables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Understood<'b> {
    /// REQUEST_METHOD, a token.
    pub method: &'b [u8],
    /// SCRIPT_NAME, decoded.
    pub script_name: &'b [u8],
    /// PATH_INFO, decoded.
    pub path: &'b [u8],
    /// QUERY_STRING.
    pub query: &'b [u8],
    /// REQUEST_URI, or what it must have been.
    pub target: &'b [u8],
    /// SERVER_PROTOCOL.
    pub protocol: &'b [u8],
    /// CONTENT_LENGTH.
    pub length: u64,
    /// Whether the client speaks TLS with the web server.
    pub is_secure: bool,
}

/// Headers that are about the connection to the web server, or said by a variable.
const LEFT_OUT: [&[u8]; 8] = [
    b"transfer-encoding",
    b"connection",
    b"keep-alive",
    b"te",
    b"upgrade",
    b"content-length",
    b"content-type",
    // HTTP_PROXY is a setting to many libraries (httpoxy, CVE-2016-5385).
    b"proxy",
];

/// What is put together from the path, in which any byte may be: nobody gets it where a
/// header could not have it. The path itself stands elsewhere.
const PATHS: [&[u8]; 3] = [b"DOCUMENT_URI", b"SCRIPT_FILENAME", b"PATH_TRANSLATED"];

/// What the names of headers begin with.
const HEADER: &[u8] = b"HTTP_";

impl Variables {
    /// Prepares what is read by [`understood`](Self::understood): names of headers are
    /// written as they are in HTTP, and what is not said is put together.
    ///
    /// # Errors
    /// The path is not encoded correctly.
    pub fn prepare(&mut self) -> Result<(), Refusal> {
        if self.get(Known::Target).is_none() {
            let (script, path) = (self.get(Known::ScriptName), self.get(Known::Path));
            let mut target = [script.unwrap_or_default(), path.unwrap_or_default()].concat();
            if let Some(query) = self.get(Known::Query) {
                target = [&target, &b"?"[..], query].concat();
            }
            self.add(b"REQUEST_URI", &target);
        }
        if self.get(Known::Path).is_none() {
            self.find_path()?;
        }
        for pair in self.pairs.iter_mut().filter(|pair| pair.kind == Kind::Other) {
            let name = &mut self.bytes[pair.name.clone()];
            if !name.starts_with(HEADER) {
                continue;
            }
            let name = &mut name[HEADER.len()..];
            // However it came: else there would be a second way to say it.
            name.iter_mut().for_each(|byte| *byte = if *byte == b'_' { b'-' } else { byte.to_ascii_lowercase() });
            pair.kind = if LEFT_OUT.contains(&&*name) { Kind::LeftOut } else { Kind::Header };
            pair.name.start += HEADER.len();
        }
        Ok(())
    }

    /// Method, target and protocol, as far as they are said: for a log.
    #[must_use]
    pub fn line(&self) -> Vec<u8> {
        let parts = [Known::Method, Known::Target, Known::Protocol].map(|known| self.get(known).unwrap_or_default());
        if parts == [b""; 3] { Vec::new() } else { parts.join(&b' ') }
    }

    /// Finds the path where no PATH_INFO is said: nginx's own files for SCGI and FastCGI
    /// have none. There SCRIPT_NAME and DOCUMENT_URI are all of the path, decoded.
    fn find_path(&mut self) -> Result<(), Refusal> {
        let (script, document) = (self.get(Known::ScriptName), self.get(Known::Document));
        let path = match (script, document) {
            // It is mounted there, and asked for itself.
            (Some(script), Some(document)) if script != document => return Ok(()),
            (Some(path), _) | (None, Some(path)) => path.to_vec(),
            (None, None) => {
                let target = self.get(Known::Target).unwrap_or_default();
                let path = target.split(|byte| *byte == b'?').next().unwrap_or_default();
                let mut decoded = Vec::new();
                decode_path(path, &mut decoded)?;
                decoded
            }
        };
        self.silence(Known::ScriptName);
        self.add(b"PATH_INFO", &path);
        Ok(())
    }

    /// What they say, once they are prepared. Headers go to `headers`, other variables
    /// to `others`.
    ///
    /// # Errors
    /// The rule that they break.
    pub fn understood<'b>(
        &'b self,
        limits: &Limits,
        headers: &mut Vec<Header<'b>>,
        others: &mut Vec<Header<'b>>,
    ) -> Result<Understood<'b>, Refusal> {
        let of = |known| self.get(known).unwrap_or_default();
        let (method, path, query, target) = (of(Known::Method), of(Known::Path), of(Known::Query), of(Known::Target));
        if !is_token(method) {
            return Err(Refusal::RequestLine);
        }
        if method == b"CONNECT" {
            return Err(Refusal::Connect);
        }
        let (path, script_name) = if target == b"*" { (&b""[..], &b""[..]) } else { (path, of(Known::ScriptName)) };
        let is_path = |path: &[u8]| path.is_empty() || path[0] == b'/' && !path.contains(&0);
        let is_visible = |text: &[u8]| text.iter().all(|byte| byte.is_ascii_graphic() || *byte >= 0x80);
        if !is_path(path) || !is_path(script_name) || !is_visible(target) || !is_visible(query) {
            return Err(Refusal::Target);
        }
        if target.len() > limits.line {
            return Err(Refusal::LineTooLong);
        }
        let length = self.get(Known::Length).map_or(Ok(0), length)?;
        if length > limits.body {
            return Err(Refusal::BodyTooLarge);
        }
        self.list(limits, headers, others)?;
        for (name, refusal) in [
            ("host", Refusal::RepeatedHost),
            ("content-length", Refusal::RepeatedContentLength),
            ("content-type", Refusal::RepeatedContentType),
        ] {
            if headers.iter().filter(|header| header.is(name)).count() > 1 {
                return Err(refusal);
            }
        }
        let is_secure = match self.get(Known::Https) {
            Some(said) => said.eq_ignore_ascii_case(b"on") || said == b"1",
            None => of(Known::Scheme).eq_ignore_ascii_case(b"https"),
        };
        let protocol = self.get(Known::Protocol).unwrap_or(b"HTTP/1.1");
        if !protocol.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'.')) {
            return Err(Refusal::Field);
        }
        // `/shop` is what `/shop/` of a mount is called.
        let script_name = script_name.strip_suffix(b"/").unwrap_or(script_name);
        Ok(Understood { method, script_name, path, query, target, protocol, length, is_secure })
    }

    fn list<'b>(
        &'b self,
        limits: &Limits,
        headers: &mut Vec<Header<'b>>,
        others: &mut Vec<Header<'b>>,
    ) -> Result<(), Refusal> {
        headers.clear();
        others.clear();
        for (_, name, value) in self.kinds().filter(|(kind, ..)| *kind == Kind::Header) {
            if name == b"host" && !is_host(value) {
                return Err(Refusal::InvalidHost);
            }
            if !is_token(name) {
                return Err(Refusal::Field);
            }
            headers.push(Header::new(name, value));
        }
        for (place, (kind, name, value)) in self.kinds().enumerate() {
            match kind {
                Kind::Known(known) if !known.is_said_once() && !self.counts(known, place) => {}
                Kind::Other if is_variable(name) => set(others, name, value),
                _ if value.is_empty() => {}
                Kind::Known(Known::Type) => headers.push(Header::new("content-type", value)),
                Kind::Known(Known::Length) => headers.push(Header::new("content-length", value)),
                // nginx's word for a client of a Unix socket, who has no address.
                Kind::Known(Known::Address) if value == b"unix:" => {}
                Kind::Known(Known::Address) if !is_address(value) => return Err(Refusal::Field),
                Kind::Known(Known::Port) if !value.iter().all(u8::is_ascii_digit) => return Err(Refusal::Field),
                Kind::Known(Known::Address | Known::Port | Known::Document | Known::Https | Known::Scheme) => {
                    others.push(Header::new(name, value));
                }
                // It stands elsewhere in the request, or is not the web server's to say.
                Kind::Known(_) | Kind::Other | Kind::Header | Kind::LeftOut => {}
            }
        }
        // All at once, and one by one only where something is odd.
        if !is_field_value(&self.bytes) {
            let is_odd = |field: &Header<'_>| !is_field_value(field.value());
            others.retain(|field| !is_odd(field) || !PATHS.contains(&field.name()));
            if headers.iter().chain(&*others).any(is_odd) {
                return Err(Refusal::Field);
            }
        }
        if headers.len() > limits.fields { Err(Refusal::TooManyFields) } else { Ok(()) }
    }
}

/// Says a variable, in the place of one of that name that was said before.
fn set<'b>(list: &mut Vec<Header<'b>>, name: &'b [u8], value: &'b [u8]) {
    match list.iter().position(|known| known.name() == name) {
        Some(place) if value.is_empty() => drop(list.remove(place)),
        Some(place) => list[place] = Header::new(name, value),
        None if value.is_empty() => {}
        None => list.push(Header::new(name, value)),
    }
}

/// Whether a variable is one that an app may see as the web server's: nothing that this
/// server says itself.
fn is_variable(name: &[u8]) -> bool {
    let is_named = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_';
    !name.is_empty() && name.iter().all(is_named)
}

fn is_address(value: &[u8]) -> bool {
    std::str::from_utf8(value).is_ok_and(|text| text.parse::<IpAddr>().is_ok())
}

fn is_field_value(value: &[u8]) -> bool {
    // Without a way out on the way: many bytes are looked at together.
    value.iter().fold(true, |good, &byte| good & ((byte == b'\t') | ((byte >= b' ') & (byte != 0x7f))))
}
