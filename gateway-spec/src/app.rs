//! The [`App`] trait.

use std::sync::Arc;

use crate::abi::types::{GW_APP_CONCURRENT, GW_APP_NO_SUSPEND, GW_APP_STREAMS_INPUT};
use crate::abi::view::RequestRef;
use crate::body::Body;
use crate::config::Config;
use crate::environ::Environ;
use crate::error::Result;
use crate::start_response::{RequestStart, StartResponse};

/// A web application: called once per request, from any thread, also from
/// several at once.
///
/// The contract (PEP 3333, "The Application/Framework Side"; every rule with
/// its id is in `docs/SPEC.md`):
///
/// - `call` calls `start_response` before it returns OK, and returns the body.
/// - The head goes out with the first non-empty byte of the body, or at its
///   end. Until then an error becomes a 500 and `start_response` may be called
///   again with the error that caused it. After it, an error cuts the connection.
/// - The body may borrow from the app and own the environ; it is dropped
///   exactly once, also on an error and when the client leaves.
/// - A panic is caught and becomes a 500 and a line in the log.
///
/// Functions and closures are apps too; for a closure, [`app_fn`] tells the
/// compiler its type.
///
/// ```
/// use gateway_spec::prelude::*;
/// use std::sync::atomic::{AtomicU64, Ordering};
///
/// struct Counter { visits: AtomicU64 }
///
/// impl App for Counter {
///     fn call<'r>(&'r self, _: Environ<'r>, start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
///         let visits = self.visits.fetch_add(1, Ordering::Relaxed) + 1;
///         start_response.start(Head::new(Status::OK, &[Header::new("Content-Type", "text/plain")]))?;
///         Ok(Body::from(format!("visit {visits}\n")))
///     }
/// }
///
/// let client = gateway_spec::testing::TestClient::new(Counter { visits: AtomicU64::new(0) });
/// assert_eq!(client.get("/").send().text(), "visit 1\n");
/// assert_eq!(client.get("/").send().text(), "visit 2\n");
/// ```
pub trait App: Send + Sync {
    /// Answers one request.
    ///
    /// # Errors
    /// Anything that keeps the app from answering: the client gets a 500, or,
    /// once the head is out, a cut connection; the log gets the text.
    fn call<'r>(&'r self, environ: Environ<'r>, start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>>;

    /// A call with the request's own environ and callback, which only an app
    /// behind the C ABI answers in another way: it needs neither.
    #[doc(hidden)]
    #[inline]
    fn call_request<'r>(&'r self, request: RequestRef<'r>) -> Result<Body<'r>> {
        self.call(Environ::new(request), &mut RequestStart(request))
    }

    /// Called once, after the last body was dropped and before the app is.
    fn shutdown(&self) {}

    /// How the app wants to be called.
    fn flags(&self) -> AppFlags {
        AppFlags::CONCURRENT
    }
}

/// How an app wants to be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AppFlags(u32);

impl AppFlags {
    /// `call` may run on several threads at once: every Rust app.
    pub const CONCURRENT: Self = Self(GW_APP_CONCURRENT);
    /// Call before the request body is complete; the app reads it as it comes.
    pub const STREAMS_INPUT: Self = Self(GW_APP_STREAMS_INPUT);
    /// Never suspend a call in read, write or sleep; block its thread.
    pub const NO_SUSPEND: Self = Self(GW_APP_NO_SUSPEND);

    /// The flags by their number in the C ABI.
    #[must_use]
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    /// The flags' number in the C ABI.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// Both sets together.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all of `other` is in this set.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl<F> App for F
where
    F: for<'r> Fn(Environ<'r>, &mut dyn StartResponse<'r>) -> Result<Body<'r>> + Send + Sync,
{
    fn call<'r>(&'r self, environ: Environ<'r>, start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
        self(environ, start_response)
    }
}

/// The shared form that servers hold. There is no such impl for `Box`, which
/// is itself a function where its content is one.
impl<A: App + ?Sized> App for Arc<A> {
    fn call<'r>(&'r self, environ: Environ<'r>, start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
        (**self).call(environ, start_response)
    }

    #[inline]
    fn call_request<'r>(&'r self, request: RequestRef<'r>) -> Result<Body<'r>> {
        (**self).call_request(request)
    }

    fn shutdown(&self) {
        (**self).shutdown();
    }

    fn flags(&self) -> AppFlags {
        (**self).flags()
    }
}

/// Names a closure's type, so that it is an [`App`].
///
/// ```
/// use gateway_spec::prelude::*;
/// let greeting = String::from("Hello");
/// let app = app_fn(move |_, start_response| {
///     start_response.start(Head::new(Status::OK, &[]))?;
///     Ok(Body::from(greeting.clone()))
/// });
/// assert_eq!(gateway_spec::testing::TestClient::new(app).get("/").send().text(), "Hello");
/// ```
pub fn app_fn<F>(app: F) -> F
where
    F: for<'r> Fn(Environ<'r>, &mut dyn StartResponse<'r>) -> Result<Body<'r>> + Send + Sync,
{
    app
}

/// What makes an app: a constructor `fn(&Config) -> Result<impl App>`, or an
/// app function itself. `export!` takes either; the marker keeps them apart.
pub trait Create<Marker> {
    /// The app that is made.
    type App: App + 'static;

    /// Makes it.
    ///
    /// # Errors
    /// The constructor's own: the server reports it and does not start.
    fn create(&self, config: &Config<'_>) -> Result<Self::App>;
}

/// Marks a constructor; see [`Create`].
#[derive(Debug)]
pub struct Constructor;

/// Marks an app function; see [`Create`].
#[derive(Debug)]
pub struct Function;

impl<F, A> Create<(Constructor, A)> for F
where
    F: Fn(&Config<'_>) -> Result<A>,
    A: App + 'static,
{
    type App = A;

    fn create(&self, config: &Config<'_>) -> Result<A> {
        self(config)
    }
}

impl<F> Create<Function> for F
where
    F: for<'r> Fn(Environ<'r>, &mut dyn StartResponse<'r>) -> Result<Body<'r>> + Send + Sync + Copy + 'static,
{
    type App = F;

    fn create(&self, config: &Config<'_>) -> Result<F> {
        config.only(&[])?;
        Ok(*self)
    }
}
