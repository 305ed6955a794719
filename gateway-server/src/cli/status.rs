//! `gateway-server status`: whether a server runs, and how it is.

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use super::{complain, pid_file, say};
use crate::supervisor;

/// What scripts are told of one that does not run (LSB, "init script actions").
const NOT_RUNNING: u8 = 3;

/// Says it, and ends with 0 if it runs, with 3 if it does not, with 1 if that cannot be
/// told.
pub(super) fn tell(pidfile: &Path) -> ExitCode {
    let name = pidfile.display();
    let not_running = |text: &str| {
        let _ = writeln!(std::io::stdout(), "{text}");
        ExitCode::from(NOT_RUNNING)
    };
    let process = match (pid_file::read(pidfile), std::fs::metadata(pidfile)) {
        (Some(process), _) => process,
        (None, Err(error)) if error.kind() == std::io::ErrorKind::NotFound => {
            return not_running(&format!("not running: there is no {name}"));
        }
        (None, Err(error)) => return fails(&format!("{name}: {error}")),
        (None, Ok(_)) => {
            return fails(&format!("{name}: it names no process; give the file of the server's --pidfile"));
        }
    };
    if !pid_file::is_server(process) {
        return not_running(&format!("not running: {name} is left from process {process}, which has ended"));
    }
    match supervisor::ask(process, "status") {
        Ok(text) => say(&page(&text)),
        Err(why) => fails(&format!("process {process} runs, and tells nothing: {why}")),
    }
}

fn fails(why: &str) -> ExitCode {
    complain(why);
    ExitCode::FAILURE
}

/// The master's words for people.
fn page(text: &str) -> String {
    let of = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')).unwrap_or("?");
    let since = of("seconds").parse().map_or_else(|_| "?".to_owned(), |it| age(Duration::from_secs(it)));
    format!(
        "{}: gateway-server {}, process {}, for {since}\nworkers: {}\nrequests: {}",
        of("state"),
        of("version"),
        of("process"),
        of("workers"),
        of("requests")
    )
}

/// A time as people say it, in its two largest units: `2h 3m`.
pub(super) fn age(of: Duration) -> String {
    let units = [(86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")];
    let (mut left, mut parts) = (of.as_secs(), Vec::new());
    for (size, name) in units {
        if left >= size || size == 1 && parts.is_empty() {
            parts.push(format!("{}{name}", left / size));
        }
        left %= size;
    }
    parts.truncate(2);
    parts.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_has_two_units() {
        for (seconds, expected) in
            [(0, "0s"), (59, "59s"), (60, "1m"), (3_661, "1h 1m"), (86_400, "1d"), (90_061, "1d 1h")]
        {
            assert_eq!(age(Duration::from_secs(seconds)), expected);
        }
    }

    #[test]
    fn the_masters_words_become_a_page() {
        let text = "state serving\nversion 1.2.3\nprocess 4\nseconds 61\nworkers 2 of 2\nrequests 5\n";
        assert_eq!(page(text), "serving: gateway-server 1.2.3, process 4, for 1m 1s\nworkers: 2 of 2\nrequests: 5");
        assert!(page("").starts_with("?: gateway-server ?"));
    }
}
