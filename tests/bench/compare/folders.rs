//! Files of a folder: `--static` beside nginx, which is what it stands in for.

use std::fs;
use std::process::{Command, ExitCode};
use std::time::Instant;

use gateway_tests::artifacts;

use super::median;
use super::place::{self, Place, word};
use super::running::{Running, on_core};
use super::wrk::Count;
use super::{workload, wrk};
use crate::number::thousands;

/// A file, and who asks for it.
struct Asked {
    name: &'static str,
    size: usize,
    by: By,
}

#[derive(Clone, Copy)]
enum By {
    /// So many connections, for some seconds.
    Wrk(usize),
    /// One that asks so often: of a large file, what is under way at the end of some
    /// seconds would count for more than what was had.
    Curl(u32),
}

const FILES: [Asked; 3] = [
    Asked { name: "file1k.bin", size: 1024, by: By::Wrk(64) },
    Asked { name: "file64k.bin", size: 64 * 1024, by: By::Wrk(64) },
    Asked { name: "file100m.bin", size: 100_000_000, by: By::Curl(20) },
];

/// A server and its figures for the file that is asked for.
struct Subject {
    name: &'static str,
    running: Running,
    cpu: Vec<f64>,
    rate: Vec<f64>,
}

/// Measures in rounds, one server after the other in each, and prints a table.
pub(crate) fn run(options: &[&str]) -> ExitCode {
    let mut numbers = options.iter().map(|option| option.parse().unwrap_or(0)).filter(|number| *number > 0);
    let (rounds, seconds) = (numbers.next().unwrap_or(5), numbers.next().unwrap_or(2));
    match measure(rounds, seconds) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("make bench-files: {why}");
            ExitCode::FAILURE
        }
    }
}

fn measure(rounds: u64, seconds: u64) -> Result<(), String> {
    for Asked { name, size, .. } in &FILES {
        let content: Vec<u8> = workload::file().into_iter().cycle().take(*size).collect();
        fs::write(folder().join(name), content).map_err(|error| error.to_string())?;
    }
    let mut fleet = start()?;
    println!("| CPU for a request | {} |", FILES.map(|asked| about(asked.size)).join(" | "));
    println!("|---|{}", "---|".repeat(FILES.len()));
    let mut lines: Vec<String> = fleet.iter().map(|subject| format!("| {} |", subject.name)).collect();
    for Asked { name, by, .. } in &FILES {
        for round in 1..=rounds {
            eprintln!("{name}: round {round} of {rounds}");
            fleet.iter_mut().try_for_each(|subject| subject.burst(name, *by, seconds))?;
        }
        for (line, subject) in lines.iter_mut().zip(&mut fleet) {
            *line += &subject.cell();
        }
    }
    lines.iter().for_each(|line| println!("{line}"));
    Ok(())
}

fn folder() -> std::path::PathBuf {
    let folder = place::folder().join("folder");
    fs::create_dir_all(&folder).expect("target is writable");
    folder
}

/// All of them, each on the servers' core.
fn start() -> Result<Vec<Subject>, String> {
    let program = word(&artifacts::profile_dir().join("gateway-server"));
    let gateway = |at: &Place| {
        let address = at.address.to_string();
        [&program, "--bind", &address, "--static", &format!("/={}", folder().display())].map(str::to_owned).to_vec()
    };
    type Line<'a> = &'a dyn Fn(&Place) -> Vec<String>;
    let fleet: [(&'static str, Line<'_>); 3] = [
        ("**gateway leader**", &gateway),
        ("nginx", &|at| nginx(at, "off")),
        ("nginx, open_file_cache", &|at| nginx(at, "max=16 inactive=60s")),
    ];
    let start = |(name, line): (&'static str, Line<'_>)| {
        let place = Place::free();
        let running = Running::spawn(name.trim_matches('*'), &place, &line(&place), &on_core(0))?;
        running.wait(name)?;
        Ok(Subject { name, running, cpu: Vec::new(), rate: Vec::new() })
    };
    fleet.into_iter().map(start).collect()
}

/// As nginx is documented to be used, with one worker.
fn nginx(at: &Place, cache: &str) -> Vec<String> {
    let template = fs::read_to_string(place::sources().join("nginx.conf")).expect("nginx.conf is there");
    let (before, _) = template.split_once("        # It runs no code").expect("the servers' part");
    let port = at.address.port().to_string();
    let text = before.replace("@MASTER@", "on").replace("@PORT@", &port).replace("@FOLDER@", &word(&place::folder()))
        + &format!(
            "root {};\nopen_file_cache {cache};\nopen_file_cache_valid 60s;\nopen_file_cache_min_uses 1;\n}}\n}}\n",
            folder().display()
        );
    let path = place::folder().join(format!("nginx-{port}.conf"));
    fs::write(&path, text).expect("target is writable");
    vec!["nginx".to_owned(), "-c".to_owned(), word(&path)]
}

impl Subject {
    fn burst(&mut self, file: &str, by: By, seconds: u64) -> Result<(), String> {
        let spent = self.running.spent();
        let url = format!("http://{}/{file}", self.running.address);
        let count = match by {
            By::Wrk(connections) => wrk::get(&url, connections, seconds),
            By::Curl(count) => curl(&url, count),
        };
        let count = count.map_err(|why| format!("{}: {why}", self.name))?;
        let spent = self.running.spent().saturating_sub(spent);
        self.cpu.push(spent.as_secs_f64() * 1e6 / count.requests);
        self.rate.push(count.rate);
        Ok(())
    }

    /// The middle, the least and the most; how many a second.
    fn cell(&mut self) -> String {
        let (cpu, rate) = (std::mem::take(&mut self.cpu), std::mem::take(&mut self.rate));
        let middle = median(&cpu).unwrap_or_default();
        let (least, most) = cpu.iter().fold((f64::MAX, 0f64), |(least, most), it| (least.min(*it), most.max(*it)));
        let digits = usize::from(middle < 100.0);
        let number = |value| thousands(value, digits);
        let rate = thousands(median(&rate).unwrap_or_default(), 0);
        format!(" {} us ({} - {}), {rate}/s |", number(middle), number(least), number(most))
    }
}

/// Asks for a file so often, on one connection, from the other core.
fn curl(url: &str, count: u32) -> Result<Count, String> {
    let words = ["curl", "--silent", "--fail", "--output", "/dev/null", &format!("{url}?[1-{count}]")];
    let command: Vec<String> = on_core(1).into_iter().chain(words.map(str::to_owned)).collect();
    let begun = Instant::now();
    let status = Command::new(&command[0]).args(&command[1..]).status();
    let requests = f64::from(count);
    match status {
        Ok(status) if status.success() => Ok(Count { requests, rate: requests / begun.elapsed().as_secs_f64() }),
        Ok(status) => Err(format!("curl: {status}")),
        Err(error) => Err(format!("curl: {error}")),
    }
}

fn about(size: usize) -> String {
    match size {
        0..1_048_576 => format!("{} KiB", size / 1024),
        _ => format!("{} MB", size / 1_000_000),
    }
}
