//! What an idle connection costs in memory: private memory of the process, so
//! what the kernel keeps for a socket is not in it.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use super::peer::Peer;
use super::results::Figure;
use super::running::Running;
use super::workload::Job;

/// How many are idle, and how many are opened at a time.
const IDLE: usize = 5000;
const BATCH: usize = 200;
/// What this program needs for them, and each peer.
pub(crate) const DESCRIPTORS: u64 = IDLE as u64 + 1000;

/// Bytes for a connection, of each peer.
pub(crate) fn measure(peers: &[Peer], faults: &mut Vec<String>) -> Vec<Figure> {
    let mut found = Vec::new();
    for peer in peers {
        eprintln!("memory: {}", peer.name);
        match one(peer) {
            Ok(bytes) => found.push(Figure { peer: peer.name.to_owned(), values: vec![bytes] }),
            Err(why) => faults.push(format!("memory: {}: {why}", peer.name)),
        }
    }
    found
}

fn one(peer: &Peer) -> Result<f64, String> {
    let running = Running::start(peer, Job::Plaintext)?;
    // Some connections first, so that what is made once is there.
    let mut idle = open(running.address, BATCH)?;
    let before = running.memory();
    while idle.len() < IDLE + BATCH {
        idle.append(&mut open(running.address, BATCH)?);
    }
    let after = running.memory();
    drop(idle);
    Ok(after.saturating_sub(before) as f64 / IDLE as f64)
}

/// Connections that have been served once, and then say nothing.
fn open(address: SocketAddr, count: usize) -> Result<Vec<TcpStream>, String> {
    let text = |error: std::io::Error| error.to_string();
    let opened: Result<Vec<TcpStream>, _> = (0..count).map(|_| TcpStream::connect(address)).collect();
    let mut opened = opened.map_err(text)?;
    for stream in &mut opened {
        stream.write_all(&Job::Plaintext.request()).map_err(text)?;
    }
    for stream in &mut opened {
        if stream.read(&mut [0; 1024]).map_err(text)? == 0 {
            return Err("it closed an idle connection".to_owned());
        }
    }
    Ok(opened)
}
