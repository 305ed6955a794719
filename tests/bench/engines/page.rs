//! The table, which stands in docs/engines.md between two marks.

use std::fmt::Write as _;

use gateway_tests::artifacts::workspace;

use super::load::{BUSY, Load};
use super::{Circumstances, IDLE, Measured};
use crate::number::thousands;

const BEGIN: &str = "<!-- measured: begin (make bench-engines writes this) -->\n";
const END: &str = "<!-- measured: end -->\n";

/// The tables, as Markdown.
pub(super) fn table(measured: &[Measured], circumstances: &Circumstances) -> String {
    let mut text = format!(
        "| engine | 1 connection: requests/s | CPU, us/request | {BUSY} connections: requests/s | p99, us \
         | CPU, us/request | memory of an idle connection, KiB | CPU beside 1,000 idle, unasked |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    for Measured { form, figures } in measured {
        let few = &figures.among[0];
        let cells = [
            cell(figures.alone.as_ref(), |load| load.rate, 0),
            cell(figures.alone.as_ref(), |load| load.cpu, 1),
            cell(few.as_ref(), |load| load.rate, 0),
            cell(few.as_ref(), |load| load.p99, 0),
            cell(few.as_ref(), |load| load.cpu, 1),
            figures.memory.map_or_else(none, |bytes| format!("{:.1}", bytes / 1024.0)),
            figures.awake.map_or_else(none, |part| format!("{:.0} %", part * 100.0)),
        ];
        row(&mut text, form.name, &cells);
    }
    for (title, pick, digits) in CURVES {
        let _ = write!(text, "\n| {title} |");
        IDLE.iter().for_each(|idle| {
            let _ = write!(text, " {} idle |", thousands(*idle as f64, 0));
        });
        let _ = writeln!(text, "\n|---|{}", "---|".repeat(IDLE.len()));
        for Measured { form, figures } in measured {
            row(&mut text, form.name, &figures.among.each_ref().map(|load| cell(load.as_ref(), *pick, *digits)));
        }
    }
    let _ = write!(text, "\n{circumstances}.\n");
    text
}

type Curve = (&'static str, fn(&Load) -> f64, usize);

/// What is told for each number of idle connections.
const CURVES: &[Curve] = &[
    ("requests/s beside", |load| load.rate, 0),
    ("CPU, us/request, beside", |load| load.cpu, 1),
    ("p99, us, beside", |load| load.p99, 0),
];

/// Puts the tables into the page.
///
/// # Panics
/// When the page has no place for them.
pub(super) fn write(measured: &[Measured], circumstances: &Circumstances) {
    let path = workspace().join("docs/engines.md");
    let page = std::fs::read_to_string(&path).expect("docs/engines.md is there");
    let (before, rest) = page.split_once(BEGIN).expect("docs/engines.md marks the beginning");
    let (_, after) = rest.split_once(END).expect("docs/engines.md marks the end");
    let page = format!("{before}{BEGIN}\n{}\n{END}{after}", table(measured, circumstances));
    std::fs::write(path, page).expect("docs/engines.md is writable");
}

fn row(text: &mut String, name: &str, cells: &[String]) {
    let _ = writeln!(text, "| `{name}` | {} |", cells.join(" | "));
}

fn cell(load: Option<&Load>, pick: fn(&Load) -> f64, digits: usize) -> String {
    load.map_or_else(none, |load| thousands(pick(load), digits))
}

fn none() -> String {
    "n/a".to_owned()
}
