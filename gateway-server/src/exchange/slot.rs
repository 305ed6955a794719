//! One request's memory: a heap-pinned, recycled slot that holds the request,
//! the buffer it borrows from, and the body that borrows from it.
//!
//! Safe Rust cannot say that a body borrows from its neighbour, and without
//! saying it everyone copies. So the lifetime of a request is erased here and
//! held by the order of things: a body is dropped before the request it may
//! borrow from is touched, the slot before the app.
#![allow(unsafe_code)]

mod enveloped;

use std::ops::Range;
use std::ptr::NonNull;
use std::sync::Arc;

use gateway_spec::abi::guard::caught;
use gateway_spec::abi::host::{Hosted, RequestHead};
use gateway_spec::abi::view::RequestRef;
use gateway_spec::{App, Body, Chunk, Error, Header, Result};

use self::enveloped::Said;
use super::Service;
use super::lent::Lent;
use super::named::name_client;
use super::port::Port;
use super::wire::{Terms, Wire};
use crate::net::{Endpoint, Remote};
use crate::protocol::forwarded::Told;
use crate::protocol::http1::{Decoder, Framing, head};
use crate::protocol::{Client, Limits, Refusal};
use crate::stats::Fault;

/// See the module's text.
#[derive(Debug)]
pub(super) struct Slot(NonNull<Inner>);

#[derive(Debug)]
struct Inner {
    /// First: a pointer to the request is a pointer to all of this.
    hosted: Hosted<'static, Wire>,
    body: Option<Body<'static>>,
    /// Whether `hosted` tells of a request, and borrows its bytes.
    is_open: bool,
    room: head::Room<'static>,
    /// SERVER_PROTOCOL first, then what stays the same for the service; from
    /// [`ENDS`] on what stays the same for the connection, unless headers name the
    /// client.
    env: [Header<'static>; ENDS + 5],
    env_len: usize,
    /// Whether nobody speaks for the client; see [`Endpoint::is_plain`].
    is_plain: bool,
    /// The client that the last headers named.
    told: Remote,
    /// The decoded path.
    path: Vec<u8>,
    /// What a web server has said of the request.
    said: Option<Box<Said>>,
    // What `env`, `hosted` and `body` point to; after them, so dropped later.
    endpoint: Option<Endpoint>,
    service: Arc<Service>,
}

// SAFETY: a slot is a box of things that are Send; the raw pointers inside
// point into the same box or into the Arcs it holds.
unsafe impl Send for Slot {}

/// Where the ends of the connection stand in a request's variables.
const ENDS: usize = 6;
/// And that of its client, whose address and port may not be known.
pub(super) const CLIENT: usize = ENDS + 2;
/// Where the URL's scheme stands.
const SCHEME: usize = 2;

/// What an open request asks of the exchange.
#[derive(Clone, Copy, Debug)]
pub(super) struct Opened {
    /// Where its head lies in the buffer.
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) framing: Framing,
    pub(super) expect_continue: bool,
    pub(super) terms: Terms,
}

impl Slot {
    /// Memory for the requests of one connection at a time.
    pub(super) fn new(service: Arc<Service>, wire: Wire) -> Self {
        let mut env = [Header::from_static("", ""); ENDS + 5];
        let shared = service.variables();
        let ends = ["SERVER_NAME", "SERVER_PORT", "REMOTE_ADDR", "REMOTE_PORT"].map(|key| (key, ""));
        let list = [("SERVER_PROTOCOL", "")].into_iter().chain(shared).chain(ends);
        env.iter_mut().zip(list).for_each(|(place, (key, value))| *place = Header::from_static(key, value));
        let host: *const _ = &*service.host;
        // SAFETY: the service, and so its host, is kept by the slot.
        let hosted = Hosted::new(unsafe { &*host }.view(), &RequestHead::EMPTY, wire);
        let inner = Inner {
            hosted,
            body: None,
            is_open: false,
            room: head::Room::default(),
            env,
            env_len: 0,
            is_plain: true,
            told: Remote::default(),
            path: Vec::new(),
            said: None,
            endpoint: None,
            service,
        };
        Self(NonNull::from(Box::leak(Box::new(inner))))
    }

    /// Whether it serves a connection.
    pub(super) fn is_bound(&self) -> bool {
        // SAFETY: reached by `bind` and `unbind` alone, which need `&mut self`.
        unsafe { (*self.0.as_ptr()).endpoint.is_some() }
    }

