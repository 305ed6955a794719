//! A lease is held by one at a time, and who seizes it has seen this lending.

use std::sync::Arc;

use loom::sync::atomic::{AtomicU32, Ordering};

use crate::sys::lease::{Held, Lease};
use crate::{explore, share};

/// A lease of a number that counts who has written to it, and its holder.
fn held(lease: &Lease<u32>) -> Held<'_, u32> {
    lease.seize(lease.glance()).expect("nobody else is there yet")
}

/// Seizes what is lent, writes, and lends it out; answers how often it wrote.
fn pass_by(lease: &Lease<u32>) -> u32 {
    let Some(mut held) = lease.seize(lease.glance()) else { return 0 };
    *held += 1;
    held.lend();
    1
}

/// Writes, lends and regains, so often; answers how often it wrote.
fn lend_and_regain(mut held: Held<'_, u32>, times: u32) -> u32 {
    for written in 1..=times {
        *held += 1;
        match held.lend().regain() {
            Some(back) => held = back,
            None => return written,
        }
    }
    held.lend();
    times
}

#[test]
fn one_holds_it_and_sees_what_the_one_before_wrote() {
    explore(|| {
        let lease = Arc::new(Lease::new(0));
        let mine = held(&lease);
        let other = share(&lease, |lease| pass_by(lease));
        let written = lend_and_regain(mine, 2) + other.join().unwrap();
        assert_eq!(*held(&lease), written);
    });
}

#[test]
fn two_who_seize_and_a_holder_who_regains_are_one_at_a_time() {
    explore(|| {
        let lease = Arc::new(Lease::new(0));
        let mine = held(&lease);
        let others = [0, 1].map(|_| share(&lease, |lease| pass_by(lease)));
        let written = lend_and_regain(mine, 2) + others.map(|other| other.join().unwrap()).iter().sum::<u32>();
        assert_eq!(*held(&lease), written);
    });
}

#[test]
fn of_two_who_have_seen_the_same_lending_one_gets_it() {
    explore(|| {
        let lease = Arc::new(Lease::new(0));
        let seen = lease.glance();
        let other = share(&lease, move |lease| lease.seize(seen).is_some());
        let mine = lease.seize(seen).is_some();
        assert_ne!(mine, other.join().unwrap());
    });
}

#[test]
fn a_stale_glance_seizes_nothing_however_often_it_was_lent_since() {
    explore(|| {
        let lease = Arc::new(Lease::new(0));
        let stale = lease.glance();
        let mine = held(&lease);
        let other = share(&lease, move |lease| lease.seize(stale).is_some());
        let kept = lend_and_regain(mine, 2) == 2;
        assert!(!other.join().unwrap(), "seized by a glance from before");
        assert!(kept && *held(&lease) == 2);
    });
}

/// How the monitor tells a call that takes long: equal glances, a tick apart,
/// are the same lending, and whoever seizes by them seizes that one.
#[test]
fn equal_glances_are_the_same_lending() {
    explore(|| {
        let both = Arc::new((Lease::new(0), AtomicU32::new(0)));
        let mut mine = held(&both.0);
        let other = share(&both, |both| {
            let (lease, lendings) = &**both;
            let before = lease.glance();
            // The number of the lending that is seen, or of a later one.
            let number = lendings.load(Ordering::Relaxed);
            let now = lease.glance();
            if before == now
                && let Some(held) = lease.seize(now)
            {
                assert_eq!(*held, number);
            }
        });
        for number in 1..=3 {
            *mine = number;
            both.1.store(number, Ordering::Relaxed);
            match mine.lend().regain() {
                Some(back) => mine = back,
                None => break,
            }
        }
        other.join().unwrap();
    });
}
