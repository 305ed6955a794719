//! The time of a line, from that of its answer: the system's clock is looked at once a
//! second, and its text made as often.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::super::time;

/// See the module's text.
#[derive(Debug, Default)]
pub(super) struct Clock {
    /// One moment on both clocks.
    base: Option<(Instant, Duration)>,
    /// The second that was last, when it began and ended, and as text.
    second: Option<u64>,
    spans: Option<(Instant, Instant)>,
    common: [u8; 28],
    rfc3339: String,
}

/// For how long the two clocks go alike.
const ALIKE: Duration = Duration::from_secs(1);

impl Clock {
    /// A moment, as access logs have it.
    #[inline]
    pub(super) fn common(&mut self, at: Instant) -> &[u8; 28] {
        self.begins(at);
        &self.common
    }

    /// As RFC 3339 has it but for its end, and milliseconds.
    #[inline]
    pub(super) fn rfc3339(&mut self, at: Instant) -> (&str, u32) {
        let begins = self.begins(at);
        (&self.rfc3339, at.saturating_duration_since(begins).subsec_millis())
    }

    /// When its second has begun, which is the one that there is text of then.
    #[inline]
    fn begins(&mut self, at: Instant) -> Instant {
        match self.spans {
            Some((begins, ends)) if at >= begins && at < ends => begins,
            _ => self.span(at),
        }
    }

    #[cold]
    fn span(&mut self, at: Instant) -> Instant {
        let since = self.since(at);
        self.turn(since.as_secs());
        let begins = at.checked_sub(Duration::from_nanos(since.subsec_nanos().into()));
        self.spans = begins.map(|begins| (begins, begins + ALIKE));
        begins.unwrap_or(at)
    }

    /// How long after 1970 began.
    #[inline]
    fn since(&mut self, at: Instant) -> Duration {
        let (base, since) = match self.base {
            Some(base) if at.saturating_duration_since(base.0) < ALIKE => base,
            _ => self.look(),
        };
        // An answer that was over before, by another thread or with its client gone, is
        // noted after one that came later.
        match at.checked_duration_since(base) {
            Some(after) => since + after,
            None => since.saturating_sub(base - at),
        }
    }

    #[cold]
    fn look(&mut self) -> (Instant, Duration) {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        *self.base.insert((Instant::now(), since))
    }

    #[inline]
    fn turn(&mut self, second: u64) {
        if self.second != Some(second) {
            self.write(second);
        }
    }

    #[cold]
    fn write(&mut self, second: u64) {
        self.spans = None;
        (self.second, self.common, self.rfc3339) = (Some(second), time::common(second), time::rfc3339(second));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_the_same_on_both_clocks() {
        let (mut clock, now) = (Clock::default(), Instant::now());
        clock.base = Some((now, Duration::from_secs(971_211_336)));
        let after = |milliseconds| now + Duration::from_millis(milliseconds);
        assert_eq!(clock.common(now), b"[10/Oct/2000:20:55:36 +0000]");
        assert_eq!(clock.rfc3339(after(999)), ("2000-10-10T20:55:36", 999));
        assert_eq!(clock.rfc3339(now - Duration::from_millis(1)), ("2000-10-10T20:55:35", 999));
        assert_eq!(clock.common(now), b"[10/Oct/2000:20:55:36 +0000]");
        assert_eq!(clock.common(after(999)), b"[10/Oct/2000:20:55:36 +0000]");
        // A second later the system is asked again.
        assert_ne!(clock.common(after(1000)), b"[10/Oct/2000:20:55:37 +0000]");
        let (text, _) = clock.rfc3339(after(1000));
        assert!(text > "2025", "{text}");
    }
}