    /// Serves this connection from now on.
    pub(super) fn bind(&mut self, endpoint: Endpoint) {
        self.end();
        let inner = self.0.as_ptr();
        // SAFETY: no request is open, so nobody borrows from these fields. The
        // text is the endpoint's, which stays until `unbind`; without it no
        // request becomes ready.
        unsafe {
            if !(*inner).is_plain {
                (*inner).forget_client();
            }
            let (addr, port) = endpoint.remote();
            let values = [endpoint.server_name().as_bytes(), endpoint.server_port().as_bytes(), addr, port];
            let env = &mut (*inner).env;
            for (entry, value) in env[ENDS..].iter_mut().zip(values) {
                *entry = entry.with_value(&*std::ptr::from_ref(value));
            }
            (*inner).env_len = if addr.is_empty() { CLIENT } else { CLIENT + 2 };
            (*inner).is_plain = endpoint.is_plain();
            (*inner).endpoint = Some(endpoint);
        }
    }

    /// Whether its client speaks TLS here.
    pub(super) fn is_secure(&self) -> bool {
        self.endpoint().is_some_and(Endpoint::is_secure)
    }

    /// Serves the same connection, of whose ends more is known now.
    pub(super) fn rebind(&mut self, learn: impl FnOnce(Endpoint) -> Endpoint) {
        if let Some(endpoint) = self.unbind() {
            self.bind(learn(endpoint));
        }
    }

    /// Serves no connection any more.
    pub(super) fn unbind(&mut self) -> Option<Endpoint> {
        self.end();
        // SAFETY: no request is open, so nobody borrows from the endpoint.
        unsafe { (*self.0.as_ptr()).endpoint.take() }
    }

    /// The connection's bytes, between calls.
    pub(super) fn wire(&mut self) -> &mut Wire {
        // SAFETY: `&mut self` and no call running, so nobody else reaches the
        // transport: an app's functions check that they are inside a call. The
        // pointer touches the transport only, not the request that a body may
        // be borrowing.
        unsafe { &mut *(*self.0.as_ptr()).hosted.transport_ptr() }
    }

    /// As [`wire`](Self::wire), to look at.
    pub(super) fn wire_ref(&self) -> &Wire {
        // SAFETY: as for `wire`; `&self` keeps every `&mut` away.
        unsafe { &*(*self.0.as_ptr()).hosted.transport_ptr() }
    }

    /// Parses the head that `range` of the buffer begins with, and pins it.
    ///
    /// # Errors
    /// The rule that the head breaks; nothing is open then.
    #[inline]
    pub(super) fn open(&mut self, range: Range<usize>, limits: &Limits) -> Result<Opened, Refusal> {
        self.wire().buffer.pin(true);
        let inner = self.0.as_ptr();
        // SAFETY: no body is open, so nobody borrows from these fields. What
        // the head points to is pinned until `recycle` says that nothing is open.
        let parsed = unsafe {
            let bytes: &'static [u8] = (*inner).hosted.transport().buffer.lend(range.clone());
            head::parse(bytes, limits, &mut (*inner).room, &mut (*inner).path)
        };
        let head = match parsed {
            Ok(head) => head,
            Err(refusal) => {
                self.recycle();
                return Err(refusal);
            }
        };
        // SAFETY: as above.
        unsafe {
            (*inner).hosted.set_line(head.method, head.path, head.query, head.target);
            (*inner).is_open = true;
        }
        let (head_only, keep_alive) = (head.method == b"HEAD", head.keep_alive);
        let terms = Terms { version: head.version, head_only, keep_alive, last: !keep_alive, front: None };
        let (start, end) = (range.start, range.start + head.size);
        Ok(Opened { start, end, framing: head.framing, expect_continue: head.expect_continue, terms })
    }

