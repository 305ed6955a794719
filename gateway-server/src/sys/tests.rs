//! What a lease and a place do with threads of the system's: small, for Miri,
//! which sees what is touched after it was freed. Every order of two threads is
//! tried by the models of `tests/loom`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use super::{Lease, Notes, Owned, Place, Release};

const NOTE: Notes = Notes::number(0);

/// Rounds: Miri takes its time for each, and changes threads at random.
const ROUNDS: u32 = if cfg!(miri) { 20 } else { 2_000 };

/// Counts those that are freed.
#[derive(Debug)]
struct Counted {
    turns: u32,
    freed: Arc<AtomicU32>,
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.freed.fetch_add(1, Ordering::SeqCst);
    }
}

type Kept = Place<AtomicU32, Counted>;
type Taken = Owned<AtomicU32, Counted>;

fn finish(mut owned: Taken) {
    owned.turns += 1;
    owned.shared().fetch_add(1, Ordering::Relaxed);
    while let Release::Noted(back, notes) = owned.release() {
        assert!(notes.has(NOTE));
        owned = back;
        owned.turns += 1;
    }
}

#[test]
fn a_lease_is_held_by_one_thread_at_a_time() {
    let lease = Lease::new(Box::new(0_u32));
    let pass_by = || {
        let mut written = 0;
        for _ in 0..ROUNDS {
            if let Some(mut held) = lease.seize(lease.glance()) {
                **held += 1;
                written += 1;
                held.lend();
            }
        }
        written
    };
    let written: u32 = thread::scope(|scope| {
        let threads = [scope.spawn(pass_by), scope.spawn(pass_by)];
        threads.map(|thread| thread.join().unwrap()).iter().sum()
    });
    assert_eq!(**lease.arrive().expect("all have gone"), written);
}

#[test]
fn a_holder_that_is_back_goes_on() {
    let lease = Lease::new(0_u32);
    let stale = lease.glance();
    let lent = lease.arrive().expect("nobody holds it").lend();
    assert!(lease.seize(stale).is_none(), "by a glance from before");
    let held = lent.regain().expect("nobody minded");
    assert!(lease.arrive().is_none(), "it is held");
    let lent = held.lend();
    assert!(lease.summon() && !lease.summon(), "one is asked for at a time");
    assert!(lease.arrive().is_some(), "it is lent");
    assert!(lent.regain().is_none(), "somebody else has it");
    assert!(lease.summon(), "who was on the way has come");
}

/// Runs an owner against what the place's holder does, and counts.
fn against(keeper: impl Fn(Kept) -> Option<Kept>, owner: fn(Taken)) {
    let freed = Arc::new(AtomicU32::new(0));
    for _ in 0..ROUNDS {
        let mut place = Kept::new(AtomicU32::new(0), Counted { turns: 0, freed: Arc::clone(&freed) });
        let owned = place.own(Notes::NONE).expect("idle");
        assert!(place.is_of(&owned));
        let thread = thread::spawn(move || owner(owned));
        let kept = keeper(place);
        thread.join().unwrap();
        drop(kept);
    }
    assert_eq!(freed.load(Ordering::SeqCst), ROUNDS);
}

#[test]
fn a_note_is_seen_by_the_owner_or_the_next() {
    let note = |mut place: Kept| {
        if let Some(mut owned) = place.own(NOTE) {
            owned.turns += 1;
            place.put_back(owned);
        }
        Some(place)
    };
    let checked = |place: Kept| {
        let mut place = note(place).expect("kept");
        let owned = loop {
            match place.own(Notes::NONE) {
                Some(owned) => break owned,
                None => thread::yield_now(),
            }
        };
        assert_eq!(owned.turns, 2);
        place.put_back(owned);
        Some(place)
    };
    against(checked, finish);
}

#[test]
fn place_and_owner_free_it_once() {
    let revoke = |mut place: Kept| {
        place.revoke();
        place.shared().fetch_add(1, Ordering::Relaxed);
        None
    };
    let give_up = |place: Kept| {
        drop(place);
        None
    };
    for owner in [finish as fn(Taken), drop] {
        against(revoke, owner);
        against(give_up, owner);
        against(Some, owner);
    }
}

#[test]
fn the_owner_answers_or_the_place_does() {
    for _ in 0..ROUNDS {
        let freed = Arc::new(AtomicU32::new(0));
        let mut place = Kept::new(AtomicU32::new(0), Counted { turns: 0, freed: Arc::clone(&freed) });
        let mut owned = place.own(Notes::NONE).expect("idle");
        let thread = thread::spawn(move || {
            let (shared, counted, claim) = owned.parts();
            shared.fetch_add(1, Ordering::Relaxed);
            counted.turns += 1;
            let begins = claim.begin();
            finish(owned);
            begins
        });
        let revoked = place.revoke();
        drop(place);
        assert_ne!(thread.join().unwrap(), revoked);
        assert_eq!(freed.load(Ordering::SeqCst), 1);
    }
}
