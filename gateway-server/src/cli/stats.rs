//! The process that tells operators how the server does.

use std::fs;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::Pid;

use super::{Failure, recent, surroundings};
use crate::config::{Serve, Stats};
use crate::engine::{Stop, Stopper};
use crate::exchange::Timeouts;
use crate::figures::{Figures, Gate, Source};
use crate::net::{Bound, Listener};
use crate::server::Server;
use crate::stats::Boards;
use crate::supervisor;

/// How often it looks, for the history.
const OFTEN: Duration = Duration::from_secs(1);
/// More than operators are.
const CONNECTIONS: usize = 1024;
/// What they get, so that nobody keeps the others away for long.
const TIMEOUTS: Timeouts = Timeouts {
    head: Duration::from_secs(2),
    keep_alive: Duration::from_secs(5),
    body_grace: Duration::from_secs(2),
    body_rate: 512,
    write: Duration::from_secs(5),
    call: None,
};

/// Who is let in, at an address that is bound.
///
/// # Errors
/// There is no token where one should be, or none that is one.
pub(super) fn gate(stats: &Stats, address: Option<SocketAddr>) -> Result<Gate, Failure> {
    let mut gate = Gate::default();
    if let Some(path) = &stats.token_file {
        let refused = |why: String| Failure::Usage(format!("--stats-token-file {}: {why}", path.display()));
        let text = fs::read_to_string(path).map_err(|error| refused(error.to_string()))?;
        gate = gate.token(&text).map_err(refused)?;
    }
    Ok(match address.filter(|_| stats.is_local) {
        Some(SocketAddr::V6(address)) => gate.local(format!("[{}]", address.ip())),
        Some(address) => gate.local(address.ip().to_string()),
        None => gate,
    })
}

/// Tells until the end, in a process of its own.
pub(super) fn serve(
    (how, stats): (&Serve, &Stats),
    listener: Listener,
    ends: (Stop, Stopper),
    boards: Arc<Boards>,
    master: Pid,
) -> Result<(), Failure> {
    let address = match listener.address() {
        Some(Bound::Tcp(address)) => Some(address),
        _ => None,
    };
    // Before the rights are given up that it may take to read the token.
    let gate = gate(stats, address)?;
    let other = |error: std::io::Error| Failure::Other(error.to_string());
    if surroundings::become_user(how)?.is_some() {
        supervisor::end_with(master).map_err(other)?;
    }
    let recent = recent::kept().ok_or_else(|| Failure::Other("nobody keeps what goes wrong".to_owned()))?;
    let figures = Figures::new(Source::new(boards, recent, how.engine.name, master), gate);
    let looked = Arc::clone(&figures);
    let look = move || {
        loop {
            looked.look();
            std::thread::sleep(OFTEN);
        }
    };
    std::thread::Builder::new().name("history".to_owned()).spawn(look).map_err(other)?;
    let server =
        Server::new(figures).engine("epoll")?.connections(CONNECTIONS).timeouts(TIMEOUTS).graceful(Duration::ZERO);
    server.listeners(vec![listener]).stopped_by(ends).run()?;
    Ok(())
}
