//! `docs/HTTP.md`: the text of `page.md` with the rule table in it.

use std::fmt::Write as _;

use super::{RULES, SECTIONS, Section};

const TEMPLATE: &str = include_str!("page.md");

/// The text of `docs/HTTP.md`.
#[must_use]
pub fn page() -> String {
    let sections: Vec<String> = SECTIONS.iter().map(section).collect();
    TEMPLATE.replace("{{COUNT}}", &RULES.len().to_string()).replace("{{RULES}}\n", &sections.join("\n"))
}

fn section(section: &Section) -> String {
    let mut text = format!("## {}\n\n", section.title);
    text += "| id | source | accepted | answer | otherwise |\n|---|---|---|---|---|\n";
    for rule in RULES.iter().filter(|rule| rule.section() == section.key) {
        let status = rule.refusal.map_or("-".to_owned(), |refusal| refusal.status().code().to_string());
        // Writing to a String does not fail.
        let _ = writeln!(text, "| {} | {} | {} | {status} | {} |", rule.id, rule.source, rule.accepted, rule.otherwise);
    }
    text
}
