//! What a request says: all of it at once, or what the next one of a connection
//! says otherwise.

use super::{Hosted, Transport};
use crate::abi::types::*;
use crate::abi::view::{Header, HostRef, Slice, raw_pairs};

/// A request's data, borrowed for as long as its [`Hosted`] request lives.
#[derive(Clone, Copy, Debug)]
pub struct RequestHead<'h> {
    /// REQUEST_METHOD.
    pub method: &'h [u8],
    /// SCRIPT_NAME.
    pub script_name: &'h [u8],
    /// PATH_INFO.
    pub path_info: &'h [u8],
    /// QUERY_STRING.
    pub query_string: &'h [u8],
    /// REQUEST_URI.
    pub request_uri: &'h [u8],
    /// Length of the body; `None` where it is chunked.
    pub content_length: Option<u64>,
    /// Body bytes that have arrived already.
    pub preread: &'h [u8],
    /// Whether `preread` is the whole body.
    pub body_complete: bool,
    /// The other variables: SERVER_NAME, SERVER_PORT, SERVER_PROTOCOL,
    /// `gateway.*`, and what else is known.
    pub env: &'h [Header<'h>],
    /// Whether `env` holds `HTTP_*` entries, which win over the headers.
    pub edited: bool,
    /// The headers.
    pub headers: &'h [Header<'h>],
}

impl RequestHead<'_> {
    /// A request of nothing, to be filled.
    pub const EMPTY: Self = Self {
        method: b"",
        script_name: b"",
        path_info: b"",
        query_string: b"",
        request_uri: b"",
        content_length: Some(0),
        preread: b"",
        body_complete: false,
        env: &[],
        edited: false,
        headers: &[],
    };
}

impl<'h, T: Transport> Hosted<'h, T> {
    /// Takes the next request with the same transport.
    pub fn set_head(&mut self, host: HostRef<'h>, head: &RequestHead<'h>) {
        self.raw = raw_request(host, head, const { &Self::VT });
    }

    /// Takes the next request's line. All else stays as it was.
    #[inline(always)]
    pub fn set_line(&mut self, method: &'h [u8], path_info: &'h [u8], query_string: &'h [u8], request_uri: &'h [u8]) {
        self.raw.method = Slice::new(method).raw();
        self.raw.path_info = Slice::new(path_info).raw();
        self.raw.query_string = Slice::new(query_string).raw();
        self.raw.request_uri = Slice::new(request_uri).raw();
    }

    /// Takes the path under which the next requests' app is mounted, decoded. It stays
    /// until it is set again.
    pub fn set_script_name(&mut self, script_name: &'h [u8]) {
        self.raw.script_name = Slice::new(script_name).raw();
    }

    /// Takes the next request's variables and headers. All else stays as it was.
    #[inline(always)]
    pub fn set_lists(&mut self, env: &'h [Header<'h>], headers: &'h [Header<'h>]) {
        (self.raw.env, self.raw.env_len) = (raw_pairs(env), env.len());
        (self.raw.headers, self.raw.headers_len) = (raw_pairs(headers), headers.len());
    }

    /// Takes what is known of the next request's body: its length, what has
    /// arrived of it, and whether that is all. All else stays as it was.
    #[inline(always)]
    pub fn set_body(&mut self, content_length: Option<u64>, preread: &'h [u8], is_complete: bool) {
        self.raw.flags = self.raw.flags & !GW_REQUEST_BODY_COMPLETE | complete(is_complete);
        self.raw.content_length = content_length.unwrap_or(GW_UNKNOWN);
        self.raw.preread = Slice::new(preread).raw();
    }
}

pub(super) fn raw_request(host: HostRef<'_>, head: &RequestHead<'_>, vt: &'static GwRequestVt) -> GwRequest {
    let edited = if head.edited { GW_REQUEST_EDITED } else { 0 };
    GwRequest {
        size: size_of::<GwRequest>() as u32,
        flags: complete(head.body_complete) | edited,
        vt,
        host: host.as_ptr(),
        method: Slice::new(head.method).raw(),
        script_name: Slice::new(head.script_name).raw(),
        path_info: Slice::new(head.path_info).raw(),
        query_string: Slice::new(head.query_string).raw(),
        request_uri: Slice::new(head.request_uri).raw(),
        content_length: head.content_length.unwrap_or(GW_UNKNOWN),
        preread: Slice::new(head.preread).raw(),
        env: raw_pairs(head.env),
        env_len: head.env.len(),
        headers: raw_pairs(head.headers),
        headers_len: head.headers.len(),
    }
}

const fn complete(is_complete: bool) -> u32 {
    if is_complete { GW_REQUEST_BODY_COMPLETE } else { 0 }
}
