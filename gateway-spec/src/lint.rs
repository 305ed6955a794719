//! Checks both sides of the interface, app and server, against the rule table
//! that `docs/SPEC.md` is rendered from (PEP 3333's `wsgiref.validate`).
//!
//! [`Lint`] is middleware: it stands between a server and an app, and changes
//! no byte of an exchange that keeps the rules. A broken MUST becomes an
//! [`Error`](crate::Error) whose text begins with the rule's id, a broken
//! SHOULD a warning in `gateway.errors`.
//!
//! ```
//! use gateway_spec::prelude::*;
//! use gateway_spec::testing::TestClient;
//!
//! let app = app_fn(|_, start_response| {
//!     let headers = [Header::new("Content-Type", "text/plain"), Header::new("Content-Length", "4")];
//!     start_response.start(Head::new(Status::OK, &headers))?;
//!     Ok(Body::from("Hello"))
//! });
//! // The test client lints.
//! let error = TestClient::new(app).get("/").try_send().unwrap_err();
//! assert_eq!(error.to_string(), "BODY-03: Content-Length is 4, the body has 5 bytes");
//! ```

mod body;
mod close;
mod env;
mod exchange;
pub mod facts;
mod hdr;
mod input;
mod life;
mod module;
mod render;
mod resp;
mod rule;
mod start;
pub(crate) mod text;
mod watch;
mod write;

use std::fmt;
use std::sync::Arc;

use self::exchange::Exchange;
use self::facts::{LineFacts, ModuleFacts, Moment};
use self::life::Life;
use self::rule::broken;
use crate::app::{App, AppFlags};
use crate::body::Body;
use crate::environ::Environ;
use crate::error::Result;
use crate::start_response::{Head, StartResponse, Writer};

pub use self::render::spec;
pub use self::rule::{Check, Requirement, Rule, Section, Seen, Side, Violation};

/// What the lines of lint in `gateway.errors` have as their target.
pub const TARGET: &str = "lint";

/// All rules, by section.
pub const SECTIONS: &[Section] = &[
    Section { key: "ENV", rules: env::RULES },
    Section { key: "HDR", rules: hdr::RULES },
    Section { key: "INPUT", rules: input::RULES },
    Section { key: "START", rules: start::RULES },
    Section { key: "RESP", rules: resp::RULES },
    Section { key: "WRITE", rules: write::RULES },
    Section { key: "BODY", rules: body::RULES },
    Section { key: "CLOSE", rules: close::CLOSE },
    Section { key: "ERR", rules: close::ERR },
    Section { key: "MOD", rules: module::RULES },
];

/// All rules, in the order of `docs/SPEC.md`.
pub fn rules() -> impl Iterator<Item = &'static Rule> {
    SECTIONS.iter().flat_map(|section| section.rules)
}

/// The rule of an id.
#[must_use]
pub fn rule(id: &str) -> Option<&'static Rule> {
    rules().find(|rule| rule.id == id)
}

/// Checks a line for `gateway.errors`; for the log of a server that lints.
#[must_use]
pub fn check_line(target: &str, message: &str) -> Vec<Violation> {
    let facts = LineFacts { target, message };
    broken(|check| match check {
        Check::Line(check) => check(&facts),
        _ => None,
    })
}

/// Checks a module's table; for a server that lints, and for `--check`.
#[must_use]
pub fn check_module(facts: &ModuleFacts) -> Vec<Violation> {
    broken(|check| match check {
        Check::Module(check) => check(facts),
        _ => None,
    })
}

/// Middleware that checks every exchange of the app inside it.
///
/// What it does with a broken rule:
///
/// | rule | in `gateway.errors` | and |
/// |---|---|---|
/// | MUST | an error line | an error: a 500 before the head is out, a cut connection after |
/// | SHOULD | a warning | nothing |
///
/// Both are kept for [`violations`](Self::violations) too, because what is
/// found at the close of a body or at shutdown can become no error.
pub struct Lint<A> {
    app: A,
    life: Arc<Life>,
}

impl<A: App> Lint<A> {
    /// Lints `app`.
    #[must_use]
    pub fn new(app: A) -> Self {
        Self { app, life: Arc::default() }
    }

    /// The app inside.
    #[must_use]
    pub const fn inner(&self) -> &A {
        &self.app
    }

    /// The broken rules so far; of a great number the first ones.
    #[must_use]
    pub fn violations(&self) -> Vec<Violation> {
        self.life.violations()
    }
}

impl<A: App> App for Lint<A> {
    fn call<'r>(&'r self, mut environ: Environ<'r>, start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
        let exchange = Exchange::new(&environ, Arc::clone(&self.life));
        let _inside = self.life.enter();
        exchange.check_life(Moment::Call, environ.multithread())?;
        exchange.check_request(&environ)?;
        environ.wrap_input(|input| watch::Input::new(input, Arc::clone(&exchange)));
        let _turn = exchange.enter();
        let mut start = |head: Head<'_>| {
            let writer = exchange.start(head, start_response)?;
            Ok(Writer::from_sink(watch::Sink::new(writer, Arc::clone(&exchange))))
        };
        let outcome = self.app.call(environ, &mut start);
        Ok(watch::body(exchange.finish(outcome)?, &exchange))
    }

    fn shutdown(&self) {
        self.life.shut();
        self.app.shutdown();
    }

    fn flags(&self) -> AppFlags {
        self.app.flags()
    }
}

impl<A> fmt::Debug for Lint<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Lint({})", std::any::type_name::<A>())
    }
}
