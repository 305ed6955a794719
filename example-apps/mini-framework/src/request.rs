//! The request, as a handler sees it.

use std::io::Read as _;
use std::str::FromStr;

use cookie::Cookie;
use gateway_spec::prelude::*;
use minijinja::value::Serde;
use minijinja::{Value, context};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::limited::Limited;
use crate::route::Params;
use crate::templates::Templates;
use crate::{Failure, Fields, Multipart, Outcome, Response};

/// A request. It owns the environ, which is there for what has no method here.
pub struct Request<'r> {
    environ: Environ<'r>,
    templates: &'r Templates,
    params: Params,
    body_limit: u64,
}

impl<'r> Request<'r> {
    pub(crate) const fn new(environ: Environ<'r>, templates: &'r Templates, body_limit: u64) -> Self {
        Self { environ, templates, params: Vec::new(), body_limit }
    }

    pub(crate) fn set_params(&mut self, params: Params) {
        self.params = params;
    }

    /// All that the server says of this request.
    #[must_use]
    pub const fn environ(&self) -> &Environ<'r> {
        &self.environ
    }

    /// The same, to be changed by middleware.
    #[must_use]
    pub const fn environ_mut(&mut self) -> &mut Environ<'r> {
        &mut self.environ
    }

    /// The method.
    #[must_use]
    pub fn method(&self) -> &str {
        self.environ.method()
    }

    // ----- the address -------------------------------------------------------

    /// A parameter of the pattern, decoded.
    ///
    /// # Panics
    /// When the pattern has no such parameter: that is a mistake in the program.
    #[must_use]
    pub fn param(&self, name: &str) -> &str {
        let found = self.params.iter().find(|(known, _)| known == name);
        &found.unwrap_or_else(|| panic!("the pattern has no {{{name}}}")).1
    }

    /// A parameter as a number or the like.
    ///
    /// # Errors
    /// 404 where it is none: there is nothing at such an address.
    pub fn parse<T: FromStr>(&self, name: &str) -> Result<T, Failure> {
        self.param(name).parse().map_err(|_| Failure::not_found())
    }

    /// What follows the `?`.
    ///
    /// # Errors
    /// 413 for more fields than anybody asks with.
    pub fn query(&self) -> Result<Fields, Failure> {
        Fields::parse(self.environ.query_string())
    }

    /// The address of a path of this site, wherever it is mounted: for links,
    /// redirects and the paths of cookies. What follows a `?` is a query, and may be
    /// encoded already.
    ///
    /// Whatever a visitor's words in it are, it stays within this site: a `..` is left
    /// out, and so is a `//` at the beginning, behind which browsers look for a host.
    #[must_use]
    pub fn link(&self, path: &str) -> String {
        let (path, query) = path.split_at(path.find('?').unwrap_or(path.len()));
        let plain = |segment| if matches!(segment, "." | "..") { "" } else { segment };
        let path = path.split('/').map(plain).collect::<Vec<_>>().join("/");
        let path = encode(&[self.environ.script_name(), path.as_bytes()].concat(), b"/");
        let slashes = path.len() - path.trim_start_matches('/').len();
        path[slashes.saturating_sub(1)..].to_owned() + &encode(query.as_bytes(), b"%/?:@!$&'()*+,;=")
    }

    /// A cookie's value; of several of that name, the first.
    #[must_use]
    pub fn cookie(&self, name: &str) -> Option<String> {
        self.cookies(name).into_iter().next()
    }

    /// The values of all cookies of that name. A browser may have several, of other paths
    /// or of the domain above, and does not say which is whose.
    #[must_use]
    pub fn cookies(&self, name: &str) -> Vec<String> {
        let header = self.environ.get("HTTP_COOKIE").unwrap_or_default();
        // One by one: what somebody else has set, in whatever bytes, spoils no other.
        let pairs = header.split(|byte| *byte == b';').filter_map(|pair| str::from_utf8(pair).ok());
        // The name is compared as it came: a browser guards `__Host-x`, but not `__%48ost-x`.
        let named = pairs.filter(|pair| pair.split_once('=').is_some_and(|(known, _)| known.trim() == name));
        named.filter_map(|pair| Some(Cookie::parse_encoded(pair).ok()?.value().to_owned())).collect()
    }

    /// Whether the browser says that a page of another site sent this. `Sec-Fetch-Site`
    /// says it, but browsers send that only to https and to their own machine; elsewhere
    /// `Origin` does, which is compared with Host: a proxy has to pass that on, if not its
    /// port.
    /// Who says neither is no browser, or an old one.
    #[must_use]
    pub fn is_foreign(&self) -> bool {
        let said = |name: &str| self.environ.get(name);
        let host = said("HTTP_HOST").unwrap_or_default();
        if let Some(site) = said("HTTP_SEC_FETCH_SITE") {
            return !matches!(&*site, b"same-origin" | b"none");
        }
        // Without the scheme: whoever decrypts before this server may not tell of it. And
        // proxies may have left the port out.
        let is_host = |origin: &[u8]| {
            let name = memchr::memmem::find(origin, b"://").map_or(&[][..], |at| &origin[at + 3..]);
            [name, without_port(name)].iter().any(|name| name.eq_ignore_ascii_case(&host))
        };
        said("HTTP_ORIGIN").is_some_and(|origin| !is_host(&origin))
    }

    // ----- the body ----------------------------------------------------------

    /// The body as it comes, up to the limit.
    ///
    /// # Errors
    /// 413 where the length that is stated is beyond it; reading a longer one fails
    /// the same way.
    pub fn body(&mut self) -> Result<Limited<gateway_spec::Input<'_, 'r>>, Failure> {
        if self.environ.content_length().is_some_and(|length| length > self.body_limit) {
            return Err(Failure::too_large(self.body_limit));
        }
        Ok(Limited::new(self.environ.input(), self.body_limit))
    }

    /// The whole body.
    ///
    /// # Errors
    /// 413; and where it was cut short.
    pub fn bytes(&mut self) -> Result<Vec<u8>, Failure> {
        let mut bytes = Vec::new();
        self.body()?.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// A form that was sent by POST; one with files is [`multipart`](Self::multipart).
    ///
    /// # Errors
    /// 415 for what is none, 413.
    pub fn form(&mut self) -> Result<Fields, Failure> {
        self.expect("application/x-www-form-urlencoded")?;
        Fields::parse(&self.bytes()?)
    }

    /// A form with files, read part by part as it comes.
    ///
    /// # Errors
    /// 415 for what is none, 400 where its boundary is missing, 413.
    pub fn multipart(&mut self) -> Result<Multipart<Limited<gateway_spec::Input<'_, 'r>>>, Failure> {
        self.expect("multipart/form-data")?;
        let boundary = self.environ.content_type().and_then(|value| crate::multipart::boundary(&value));
        let boundary = boundary.ok_or_else(|| Failure::bad_request("The form has no boundary."))?;
        Ok(Multipart::new(self.body()?, &boundary))
    }

    /// JSON.
    ///
    /// # Errors
    /// 415 for what is none, 400 with what is wrong and where, 413.
    pub fn json<T: DeserializeOwned>(&mut self) -> Result<T, Failure> {
        self.expect("application/json")?;
        serde_json::from_slice(&self.bytes()?)
            .map_err(|error| Failure::bad_request(format!("This is not it: {error}.")))
    }

    fn expect(&self, media_type: &str) -> Result<(), Failure> {
        let given = self.environ.content_type().unwrap_or_default();
        let essence = given.split(';').next().unwrap_or_default().trim();
        if essence.eq_ignore_ascii_case(media_type) {
            return Ok(());
        }
        Err(Failure::new(Status::UNSUPPORTED_MEDIA_TYPE, format!("This address takes {media_type}.")))
    }

    // ----- the answer --------------------------------------------------------

    /// A page from a template and values by their names: `json!({ "name": name })`, or a
    /// struct of them. `root` is there too, which links within the site begin with.
    ///
    /// # Errors
    /// A template that is not there or fails: 500.
    pub fn render(&self, template: &str, values: impl Serialize) -> Outcome {
        // Encoded already, so nothing is left in it to escape.
        let root = Value::from_safe_string(self.link(""));
        let page = self.templates.render(template, context! { root, ..Value::from(Serde(values)) })?;
        Ok(Response::html(page))
    }

    pub(crate) fn has_template(&self, name: &str) -> bool {
        self.templates.has(name)
    }
}

/// A host's name.
fn without_port(host: &[u8]) -> &[u8] {
    let end = memchr::memrchr(b':', host).filter(|end| host[end + 1..].iter().all(u8::is_ascii_digit));
    &host[..end.unwrap_or(host.len())]
}

/// Percent-encodes what may not stand anywhere in an address, but for some of it.
fn encode(bytes: &[u8], but: &[u8]) -> String {
    let encode = |byte: &u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(*byte).to_string(),
        _ if but.contains(byte) => char::from(*byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    bytes.iter().map(encode).collect()
}
