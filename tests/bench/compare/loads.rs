//! Throughput, and the server's time on its core for a request.

use std::time::Instant;

use gateway_tests::process::{all_cpu, cpu};

use super::options::Options;
use super::peer::Peer;
use super::results::{Load, Row};
use super::running::Running;
use super::workload::Workload;
use super::wrk;

/// Measures each workload on each peer that does it.
pub(crate) fn measure(peers: &[Peer], options: &Options, faults: &mut Vec<String>) -> Vec<Load> {
    options.workloads().map(|work| one(work, peers, options, faults)).collect()
}

fn one(work: &Workload, peers: &[Peer], options: &Options, faults: &mut Vec<String>) -> Load {
    let mut fleet = Vec::new();
    for peer in peers.iter().filter(|peer| peer.does(work.job)) {
        match Running::start(peer, work.job) {
            Ok(running) => fleet.push((running, Row { peer: peer.name.to_owned(), ..Row::default() })),
            Err(why) => faults.push(format!("{}: {why}", work.name)),
        }
    }
    for round in 1..=options.rounds {
        eprintln!("{}: round {round} of {}", work.name, options.rounds);
        for (running, row) in &mut fleet {
            if let Err(why) = burst(work, running, options.seconds, row) {
                faults.push(format!("{}: {}: {why}", work.name, row.peer));
            }
        }
    }
    let rows = fleet.into_iter().map(|(_, row)| row).filter(|row| !row.cpu.is_empty()).collect();
    Load { name: work.name.to_owned(), about: work.about.to_owned(), rows }
}

fn burst(work: &Workload, running: &Running, seconds: u64, row: &mut Row) -> Result<(), String> {
    let others = || all_cpu().saturating_sub(running.spent() + cpu(std::process::id()));
    let (started, spent, taken) = (Instant::now(), running.spent(), others());
    let count = wrk::run(work, running.address, seconds)?;
    let spent = running.spent().saturating_sub(spent);
    let taken = others().saturating_sub(taken);
    row.rate.push(count.rate);
    row.cpu.push(spent.as_secs_f64() * 1e6 / count.requests);
    row.others.push(taken.as_secs_f64() / started.elapsed().as_secs_f64());
    Ok(())
}
