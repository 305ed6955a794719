//! Prints Gateway's figures: instructions, times, allocations, system calls.
//!
//! ```sh
//! cargo run --release -p gateway-bench            # all
//! cargo run --release -p gateway-bench -- times   # or: counts, server, engines, compare
//! valgrind --tool=callgrind target/release/gateway-bench count call-fixed-so 1000
//! ```
//!
//! | file | purpose |
//! |---|---|
//! | `cases` | what is measured in this process: calls, look-ups, exchanges |
//! | `apps` `module` | the apps, linked in and as a `.so` |
//! | `request` `sink` | the bytes that come, and where the answers go |
//! | `times` `counts` | the clock's table, and callgrind's |
//! | `server` | a real server: allocations, system calls, throughput |
//! | `engines` | the engines side by side: table and pictures of docs/engines.md |
//! | `compare` | the server beside its peers: `make bench` |
//! | `bars` `number` | what the pictures and the tables share |
#![allow(clippy::print_stdout, reason = "printing is what it is for")]

mod apps;
mod bars;
mod cases;
mod compare;
mod counts;
mod engines;
mod number;
mod request;
mod server;
mod sink;
mod times;

use std::process::{Command, ExitCode, Stdio};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        [] => {
            times::print();
            println!();
            counts::print();
            println!();
            server::print("thread");
        }
        ["times"] => times::print(),
        ["counts"] => counts::print(),
        ["count", name, n] => counts::run(name, n.parse().expect("a number of times")),
        ["engines", ref names @ ..] => engines::run(names),
        ["compare", ref options @ ..] => return compare::run(options),
        ["files", ref options @ ..] => return compare::folders::run(options),
        ["nginx", ref options @ ..] => return compare::behind::run(options),
        ["page"] => compare::write_page(),
        ["check"] => return compare::check::run(),
        ["check", "update"] => compare::check::update(),
        ["server"] => server::print("thread"),
        ["server", engine] => server::print(engine),
        _ => {
            eprintln!(
                "usage: gateway-bench [times | counts | count CASE N | server [ENGINE] | engines [NAME...] \
                 | compare [rounds=N] [seconds=N] [only=PEERS] [work=WORKLOADS] | files [ROUNDS [SECONDS]] \
                 | nginx [rounds=N] [seconds=N] [over=unix|tcp] | page | check [update]]"
            );
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

/// Whether a program is installed.
fn has(program: &str) -> bool {
    let version = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    version.is_ok()
}
