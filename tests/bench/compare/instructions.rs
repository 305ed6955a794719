//! Instructions in user space for a request, by callgrind: a run with many
//! requests minus one with few, so that neither start nor end is in them.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use super::peer::Peer;
use super::place::{self, Place, word};
use super::results::{Counts, Instructions};
use super::running::{Running, on_core};
use super::workload::Job;
use crate::counts;
use crate::request::BROWSER;

/// Requests of the shorter run and of the longer; both divisible by 16.
const FEW: u64 = 512;
const MANY: u64 = 2560;
/// How often each run is done, the least counting.
const TRIES: usize = 2;

/// Counts for each peer that is a program of its own.
pub(crate) fn measure(peers: &[Peer], faults: &mut Vec<String>) -> Instructions {
    let mut found = Instructions { httparse: counts::each("httparse"), ..Instructions::default() };
    for peer in peers.iter().filter(|peer| peer.is_native()) {
        eprintln!("instructions: {}", peer.name);
        match of(peer, TRIES) {
            Ok(counts) => found.rows.push(counts),
            Err(why) => faults.push(format!("instructions: {why}")),
        }
    }
    found
}

/// The three counts of a peer. Each run is done so many times, and the least
/// counts: what a server does by the clock, it does more of while it waits for a
/// processor.
pub(crate) fn of(peer: &Peer, tries: usize) -> Result<Counts, String> {
    let plain = Job::Plaintext.request();
    Ok(Counts {
        peer: peer.name.to_owned(),
        one: each(peer, &plain, 1, tries)?,
        pipelined: each(peer, &plain, 16, tries)?,
        browser: each(peer, &browser(), 1, tries)?,
    })
}

/// `/plaintext` with the twelve header fields of a browser.
fn browser() -> Vec<u8> {
    let line = BROWSER.iter().position(|byte| *byte == b'\n').expect("a head has lines") + 1;
    [b"GET /plaintext HTTP/1.1\r\n", &BROWSER[line..]].concat()
}

fn each(peer: &Peer, request: &[u8], depth: u64, tries: usize) -> Result<f64, String> {
    // One good run is enough; of one that is not, the reason is told.
    let least = |count| {
        let runs = (0..tries).map(|_| total(peer, request, depth, count).inspect_err(|why| eprintln!("{why}")));
        let least = runs.flatten().reduce(f64::min);
        least.ok_or_else(|| format!("{}: no run of {tries} was counted", peer.name))
    };
    let count = (least(MANY)? - least(FEW)?) / (MANY - FEW) as f64;
    // What a peer does at its end can outweigh the requests where it is hurried.
    if count > 0.0 { Ok(count) } else { Err(format!("{}: {count:.0} is no count", peer.name)) }
}

/// The instructions of a whole run that answers so many requests.
fn total(peer: &Peer, request: &[u8], depth: u64, count: u64) -> Result<f64, String> {
    let out = place::folder().join("callgrind");
    let place = Place::free();
    // Fair: a thread that waits by yielding would keep the others from running.
    let valgrind = ["valgrind", "--tool=callgrind", "--fair-sched=yes", "--quiet"];
    let valgrind =
        [valgrind.map(str::to_owned).to_vec(), vec![format!("--callgrind-out-file={}", word(&out))]].concat();
    // On one core too, so that nobody starts a loop for another.
    let before = [on_core(0), valgrind].concat();
    let mut command = peer.command(Job::Plaintext, &place, false);
    command.extend(peer.counting().iter().map(|word| (*word).to_owned()));
    let mut running = Running::spawn(peer.name, &place, &command, &before)?;
    running.wait(peer.name)?;
    ask(running.address, request, depth, count).map_err(|error| format!("{}: {error}", peer.name))?;
    if !running.end() {
        return Err(format!("{}: it did not end when it was asked to, so that callgrind has no totals", peer.name));
    }
    let text = fs::read_to_string(&out).map_err(|error| format!("{}: callgrind left nothing: {error}", peer.name))?;
    let _ = fs::remove_file(&out);
    let totals = text.lines().find_map(|line| line.strip_prefix("totals: "));
    totals.and_then(|totals| totals.trim().parse().ok()).ok_or_else(|| format!("{}: no totals", peer.name))
}

/// Asks over one connection, so many at a time. All answers have one length.
fn ask(address: SocketAddr, request: &[u8], depth: u64, count: u64) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    stream.write_all(request)?;
    let length = first(&mut stream)?;
    let requests = request.repeat(depth as usize);
    let mut answers = vec![0; length * depth as usize];
    for _ in 0..count / depth {
        stream.write_all(&requests)?;
        stream.read_exact(&mut answers)?;
        assert!(answers.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answers));
    }
    Ok(())
}

/// Reads the first answer to the end of its known body, and says its length.
fn first(stream: &mut TcpStream) -> std::io::Result<usize> {
    let (mut answer, mut piece) = (Vec::new(), [0; 4096]);
    while !answer.ends_with(b"Hello, World!") {
        match stream.read(&mut piece)? {
            0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            count => answer.extend_from_slice(&piece[..count]),
        }
    }
    Ok(answer.len())
}
