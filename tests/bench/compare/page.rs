//! The tables: for the terminal, and in docs/PERFORMANCE.md between two marks.

use std::fmt::Write as _;

use gateway_tests::artifacts::workspace;

use super::median;
use super::peer::Peer;
use super::results::{Figure, Load, Results, Row};
use crate::number::thousands;

const BEGIN: &str = "<!-- measured: begin (make bench writes this) -->\n";
const END: &str = "<!-- measured: end -->\n";

/// All tables, as Markdown.
pub(crate) fn text(found: &Results) -> String {
    let mut text = String::new();
    if found.loads.len() > 1 {
        overview(&mut text, found);
    }
    for load in &found.loads {
        table(&mut text, load);
    }
    instructions(&mut text, found);
    let about = "memory of an idle connection, among 5,000";
    figures(&mut text, about, "KiB", &found.memory, |bytes| bytes / 1024.0);
    figures(&mut text, "from the start of the process to the first answer", "ms", &found.starts, |ms| ms);
    peers(&mut text, found);
    for why in &found.skipped {
        let _ = writeln!(text, "- Skipped: {why}");
    }
    let _ = write!(text, "\n{}.\n", found.circumstances);
    text
}

/// Puts the tables into the page.
///
/// # Panics
/// When the page has no place for them.
pub(crate) fn write(found: &Results) {
    let path = workspace().join("docs/PERFORMANCE.md");
    let page = std::fs::read_to_string(&path).expect("docs/PERFORMANCE.md is there");
    let (before, rest) = page.split_once(BEGIN).expect("docs/PERFORMANCE.md marks the beginning");
    let (_, after) = rest.split_once(END).expect("docs/PERFORMANCE.md marks the end");
    let page = format!("{before}{BEGIN}\n{}\n{END}{after}", text(found));
    std::fs::write(path, page).expect("docs/PERFORMANCE.md is writable");
}

/// A command line as it can be typed anywhere: without this machine's folders
/// and without this run's port.
pub(crate) fn plain(command: &str, port: u16) -> String {
    let folder = format!("{}/", workspace().display());
    command.replace(&folder, "").replace(&port.to_string(), "PORT")
}

/// Server CPU for a request: a row for each peer, a column for each workload.
fn overview(text: &mut String, found: &Results) {
    let _ = write!(text, "| CPU, us/request |");
    found.loads.iter().for_each(|load| {
        let _ = write!(text, " {} |", load.name);
    });
    let _ = writeln!(text, "\n|---|{}", "---|".repeat(found.loads.len()));
    for peer in &found.peers {
        let cell = |load: &Load| {
            let row = load.rows.iter().find(|row| row.peer == peer.name);
            row.and_then(|row| median(&row.cpu)).map_or_else(none, |cpu| thousands(cpu, digits(cpu)))
        };
        let cells: Vec<String> = found.loads.iter().map(cell).collect();
        let _ = writeln!(text, "| {} | {} |", shown(&peer.name), cells.join(" | "));
    }
}

fn table(text: &mut String, load: &Load) {
    let _ = writeln!(
        text,
        "\n| {} | requests/s | CPU, us/request | least - most | of the raw loop's |\n|---|---|---|---|---|",
        load.about
    );
    let limit = load.rows.iter().find(|row| row.peer == Peer::LIMIT).and_then(|row| median(&row.cpu));
    for Row { peer, rate, cpu, .. } in &load.rows {
        let (Some(rate), Some(middle)) = (median(rate), median(cpu)) else { continue };
        let (least, most) = around(cpu);
        let ratio = limit.map_or_else(none, |limit| format!("{:.2}", middle / limit));
        let digits = digits(middle);
        let _ = writeln!(
            text,
            "| {} | {} | {} | {least:.digits$} - {most:.digits$} | {ratio} |",
            shown(peer),
            thousands(rate, 0),
            thousands(middle, digits),
        );
    }
}

fn instructions(text: &mut String, found: &Results) {
    let counts = &found.instructions;
    if counts.rows.is_empty() {
        return;
    }
    let _ = writeln!(
        text,
        "\n| instructions in user space for a request | one at a time | pipelined by 16 | one, with a browser's 12 \
         headers |\n|---|---|---|---|"
    );
    for row in &counts.rows {
        let cells = [row.one, row.pipelined, row.browser].map(|count| thousands(count, 0));
        let _ = writeln!(text, "| {} | {} |", shown(&row.peer), cells.join(" | "));
    }
    let _ = writeln!(text, "| httparse alone | | | {} |", thousands(counts.httparse, 0));
}

fn figures(text: &mut String, about: &str, unit: &str, figures: &[Figure], scale: fn(f64) -> f64) {
    if figures.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n| {about} | {unit} | least - most |\n|---|---|---|");
    for Figure { peer, values } in figures {
        let Some(middle) = median(values) else { continue };
        let (least, most) = around(values);
        let range = if values.len() > 1 { format!("{:.1} - {:.1}", scale(least), scale(most)) } else { String::new() };
        let _ = writeln!(text, "| {} | {:.1} | {range} |", shown(peer), scale(middle));
    }
}

fn peers(text: &mut String, found: &Results) {
    let _ = writeln!(text, "\n| server | version | command |\n|---|---|---|");
    for peer in &found.peers {
        let mut commands = format!("`{}`", peer.command);
        for (path, command) in &peer.variants {
            let _ = write!(commands, "; {path}: `{command}`");
        }
        let _ = writeln!(text, "| {} | {} | {commands} |", shown(&peer.name), peer.version);
    }
    text.push('\n');
}

/// A name in a table: this project's own are told apart.
fn shown(name: &str) -> String {
    if name.starts_with("gateway") { format!("**{name}**") } else { name.to_owned() }
}

fn around(values: &[f64]) -> (f64, f64) {
    values.iter().fold((f64::MAX, 0.0), |(least, most), value| (value.min(least), value.max(most)))
}

/// Three figures that mean something.
fn digits(value: f64) -> usize {
    if value < 10.0 { 2 } else { 1 }
}

fn none() -> String {
    "n/a".to_owned()
}
