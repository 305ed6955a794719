//! A C app behind middleware: it gets a request of its own that leads to the
//! edited environ and to the wrapped `start_response`.

use std::borrow::Cow;
use std::fmt;
use std::io::{Read as _, Write as _};
use std::mem::transmute;
use std::ptr::{self, NonNull};
use std::time::Duration;

use super::ForeignApp;
use crate::abi::host::{Hosted, RequestHead, Transport};
use crate::abi::view::Header;
use crate::body::{Body, Chunk, Source, View};
use crate::environ::Environ;
use crate::error::{Error, Result};
use crate::start_response::{Head, StartResponse, Writer};

/// Calls `app` with a request built anew.
pub(super) fn call<'r>(
    app: &'r ForeignApp,
    environ: Environ<'r>,
    start_response: &mut dyn StartResponse<'r>,
) -> Result<Body<'r>> {
    let proxy = Proxy::new(environ);
    // SAFETY: the proxy lives until its last user, the body, is dropped; the
    // callback is taken away again before it goes out of scope.
    let mut body = unsafe {
        proxy.lend(Some(start_response))?;
        let outcome = proxy.hosted().enter_with(|request| app.invoke(request.as_ptr()));
        proxy.lend(None)?;
        // The body may borrow from the proxy, which is erased to 'r here and
        // kept alive by the body itself below.
        transmute::<Body<'_>, Body<'r>>(outcome?)
    };
    if matches!(body.view(), View::Stream(_)) {
        let length = body.length();
        body = Body::source(Stream { body, proxy });
        return Ok(match length {
            Some(length) => body.with_length(length),
            None => body,
        });
    }
    Ok(body.on_close(move || drop(proxy)))
}

/// A request built from an edited environ, with what it points to, on the heap.
struct Proxy<'r>(NonNull<Inner<'r>>);

struct Inner<'r> {
    /// First: C's pointer to the request is a pointer to all of this.
    hosted: Hosted<'r, Link<'r>>,
    /// What the request's `env` points to.
    _env: Cow<'r, [Header<'r>]>,
}

/// Leads from the proxy's request to the outer one.
struct Link<'r> {
    environ: Environ<'r>,
    start: Option<NonNull<dyn StartResponse<'r> + 'r>>,
    writer: Option<Writer<'r>>,
}

// SAFETY: `start` is there only while `call` runs, on its thread; the rest is Send.
unsafe impl Send for Link<'_> {}

// SAFETY: a Proxy is a box; its content is Send and Sync as Hosted says.
unsafe impl Send for Proxy<'_> {}

impl<'r> Proxy<'r> {
    fn new(environ: Environ<'r>) -> Self {
        let host = environ.request().host();
        let headers = environ.request().headers();
        let link = Link { environ, start: None, writer: None };
        let hosted = Hosted::new(host, &RequestHead::EMPTY, link);
        let inner = NonNull::from(Box::leak(Box::new(Inner { hosted, _env: Cow::Borrowed(&[]) })));
        // SAFETY: just made, nobody else has it. The slices below point into
        // the environ's edits and the outer request: heap memory and memory of
        // 'r, which stay where they are until `inner` is dropped, because the
        // environ is not edited again.
        unsafe {
            let environ: &'r Environ<'r> = &*ptr::from_ref(&(*inner.as_ptr()).hosted.transport().environ);
            let env = environ.edited_env();
            let head = RequestHead {
                method: environ.method().as_bytes(),
                script_name: environ.script_name(),
                path_info: environ.path_info(),
                query_string: environ.query_string(),
                request_uri: environ.request_uri(),
                content_length: environ.body_length(),
                preread: b"",
                body_complete: false,
                env: &*ptr::from_ref(&*env),
                edited: true,
                headers,
            };
            (*inner.as_ptr()).hosted.set_head(host, &head);
            (*inner.as_ptr())._env = env;
        }
        Self(inner)
    }

    fn hosted(&self) -> &Hosted<'r, Link<'r>> {
        // SAFETY: alive until `self` is dropped; the pointer covers all of it.
        unsafe { &self.0.as_ref().hosted }
    }

    /// Lends the outer callback for the time of a call, or takes it back.
    ///
    /// # Safety
    /// Whoever lends a callback takes it back before it goes out of scope.
    unsafe fn lend(&self, start: Option<&mut dyn StartResponse<'r>>) -> Result<()> {
        // SAFETY: only the lifetime of the callback itself is erased; the
        // caller keeps it.
        let start = start.map(|start| unsafe {
            transmute::<NonNull<dyn StartResponse<'r> + '_>, NonNull<dyn StartResponse<'r> + 'r>>(NonNull::from(start))
        });
        self.hosted().with(|link| link.start = start)
    }
}

impl Drop for Proxy<'_> {
    fn drop(&mut self) {
        // SAFETY: made by Box::leak, and dropped once.
        drop(unsafe { Box::from_raw(self.0.as_ptr()) });
    }
}

impl fmt::Debug for Proxy<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.hosted().fmt(f)
    }
}

impl Transport for Link<'_> {
    fn start(&mut self, head: Head<'_>) -> Result<()> {
        let Some(mut start) = self.start else {
            return Err(Error::State("start_response after the call has returned".into()));
        };
        // SAFETY: lent by `call`, which is still running on this thread.
        self.writer = Some(unsafe { start.as_mut() }.start(head)?);
        Ok(())
    }

    fn read(&mut self, buf: &mut [u8]) -> Result<usize> {
        Ok(self.environ.input().read(buf)?)
    }

    fn write(&mut self, bytes: &[u8], flush: bool) -> Result<()> {
        let writer = self.writer.as_mut().ok_or_else(|| Error::State("start_response was not called".into()))?;
        writer.send(bytes)?;
        if flush {
            writer.flush()?;
        }
        Ok(())
    }

    fn sleep(&mut self, duration: Duration) -> Result<()> {
        self.environ.sleep(duration)
    }

    fn state(&mut self) -> (bool, Option<Duration>) {
        (self.environ.is_disconnected(), self.environ.deadline())
    }
}

/// A stream of a proxied call: pulled inside the proxy's request, so that it
/// may read its input.
struct Stream<'r> {
    // Dropped first: it may borrow from the proxy.
    body: Body<'r>,
    proxy: Proxy<'r>,
}

impl Source for Stream<'_> {
    fn next(&mut self) -> Result<Option<Chunk<'_>>> {
        self.proxy.hosted().next(&mut self.body)
    }

    fn length(&self) -> Option<u64> {
        self.body.length()
    }
}
