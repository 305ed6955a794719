//! How a worker does, as its master sees it from outside.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::Pid;

use super::table::State;
use crate::stats::{Board, Standing, memory};

/// See the module's text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Vitals {
    /// How many requests it has had.
    pub(super) requests: u64,
    /// Bytes of memory that it holds (resident set size).
    pub(super) memory: u64,
    /// Calls that run on though their clients have been told.
    pub(super) late_calls: u64,
    /// For how long one of its loops has not come round.
    pub(super) stuck: Duration,
}

/// Looks at one worker, again and again.
#[derive(Debug)]
pub(super) struct Watch {
    board: Arc<Board>,
    /// Each loop's pulse, and since when it has been that.
    pulses: Vec<(u64, Instant)>,
}

impl Watch {
    pub(super) const fn new(board: Arc<Board>) -> Self {
        Self { board, pulses: Vec::new() }
    }

    /// It has ended, and nobody asks any more what it was about.
    pub(super) fn leave(&self) {
        self.board.seat().leave();
        self.board.free();
    }

    /// Shows where it stands.
    pub(super) fn stand(&self, state: State) {
        self.board.stand(match state {
            State::Starting => Standing::Starting,
            State::Ready => Standing::Serving,
            State::Draining | State::Killed => Standing::Draining,
        });
    }

    /// What it is about, as text for a log.
    pub(super) fn running(&self) -> Vec<String> {
        self.board.running(None)
    }

    pub(super) fn look(&mut self, process: Pid, now: Instant) -> Vitals {
        Vitals {
            requests: self.board.requests(),
            memory: memory(process.as_raw_nonzero().get().unsigned_abs()),
            late_calls: self.board.late_calls(),
            stuck: self.feel(now),
        }
    }

    fn feel(&mut self, now: Instant) -> Duration {
        for (place, pulse) in self.board.pulses().enumerate() {
            match self.pulses.get_mut(place) {
                Some((before, _)) if *before == pulse => {}
                Some(known) => *known = (pulse, now),
                None => self.pulses.push((pulse, now)),
            }
        }
        // An even one is at rest.
        let stuck = self.pulses.iter().filter(|(pulse, _)| pulse % 2 == 1);
        stuck.map(|(_, since)| now.saturating_duration_since(*since)).max().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::Crowd;

    #[test]
    fn a_loop_that_does_not_come_round_is_stuck() {
        let board = Board::new(Crowd::new().unwrap().seat(1)).unwrap();
        let (mut watch, start) = (Watch::new(Arc::clone(&board)), Instant::now());
        let mut stuck = |second: u64| watch.feel(start + Duration::from_secs(second)).as_secs();
        let (one, other) = (board.pulse().unwrap(), board.pulse().unwrap());
        assert_eq!(stuck(0), 0);
        one.work();
        assert_eq!((stuck(1), stuck(4)), (0, 3));
        one.rest();
        assert_eq!(stuck(5), 0);
        one.work();
        assert_eq!(stuck(6), 0);
        other.work();
        assert_eq!((stuck(7), stuck(9)), (1, 3));
        one.rest();
        assert_eq!(stuck(10), 3);
    }

    #[test]
    fn a_process_holds_memory() {
        let own = rustix::process::getpid();
        let vitals = Watch::new(Board::new(Crowd::new().unwrap().seat(1)).unwrap()).look(own, Instant::now());
        assert!(vitals.memory > 1 << 20, "{vitals:?}");
    }
}
