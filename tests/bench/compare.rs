//! Gateway beside its peers, in one run: `make bench`.
//!
//! All servers have the same core, one of them busy at a time, and the load
//! generator has the other. For each workload every peer runs from the first
//! round to the last, and within a round they take turns, so that a slow moment
//! of the machine falls on all alike. The medians count.
//!
//! | file | purpose |
//! |---|---|
//! | `options` | what is measured, of whom, how often |
//! | `peer` `place` | who is measured, and the command line of each |
//! | `workload` | what is asked, and what the right answer is |
//! | `running` | a peer's process: started, tried out, ended |
//! | `wrk` | the load generator |
//! | `loads` `memory` `start` `instructions` | the four things that are measured |
//! | `folders` | files of a folder, beside nginx alone: `make bench-files` |
//! | `behind` | answers through nginx, by each protocol: `make bench-nginx` |
//! | `check` | instructions of our own server, held in CI |
//! | `results` | all figures, kept in target/bench/results.json |
//! | `page` `chart` | docs/PERFORMANCE.md and its pictures |

pub(crate) mod behind;
pub(crate) mod chart;
pub(crate) mod check;
pub(crate) mod folders;
mod instructions;
mod loads;
mod memory;
mod options;
pub(crate) mod page;
mod peer;
mod place;
mod results;
mod running;
mod start;
mod workload;
mod wrk;

use std::process::ExitCode;

use gateway_tests::skip;

use options::Options;
use results::{Circumstances, Results};

/// Measures, prints, keeps the figures; of a whole run, docs/PERFORMANCE.md and
/// its pictures are made anew.
pub(crate) fn run(arguments: &[&str]) -> ExitCode {
    let options = match Options::parse(arguments) {
        Ok(options) => options,
        Err(why) => {
            eprintln!("make bench: {why}");
            return ExitCode::FAILURE;
        }
    };
    let name = "servers side by side";
    if !skip::has(name, "wrk") || !skip::has(name, "taskset") || !skip::has_descriptors(name, memory::DESCRIPTORS) {
        return ExitCode::FAILURE;
    }
    let (peers, skipped) = options.peers();
    for why in &skipped {
        println!("skipped: {why}");
    }
    let mut faults = Vec::new();
    let mut found = Results { skipped, ..Results::of(&peers, &options) };
    found.loads = loads::measure(&peers, &options, &mut faults);
    // The longest part; what comes may be interrupted.
    found.save();
    if options.wants("memory") {
        found.memory = memory::measure(&peers, &mut faults);
    }
    if options.wants("start") {
        found.starts = start::measure(&peers, &mut faults);
    }
    if options.wants("instructions") && skip::has("instructions of a request", "valgrind") {
        found.instructions = instructions::measure(&peers, &mut faults);
    }
    found.circumstances = Circumstances::of(&found);
    found.save();
    println!("{}", page::text(&found));
    if faults.is_empty() && options.is_whole() {
        page::write(&found);
        chart::draw(&found);
    }
    for fault in &faults {
        eprintln!("FAILED: {fault}");
    }
    if faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Writes the page and its pictures from the figures that were kept.
pub(crate) fn write_page() {
    let found = Results::load();
    page::write(&found);
    chart::draw(&found);
}

/// The middle one.
pub(crate) fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied()
}
