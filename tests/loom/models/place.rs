//! A value has one owner at a time, who sees what the one before did; and what
//! its owner has to be told is seen once, by that owner or the next.

use loom::thread::spawn;

use super::{Client, HANGUP, READY, STOP, finish};
use crate::explore;
use crate::sys::atomic::AtomicU8;
use crate::sys::place::{Notes, Place};

/// An event comes, in the thread that holds the place.
fn event(place: &mut Place<AtomicU8, Client>, note: Notes) {
    if let Some(mut owned) = place.own(note) {
        owned.seen.push(note);
        place.put_back(owned);
    }
}

/// How often it was driven for each, in the end.
fn turns(mut place: Place<AtomicU8, Client>) -> [usize; 3] {
    let owned = place.own(Notes::NONE).expect("all have given it back");
    [READY, HANGUP, STOP].map(|note| owned.turns(note))
}

#[test]
fn a_note_is_seen_once_by_the_owner_or_the_next() {
    explore(|| {
        let (mut place, _) = Client::placed();
        let owned = place.own(Notes::NONE).expect("idle");
        let owner = spawn(move || finish(owned));
        event(&mut place, READY);
        owner.join().unwrap();
        assert_eq!(turns(place), [1, 0, 0]);
    });
}

#[test]
fn of_three_notes_each_is_seen_once() {
    explore(|| {
        let (mut place, _) = Client::placed();
        let owned = place.own(Notes::NONE).expect("idle");
        let owner = spawn(move || finish(owned));
        for note in [READY, HANGUP, STOP] {
            event(&mut place, note);
        }
        owner.join().unwrap();
        assert_eq!(turns(place), [1, 1, 1]);
    });
}

#[test]
fn the_next_owner_sees_what_the_last_one_did() {
    explore(|| {
        let (mut place, _) = Client::placed();
        let mut owners = Vec::new();
        for note in [READY, HANGUP] {
            if let Some(mut owned) = place.own(note) {
                owners.push(spawn(move || {
                    owned.seen.push(note);
                    finish(owned);
                }));
            }
        }
        owners.into_iter().for_each(|owner| owner.join().unwrap());
        assert_eq!(turns(place), [1, 1, 0]);
    });
}

/// The place was never out of its holder's hands, so nobody can have left a note.
#[test]
fn a_value_that_was_put_back_is_given_away_again() {
    explore(|| {
        let (mut place, _) = Client::placed();
        event(&mut place, READY);
        let mut owned = place.own(Notes::NONE).expect("put back");
        let owner = spawn(move || {
            owned.seen.push(HANGUP);
            finish(owned);
        });
        event(&mut place, STOP);
        owner.join().unwrap();
        assert_eq!(turns(place), [1, 1, 1]);
    });
}

/// An owner that gives up loses its notes, but not the value.
#[test]
fn an_owner_that_drops_it_leaves_it_in_its_place() {
    explore(|| {
        let (mut place, freed) = Client::placed();
        let mut owned = place.own(Notes::NONE).expect("idle");
        let owner = spawn(move || {
            owned.seen.push(HANGUP);
            drop(owned);
        });
        event(&mut place, READY);
        owner.join().unwrap();
        assert_eq!(freed.load(std::sync::atomic::Ordering::SeqCst), 0);
        assert_eq!(turns(place)[1], 1);
    });
}