    /// Makes the open request ready for the app, which gets `preread` bytes of
    /// its body at once.
    #[inline(always)]
    pub(super) fn ready(&mut self, opened: &Opened, preread: usize, limit: u64) {
        // SAFETY: no body is open, so nobody borrows from the slot.
        let inner = unsafe { &mut *self.0.as_ptr() };
        if !inner.is_open || inner.endpoint.is_none() {
            return;
        }
        inner.env[0] = inner.env[0].with_value(opened.terms.version.as_str().as_bytes());
        if !inner.is_plain {
            inner.listen();
        }
        let wire = inner.hosted.transport();
        // SAFETY: pinned until `recycle`, which drops the request's users first.
        let preread: &'static [u8] = unsafe { wire.buffer.lend(opened.end..opened.end + preread) };
        wire.buffer.consume(opened.end + preread.len());
        wire.decoder = Decoder::new(opened.framing, limit);
        wire.decoder.skip(preread.len() as u64);
        wire.begin(opened.terms);
        let is_complete = wire.decoder.is_done();
        let content_length = match opened.framing {
            Framing::None => Some(0),
            Framing::Length(length) | Framing::Records { length, .. } => Some(length),
            Framing::Chunked => None,
        };
        // SAFETY: both lists stay as they are until the next `open`.
        let (env, headers) = unsafe {
            let env: &'static [Header<'static>] = &*std::ptr::from_ref(&inner.env[..inner.env_len]);
            let headers: &'static [Header<'static>] = &*std::ptr::from_ref(inner.room.headers.as_slice());
            (env, headers)
        };
        inner.hosted.set_lists(env, headers);
        inner.hosted.set_body(content_length, preread, is_complete);
    }

    /// Calls the app. Its body stays in the slot. What panics goes on: the
    /// exchange catches it, with all else that is the app's code.
    ///
    /// # Errors
    /// The app's.
    pub(super) fn call(&mut self, port: &mut dyn Port) -> Result<()> {
        let inner = self.0;
        self.lending(port, || {
            // SAFETY: the slot outlives the body (`recycle` drops it first), and
            // the service, which holds the app, outlives the slot's content.
            unsafe {
                let hosted: &'static Hosted<'static, Wire> = &(*inner.as_ptr()).hosted;
                let service: &'static Service = &*Arc::as_ptr(&(*inner.as_ptr()).service);
                let app: &'static dyn App = &*service.app;
                hosted.enter_with(|request| {
                    let body = app.call_request(request)?;
                    // No body is open, so there is none to be dropped.
                    std::ptr::write(&raw mut (*inner.as_ptr()).body, Some(body));
                    Ok(())
                })
            }
        })
    }

    /// The open body, to look at.
    pub(super) fn body(&self) -> Option<&Body<'_>> {
        // SAFETY: the body's own lifetime is shortened to the borrow of `self`.
        unsafe { (*self.0.as_ptr()).body.as_ref() }
    }

    /// Hands the open body and the connection's bytes to `act`.
    pub(super) fn copy<R>(&mut self, act: impl FnOnce(&Body<'_>, &mut Wire) -> Option<R>) -> Option<R> {
        let inner = self.0.as_ptr();
        // SAFETY: `&mut self`, and the body lies beside the wire, not in it.
        unsafe { act((*inner).body.as_ref()?, &mut *(*inner).hosted.transport_ptr()) }
    }

    /// Pulls a chunk of the open body and hands it to `take`.
    ///
    /// # Errors
    /// The body's, or those of `take`.
    pub(super) fn pull<R>(
        &mut self,
        port: &mut dyn Port,
        take: impl FnOnce(Option<Chunk<'_>>, &mut Wire) -> Result<R>,
    ) -> Result<R> {
        let inner = self.0.as_ptr();
        let chunk = self.lending(port, || {
            // SAFETY: the slot is alive; the body is reached by this `&mut
            // self` alone, and its chunk ends before the body is touched again.
            unsafe {
                let hosted = &(*inner).hosted;
                let body = (*inner).body.as_mut().ok_or_else(|| Error::State("no body is open".into()))?;
                hosted.next(body)
            }
        })?;
        // SAFETY: as for `wire`; the chunk lies in the body, not in the wire.
        take(chunk, unsafe { &mut *(*inner).hosted.transport_ptr() })
    }

    /// Closes the body: once, and whatever it does.
    ///
    /// # Errors
    /// [`Error::Panic`].
    pub(super) fn close_body(&mut self) -> Result<()> {
        let inner = self.0.as_ptr();
        // SAFETY: the body is reached by this `&mut self` alone; it is dropped
        // where it lies, and is gone also when that panics. One that needs no
        // close has nothing to be dropped.
        unsafe {
            match &(*inner).body {
                None => Ok(()),
                Some(body) if !body.needs_close() => {
                    std::ptr::write(&raw mut (*inner).body, None);
                    Ok(())
                }
                Some(_) => caught(|| {
                    (*inner).body = None;
                    Ok(())
                }),
            }
        }
    }

    /// Closes the body of a request that does not end as it should.
    #[cold]
    fn close_left_body(&mut self) {
        if self.close_body().is_err() {
            tracing::error!("{}: the app panicked in close", self.request_line());
        }
    }

    /// Who is connected to whom, while a connection is served.
    pub(super) fn endpoint(&self) -> Option<&Endpoint> {
        // SAFETY: reached by `bind` and `unbind` alone, which need `&mut self`.
        unsafe { (*self.0.as_ptr()).endpoint.as_ref() }
    }

    /// The open request.
    pub(super) fn request(&self) -> Option<RequestRef<'_>> {
        // SAFETY: looked at by `&self`; the request's slices are valid until
        // `recycle`.
        unsafe { (*self.0.as_ptr()).is_open.then(|| (*self.0.as_ptr()).hosted.request()) }
    }

    /// Ends a request that is open still.
    fn end(&mut self) {
        // SAFETY: looked at by `&mut self`.
        if unsafe { (*self.0.as_ptr()).is_open } {
            self.recycle();
        }
    }

    /// Ends the request and frees its memory for the next.
    pub(super) fn recycle(&mut self) {
        if self.body().is_some() {
            self.close_left_body();
        }
        let inner = self.0.as_ptr();
        // SAFETY: the body is gone, so nobody borrows from these any more.
        unsafe {
            (*inner).is_open = false;
            (*inner).room.headers.clear();
            (*inner).hosted.transport().release();
        }
    }

    /// Lends the port to the wire while `act` runs.
    fn lending<R>(&mut self, port: &mut dyn Port, act: impl FnOnce() -> Result<R>) -> Result<R> {
        // SAFETY: `Back` takes the port back on every way out, before the
        // borrow of `port` ends.
        self.wire().port = unsafe { Lent::new(port) };
        let _back = Back(self.0);
        act()
    }
}

