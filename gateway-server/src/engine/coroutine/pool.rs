//! What the coroutines of one thread share: stacks, and the turn in an app that
//! takes one call at a time.

use std::cell::RefCell;
use std::collections::VecDeque;

use crate::sys::GuardedStack;

thread_local! {
    pub(super) static POOL: RefCell<Pool> = RefCell::default();
}

/// What the coroutines of the loop's thread share.
#[derive(Default)]
pub(super) struct Pool {
    /// Stacks to be used again.
    pub(super) stacks: Vec<GuardedStack>,
    /// Whether a call is running in an app that takes one at a time.
    taken: bool,
    /// Who waits for that, by key.
    queue: VecDeque<usize>,
    /// Whose turn has come.
    granted: Option<usize>,
    /// The same, until its coroutine is woken.
    pub(super) next: Option<usize>,
}

/// The most stacks that are kept.
const KEPT: usize = 64;

impl Pool {
    pub(super) fn keep(&mut self, stack: Option<GuardedStack>) {
        if self.stacks.len() < KEPT {
            self.stacks.extend(stack);
        }
    }

    /// Takes the turn, or a place in the queue.
    pub(super) fn take(&mut self, key: usize) -> bool {
        if self.taken {
            self.queue.push_back(key);
            return false;
        }
        self.taken = true;
        true
    }

    /// Whether the turn of `key` has come.
    pub(super) fn has_come(&mut self, key: usize) -> bool {
        self.granted.take_if(|granted| *granted == key).is_some()
    }

    /// Gives the turn to whoever is next.
    pub(super) fn give(&mut self) {
        self.granted = self.queue.pop_front();
        self.next = self.granted;
        self.taken = self.granted.is_some();
    }
}
