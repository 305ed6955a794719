//! What a start takes and what workers hold: printed, for docs/PERFORMANCE.md.

use std::process::Child;
use std::time::{Duration, Instant};

use gateway_tests::client::Client;
use gateway_tests::process::{children, memory, resident};
use gateway_tests::server::{Server, command};
use gateway_tests::wait::until;
use gateway_tests::{address, artifacts};

use super::{is_long, ms};

/// Servers of one process, and of a master with workers.
const FORMS: &[(&str, &[&str])] =
    &[("no master", &["--no-master"]), ("1 worker", &["--workers", "1"]), ("8 workers", &["--workers", "8"])];

#[test]
fn what_a_start_takes_and_workers_hold() {
    let rounds = if is_long() { 20 } else { 1 };
    eprintln!("| | first answer, ms | RSS, KiB | PSS, KiB | RSS of the master | PSS of the master |");
    for (name, flags) in FORMS {
        let mut times: Vec<Duration> = (0..rounds).map(|_| first_answer(flags)).collect();
        times.sort_unstable();
        eprintln!("| {name} | {:.1} | {} |", ms(times[rounds / 2]), held(flags));
    }
}

/// From the start of the process until an answer was read. Clients wait for an
/// address that is bound, so the first one asks as soon as that is known.
fn first_answer(flags: &[&str]) -> Duration {
    let address = address::own();
    let mut command = command(&[flags, &["--bind", &address.to_string()]].concat());
    command.arg(artifacts::module("hello")).stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    let start = Instant::now();
    let server = Ending(command.spawn().unwrap());
    let stream = loop {
        if let Ok(stream) = std::net::TcpStream::connect(address) {
            break stream;
        }
        std::thread::yield_now();
    };
    let mut client = Client::new(stream);
    asks(&mut client);
    let took = start.elapsed();
    drop(server);
    took
}

/// A process that is told to end, and waited for.
struct Ending(Child);

impl Drop for Ending {
    fn drop(&mut self) {
        super::site::signal(self.0.id(), "TERM");
        let _ = self.0.wait();
    }
}

fn asks(client: &mut Client) {
    client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    assert_eq!(client.response("GET").unwrap().status, 200);
}

/// What each worker holds on average once some requests were served, and the
/// master.
fn held(flags: &[&str]) -> String {
    let server = Server::start("hello:app", flags);
    for _ in 0..100 {
        let mut client = Client::new(server.connect());
        asks(&mut client);
    }
    let expected = flags.get(1).map_or(0, |count| count.parse().unwrap());
    let workers = until("all workers", || children(server.id()), |workers| workers.len() == expected);
    let serving = if workers.is_empty() { vec![server.id()] } else { workers.clone() };
    let mean = |of: fn(u32) -> u64| serving.iter().map(|id| of(*id)).sum::<u64>() / serving.len() as u64 / 1024;
    let row = format!("{} | {}", mean(resident), mean(memory));
    let master = if workers.is_empty() {
        "| ".to_owned()
    } else {
        format!("{} | {}", resident(server.id()) / 1024, memory(server.id()) / 1024)
    };
    server.stop();
    format!("{row} | {master}")
}
