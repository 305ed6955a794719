//! A value is freed once, by the last of its place and its owner; and of the
//! owner who begins to answer and the loop that answers in its stead, one does.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use loom::thread::spawn;

use super::{Client, HANGUP, READY, finish};
use crate::explore;
use crate::sys::atomic::AtomicU8;
use crate::sys::place::{Notes, Owned, Place};

/// Tries what the loop does with a place against what the owner does meanwhile.
/// Answers what each of them has to say.
fn against<A: 'static, B: 'static>(
    owner: fn(Owned<AtomicU8, Client>) -> A,
    keeper: fn(Place<AtomicU8, Client>) -> B,
    judge: fn(A, B),
) {
    explore(move || {
        let (mut place, freed) = Client::placed();
        let mut owned = place.own(Notes::NONE).expect("idle");
        let thread = spawn(move || {
            owned.seen.push(READY);
            // What both see is there for as long as either is.
            owned.shared().store(1, Ordering::Relaxed);
            owner(owned)
        });
        place.shared().load(Ordering::Relaxed);
        let kept = keeper(place);
        judge(thread.join().unwrap(), kept);
        freed_once(&freed);
    });
}

/// Takes the value from its owner, and gives its place up. Answers whether the
/// loop answers, which it does by what both see.
fn revoke(mut place: Place<AtomicU8, Client>) -> bool {
    let revoked = place.revoke();
    place.shared().load(Ordering::Relaxed);
    revoked
}

fn freed_once(freed: &Arc<AtomicU32>) {
    assert_eq!(freed.load(Ordering::SeqCst), 1);
    assert_eq!(Arc::strong_count(freed), 1);
}

#[test]
fn one_of_release_and_revoke_frees_it() {
    against(finish, revoke, |(), _| ());
}

#[test]
fn one_of_two_who_drop_it_frees_it() {
    against(drop, drop, |(), ()| ());
}

#[test]
fn one_of_drop_and_revoke_frees_it() {
    against(drop, revoke, |(), _| ());
}

#[test]
fn one_frees_it_where_notes_were_left_before() {
    let noted = |mut place: Place<AtomicU8, Client>| {
        if let Some(owned) = place.own(HANGUP) {
            place.put_back(owned);
        }
        place.revoke();
    };
    against(finish, noted, |(), ()| ());
}

#[test]
fn either_the_owner_answers_or_the_loop() {
    let answer = |mut owned: Owned<AtomicU8, Client>| {
        let begins = owned.parts().2.begin();
        drop(owned);
        begins
    };
    against(answer, revoke, |owner, keeper| assert!(owner != keeper, "owner {owner}, loop {keeper}"));
}

/// It may have given the value back when it is revoked.
#[test]
fn who_has_answered_and_gone_has_answered() {
    let answer = |mut owned: Owned<AtomicU8, Client>| {
        let begins = owned.parts().2.begin();
        finish(owned);
        begins
    };
    against(answer, revoke, |owner, keeper| assert!(owner != keeper, "owner {owner}, loop {keeper}"));
}

/// An owner may call again and again. Revoked between two answers, the second
/// is the loop's; revoked during the first, there is no second.
#[test]
fn an_answer_that_has_begun_is_the_owners_and_the_next_may_be_the_loops() {
    let answer_twice = |mut owned: Owned<AtomicU8, Client>| {
        let claim = owned.parts().2;
        let first = claim.begin();
        claim.pause();
        let second = claim.begin();
        drop(owned);
        (first, second)
    };
    against(answer_twice, revoke, |(first, second), keeper| {
        assert!(!(second && keeper), "both answer");
        assert!(first || keeper, "nobody answers");
        assert!(first || !second, "it begins after it was revoked");
    });
}
