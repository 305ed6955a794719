//! Dates as text, in UTC.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use httpdate::HttpDate;

/// So many seconds after 1970 began, as RFC 3339 has it but for its end.
pub(super) fn rfc3339(seconds: u64) -> String {
    let text = humantime::format_rfc3339_seconds(at(seconds)).to_string();
    text.trim_end_matches('Z').to_owned()
}

/// The same as access logs have it: always as long.
pub(super) fn common(seconds: u64) -> [u8; 28] {
    // Each part has its place: `Tue, 10 Oct 2000 20:55:36 GMT`.
    let text = HttpDate::from(at(seconds)).to_string();
    let mut common = *b"[10/Oct/2000:20:55:36 +0000]";
    for (to, from) in [(1..3, 5..7), (4..7, 8..11), (8..12, 12..16), (13..21, 17..25)] {
        common[to].copy_from_slice(&text.as_bytes()[from]);
    }
    common
}

/// The time now, as RFC 3339 has it, with microseconds. A clock before 1970 is wrong,
/// and 1970 says so.
pub(super) fn now() -> String {
    humantime::format_rfc3339_micros(SystemTime::now().max(UNIX_EPOCH)).to_string()
}

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
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
        ] {
            assert_eq!(rfc3339(seconds), expected);
        }
        assert_eq!(&common(0), b"[01/Jan/1970:00:00:00 +0000]");
        assert_eq!(&common(971_211_336), b"[10/Oct/2000:20:55:36 +0000]");
    }

    #[test]
    fn now_is_a_date() {
        let now = now();
        assert!(now.len() == 27 && now.ends_with('Z') && *now > *"2025", "{now}");
    }
}
