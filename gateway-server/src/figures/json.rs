//! A reading as JSON: names that stay, described in docs/stats.md.

use std::collections::BTreeMap;

use serde::Serialize;

use super::history::Point;
use super::reading::{Member, Reading, SHARES, percentiles, seconds};
use crate::stats::{Fault, Histogram, Mishap, Restart};

/// See the module's text.
#[derive(Debug, Serialize)]
struct Page<'a> {
    version: &'static str,
    engine: &'static str,
    process: u32,
    time: u64,
    uptime_seconds: f64,
    ready: bool,
    ending: bool,
    requests: u64,
    responses: BTreeMap<&'static str, u64>,
    response_bytes: u64,
    latency: Durations,
    queue_wait: Durations,
    in_flight: u64,
    queued: u64,
    late_calls: u64,
    threads: Option<Threads>,
    connections: Connections,
    sheds: u64,
    timeouts: u64,
    faults: BTreeMap<String, u64>,
    refusals: BTreeMap<String, u64>,
    restarts: BTreeMap<&'static str, u64>,
    reloads: Reloads,
    failed_upgrades: u64,
    workers_wanted: u64,
    workers: Vec<Worker<'a>>,
    errors: Vec<Mistake<'a>>,
    history: &'a [Point],
}

#[derive(Debug, Serialize)]
struct Durations {
    count: u64,
    seconds: f64,
    #[serde(flatten)]
    shares: BTreeMap<&'static str, Option<f64>>,
}

#[derive(Debug, Serialize)]
struct Threads {
    busy: u64,
    idle: u64,
}

#[derive(Debug, Serialize)]
struct Connections {
    open: u64,
    accepted: u64,
}

#[derive(Debug, Serialize)]
struct Reloads {
    ok: u64,
    failed: u64,
}

#[derive(Debug, Serialize)]
struct Worker<'a> {
    number: u64,
    process: u32,
    state: &'static str,
    age_seconds: f64,
    memory_bytes: u64,
    requests: u64,
    in_flight: u64,
    late_calls: u64,
    queued: u64,
    connections: u64,
    threads: Option<Threads>,
    running: &'a [String],
}

#[derive(Debug, Serialize)]
struct Mistake<'a> {
    time: u64,
    level: &'static str,
    process: u32,
    text: &'a str,
}

/// The classes of status, as they are called.
pub(super) const CLASSES: [&str; crate::stats::CLASSES] = ["1xx", "2xx", "3xx", "4xx", "5xx", "other"];

/// A reading, and how it was in the last seconds, as text.
///
/// # Errors
/// None that is known: all of it can be written.
pub(super) fn text(reading: &Reading, history: &[Point]) -> serde_json::Result<String> {
    let (refusals, faults) =
        reading.faults.iter().copied().partition::<Vec<_>, _>(|(fault, _)| matches!(fault, Fault::Refused(_)));
    let named = |list: Vec<(Fault, u64)>| list.into_iter().map(|(fault, count)| (fault.name(), count)).collect();
    let deeds = &reading.deeds;
    serde_json::to_string(&Page {
        version: env!("CARGO_PKG_VERSION"),
        engine: reading.engine,
        process: reading.master,
        time: reading.time,
        uptime_seconds: seconds(reading.age),
        ready: reading.is_ready(),
        ending: deeds.is_ending,
        requests: reading.totals.answers(),
        responses: CLASSES.into_iter().zip(reading.totals.statuses).collect(),
        response_bytes: reading.totals.bytes,
        latency: durations(&reading.totals.latency),
        queue_wait: durations(&reading.totals.queued),
        in_flight: reading.sum(|worker| worker.in_flight),
        queued: reading.sum(|worker| worker.queued),
        late_calls: reading.sum(|worker| worker.late_calls),
        threads: reading.threads().map(threads),
        connections: Connections { open: reading.sum(|worker| worker.connections), accepted: reading.accepted },
        sheds: reading.fault(Fault::Shed),
        timeouts: reading.fault(Fault::Overdue),
        faults: named(faults),
        refusals: named(refusals),
        restarts: Restart::ALL.into_iter().map(Restart::name).zip(deeds.restarts).collect(),
        reloads: Reloads { ok: deeds.reloads[0], failed: deeds.reloads[1] },
        failed_upgrades: deeds.failed_upgrades,
        workers_wanted: deeds.wanted,
        workers: reading.workers.iter().map(worker).collect(),
        errors: reading.mishaps.iter().map(mistake).collect(),
        history,
    })
}

fn durations(histogram: &Histogram) -> Durations {
    let names = SHARES.map(|(name, _)| name);
    Durations {
        count: histogram.count(),
        seconds: seconds(histogram.sum),
        shares: names.into_iter().zip(percentiles(histogram)).collect(),
    }
}

const fn threads((busy, idle): (u64, u64)) -> Threads {
    Threads { busy, idle }
}

fn worker(member: &Member) -> Worker<'_> {
    let worker = &member.worker;
    Worker {
        number: worker.number,
        process: worker.process,
        state: worker.standing.name(),
        age_seconds: seconds(member.age),
        memory_bytes: member.memory,
        requests: worker.requests,
        in_flight: worker.in_flight,
        late_calls: worker.late_calls,
        queued: worker.queued,
        connections: worker.connections,
        threads: worker.threads().map(threads),
        running: &worker.running,
    }
}

fn mistake(mishap: &Mishap) -> Mistake<'_> {
    let level = if mishap.is_error { "error" } else { "warning" };
    Mistake { time: mishap.time, level, process: mishap.process, text: &mishap.text }
}
