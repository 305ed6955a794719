//! What is accepted on the wire, and what is answered otherwise: one row for
//! each rule. `docs/HTTP.md` is rendered from this table; an invalid fixture is
//! named after the rule it breaks; a test holds that each rule has a test.

mod front;
mod render;
mod request;
mod service;

use crate::protocol::Refusal;

pub use render::page;

/// One rule. Its id is never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Section and number, as in `FRAME-03`.
    pub id: &'static str,
    /// Where it comes from; `-` where it is this server's own.
    pub source: &'static str,
    /// What is accepted or done.
    pub accepted: &'static str,
    /// What happens otherwise.
    pub otherwise: &'static str,
    /// How a request that breaks the rule is refused.
    pub refusal: Option<Refusal>,
}

/// A group of rules, by the first part of their ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Section {
    /// The first part of the ids.
    pub key: &'static str,
    /// The heading.
    pub title: &'static str,
}

/// The sections, in order.
pub const SECTIONS: &[Section] = &[
    Section { key: "LINE", title: "The request line" },
    Section { key: "HOST", title: "Host" },
    Section { key: "FIELD", title: "Fields" },
    Section { key: "FRAME", title: "Where a request ends" },
    Section { key: "CHUNK", title: "Chunked bodies" },
    Section { key: "CONN", title: "The connection" },
    Section { key: "EXPECT", title: "Expect" },
    Section { key: "RESP", title: "Responses" },
    Section { key: "LIMIT", title: "Limits" },
    Section { key: "TIME", title: "Time limits" },
    Section { key: "FRONT", title: "Behind a web server: uwsgi, SCGI, FastCGI" },
];

/// All rules, in the order of their sections.
pub const RULES: &[Rule] = {
    const PARTS: [&[Rule]; 3] = [request::RULES, service::RULES, front::RULES];
    const ROWS: [Rule; PARTS[0].len() + PARTS[1].len() + PARTS[2].len()] = {
        let mut rows = [PARTS[0][0]; PARTS[0].len() + PARTS[1].len() + PARTS[2].len()];
        let (mut at, mut part, mut begin) = (0, 0, 0);
        while at < rows.len() {
            if at - begin == PARTS[part].len() {
                (begin, part) = (at, part + 1);
            }
            rows[at] = PARTS[part][at - begin];
            at += 1;
        }
        rows
    };
    &ROWS
};

impl Rule {
    /// A rule that a request can break.
    const fn refusing(
        id: &'static str,
        source: &'static str,
        accepted: &'static str,
        refusal: Refusal,
        otherwise: &'static str,
    ) -> Self {
        Self { id, source, accepted, otherwise, refusal: Some(refusal) }
    }

    /// A rule that binds the server.
    const fn keeping(id: &'static str, source: &'static str, accepted: &'static str, otherwise: &'static str) -> Self {
        Self { id, source, accepted, otherwise, refusal: None }
    }

    /// The rule of that id.
    #[must_use]
    pub fn find(id: &str) -> Option<&'static Self> {
        RULES.iter().find(|rule| rule.id == id)
    }

    /// The key of its section.
    #[must_use]
    pub fn section(&self) -> &'static str {
        self.id.split('-').next().unwrap_or_default()
    }
}

impl Refusal {
    /// The rule that the refusal stands for first. Total: a new refusal has to
    /// say what was broken.
    #[must_use]
    pub const fn rule(self) -> &'static str {
        match self {
            Self::RequestLine => "LINE-01",
            Self::Version => "LINE-03",
            Self::Target => "LINE-05",
            Self::Connect => "LINE-06",
            Self::PercentEncoding => "LINE-08",
            Self::EmptyLines => "LINE-09",
            Self::BareLf => "LINE-10",
            Self::MissingHost => "HOST-01",
            Self::RepeatedHost => "HOST-02",
            Self::InvalidHost => "HOST-03",
            Self::Field => "FIELD-01",
            Self::RepeatedContentType => "FIELD-04",
            Self::Underscore => "FIELD-05",
            Self::ContentLength => "FRAME-01",
            Self::RepeatedContentLength => "FRAME-02",
            Self::TransferEncoding => "FRAME-03",
            Self::UnknownCoding => "FRAME-04",
            Self::BothLengths => "FRAME-06",
            Self::Truncated => "FRAME-07",
            Self::Chunk => "CHUNK-01",
            Self::Expectation => "EXPECT-02",
            Self::LineTooLong => "LIMIT-01",
            Self::HeadTooLarge => "LIMIT-02",
            Self::TooManyFields => "LIMIT-03",
            Self::BodyTooLarge => "LIMIT-04",
            Self::Storage => "LIMIT-06",
            Self::HeadTimeout => "TIME-01",
            Self::BodyTimeout => "TIME-02",
            Self::NotEncrypted => "CONN-08",
            Self::NotHttpHere => "FRONT-01",
            Self::OnlyHttpHere => "FRONT-02",
            Self::Records => "FRONT-09",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{Limits, UnderscoreHeaders};

    #[test]
    fn ids_count_up_within_their_sections() {
        let mut expected = Vec::new();
        for section in SECTIONS {
            let count = RULES.iter().filter(|rule| rule.section() == section.key).count();
            assert!(count > 0, "{} is empty", section.key);
            expected.extend((1..=count).map(|number| format!("{}-{number:02}", section.key)));
        }
        assert_eq!(RULES.iter().map(|rule| rule.id).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn the_limits_are_those_that_the_table_states() {
        let Limits { line, head, fields, body, spool, underscore } = Limits::default();
        assert_eq!((line, head, fields, body, spool), (8 << 10, 32 << 10, 100, 1 << 30, 1 << 30));
        assert_eq!(underscore, UnderscoreHeaders::Drop);
    }

    #[test]
    fn refusals_and_rules_name_each_other() {
        for refusal in RULES.iter().filter_map(|rule| rule.refusal) {
            assert_eq!(Rule::find(refusal.rule()).and_then(|rule| rule.refusal), Some(refusal));
        }
        for refusal in Refusal::ALL {
            assert!(RULES.iter().any(|rule| rule.refusal == Some(*refusal)), "{refusal:?} belongs to no rule");
        }
    }
}
