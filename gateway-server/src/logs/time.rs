//! Dates as text, in UTC.

use std::time::{SystemTime, UNIX_EPOCH};

/// A moment by its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Date {
    year: i64,
    /// From 1 on, as the day.
    month: u8,
    day: u8,
    /// Seconds of the day.
    second: u32,
}

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

impl Date {
    /// So many seconds after 1970 began.
    pub(super) fn new(seconds: i64) -> Self {
        let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400) as u32);
        // The Gregorian calendar repeats itself after 400 years; years that begin in
        // March have the odd day at their end.
        let days = days + 719_468;
        let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
        let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let march_month = (5 * of_year + 2) / 153;
        let day = (of_year - (153 * march_month + 2) / 5 + 1) as u8;
        let month = (if march_month < 10 { march_month + 3 } else { march_month - 9 }) as u8;
        Self { year: era * 400 + year_of_era + i64::from(month <= 2), month, day, second }
    }

    const fn clock(self) -> (u32, u32, u32) {
        (self.second / 3600, self.second / 60 % 60, self.second % 60)
    }

    /// As RFC 3339 has it, without what is less than a second, and without its end.
    pub(super) fn rfc3339(self) -> String {
        let (hour, minute, second) = self.clock();
        format!("{:04}-{:02}-{:02}T{hour:02}:{minute:02}:{second:02}", self.year, self.month, self.day)
    }

    /// As access logs have it.
    pub(super) fn common(self) -> String {
        let (month, (hour, minute, second)) = (MONTHS[usize::from(self.month) - 1], self.clock());
        format!("[{:02}/{month}/{:04}:{hour:02}:{minute:02}:{second:02} +0000]", self.day, self.year)
    }
}

/// The time now, as RFC 3339 has it, with microseconds. A clock before 1970 is wrong,
/// and 1970 says so.
pub(super) fn now() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    format!("{}.{:06}Z", Date::new(since.as_secs() as i64).rfc3339(), since.subsec_micros())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (seconds, expected) in [
            (0, "1970-01-01T00:00:00"),
            (951_782_399, "2000-02-28T23:59:59"),
            (951_782_400, "2000-02-29T00:00:00"),
            (971_211_336, "2000-10-10T20:55:36"),
            (1_709_251_199, "2024-02-29T23:59:59"),
            (4_107_542_400, "2100-03-01T00:00:00"),
            (-1, "1969-12-31T23:59:59"),
        ] {
            assert_eq!(Date::new(seconds).rfc3339(), expected);
        }
        assert_eq!(Date::new(971_211_336).common(), "[10/Oct/2000:20:55:36 +0000]");
        // Each day follows the one before it, and years are as long as they are.
        let dates: Vec<String> = (0..146_097).map(|day| Date::new(day * 86_400).rfc3339()).collect();
        assert!(dates.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!(dates.iter().filter(|date| date.contains("-02-29T")).count(), 97);
    }

    #[test]
    fn now_is_a_date() {
        let now = now();
        assert!(now.len() == 27 && now.ends_with('Z') && *now > *"2025", "{now}");
    }
}
