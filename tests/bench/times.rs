//! Times: medians of interleaved rounds, so that a slow moment of the machine
//! falls on all cases alike.

use std::time::{Duration, Instant};

use crate::cases::{Case, LINES, all};

/// Rounds per case, and how long one takes.
const ROUNDS: usize = 15;
const ROUND: Duration = Duration::from_millis(4);

/// A case, how often it runs in a round, and what the rounds took, in
/// nanoseconds for one.
struct Timed {
    case: Case,
    count: u64,
    rounds: Vec<f64>,
}

/// Prints the table of times.
pub(crate) fn print() {
    let mut cases: Vec<Timed> = all().into_iter().map(calibrated).collect();
    for _ in 0..ROUNDS {
        for timed in &mut cases {
            let round = timed.round();
            timed.rounds.push(round);
        }
    }
    for timed in &mut cases {
        timed.rounds.sort_by(f64::total_cmp);
    }
    println!("Times in ns: median (least - most) of {ROUNDS} interleaved rounds\n");
    println!("{:44}{:>24}{:>24}{:>9}", "", "linked in", "over the ABI", "more");
    for line in LINES {
        let linked = of(&cases, line.linked);
        let imported = line.imported.map(|name| of(&cases, name));
        let more = imported.map(|imported| format!("{:+.1}", imported.median() - linked.median()));
        let imported = imported.map(Timed::text).unwrap_or_default();
        println!("{:44}{:>24}{imported:>24}{:>9}", line.about, linked.text(), more.unwrap_or_default());
    }
}

fn of<'c>(cases: &'c [Timed], name: &str) -> &'c Timed {
    cases.iter().find(|timed| timed.case.name == name).expect("every line of the table has its case")
}

/// Finds how often a case runs in a round.
fn calibrated(mut case: Case) -> Timed {
    let mut count = 16;
    loop {
        let started = Instant::now();
        (case.run)(count);
        let took = started.elapsed();
        if took > ROUND / 4 {
            let count = (count as f64 * ROUND.as_secs_f64() / took.as_secs_f64()) as u64;
            return Timed { case, count: count.max(16), rounds: Vec::new() };
        }
        count *= 4;
    }
}

impl Timed {
    fn round(&mut self) -> f64 {
        let started = Instant::now();
        (self.case.run)(self.count);
        started.elapsed().as_secs_f64() * 1e9 / self.count as f64
    }

    fn median(&self) -> f64 {
        self.rounds[self.rounds.len() / 2]
    }

    fn text(&self) -> String {
        let (least, most) = (self.rounds[0], self.rounds[self.rounds.len() - 1]);
        format!("{:.1} ({least:.1} - {most:.1})", self.median())
    }
}
