//! Instructions of our own server beside those that were written down: what a
//! clock cannot hold on a busy machine, a count can.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use gateway_tests::artifacts::workspace;
use gateway_tests::skip;
use serde::{Deserialize, Serialize};

use super::results::Counts;
use super::{instructions, peer};

/// How much more is a fault. Two runs of one build differ by less than one in a
/// hundred; another compiler or another processor's SIMD by a few.
const TOLERANCE: f64 = 0.10;

/// How often each run is done.
const TRIES: usize = 3;

/// By the peer's name.
type Held = BTreeMap<String, Figures>;

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Figures {
    one: u64,
    pipelined: u64,
    browser: u64,
}

fn path() -> PathBuf {
    workspace().join("tests/bench/instructions.json")
}

/// Counts, compares, and says what to do. The first of our rows is what is
/// held: the engine that is chosen when nobody chooses, once it is there.
pub(crate) fn run() -> ExitCode {
    if !skip::has("instructions of a request", "valgrind") {
        return ExitCode::SUCCESS;
    }
    let (name, found) = match count() {
        Ok(counted) => counted,
        Err(why) => {
            eprintln!("instructions of a request: {why}");
            return ExitCode::FAILURE;
        }
    };
    let Some(held) = held().get(&name).copied() else {
        eprintln!("tests/bench/instructions.json has no figures for {name}; {ADVICE}");
        return ExitCode::FAILURE;
    };
    let complaints = compare(&name, found, held);
    for complaint in &complaints {
        eprintln!("{complaint}");
    }
    if complaints.is_empty() {
        return ExitCode::SUCCESS;
    }
    eprintln!("{ADVICE}");
    ExitCode::FAILURE
}

/// Writes the figures down.
///
/// # Panics
/// When they cannot be counted or written.
pub(crate) fn update() {
    let (name, found) = count().expect("our server is counted");
    let mut all = held();
    all.insert(name, found);
    let text = serde_json::to_string_pretty(&all).expect("figures are JSON");
    fs::write(path(), text + "\n").expect("tests/bench is writable");
}

const ADVICE: &str = "Counts depend on the processor's features too: httparse and memchr choose their SIMD at run \
    time, and valgrind shows them at most AVX2. A change that is meant, or another machine: \
    `sh tests/bench/run.sh check update` writes the figures down; commit them with the reason.";

fn held() -> Held {
    let text = fs::read_to_string(path()).unwrap_or_else(|_| "{}".to_owned());
    serde_json::from_str(&text).expect("tests/bench/instructions.json is JSON")
}

/// The figures of the first of our rows.
fn count() -> Result<(String, Figures), String> {
    let peer = peer::ours().into_iter().next().expect("an engine is there");
    let Counts { peer, one, pipelined, browser } = instructions::of(&peer, TRIES)?;
    let whole = |count: f64| count.round() as u64;
    Ok((peer, Figures { one: whole(one), pipelined: whole(pipelined), browser: whole(browser) }))
}

/// What is more than it was; prints all.
fn compare(name: &str, found: Figures, held: Figures) -> Vec<String> {
    let pairs = [
        ("one at a time", found.one, held.one),
        ("pipelined by 16", found.pipelined, held.pipelined),
        ("a browser's 12 headers", found.browser, held.browser),
    ];
    let mut complaints = Vec::new();
    for (about, found, held) in pairs {
        let change = found as f64 / held as f64 - 1.0;
        println!("{name}, {about}: {found} instructions for a request, {held} written down ({:+.1} %)", change * 100.0);
        if change > TOLERANCE {
            complaints.push(format!("{name}, {about}: {:.1} % more than written down", change * 100.0));
        } else if change < -TOLERANCE {
            println!("that is less; `sh tests/bench/run.sh check update` holds the gain");
        }
    }
    complaints
}
