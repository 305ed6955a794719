//! The environ: what the server tells the app about a request, as a map (CGI/1.1
//! names, RFC 3875 section 4.1; PEP 3333, "environ Variables").

mod edits;
mod url;

use std::borrow::Cow;
use std::fmt;
use std::io::Read;
use std::net::IpAddr;
use std::time::Duration;

use self::edits::Edits;
use crate::abi::view::{Header, RequestRef};
use crate::error::{Error, Result};
use crate::headers::Headers;
use crate::input::{Input, InputState, OwnedInput};
use crate::log::Errors;

/// One request, as a map from CGI and `gateway.*` names to bytes.
///
/// Building it copies nothing: it is a pointer to the server's request, and
/// `HTTP_*` names are derived from the header list on look-up. Middleware may
/// edit it; the edits, which are rare, are the only thing it allocates.
///
/// Always there: `REQUEST_METHOD`, `SCRIPT_NAME`, `PATH_INFO`, `QUERY_STRING`,
/// `SERVER_NAME`, `SERVER_PORT`, `SERVER_PROTOCOL`, `REQUEST_URI`,
/// `gateway.version`, `gateway.url_scheme`, `gateway.multithread`,
/// `gateway.multiprocess`, `gateway.run_once`. Where known: `CONTENT_TYPE`,
/// `CONTENT_LENGTH`, `REMOTE_ADDR`, `REMOTE_PORT`, `HTTPS`, `HTTP_*`.
/// `gateway.input` and `gateway.errors` are the methods [`input`](Self::input)
/// and [`errors`](Self::errors). `docs/SPEC.md` has every rule.
///
/// ```
/// use gateway_spec::prelude::*;
///
/// fn app<'r>(environ: Environ<'r>, start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
///     assert_eq!(environ.method(), "GET");
///     assert_eq!(environ.path_info(), b"/caf\xc3\xa9");
///     assert_eq!(environ.get_str("HTTP_ACCEPT_LANGUAGE")?.as_deref(), Some("de"));
///     start_response.start(Head::new(Status::NO_CONTENT, &[]))?;
///     Ok(Body::empty())
/// }
///
/// let client = gateway_spec::testing::TestClient::new(app_fn(app));
/// client.get("/caf%C3%A9").header("Accept-Language", "de").send();
/// ```
pub struct Environ<'r> {
    request: RequestRef<'r>,
    input: InputState<'r>,
    edits: Option<Box<Edits<'r>>>,
}

impl<'r> Environ<'r> {
    /// The environ of a request that came over the ABI or from a host.
    #[must_use]
    #[inline]
    pub const fn new(request: RequestRef<'r>) -> Self {
        Self { request, input: InputState::new(), edits: None }
    }

