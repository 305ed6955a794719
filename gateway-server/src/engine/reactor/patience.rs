//! How long to wait.

use std::time::{Duration, Instant};

/// A wait while there is something to do all the time is no longer than this.
const NAP: Duration = Duration::from_secs(1);

/// Says how long a wait may be. To take one time from another for each wait is
/// a tenth of what a loop does by itself, and while it is busy nearly all are
/// over at once: so it is not done where the end is far away.
#[derive(Debug, Default)]
pub(super) struct Patience {
    /// Until when what ends at `far` or later is further away than a nap.
    near: Option<Instant>,
    far: Option<Instant>,
}

impl Patience {
    /// How long to wait at most for something that is `due`. Where nobody came
    /// at the last time (not `busy`) it is exact.
    #[inline]
    pub(super) fn until(&mut self, due: Instant, now: Instant, busy: bool) -> Duration {
        if busy && self.near > Some(now) && self.far.is_some_and(|far| due >= far) {
            return NAP;
        }
        self.near = now.checked_add(NAP);
        self.far = now.checked_add(2 * NAP);
        due.saturating_duration_since(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_never_too_long_and_exact_where_nobody_came() {
        let start = Instant::now();
        let at = |milliseconds| start + Duration::from_millis(milliseconds);
        for due in [0, 1, 999, 1_000, 1_999, 2_000, 2_001, 75_000] {
            let mut patience = Patience::default();
            for now in (0..5_000).step_by(7) {
                let left = at(due).saturating_duration_since(at(now));
                let busy = patience.until(at(due), at(now), true);
                assert!(busy == left || busy == NAP && left >= NAP, "{busy:?} of {left:?}");
                if now % 3 == 0 {
                    assert_eq!(patience.until(at(due), at(now), false), left);
                }
            }
        }
    }

    #[test]
    fn what_is_far_away_is_told_without_a_look_at_the_time_that_is_left() {
        let start = Instant::now();
        let (mut patience, due) = (Patience::default(), start + 75 * NAP);
        assert_eq!(patience.until(due, start, true), 75 * NAP);
        assert_eq!(patience.until(due, start + NAP / 2, true), NAP);
        assert_eq!(patience.until(due, start + NAP, true), 74 * NAP);
    }
}
