//! Deadlines of many connections.
//!
//! A request moves its connection's deadline, mostly away. So nothing is done
//! then: a connection has one entry here, at or before its deadline, and when
//! that comes up the deadline is looked at again. The work is one entry per
//! connection and time limit, never one per request.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Instant;

#[derive(Debug, Default)]
pub(super) struct Timers(BinaryHeap<Reverse<(Instant, usize)>>);

impl Timers {
    /// Sees to it that `key` comes up by its deadline. `entry` is when it comes
    /// up so far.
    pub(super) fn arm(&mut self, key: usize, entry: &mut Option<Instant>, deadline: Option<Instant>) {
        let Some(deadline) = deadline else { return };
        if entry.is_none_or(|entry| deadline < entry) {
            self.0.push(Reverse((deadline, key)));
            *entry = Some(deadline);
        }
    }

    /// When the next entry comes up.
    pub(super) fn next(&self) -> Option<Instant> {
        self.0.peek().map(|Reverse((at, _))| *at)
    }

    /// Takes an entry that has come up. It counts if the owner of the key has
    /// it noted: others are left over from what has moved or ended.
    pub(super) fn due(&mut self, now: Instant) -> Option<(Instant, usize)> {
        let Reverse((at, _)) = self.0.peek()?;
        if *at > now {
            return None;
        }
        self.0.pop().map(|Reverse(entry)| entry)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_deadline_that_moves_away_adds_nothing() {
        let start = Instant::now();
        let at = |seconds| Some(start + Duration::from_secs(seconds));
        let (mut timers, mut entry) = (Timers::default(), None);
        for seconds in [5, 6, 7, 75] {
            timers.arm(1, &mut entry, at(seconds));
        }
        assert_eq!((timers.0.len(), entry, timers.next()), (1, at(5), at(5)));
        timers.arm(1, &mut entry, at(3));
        assert_eq!((timers.0.len(), entry, timers.next()), (2, at(3), at(3)));
        timers.arm(1, &mut entry, None);
        assert_eq!(timers.due(start), None);
        assert_eq!(timers.due(at(9).unwrap()), Some((at(3).unwrap(), 1)));
        assert_eq!(timers.due(at(9).unwrap()), Some((at(5).unwrap(), 1)));
        assert_eq!(timers.due(at(9).unwrap()), None);
    }
}
