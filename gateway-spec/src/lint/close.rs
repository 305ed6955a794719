//! CLOSE: the ends of bodies and apps. ERR: `gateway.errors` and failures.

use super::facts::Moment;
use super::rule::Side::{App, Server};
use super::rule::{Check, Rule};
use super::text::when;

pub(super) const CLOSE: &[Rule] = &[
    Rule::must(
        "CLOSE-01",
        Server,
        "PEP 3333, Specification Details (close); decision: shutdown",
        "Every body is closed before shutdown: also the one that failed, and the one whose client left.",
        Check::Life(|life| {
            when(life.moment == Moment::Shutdown && life.open > 0, || format!("{} bodies are open", life.open))
        }),
    ),
    Rule::must(
        "CLOSE-02",
        Server,
        "decision: shutdown",
        "shutdown is called at most once.",
        Check::Life(|life| {
            when(life.moment == Moment::Shutdown && life.shutdowns > 0, || "shutdown was called again".to_owned())
        }),
    ),
    Rule::must(
        "CLOSE-03",
        Server,
        "decision: shutdown",
        "The app is not called after shutdown.",
        Check::Life(|life| {
            when(life.moment == Moment::Call && life.shutdowns > 0, || "a call after shutdown".to_owned())
        }),
    ),
    Rule::must(
        "CLOSE-04",
        App,
        "decision: panics",
        "Closing a body does not panic: there is nobody left whom it could tell.",
        Check::Life(|life| when(life.moment == Moment::ClosePanicked, || "closing the body panicked".to_owned())),
    ),
];

pub(super) const ERR: &[Rule] = &[
    Rule::should(
        "ERR-01",
        App,
        "PEP 3333, Input and Error Streams; CWE-117",
        "A message for gateway.errors is one line: it contains no control characters besides the tab.",
        Check::Line(|line| {
            let control = |c: char| c.is_control() && c != '\t';
            when(line.message.contains(control), || format!("the message \"{}\"", line.message.escape_debug()))
        }),
    ),
    Rule::should(
        "ERR-02",
        App,
        "decision: gateway.errors",
        "A message for gateway.errors is not empty.",
        Check::Line(|line| when(line.message.is_empty(), || "an empty message".to_owned())),
    ),
    Rule::should(
        "ERR-03",
        App,
        "decision: gateway.errors",
        "The target of a message is a word of letters, digits and `_ - . : /`.",
        Check::Line(|line| {
            let odd = |c: char| !c.is_alphanumeric() && !"_-.:/".contains(c);
            when(line.target.is_empty() || line.target.contains(odd), || {
                format!("the target \"{}\"", line.target.escape_debug())
            })
        }),
    ),
    Rule::should(
        "ERR-04",
        App,
        "PEP 3333, Error Handling",
        "The error that an app returns has a text, because the log has nothing else to show.",
        Check::Return(|call| when(call.error?.to_string().is_empty(), || "an error without a text".to_owned())),
    ),
    Rule::should(
        "ERR-05",
        App,
        "decision: panics",
        "An app returns an error where it can tell that something failed; it does not panic.",
        Check::Life(|life| when(life.moment == Moment::Panicked, || "the app panicked".to_owned())),
    ),
];
