//! Reads the time; the date's text is made once a second.

use std::io::Write as _;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use httpdate::HttpDate;

use crate::exchange::Now;

/// The time, with the text of its date kept.
#[derive(Debug)]
pub(super) struct Clock {
    second: u64,
    date: [u8; 29],
}

impl Clock {
    pub(super) const fn new() -> Self {
        Self { second: u64::MAX, date: [b' '; 29] }
    }

    pub(super) fn now(&mut self) -> Now {
        let time = SystemTime::now();
        // A clock before 1970 is wrong; the year 1970 says so.
        let second = time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        if second != self.second {
            self.second = second;
            // Into its place: a String would be the one allocation of a request.
            // A date is always 29 bytes long, so that it fits.
            let _ = write!(&mut self.date[..], "{}", HttpDate::from(time.max(UNIX_EPOCH)));
        }
        Now { instant: Instant::now(), date: self.date }
    }
}
