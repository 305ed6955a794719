//! What a rule is.

use std::fmt;

use super::facts::{
    BodyFacts, LifeFacts, LineFacts, ModuleFacts, PullFacts, ReadFacts, ReturnFacts, StartFacts, WriteFacts,
};
use crate::environ::Environ;
use crate::error::Error;

pub use super::text::Seen;

/// How binding a rule is (RFC 2119).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Requirement {
    /// Breaking it is an error.
    Must,
    /// There can be reasons to break it; doing so is a warning.
    Should,
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Must => "MUST",
            Self::Should => "SHOULD",
        })
    }
}

/// Whose duty a rule is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The app's.
    App,
    /// The server's. To the app below it, middleware is a server.
    Server,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::App => "app",
            Self::Server => "server",
        })
    }
}

/// One rule of the interface. Its id is never reused.
#[derive(Clone, Copy)]
pub struct Rule {
    /// Section and number, as in `ENV-07`.
    pub id: &'static str,
    /// How binding it is.
    pub level: Requirement,
    /// Whose duty it is.
    pub side: Side,
    /// Where it comes from.
    pub source: &'static str,
    /// What it demands, as it stands in `docs/SPEC.md`.
    pub text: &'static str,
    /// What tells whether it holds.
    pub check: Check,
}

impl Rule {
    pub(super) const fn must(
        id: &'static str,
        side: Side,
        source: &'static str,
        text: &'static str,
        check: Check,
    ) -> Self {
        Self { id, level: Requirement::Must, side, source, text, check }
    }

    pub(super) const fn should(
        id: &'static str,
        side: Side,
        source: &'static str,
        text: &'static str,
        check: Check,
    ) -> Self {
        Self { id, level: Requirement::Should, side, source, text, check }
    }
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} {})", self.id, self.side, self.level)
    }
}

/// A rule's check, by the moment at which its facts are known.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Check {
    /// The request, before the app is called.
    Environ(fn(&Environ<'_>) -> Seen),
    /// A read from `gateway.input`.
    Read(fn(&ReadFacts<'_>) -> Seen),
    /// A call of `start_response`, before it is passed on.
    Start(fn(&StartFacts<'_>) -> Seen),
    /// A head that keeps every rule and was refused all the same.
    Refused(fn(&Error) -> Seen),
    /// A write, after it was passed on.
    Write(fn(&WriteFacts<'_>) -> Seen),
    /// The app's return.
    Return(fn(&ReturnFacts<'_>) -> Seen),
    /// The body that it returned.
    Body(fn(&BodyFacts) -> Seen),
    /// A pull from a streamed body.
    Pull(fn(&PullFacts<'_>) -> Seen),
    /// The life of the app: calls, closes, shutdown.
    Life(fn(&LifeFacts) -> Seen),
    /// A line for `gateway.errors`.
    Line(fn(&LineFacts<'_>) -> Seen),
    /// A module's table.
    Module(fn(&ModuleFacts) -> Seen),
}

/// A chapter of the rule table.
#[derive(Clone, Copy, Debug)]
pub struct Section {
    /// What the ids of its rules begin with.
    pub key: &'static str,
    /// Its rules, in the order of their ids.
    pub rules: &'static [Rule],
}

/// A rule that was broken, and what was seen.
#[derive(Clone, Debug)]
pub struct Violation {
    /// The rule.
    pub rule: &'static Rule,
    /// What breaks it.
    pub seen: String,
}

impl Violation {
    /// The rule's id.
    #[must_use]
    pub const fn id(&self) -> &'static str {
        self.rule.id
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.rule.id, self.seen)
    }
}

impl std::error::Error for Violation {}

/// Applies a kind of check; answers the rules that are broken, in their order.
pub(super) fn broken(apply: impl Fn(&Check) -> Seen) -> Vec<Violation> {
    let violation = |rule: &'static Rule| apply(&rule.check).map(|seen| Violation { rule, seen });
    super::rules().filter_map(violation).collect()
}
