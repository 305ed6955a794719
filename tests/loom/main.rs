//! What the server's threads agree by, tried in every order: the files
//! themselves, built with a model checker's atomics, locks and cells. The
//! checker runs each model again and again, lets other threads go first each
//! time, and lets each load see every value that the memory model allows.
//!
//! A model ends by a panic where a rule is broken, where two threads reach a
//! cell and neither comes after the other, and where all threads wait.
#![cfg(test)]

mod leader;
mod models;
mod sys;

use std::sync::Arc;

/// Tries a model in all orders with at most three switches to another thread
/// where a thread could have gone on. Few bugs need more; without a bound seconds
/// become hours.
fn explore(model: impl Fn() + Send + Sync + 'static) {
    explore_within(3, model);
}

/// The same with another bound.
fn explore_within(switches: usize, model: impl Fn() + Send + Sync + 'static) {
    let mut checker = loom::model::Builder::new();
    checker.preemption_bound = Some(switches);
    checker.max_branches = 10_000;
    checker.check(model);
}

/// Starts a thread that shares something with others.
fn share<T, R>(what: &Arc<T>, work: impl FnOnce(&Arc<T>) -> R + 'static) -> loom::thread::JoinHandle<R>
where
    T: 'static,
    R: 'static,
{
    let what = Arc::clone(what);
    loom::thread::spawn(move || work(&what))
}
