//! How it was in the last minutes: a point each second.

use std::collections::VecDeque;

use serde::Serialize;

use super::reading::{Reading, SHARES, percentiles, seconds};
use crate::stats::Totals;

/// See the module's text.
#[derive(Debug, Default)]
pub(super) struct History {
    points: VecDeque<Point>,
    /// What had been counted by then, and when that was.
    last: Option<(Totals, u64)>,
}

/// How many points are kept: ten minutes.
pub(super) const KEPT: usize = 600;

/// How it was in one second.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Point {
    /// When it ended, in seconds since 1970.
    time: u64,
    /// Answers per second, and those of them that say that the server failed.
    requests: f64,
    errors: f64,
    /// What these shares of them took at most, in seconds; nothing where there were none.
    latency: [Option<f64>; SHARES.len()],
    in_flight: u64,
    connections: u64,
    queued: u64,
    /// Threads in the app, and those that could be.
    threads: Option<(u64, u64)>,
}

/// The place of 5xx among the classes.
const FAILED: usize = 4;

impl History {
    /// Takes in what was read a second after the one before.
    pub(super) fn note(&mut self, reading: &Reading) {
        if let Some((before, age)) = self.last.replace((reading.totals.clone(), reading.age)) {
            if self.points.len() == KEPT {
                self.points.pop_front();
            }
            self.points.push_back(point(reading, &before, reading.age.saturating_sub(age)));
        }
    }

    /// The last points, so many at most, the oldest first.
    pub(super) fn latest(&self, most: usize) -> Vec<Point> {
        self.points.iter().skip(self.points.len().saturating_sub(most)).copied().collect()
    }
}

fn point(reading: &Reading, before: &Totals, passed: u64) -> Point {
    let per_second = |count: u64| count as f64 / seconds(passed.max(1));
    let totals = &reading.totals;
    Point {
        time: reading.time,
        requests: per_second(totals.answers().saturating_sub(before.answers())),
        errors: per_second(totals.statuses[FAILED].saturating_sub(before.statuses[FAILED])),
        latency: percentiles(&totals.latency.since(&before.latency)),
        in_flight: reading.sum(|worker| worker.in_flight),
        connections: reading.sum(|worker| worker.connections),
        queued: reading.sum(|worker| worker.queued),
        threads: reading.threads(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::source::Source;
    use crate::stats::{Boards, Recent, Sample, Took};
    use std::sync::Arc;
    #[test]
    fn a_point_is_what_came_since_the_last() {
        let boards = Arc::new(Boards::new(1).unwrap());
        let board = boards.take(crate::stats::Crowd::new().unwrap().seat(1)).unwrap();
        let source = Source::new(boards, Arc::new(Recent::new().unwrap()), "leader", rustix::process::getpid());
        let at = |age: u64| Reading { age: age * 1_000_000_000, time: age, ..source.read() };
        let mut history = History::default();
        history.note(&at(1));
        assert_eq!(history.latest(KEPT), []);
        let took = Took { queued: 0, total: 1_000_000 };
        for status in [200, 200, 404, 500] {
            board.count(&Sample { status, bytes: 1, took: Some(took) });
        }
        history.note(&at(3));
        history.note(&at(4));
        let points = history.latest(KEPT);
        assert_eq!(
            points.iter().map(|point| (point.time, point.requests, point.errors)).collect::<Vec<_>>(),
            [(3, 2.0, 0.5), (4, 0.0, 0.0)]
        );
        assert!(points[0].latency[0].is_some_and(|time| (0.001..0.00126).contains(&time)), "{points:?}");
        assert_eq!((points[1].latency, history.latest(1).len()), ([None; 4], 1));
        for age in 5..5 + KEPT as u64 {
            history.note(&at(age));
        }
        assert_eq!((history.latest(KEPT + 9).len(), history.latest(KEPT)[0].time), (KEPT, 5));
    }
}