    /// The request itself, without edits.
    #[must_use]
    pub const fn request(&self) -> RequestRef<'r> {
        self.request
    }

    /// Whether this is the server's request as it was: nothing edited, nothing read.
    pub(crate) fn is_untouched(&self) -> bool {
        self.edits.is_none() && self.input.is_untouched()
    }

    /// Whether middleware, on either side of the ABI, has changed a variable.
    pub(crate) fn is_edited(&self) -> bool {
        self.edits.is_some() || self.request.edited()
    }

    /// The length of the body as the next app shall see it: CONTENT_LENGTH,
    /// where it or the input was edited; else the request's own. A GET without
    /// the header has no body, which is not a body of unknown length.
    pub(crate) fn body_length(&self) -> Option<u64> {
        let edited = self.edits.as_ref().is_some_and(|edits| edits.get("CONTENT_LENGTH").is_some());
        if edited || self.input.is_replaced() { self.content_length() } else { self.request.content_length() }
    }

    // ----- the map ---------------------------------------------------------

    /// The value of a variable; borrowed unless it joins repeated headers.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<Cow<'_, [u8]>> {
        if let Some(edit) = self.edits.as_ref().and_then(|edits| edits.get(key)) {
            return edit.map(Cow::Borrowed);
        }
        self.received(key)
    }

    /// The value of a variable as text.
    ///
    /// # Errors
    /// [`Error::App`] when the value is not UTF-8.
    pub fn get_str(&self, key: &str) -> Result<Option<Cow<'_, str>>> {
        self.get(key).map(|value| text(key, value)).transpose()
    }

    /// Whether the variable is there.
    #[must_use]
    pub fn contains(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// Sets a variable, for the app that this environ is passed on to.
    /// [`headers`](Self::headers) stays as received.
    pub fn insert(&mut self, key: impl Into<String>, value: impl Into<Vec<u8>>) {
        self.edits.get_or_insert_default().set(key.into(), Some(value.into()));
    }

    /// Removes a variable; answers whether it was there.
    pub fn remove(&mut self, key: &str) -> bool {
        let there = self.contains(key);
        if there {
            self.edits.get_or_insert_default().set(key.to_owned(), None);
        }
        there
    }

    /// All variables with their values: the edits, then the CGI and gateway
    /// variables, then the `HTTP_*` names in the order of their headers.
    pub fn iter(&self) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, [u8]>)> {
        edits::variables(self).into_iter()
    }

    /// The value that the server gave.
    fn received(&self, key: &str) -> Option<Cow<'r, [u8]>> {
        let request = self.request;
        let name = key.as_bytes();
        if let Some(field) = name.strip_prefix(b"HTTP_") {
            if request.edited()
                && let Some(pair) = find(request.env(), name)
            {
                return (!pair.is_removed()).then(|| Cow::Borrowed(pair.value()));
            }
            return self.headers().variable(field);
        }
        let fixed = match name {
            b"REQUEST_METHOD" => request.method(),
            b"SCRIPT_NAME" => request.script_name(),
            b"PATH_INFO" => request.path_info(),
            b"QUERY_STRING" => request.query_string(),
            b"REQUEST_URI" => request.request_uri(),
            _ => return self.received_other(name),
        };
        Some(Cow::Borrowed(fixed))
    }

    fn received_other(&self, name: &[u8]) -> Option<Cow<'r, [u8]>> {
        if let Some(pair) = find(self.request.env(), name) {
            return (!pair.is_removed()).then(|| Cow::Borrowed(pair.value()));
        }
        match name {
            b"CONTENT_TYPE" => self.headers().first("content-type").map(Cow::Borrowed),
            b"CONTENT_LENGTH" => self.headers().first("content-length").map(Cow::Borrowed),
            _ => None,
        }
    }

    /// A variable that is always there; empty if the server broke that rule.
    fn always<'a>(&'a self, key: &str, received: &'r [u8]) -> &'a [u8] {
        match self.edits.as_ref().and_then(|edits| edits.get(key)) {
            None => received,
            Some(edit) => edit.unwrap_or_default(),
        }
    }

    fn env_value(&self, key: &str) -> &[u8] {
        match self.get(key) {
            Some(Cow::Borrowed(value)) => value,
            _ => &[],
        }
    }

    fn env_text(&self, key: &str) -> &str {
        std::str::from_utf8(self.env_value(key)).unwrap_or_default()
    }

    // ----- typed accessors -------------------------------------------------

    /// REQUEST_METHOD: a token, upper case by convention.
    #[must_use]
    pub fn method(&self) -> &str {
        std::str::from_utf8(self.always("REQUEST_METHOD", self.request.method())).unwrap_or_default()
    }

    /// SCRIPT_NAME: where the app is mounted; empty or `/…` without a slash at the end.
    #[must_use]
    pub fn script_name(&self) -> &[u8] {
        self.always("SCRIPT_NAME", self.request.script_name())
    }

    /// PATH_INFO: the rest of the path, percent-decoded once; any bytes.
    #[must_use]
    pub fn path_info(&self) -> &[u8] {
        self.always("PATH_INFO", self.request.path_info())
    }

    /// PATH_INFO as text.
    ///
    /// # Errors
    /// [`Error::App`] when it is not UTF-8.
    pub fn path_str(&self) -> Result<&str> {
        std::str::from_utf8(self.path_info()).map_err(|_| Error::app("PATH_INFO is not UTF-8"))
    }

    /// QUERY_STRING: what follows the `?`, still encoded; empty without one.
    #[must_use]
    pub fn query_string(&self) -> &[u8] {
        self.always("QUERY_STRING", self.request.query_string())
    }

    /// REQUEST_URI: the request target exactly as received.
    #[must_use]
    pub fn request_uri(&self) -> &[u8] {
        self.always("REQUEST_URI", self.request.request_uri())
    }

    /// SERVER_NAME: the name or address of the listener.
    #[must_use]
    pub fn server_name(&self) -> &str {
        self.env_text("SERVER_NAME")
    }

    /// SERVER_PORT; `None` where the listener has none (a Unix socket).
    #[must_use]
    pub fn server_port(&self) -> Option<u16> {
        self.env_text("SERVER_PORT").parse().ok()
    }

    /// SERVER_PROTOCOL: `HTTP/1.0` or `HTTP/1.1`.
    #[must_use]
    pub fn server_protocol(&self) -> &str {
        self.env_text("SERVER_PROTOCOL")
    }

    /// CONTENT_TYPE, where the client sent one.
    #[must_use]
    pub fn content_type(&self) -> Option<Cow<'_, str>> {
        self.get_str("CONTENT_TYPE").ok().flatten()
    }

    /// CONTENT_LENGTH, where the client sent one; a chunked body has none.
    #[must_use]
    pub fn content_length(&self) -> Option<u64> {
        // `parse` alone would take "+3", which RFC 9110, section 8.6, does not allow.
        let digits = |text: &Cow<'_, str>| text.bytes().all(|byte| byte.is_ascii_digit());
        self.get_str("CONTENT_LENGTH").ok().flatten().filter(digits)?.parse().ok()
    }

    /// REMOTE_ADDR, where the transport knows it.
    #[must_use]
    pub fn remote_addr(&self) -> Option<IpAddr> {
        self.env_text("REMOTE_ADDR").parse().ok()
    }

    /// REMOTE_PORT, where the transport knows it.
    #[must_use]
    pub fn remote_port(&self) -> Option<u16> {
        self.env_text("REMOTE_PORT").parse().ok()
    }

    /// `gateway.url_scheme`: `http` or `https`.
    #[must_use]
    pub fn url_scheme(&self) -> &str {
        self.env_text("gateway.url_scheme")
    }

    /// Whether the client's connection is encrypted.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.url_scheme() == "https"
    }

    /// `gateway.version` of the interface, as `major.minor`.
    #[must_use]
    pub fn version(&self) -> &str {
        self.env_text("gateway.version")
    }

    /// `gateway.multithread`: whether another thread of this process may be
    /// inside the app at the same time.
    #[must_use]
    pub fn multithread(&self) -> bool {
        self.env_text("gateway.multithread") == "1"
    }

    /// `gateway.multiprocess`: whether another process may serve the same app.
    #[must_use]
    pub fn multiprocess(&self) -> bool {
        self.env_text("gateway.multiprocess") == "1"
    }

    /// `gateway.run_once`: whether this process expects to serve one request only.
    #[must_use]
    pub fn run_once(&self) -> bool {
        self.env_text("gateway.run_once") == "1"
    }

    /// The request headers: ordered, lossless, never changed by edits.
    #[must_use]
    pub fn headers(&self) -> Headers<'r> {
        Headers::new(self.request.headers())
    }

    /// The URL of this request, by PEP 3333's recipe ("URL Reconstruction"):
    /// scheme, Host or else the server's name and port, the two paths encoded
    /// again, the query as it came.
    #[must_use]
    pub fn url(&self) -> String {
        url::reconstruct(self)
    }

    // ----- gateway.input, gateway.errors, the request's state ---------------

    /// `gateway.input`: the request body.
    #[must_use]
    pub fn input(&mut self) -> Input<'_, 'r> {
        Input::new(self.request, &mut self.input)
    }

    /// Replaces `gateway.input` for the app that this environ is passed on to
    /// (middleware that decodes a body). Set or remove CONTENT_LENGTH as well.
    pub fn set_input(&mut self, input: impl Read + Send + 'r) {
        self.input = InputState::replaced(Box::new(input));
        if self.edits.is_none() {
            self.edits = Some(Box::default());
        }
    }

    /// Takes `gateway.input` out, for middleware that decodes a body as it
    /// comes: wrap it, and put the result back with [`set_input`](Self::set_input).
    ///
    /// ```
    /// use std::io::Read as _;
    /// use gateway_spec::prelude::*;
    ///
    /// /// Lets the app see at most ten bytes of each body.
    /// fn first_ten(app: impl App) -> impl App {
    ///     struct FirstTen<A>(A);
    ///     impl<A: App> App for FirstTen<A> {
    ///         fn call<'r>(&'r self, mut environ: Environ<'r>, start: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
    ///             let input = environ.take_input();
    ///             environ.set_input(input.take(10));
    ///             environ.remove("CONTENT_LENGTH");
    ///             self.0.call(environ, start)
    ///         }
    ///     }
    ///     FirstTen(app)
    /// }
    /// # let app = app_fn(|mut environ, start| {
    /// #     let mut text = String::new();
    /// #     environ.input().read_to_string(&mut text)?;
    /// #     start.start(Head::new(Status::OK, &[Header::new("Content-Type", "text/plain")]))?;
    /// #     Ok(Body::from(text))
    /// # });
    /// # let client = gateway_spec::testing::TestClient::new(first_ten(app));
    /// # assert_eq!(client.post("/").body("0123456789abc").send().text(), "0123456789");
    /// ```
    pub fn take_input(&mut self) -> OwnedInput<'r> {
        let length = self.body_length();
        let state = std::mem::replace(&mut self.input, InputState::replaced(Box::new(std::io::empty())));
        if self.edits.is_none() {
            self.edits = Some(Box::default());
        }
        OwnedInput::new(self.request, state, length)
    }

    /// Puts a reader around `gateway.input`, which gives the same bytes: nothing
    /// counts as edited.
    pub(crate) fn wrap_input<R: Read + Send + 'r>(&mut self, wrap: impl FnOnce(OwnedInput<'r>) -> R) {
        let length = self.body_length();
        let state = std::mem::replace(&mut self.input, InputState::new());
        let input = wrap(OwnedInput::new(self.request, state, length));
        self.input = InputState::replaced(Box::new(input));
    }

    /// `gateway.errors`: the server's log.
    #[must_use]
    pub fn errors(&self) -> Errors<'r> {
        Errors::new(self.request.host())
    }

    /// Whether the client has left: its connection was reset or a write
    /// failed. A client that only closed its sending side still waits.
    #[must_use]
    pub fn is_disconnected(&self) -> bool {
        self.request.state().is_ok_and(|(gone, _)| gone)
    }

    /// How long until the server gives up on this request; `None` without a limit.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        self.request.state().ok()?.1.map(Duration::from_nanos)
    }

    /// Waits; an engine with coroutines serves others meanwhile. Hold no lock
    /// and no borrow of a `RefCell` across it.
    ///
    /// # Errors
    /// [`Error::Gone`] when the client left, [`Error::State`] from another thread.
    pub fn sleep(&self, duration: Duration) -> Result<()> {
        self.request.sleep(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX))
    }
}

fn find<'r>(env: &'r [Header<'r>], name: &[u8]) -> Option<&'r Header<'r>> {
    env.iter().find(|pair| pair.name() == name)
}

fn text<'a>(key: &str, value: Cow<'a, [u8]>) -> Result<Cow<'a, str>> {
    let text = match value {
        Cow::Borrowed(value) => std::str::from_utf8(value).ok().map(Cow::Borrowed),
        Cow::Owned(value) => String::from_utf8(value).ok().map(Cow::Owned),
    };
    text.ok_or_else(|| Error::app(format!("{key} is not UTF-8")))
}

impl fmt::Debug for Environ<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map()
            .entries(self.iter().map(|(key, value)| (key, String::from_utf8_lossy(&value).into_owned())))
            .finish()
    }
}
