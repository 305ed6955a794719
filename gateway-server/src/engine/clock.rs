//! Reads the time; the date's text is made once a second.

use std::io::Write as _;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use httpdate::HttpDate;

use crate::exchange::Now;

/// The time as it was read last, with the text of its date.
#[derive(Debug)]
pub(super) struct Clock {
    now: Now,
    /// When the date's text is out of date.
    next: Instant,
}

impl Clock {
    pub(super) fn new() -> Self {
        let instant = Instant::now();
        let mut new = Self { now: Now { instant, date: [b' '; 29] }, next: instant };
        new.write();
        new
    }

    /// The time as it was read last.
    pub(super) const fn now(&self) -> &Now {
        &self.now
    }

    /// Reads the time.
    pub(super) fn refresh(&mut self) -> &Now {
        self.now.instant = Instant::now();
        if self.now.instant >= self.next {
            self.write();
        }
        &self.now
    }

    fn write(&mut self) {
        let time = SystemTime::now();
        // A clock before 1970 is wrong; the year 1970 says so.
        let since = time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        self.next = self.now.instant + Duration::from_secs(1) - Duration::from_nanos(since.subsec_nanos().into());
        // Into its place: a String would be the one allocation of a request.
        // A date is always 29 bytes long, so that it fits.
        let _ = write!(&mut self.now.date[..], "{}", HttpDate::from(time.max(UNIX_EPOCH)));
    }
}
