//! How workers do: which are killed, and which are replaced though they serve.

use std::time::Instant;

use super::{Action, end_worker, start_missing};
use crate::stats::Restart;
use crate::supervisor::Wear;
use crate::supervisor::table::{Id, State, Table, Worker};
use crate::supervisor::vitals::Vitals;

pub(super) fn look(table: &mut Table, id: Id, vitals: &Vitals, now: Instant, todo: &mut Vec<Action>) {
    let wear = table.policy.wear;
    let Some(worker) = table.get(id).filter(|worker| worker.state == State::Ready) else { return };
    if wear.stuck.is_some_and(|most| vitals.stuck >= most) {
        let text = format!("{worker} has not come round for {} s and is killed", vitals.stuck.as_secs());
        worker.set(State::Killed, now);
        todo.extend([Action::Kill(id), Action::Error(text)]);
        table.count(Restart::Stuck);
        return start_missing(table, now, todo);
    }
    if worker.worn {
        return;
    }
    if let Some(why) = worn(&wear, worker, vitals, now) {
        worker.worn = true;
        todo.push(Action::Info(format!("{worker} {why}; another takes its place")));
        table.count(Restart::Worn);
        start_missing(table, now, todo);
    }
}

/// Why another worker should take this one's place, if it should.
fn worn(wear: &Wear, worker: &Worker, vitals: &Vitals, now: Instant) -> Option<String> {
    if let Some((most, more)) = wear.requests
        && vitals.requests >= most.saturating_add(spread(worker.id, more))
    {
        return Some(format!("has had {} requests", vitals.requests));
    }
    if wear.age.is_some_and(|most| now.saturating_duration_since(worker.since) >= most) {
        return Some("is old".to_owned());
    }
    if wear.memory.is_some_and(|most| vitals.memory >= most) {
        return Some(format!("holds {} MiB of memory", vitals.memory >> 20));
    }
    if wear.late_calls.is_some_and(|most| vitals.late_calls >= most) {
        return Some(format!("has {} calls that do not return", vitals.late_calls));
    }
    None
}

/// A number up to `most`, another for each worker, so that they are not all
/// replaced at once.
const fn spread(id: Id, most: u64) -> u64 {
    // Multiples of the golden ratio lie far from each other.
    let part = id.0.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
    ((part as u128 * (most as u128 + 1)) >> 32) as u64
}

/// The others have taken their places.
pub(super) fn retire_worn(table: &mut Table, now: Instant, todo: &mut Vec<Action>) {
    for worker in table.workers.iter_mut().filter(|worker| worker.worn && worker.state == State::Ready) {
        end_worker(worker, true, now, todo);
    }
}
