//! `docs/SPEC.md`: the chapters of `spec.md` with the rule table in them.

use std::fmt::Write as _;

use super::{SECTIONS, Section};

const TEMPLATE: &str = include_str!("spec.md");

/// The text of `docs/SPEC.md`.
#[must_use]
pub fn spec() -> String {
    let filled = SECTIONS.iter().fold(TEMPLATE.to_owned(), |text, section| {
        text.replace(&format!("{{{{{}}}}}\n", section.key), &table(section))
    });
    let count = super::rules().count().to_string();
    filled.replace("{{COUNT}}", &count).replace("{{VERSION}}", crate::VERSION)
}

fn table(section: &Section) -> String {
    let mut text = String::from("| id | level | duty of | rule | source |\n|---|---|---|---|---|\n");
    for rule in section.rules {
        let (demand, source) = (rule.text.replace('|', "\\|"), rule.source.replace('|', "\\|"));
        // Writing to a String does not fail.
        let _ = writeln!(text, "| {} | {} | {} | {demand} | {source} |", rule.id, rule.level, rule.side);
    }
    text
}
