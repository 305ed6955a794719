//! The application: a table of routes inside of middleware.

use std::path::PathBuf;
use std::sync::Arc;

use gateway_spec::prelude::*;

use crate::files::Folder;
use crate::route::{Found, Table};
use crate::templates::Templates;
use crate::{Failure, Outcome, Request, Response};

/// What is inside a middleware: call it to go on.
pub type Next<'a> = &'a dyn Fn(&mut Request<'_>) -> Outcome;

type Layer = Box<dyn Fn(&mut Request<'_>, Next<'_>) -> Outcome + Send + Sync>;

/// As much of a body as a handler reads, unless it is told otherwise.
const BODY_LIMIT: u64 = 1024 * 1024;

/// A site: routes, folders, templates and what is around them.
pub struct Application {
    routes: Table,
    folders: Vec<Folder>,
    layers: Vec<Layer>,
    templates: Templates,
    body_limit: u64,
}

impl Default for Application {
    fn default() -> Self {
        Self::new()
    }
}

impl Application {
    /// A site that knows nothing yet: all of it is 404.
    #[must_use]
    pub fn new() -> Self {
        Self {
            routes: Table::default(),
            folders: Vec::new(),
            layers: Vec::new(),
            templates: Templates::new(),
            body_limit: BODY_LIMIT,
        }
    }

    /// Answers GET, and with it HEAD. Of several routes that fit, the first counts.
    #[must_use]
    pub fn get(self, pattern: &str, handler: impl Fn(&mut Request<'_>) -> Outcome + Send + Sync + 'static) -> Self {
        self.route("GET", pattern, handler)
    }

    /// Answers POST.
    #[must_use]
    pub fn post(self, pattern: &str, handler: impl Fn(&mut Request<'_>) -> Outcome + Send + Sync + 'static) -> Self {
        self.route("POST", pattern, handler)
    }

    /// Answers any method; a `{name}` in the pattern is a parameter, one segment of
    /// the path.
    #[must_use]
    pub fn route(
        mut self,
        method: &'static str,
        pattern: &str,
        handler: impl Fn(&mut Request<'_>) -> Outcome + Send + Sync + 'static,
    ) -> Self {
        self.routes.add(method, pattern, Box::new(handler));
        self
    }

    /// Answers GET below `prefix` with the files of a folder.
    #[must_use]
    pub fn files(mut self, prefix: &str, folder: impl Into<PathBuf>) -> Self {
        self.folders.push(Folder::new(prefix, folder.into()));
        self
    }

    /// Puts a middleware around what there is; the first added is the outermost.
    #[must_use]
    pub fn layer(mut self, layer: impl Fn(&mut Request<'_>, Next<'_>) -> Outcome + Send + Sync + 'static) -> Self {
        self.layers.push(Box::new(layer));
        self
    }

    /// Adds a template. One called `error.html` is for failures: it gets `status`,
    /// `reason` and `text`.
    ///
    /// # Panics
    /// When it does not parse: it is a part of the program.
    #[must_use]
    pub fn template(mut self, name: &'static str, source: &'static str) -> Self {
        self.templates.add(name, source);
        self
    }

    /// How many bytes of a body are read at most; what is longer is 413.
    #[must_use]
    pub const fn body_limit(mut self, bytes: u64) -> Self {
        self.body_limit = bytes;
        self
    }

    /// Runs what is left of the middleware, then the handler. Failures have become
    /// pages wherever a middleware looks, so that it can put headers on them.
    fn run(&self, layers: &[Layer], request: &mut Request<'_>) -> Result<Response> {
        let outcome = match layers.split_first() {
            Some((first, rest)) => first(request, &|request| Ok(self.run(rest, request)?)),
            None => self.dispatch(request),
        };
        outcome.or_else(|failure| failure.page(request))
    }

    fn dispatch(&self, request: &mut Request<'_>) -> Outcome {
        let Ok(path) = str::from_utf8(request.environ().path_info()) else {
            return Err(Failure::not_found());
        };
        // Mounted at /site, the app gets an empty path for /site itself.
        let path = if path.is_empty() { "/" } else { path }.to_owned();
        match self.routes.find(request.method(), &path) {
            Found::Handler(handler, params) => {
                request.set_params(params);
                handler(request)
            }
            Found::Methods(allowed) => refuse_method(request, &allowed),
            Found::Nothing => match self.folders.iter().find_map(|folder| folder.below(&path)) {
                Some((folder, rest)) => folder.answer(rest, request),
                None => Err(Failure::not_found()),
            },
        }
    }
}

/// 405, or 204 for who asked.
pub(crate) fn refuse_method(request: &mut Request<'_>, allowed: &str) -> Outcome {
    let response = if request.method() == "OPTIONS" {
        Response::new(Status::NO_CONTENT)
    } else {
        let text = format!("This address does not answer {}.", request.method());
        Failure::new(Status::METHOD_NOT_ALLOWED, text).page(request)?
    };
    Ok(response.with_header("Allow", allowed))
}

impl App for Application {
    fn call<'r>(&'r self, environ: Environ<'r>, start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
        let mut request = Request::new(environ, &self.templates, self.body_limit);
        self.run(&self.layers, &mut request)?.send(start_response)
    }
}

/// A handler that is lent what it shares with others: `with(&book, Book::list)`.
///
/// ```
/// use std::sync::Arc;
/// use mini_framework::{Application, Outcome, Request, Response, with};
///
/// struct Greeter(String);
///
/// impl Greeter {
///     fn greet(&self, _: &mut Request<'_>) -> Outcome {
///         Ok(Response::text(&self.0))
///     }
/// }
///
/// let greeter = Arc::new(Greeter("Hello!\n".to_owned()));
/// let site = Application::new().get("/", with(&greeter, Greeter::greet));
/// assert_eq!(gateway_spec::testing::TestClient::new(site).get("/").send().text(), "Hello!\n");
/// ```
pub fn with<S: Send + Sync + 'static>(
    shared: &Arc<S>,
    handler: impl Fn(&S, &mut Request<'_>) -> Outcome + Send + Sync + 'static,
) -> impl Fn(&mut Request<'_>) -> Outcome + Send + Sync + 'static {
    let shared = Arc::clone(shared);
    move |request| handler(&shared, request)
}
