//! What the variables of a request say (RFC 3875, section 4.1).

use core::net::IpAddr;

use gateway_spec::Header;
use gateway_spec::headers::is_token;

use super::Variables;
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

/// What is no variable of the request, or stands elsewhere in it.
const TAKEN: [&[u8]; 9] = [
    b"REQUEST_METHOD",
    b"SCRIPT_NAME",
    b"PATH_INFO",
    b"QUERY_STRING",
    b"REQUEST_URI",
    b"SERVER_PROTOCOL",
    b"CONTENT_LENGTH",
    b"CONTENT_TYPE",
    b"SCGI",
];

/// Headers that are about the connection to the web server, or said by a variable.
const LEFT_OUT: [&[u8]; 8] = [
    b"HTTP_TRANSFER_ENCODING",
    b"HTTP_CONNECTION",
    b"HTTP_KEEP_ALIVE",
    b"HTTP_TE",
    b"HTTP_UPGRADE",
    b"HTTP_CONTENT_LENGTH",
    b"HTTP_CONTENT_TYPE",
    // HTTP_PROXY is a setting to many libraries (httpoxy, CVE-2016-5385).
    b"HTTP_PROXY",
];

impl Variables {
    /// Prepares what is read by [`understood`](Self::understood): names of headers are
    /// written as they are in HTTP, and what is not said is put together.
    ///
    /// # Errors
    /// The path is not encoded correctly.
    pub fn prepare(&mut self) -> Result<(), Refusal> {
        if self.get(b"REQUEST_URI").is_none() {
            let (script, path) = (self.get(b"SCRIPT_NAME"), self.get(b"PATH_INFO"));
            let mut target = [script.unwrap_or_default(), path.unwrap_or_default()].concat();
            if let Some(query) = self.get(b"QUERY_STRING") {
                target = [&target, &b"?"[..], query].concat();
            }
            self.add(b"REQUEST_URI", &target);
        }
        if self.get(b"PATH_INFO").is_none() {
            self.find_path()?;
        }
        for at in 0..self.pairs.len() {
            let name = &mut self.bytes[self.pairs[at].name.clone()];
            if !name.starts_with(b"HTTP_") {
                continue;
            }
            // As CGI writes it, whatever came: else there would be a second way to say it.
            name.make_ascii_uppercase();
            name.iter_mut().filter(|byte| **byte == b'-').for_each(|byte| *byte = b'_');
            if !LEFT_OUT.contains(&&*name) {
                self.pairs[at].name.start += b"HTTP_".len();
                self.pairs[at].is_header = true;
                let name = &mut self.bytes[self.pairs[at].name.clone()];
                name.make_ascii_lowercase();
                name.iter_mut().filter(|byte| **byte == b'_').for_each(|byte| *byte = b'-');
            }
        }
        Ok(())
    }

    /// Finds the path where no PATH_INFO is said: nginx's own files for SCGI and FastCGI
    /// have none. There SCRIPT_NAME and DOCUMENT_URI are all of the path, decoded.
    fn find_path(&mut self) -> Result<(), Refusal> {
        let (script, document) = (self.get(b"SCRIPT_NAME"), self.get(b"DOCUMENT_URI"));
        let path = match (script, document) {
            // It is mounted there, and asked for itself.
            (Some(script), Some(document)) if script != document => return Ok(()),
            (Some(path), _) | (None, Some(path)) => path.to_vec(),
            (None, None) => {
                let target = self.get(b"REQUEST_URI").unwrap_or_default();
                let path = target.split(|byte| *byte == b'?').next().unwrap_or_default();
                let mut decoded = Vec::new();
                decode_path(path, &mut decoded)?;
                decoded
            }
        };
        self.pairs.retain(|pair| &self.bytes[pair.name.clone()] != b"SCRIPT_NAME");
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
        let of = |name: &[u8]| self.get(name).unwrap_or_default();
        let (method, path, query, target) =
            (of(b"REQUEST_METHOD"), of(b"PATH_INFO"), of(b"QUERY_STRING"), of(b"REQUEST_URI"));
        if !is_token(method) {
            return Err(Refusal::RequestLine);
        }
        if method == b"CONNECT" {
            return Err(Refusal::Connect);
        }
        let (path, script_name) = if target == b"*" { (&b""[..], &b""[..]) } else { (path, of(b"SCRIPT_NAME")) };
        let is_path = |path: &[u8]| path.is_empty() || path[0] == b'/' && !path.contains(&0);
        let is_visible = |text: &[u8]| text.iter().all(|byte| byte.is_ascii_graphic() || *byte >= 0x80);
        if !is_path(path) || !is_path(script_name) || !is_visible(target) || !is_visible(query) {
            return Err(Refusal::Target);
        }
        if target.len() > limits.line {
            return Err(Refusal::LineTooLong);
        }
        let length = self.get(b"CONTENT_LENGTH").map_or(Ok(0), length)?;
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
        let is_secure = match self.get(b"HTTPS") {
            Some(said) => said.eq_ignore_ascii_case(b"on") || said == b"1",
            None => of(b"REQUEST_SCHEME").eq_ignore_ascii_case(b"https"),
        };
        let protocol = self.get(b"SERVER_PROTOCOL").unwrap_or(b"HTTP/1.1");
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
        for (name, value) in self.all(true) {
            if name == b"host" && !is_host(value) {
                return Err(Refusal::InvalidHost);
            }
            headers.push(Header::new(name, value));
        }
        for (name, value) in self.all(false).filter(|(_, value)| !value.is_empty()) {
            match name {
                b"CONTENT_TYPE" => headers.push(Header::new("content-type", value)),
                b"CONTENT_LENGTH" => headers.push(Header::new("content-length", value)),
                // nginx's word for a client of a Unix socket, who has no address.
                b"REMOTE_ADDR" if value == b"unix:" => {}
                b"REMOTE_ADDR" if !is_address(value) => return Err(Refusal::Field),
                b"REMOTE_PORT" if !value.iter().all(u8::is_ascii_digit) => return Err(Refusal::Field),
                _ if is_variable(name) && !TAKEN.contains(&name) => others.push(Header::new(name, value)),
                _ => {}
            }
        }
        // The names of others are known to be good.
        let are_tokens = headers.iter().all(|header| is_token(header.name()));
        if !are_tokens || !headers.iter().chain(&*others).all(|field| is_field_value(field.value())) {
            return Err(Refusal::Field);
        }
        if headers.len() > limits.fields { Err(Refusal::TooManyFields) } else { Ok(()) }
    }
}

/// Whether a variable is one that an app may see as the web server's: no header, and
/// nothing that this server says itself.
fn is_variable(name: &[u8]) -> bool {
    let is_named = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_';
    !name.is_empty() && name.iter().all(is_named) && !name.starts_with(b"HTTP_")
}

fn is_address(value: &[u8]) -> bool {
    std::str::from_utf8(value).is_ok_and(|text| text.parse::<IpAddr>().is_ok())
}

fn is_field_value(value: &[u8]) -> bool {
    value.iter().all(|byte| *byte == b'\t' || *byte >= b' ' && *byte != 0x7f)
}
