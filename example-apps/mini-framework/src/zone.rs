//! The time, there.

use time::{OffsetDateTime, UtcOffset, format_description::BorrowedFormatItem, macros::format_description};

use crate::{Failure, Request};

const CTIME: &[BorrowedFormatItem<'_>] = format_description!(
    "[weekday repr:short] [month repr:short] [day padding:space] [hour]:[minute]:[second] [year] \
     UTC[offset_hour sign:mandatory]:[offset_minute]"
);

/// A time zone by its distance from Greenwich: `e8` is eight hours to the east of it,
/// `w5` five to the west, `e5:30` five and a half to the east.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Zone(UtcOffset);

impl Zone {
    /// Greenwich.
    pub const UTC: Self = Self(UtcOffset::UTC);

    /// Reads `e8`; `None` for what is no zone on earth (14 hours at most).
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (side, distance) = text.split_at_checked(1)?;
        let sign = match side {
            "e" => 1,
            "w" => -1,
            _ => return None,
        };
        let (hours, minutes) = distance.split_once(':').map_or((distance, "00"), |parts| parts);
        let hours = number(hours, 1..=2)?;
        let minutes = number(minutes, 2..=2).filter(|minutes| *minutes < 60)?;
        let seconds = (hours * 60 + minutes) * 60;
        (seconds <= 14 * 3600).then(|| UtcOffset::from_whole_seconds(sign * seconds).ok())?.map(Self)
    }

    /// The zone that a query asks for: `?timezone=e8`. Greenwich where it asks for none.
    ///
    /// # Errors
    /// 400 that says how a zone is written.
    pub fn of(request: &Request<'_>) -> Result<Self, Failure> {
        match request.query()?.get("timezone") {
            None => Ok(Self::UTC),
            Some(text) => Self::parse(text)
                .ok_or_else(|| Failure::bad_request("A timezone is e or w and hours up to 14, as in e8, w5 or e5:30.")),
        }
    }

    /// The time, as C's `ctime` writes it: `Sat Nov 21 18:12:25 2026 UTC+08:00`.
    #[must_use]
    pub fn now(self) -> String {
        self.write(OffsetDateTime::now_utc())
    }

    fn write(self, moment: OffsetDateTime) -> String {
        moment.to_offset(self.0).format(CTIME).unwrap_or_default()
    }
}

/// Digits only: `parse` alone would take a sign.
fn number(text: &str, digits: std::ops::RangeInclusive<usize>) -> Option<i32> {
    let plain = digits.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    fn at(zone: &str) -> String {
        Zone::parse(zone).expect("a zone").write(datetime!(2026-11-01 20:05:09 UTC))
    }

    #[test]
    fn the_same_moment_in_several_places() {
        assert_eq!(at("e0"), "Sun Nov  1 20:05:09 2026 UTC+00:00");
        assert_eq!(at("e8"), "Mon Nov  2 04:05:09 2026 UTC+08:00");
        assert_eq!(at("w5"), "Sun Nov  1 15:05:09 2026 UTC-05:00");
        assert_eq!(at("e5:30"), "Mon Nov  2 01:35:09 2026 UTC+05:30");
        assert_eq!(at("w3:30"), "Sun Nov  1 16:35:09 2026 UTC-03:30");
        assert_eq!(at("e14"), "Mon Nov  2 10:05:09 2026 UTC+14:00");
    }

    #[test]
    fn what_is_no_zone() {
        for text in
            ["", "e", "8", "x8", "e+8", "e-8", "e15", "e14:01", "e8:", "e8:5", "e8:60", "e 8", "e8:30:00", "é8", "e888"]
        {
            assert_eq!(Zone::parse(text), None, "{text:?}");
        }
    }
}
