//! The load generator.

use std::net::SocketAddr;
use std::process::Command;

use super::place::{self, word};
use super::running::on_core;
use super::workload::{Job, Workload};

/// What it counted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Count {
    pub(crate) requests: f64,
    /// A second.
    pub(crate) rate: f64,
}

/// Asks for a file for some seconds, from the other core.
pub(crate) fn get(url: &str, connections: usize, seconds: u64) -> Result<Count, String> {
    let words = ["wrk", "-t1", &format!("-c{connections}"), &format!("-d{seconds}s"), "--timeout", "30s", url];
    let command: Vec<String> = on_core(1).into_iter().chain(words.map(str::to_owned)).collect();
    let output = Command::new(&command[0]).args(&command[1..]).output();
    parse(&String::from_utf8_lossy(&output.map_err(|error| format!("wrk: {error}"))?.stdout))
}

/// Asks for some seconds, from the other core. Any answer that is missing or not
/// 2xx is an error.
pub(crate) fn run(work: &Workload, address: SocketAddr, seconds: u64) -> Result<Count, String> {
    let before = on_core(1);
    let (program, arguments) = before.split_first().expect("taskset");
    let mut command = Command::new(program);
    command.args(arguments).args(["wrk", "-t1", &format!("-c{}", work.connections), &format!("-d{seconds}s")]);
    if let Some(script) = work.script {
        command.args(["-s", &word(&place::sources().join("wrk").join(script))]);
    }
    if work.job == Job::Close {
        command.args(["-H", "Connection: close"]);
    }
    let output = command.arg(format!("http://{address}{}", work.job.path())).output();
    let output = output.map_err(|error| format!("wrk: {error}"))?;
    parse(&String::from_utf8_lossy(&output.stdout))
}

fn parse(report: &str) -> Result<Count, String> {
    if let Some(fault) = report.lines().find(|line| line.contains("Socket errors") || line.contains("Non-2xx")) {
        return Err(format!("wrk: {}", fault.trim()));
    }
    let word = |mark: &str, at: usize| report.lines().find(|line| line.contains(mark))?.split_whitespace().nth(at);
    let number = |mark, at| word(mark, at).and_then(|word| word.parse().ok()).filter(|number| *number > 0.0);
    match (number("requests in", 0), number("Requests/sec:", 1)) {
        (Some(requests), Some(rate)) => Ok(Count { requests, rate }),
        _ => Err(format!("wrk counted nothing: {report}")),
    }
}
