//! The rules, one model for each.

mod company;
mod lease;
mod place;
mod revoke;
mod summons;
mod take_over;
mod vigil;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::sys::atomic::AtomicU8;
use crate::sys::place::{Notes, Owned, Place, Release};

const READY: Notes = Notes::number(0);
const HANGUP: Notes = Notes::number(1);
const STOP: Notes = Notes::number(2);

/// A connection: what it was driven for, and who counts it when it is freed.
#[derive(Debug)]
struct Client {
    seen: Vec<Notes>,
    freed: Arc<AtomicU32>,
}

impl Client {
    /// In its place, with the count of those that are freed.
    fn placed() -> (Place<AtomicU8, Self>, Arc<AtomicU32>) {
        let freed = Arc::new(AtomicU32::new(0));
        let client = Self { seen: Vec::new(), freed: Arc::clone(&freed) };
        (Place::new(AtomicU8::new(0), client), freed)
    }

    /// How often it was driven for this.
    fn turns(&self, note: Notes) -> usize {
        self.seen.iter().filter(|seen| seen.has(note)).count()
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.freed.fetch_add(1, Ordering::SeqCst);
    }
}

/// What an owner does who has lost its loop: it looks again while there are
/// notes.
fn finish(mut owned: Owned<AtomicU8, Client>) {
    while let Release::Noted(back, notes) = owned.release() {
        owned = back;
        owned.seen.push(notes);
    }
}
