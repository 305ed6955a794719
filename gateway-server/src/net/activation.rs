//! Sockets that a service manager hands over (sd_listen_fds(3)).

use std::ffi::{OsStr, OsString};
use std::ops::Range;
use std::os::fd::RawFd;

use crate::sys::forget_variables;

/// The first of them.
const FIRST: RawFd = 3;

const VARIABLES: &[&str] = &["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"];

/// What a program has that takes over from another: a first line, and in each other
/// one a descriptor and its address. What was handed over is where it was.
pub const UPGRADE: &str = "GATEWAY_UPGRADE";

fn upgraded(text: &str) -> Range<RawFd> {
    let numbers = text.lines().filter_map(|line| line.split_once(" fd://")?.1.parse::<RawFd>().ok());
    FIRST..numbers.max().map_or(FIRST, |last| last + 1)
}

/// The descriptors that were handed to this process.
///
/// # Errors
/// A sentence: there are none, or they are another process's.
pub(super) fn descriptors() -> Result<Range<RawFd>, String> {
    if let Some(text) = std::env::var_os(UPGRADE) {
        return Ok(upgraded(&text.to_string_lossy()));
    }
    let [process, count] = ["LISTEN_PID", "LISTEN_FDS"].map(std::env::var_os);
    read(process, count, std::process::id())
}

/// Programs that this one starts must not take them for theirs. Call it once
/// the addresses are known, and before there are threads: later it does nothing.
pub fn forget_activation() {
    let _ = forget_variables(VARIABLES);
}

fn read(process: Option<OsString>, count: Option<OsString>, own: u32) -> Result<Range<RawFd>, String> {
    let (Some(process), Some(count)) = (process, count) else {
        return Err("no sockets were handed over (LISTEN_PID and LISTEN_FDS are not set): \
                    systemd does so for a service with a socket unit"
            .to_owned());
    };
    let number = |text: &OsStr| text.to_str().and_then(|text| text.parse::<u32>().ok());
    if number(&process) != Some(own) {
        let process = process.display();
        return Err(format!("LISTEN_PID is {process}, and this process is {own}: the sockets are another one's"));
    }
    let end = number(&count).filter(|count| *count > 0).and_then(|count| FIRST.checked_add_unsigned(count));
    end.map(|end| FIRST..end).ok_or_else(|| format!("LISTEN_FDS is {}: no number of sockets", count.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_handed_over_before_an_upgrade() {
        assert_eq!(upgraded("1 1 9 10 11\n3 fd://3\n4 fd://4\n7 127.0.0.1:80"), 3..5);
        assert_eq!(upgraded("1 1 9 10 11\n7 127.0.0.1:80").len(), 0);
    }

    #[test]
    fn what_was_handed_over() {
        for (process, count, expected) in [
            (Some("7"), Some("1"), Ok(3..4)),
            (Some("7"), Some("2"), Ok(3..5)),
            (None, Some("1"), Err("not set")),
            (Some("7"), None, Err("not set")),
            (Some("8"), Some("1"), Err("LISTEN_PID is 8, and this process is 7")),
            (Some(""), Some("1"), Err("LISTEN_PID is ,")),
            (Some("7"), Some("0"), Err("LISTEN_FDS is 0")),
            (Some("7"), Some("-1"), Err("LISTEN_FDS is -1")),
            (Some("7"), Some("x"), Err("LISTEN_FDS is x")),
            (Some("7"), Some("4294967295"), Err("LISTEN_FDS is 4294967295")),
        ] {
            match (read(process.map(Into::into), count.map(Into::into), 7), expected) {
                (Err(error), Err(text)) => assert!(error.contains(text), "{error}"),
                (range, expected) => assert_eq!(range, expected.map_err(str::to_owned)),
            }
        }
    }
}
