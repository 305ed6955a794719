//! Answers through nginx, by each protocol that it passes requests on with, beside uWSGI
//! with a Python hello behind the same nginx: `make bench-nginx`.
//!
//! nginx and those behind it share the servers' core, so that requests a second are what
//! both of them together let through.
//!
//! | file | purpose |
//! |---|---|
//! | `ways` | the rows, and nginx's configuration for them |
//! | `fleet` | nginx, gateway-server and uWSGI, running |

mod fleet;
mod ways;

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use gateway_tests::process::{all_cpu, cpu};
use gateway_tests::skip;

use super::{median, wrk};
use crate::number::thousands;
use fleet::Fleet;
use ways::{Over, Way};

/// Connections of wrk to nginx; nginx keeps as many to those behind it.
const CONNECTIONS: usize = 64;

/// What is asked for.
#[derive(Debug, PartialEq, Eq)]
struct Options {
    rounds: usize,
    seconds: u64,
    over: Over,
}

/// A way and its figures, round by round.
struct Row {
    way: &'static Way,
    front: SocketAddr,
    rate: Vec<f64>,
    /// Microseconds for a request: of who answers, of nginx, of both.
    own: Vec<f64>,
    nginx: Vec<f64>,
    both: Vec<f64>,
    /// The part of a core that others took meanwhile.
    others: Vec<f64>,
}

/// Measures in rounds, one way after the other in each, and prints a table. The first error
/// ends it.
pub(crate) fn run(arguments: &[&str]) -> ExitCode {
    match Options::parse(arguments).and_then(|options| measure(&options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("make bench-nginx: {why}");
            ExitCode::FAILURE
        }
    }
}

impl Options {
    /// `rounds=7 seconds=2 over=unix`, each of which may be missing.
    fn parse(arguments: &[&str]) -> Result<Self, String> {
        let mut options = Self { rounds: 7, seconds: 2, over: Over::Unix };
        for argument in arguments {
            let (key, value) = argument.split_once('=').ok_or_else(|| format!("{argument:?} is not KEY=VALUE"))?;
            let number = || value.parse().ok().filter(|number| *number > 0);
            let number = || number().ok_or_else(|| format!("{key} is a number above 0, not {value:?}"));
            match (key, value) {
                ("rounds", _) => options.rounds = number()? as usize,
                ("seconds", _) => options.seconds = number()?,
                ("over", "unix") => options.over = Over::Unix,
                ("over", "tcp") => options.over = Over::Tcp,
                ("over", _) => return Err(format!("over is unix or tcp, not {value:?}")),
                _ => return Err(format!("{key} is not one of rounds, seconds, over")),
            }
        }
        Ok(options)
    }
}

fn measure(options: &Options) -> Result<(), String> {
    let needed = ["nginx", "wrk", "taskset"];
    if !needed.into_iter().all(|program| skip::has("answers through nginx", program)) {
        return Err("a program is missing".to_owned());
    }
    let before = load();
    let fleet = Fleet::start(options.over)?;
    let mut rows: Vec<Row> = fleet.ways().map(|(way, front)| Row::of(way, front)).collect();
    for round in 1..=options.rounds {
        eprintln!("round {round} of {}", options.rounds);
        rows.iter_mut().try_for_each(|row| row.burst(&fleet, options.seconds))?;
    }
    println!("{}", table(&rows, options.over));
    for way in fleet.skipped() {
        println!("- Skipped: {} by {}: it is not installed", way.server.shown(), way.protocol);
    }
    fleet.commands.iter().for_each(|command| println!("- `{command}`"));
    let others: Vec<f64> = rows.iter().flat_map(|row| &row.others).copied().collect();
    let most = others.iter().copied().fold(0.0, f64::max);
    println!(
        "\nMedians of {} interleaved rounds of {} s; others took {:.0} % of a core, at most {:.0} %; load average \
         {before} before, {} after.",
        options.rounds,
        options.seconds,
        median(&others).unwrap_or_default() * 100.0,
        most * 100.0,
        load()
    );
    Ok(())
}

impl Row {
    fn of(way: &'static Way, front: SocketAddr) -> Self {
        let (rate, own, nginx, both, others) = (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self { way, front, rate, own, nginx, both, others }
    }

    fn burst(&mut self, fleet: &Fleet, seconds: u64) -> Result<(), String> {
        let others =
            |(own, nginx): (Duration, Duration)| all_cpu().saturating_sub(own + nginx + cpu(std::process::id()));
        let (begun, before) = (Instant::now(), fleet.spent(self.way));
        let taken = others(before);
        let count = wrk::get(&format!("http://{}/plaintext", self.front), CONNECTIONS, seconds);
        let count = count.map_err(|why| format!("{}: {why}", self.way.name))?;
        let after = fleet.spent(self.way);
        let taken = others(after).saturating_sub(taken);
        let each = |spent: Duration| spent.as_secs_f64() * 1e6 / count.requests;
        self.add(count.rate, each(after.0.saturating_sub(before.0)), each(after.1.saturating_sub(before.1)));
        self.others.push(taken.as_secs_f64() / begun.elapsed().as_secs_f64());
        Ok(())
    }

    fn add(&mut self, rate: f64, own: f64, nginx: f64) {
        self.rate.push(rate);
        self.own.push(own);
        self.nginx.push(nginx);
        self.both.push(own + nginx);
    }

    fn line(&self) -> String {
        let Way { server, protocol, connections, .. } = self.way;
        let cells = [spread(&self.rate, 0), spread(&self.own, 1), spread(&self.nginx, 1), spread(&self.both, 1)];
        format!("| {} | {protocol} | {connections} | {} |\n", server.shown(), cells.join(" | "))
    }
}

fn table(rows: &[Row], over: Over) -> String {
    let head = format!(
        "| behind nginx, over {} | protocol | connections | requests/s | CPU, us/request: server | nginx | both |\n\
         |---|---|---|---|---|---|---|\n",
        over.shown()
    );
    rows.iter().fold(head, |text, row| text + &row.line())
}

/// The middle, the least and the most.
fn spread(values: &[f64], digits: usize) -> String {
    let middle = median(values).unwrap_or_default();
    let (least, most) = values.iter().fold((f64::MAX, 0f64), |(least, most), it| (least.min(*it), most.max(*it)));
    let number = |value| thousands(value, digits);
    format!("{} ({} - {})", number(middle), number(least), number(most))
}

/// How many wanted to run, over the last minute.
fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_keys_with_values() {
        let all = Options { rounds: 9, seconds: 1, over: Over::Tcp };
        assert_eq!(Options::parse(&["rounds=9", "over=tcp", "seconds=1"]), Ok(all));
        assert_eq!(Options::parse(&[]).map(|options| options.rounds), Ok(7));
        for wrong in ["rounds=0", "rounds=many", "over=udp", "work=json", "tcp"] {
            assert!(Options::parse(&[wrong]).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_row_has_the_middle_and_the_spread_of_each_figure() {
        let mut row = Row::of(&ways::WAYS[1], ([127, 0, 0, 1], 80).into());
        row.add(40_000.0, 5.0, 20.0);
        row.add(10_000.0, 30.0, 1.0);
        row.add(45_000.0, 4.0, 16.04);
        let expected = "| **gateway leader** | HTTP | kept | 40,000 (10,000 - 45,000) | 5.0 (4.0 - 30.0) \
                        | 16.0 (1.0 - 20.0) | 25.0 (20.0 - 31.0) |\n";
        assert_eq!(row.line(), expected);
    }
}
