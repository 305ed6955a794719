//! From the start of the process to its first answer.

use std::thread::sleep;
use std::time::{Duration, Instant};

use super::peer::Peer;
use super::place::Place;
use super::results::Figure;
use super::running::{Running, on_core};
use super::workload::{Job, ask};

const ROUNDS: usize = 20;
const PAUSE: Duration = Duration::from_micros(100);
const PATIENCE: Duration = Duration::from_secs(60);

/// Milliseconds, of each peer, round by round.
pub(crate) fn measure(peers: &[Peer], faults: &mut Vec<String>) -> Vec<Figure> {
    let mut found: Vec<Figure> =
        peers.iter().map(|peer| Figure { peer: peer.name.to_owned(), values: Vec::new() }).collect();
    for round in 1..=ROUNDS {
        eprintln!("start: round {round} of {ROUNDS}");
        for (peer, figure) in peers.iter().zip(&mut found) {
            match one(peer) {
                Ok(took) => figure.values.push(took.as_secs_f64() * 1e3),
                Err(why) => faults.push(format!("start: {}: {why}", peer.name)),
            }
        }
    }
    found
}

fn one(peer: &Peer) -> Result<Duration, String> {
    let place = Place::free();
    let command = peer.command(Job::Plaintext, &place, true);
    let request = Job::Plaintext.request();
    let started = Instant::now();
    let running = Running::spawn(peer.name, &place, &command, &on_core(0))?;
    while !ask(running.address, &request, 1).is_ok_and(|answers| answers[0].status == 200) {
        if started.elapsed() > PATIENCE {
            return Err("it did not answer".to_owned());
        }
        sleep(PAUSE);
    }
    Ok(started.elapsed())
}
