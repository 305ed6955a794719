//! Which state of a file this is: the validators of RFC 9110, section 8.8.

use std::fmt::Write as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use httpdate::HttpDate;
use rustix::fs::Stat;

use super::encoding::Coding;
use super::text::Text;

/// The first second that a date of HTTP cannot say: that of the year 10000.
const TOO_LATE: u64 = 253_402_300_800;

/// What changes with a file's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) seconds: i64,
    pub(super) nanoseconds: u64,
    pub(super) size: u64,
    /// Of files that replace one another with their times kept, as by `cp -p`.
    pub(super) inode: u64,
}

impl Stamp {
    #[expect(clippy::useless_conversion, reason = "the fields have other types on other machines")]
    pub(super) fn of(stat: &Stat) -> Self {
        Self {
            seconds: i64::from(stat.st_mtime),
            nanoseconds: u64::try_from(stat.st_mtime_nsec).unwrap_or_default(),
            size: u64::try_from(stat.st_size).unwrap_or_default(),
            inode: u64::from(stat.st_ino),
        }
    }

    /// When it changed, in whole seconds; `None` for what dates cannot say, from
    /// before 1970 or a time that is far off.
    pub(super) fn time(&self) -> Option<SystemTime> {
        let seconds = u64::try_from(self.seconds).ok().filter(|seconds| *seconds < TOO_LATE)?;
        UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
    }
}

/// The validators of a representation, as they are sent.
#[derive(Debug)]
pub(super) struct Validators {
    pub(super) etag: Text<80>,
    /// Only once the second is over in which the file changed: it could change
    /// again in it, and the same date would then stand for two contents (RFC 9110,
    /// section 8.8.2.2). So what is sent is strong. Until then the entity tag, which
    /// has nanoseconds, does alone.
    pub(super) last_modified: Option<Text<29>>,
    /// When the file changed, whether that is said or not.
    pub(super) changed: Option<SystemTime>,
}

impl Validators {
    pub(super) fn new(stamp: &Stamp, coding: Option<Coding>, now: SystemTime) -> Self {
        let mut etag = Text::new();
        let Stamp { seconds, nanoseconds, size, inode } = stamp;
        // A coded form is another representation, with a tag of its own.
        let suffix = coding.map_or("", Coding::tag);
        // It has room for the longest numbers.
        let _ = write!(etag, "\"{seconds:x}.{nanoseconds:x}-{size:x}-{inode:x}{suffix}\"");
        let changed = stamp.time();
        let is_over = |time: &SystemTime| now.duration_since(*time).is_ok_and(|age| age >= Duration::from_secs(1));
        let last_modified = changed.filter(is_over).map(|time| {
            let mut text = Text::new();
            let _ = write!(text, "{}", HttpDate::from(time));
            text
        });
        Self { etag, last_modified, changed }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAMP: Stamp = Stamp { seconds: 784_111_777, nanoseconds: 255, size: 16, inode: 10 };

    fn validators(stamp: Stamp, coding: Option<Coding>, now: u64) -> (String, Option<String>) {
        let found = Validators::new(&stamp, coding, UNIX_EPOCH + Duration::from_millis(now));
        (found.etag.as_str().to_owned(), found.last_modified.map(|text| text.as_str().to_owned()))
    }

    #[test]
    fn what_changes_shows() {
        let long_after = 784_111_779_000;
        let (etag, date) = validators(STAMP, None, long_after);
        assert_eq!(etag, "\"2ebc98a1.ff-10-a\"");
        assert_eq!(date.as_deref(), Some("Sun, 06 Nov 1994 08:49:37 GMT"));
        let others = [
            Stamp { seconds: 784_111_778, ..STAMP },
            Stamp { nanoseconds: 256, ..STAMP },
            Stamp { size: 17, ..STAMP },
            Stamp { inode: 11, ..STAMP },
        ];
        for other in others {
            assert_ne!(validators(other, None, long_after).0, etag, "{other:?}");
        }
        for coding in [Coding::Brotli, Coding::Gzip] {
            assert_ne!(validators(STAMP, Some(coding), long_after).0, etag);
        }
    }

    #[test]
    fn a_date_stands_for_one_content() {
        assert_eq!(validators(STAMP, None, 784_111_777_000).1, None);
        assert_eq!(validators(STAMP, None, 784_111_777_999).1, None);
        assert!(validators(STAMP, None, 784_111_778_000).1.is_some());
        // From the future: a clock is wrong, and no date can be later than Date.
        assert_eq!(validators(STAMP, None, 0).1, None);
    }

    #[test]
    fn a_date_that_http_cannot_say_is_left_out() {
        for seconds in [i64::MIN, -1, 253_402_300_800, i64::MAX] {
            let stamp = Stamp { seconds, nanoseconds: 999_999_999, size: u64::MAX, inode: u64::MAX };
            let (etag, date) = validators(stamp, Some(Coding::Gzip), 784_111_777_000);
            assert_eq!(date, None, "{seconds}");
            assert!(etag.starts_with('"') && etag.ends_with("-gz\""), "{etag}");
        }
    }
}