impl Inner {
    /// Asks the open request's headers who the client is, if they are believed, and
    /// names that one.
    #[cold]
    fn listen(&mut self) {
        let Some(endpoint) = self.endpoint.as_ref().filter(|endpoint| !endpoint.scheme().is_front()) else { return };
        let told = self.service.proxies.told(endpoint.peer(), &self.room.headers).unwrap_or_else(|_| {
            self.service.counters.count(Fault::Forwarded);
            tracing::debug!("{}: forwarded headers that are not valid", endpoint.client().escape_ascii());
            Told::default()
        });
        let is_secure = told.is_secure.unwrap_or(endpoint.is_told_secure() || endpoint.is_secure());
        let (addr, port) = match told.client {
            Client::Same => endpoint.remote(),
            Client::Unknown => (&[][..], &[][..]),
            Client::At(ip, port) => {
                self.told = Remote::new(ip, port);
                self.told.both()
            }
        };
        // SAFETY: the text is the endpoint's or the slot's, and stays there until the
        // next request is ready, or `forget_client`; nobody borrows from it then.
        let client: (&'static [u8], &'static [u8]) =
            unsafe { (&*std::ptr::from_ref(addr), &*std::ptr::from_ref(port)) };
        // By its fields: a `&mut` to all of it would end what was just borrowed.
        let (shared, entries) = self.env.split_at_mut(CLIENT);
        self.env_len = CLIENT + name_client(entries, &mut shared[SCHEME], client, is_secure);
    }

    /// Makes the list one that any connection's client can be named in.
    #[cold]
    fn forget_client(&mut self) {
        let (shared, entries) = self.env.split_at_mut(CLIENT);
        name_client(entries, &mut shared[SCHEME], (b"-", b"-"), false);
        self.hosted.set_script_name(b"");
    }
}

/// Takes the port back.
struct Back(NonNull<Inner>);

impl Drop for Back {
    fn drop(&mut self) {
        // SAFETY: as for `Slot::wire`: the call is over.
        unsafe { (*(*self.0.as_ptr()).hosted.transport_ptr()).port = Lent::default() };
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.recycle();
        // SAFETY: made by Box::leak in `new`, and freed once.
        drop(unsafe { Box::from_raw(self.0.as_ptr()) });
    }
}
