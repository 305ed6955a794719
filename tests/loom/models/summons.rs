//! Who lends a loop out and asks for somebody is not left alone: nobody has to
//! be asked twice, and nobody is asked in vain.

use std::sync::Arc;

use loom::thread::JoinHandle;

use crate::sys::lease::{Held, Lease};
use crate::{explore, share};

/// A loop, whose value counts those that have led it.
type Loop = Lease<u32>;

/// Whoever was summoned comes; it leads for good, unless the leader is back.
fn come(lease: &Loop) {
    if let Some(mut lead) = lease.arrive() {
        *lead += 1;
    }
}

/// Asks for somebody, who comes, unless somebody is on the way.
fn ask(lease: &Arc<Loop>) -> Option<JoinHandle<()>> {
    lease.summon().then(|| share(lease, |lease| come(lease)))
}

/// What a leader does whose calls block: before each it asks for somebody. It
/// never comes back from the last.
fn call(lease: &Arc<Loop>, mut lead: Held<'_, u32>, calls: u32) -> Vec<JoinHandle<()>> {
    let mut comers = Vec::new();
    for call in 1..=calls {
        let lent = lead.lend();
        comers.extend(ask(lease));
        if call == calls {
            break;
        }
        match lent.regain() {
            Some(back) => lead = back,
            None => break,
        }
    }
    comers
}

/// Somebody leads, once all have come that were asked.
fn is_led(lease: &Loop) {
    assert!(!lease.glance().is_lent(), "nobody leads, and nobody is on the way");
}

fn leads_after(calls: u32) {
    explore(move || {
        let lease = Arc::new(Loop::new(0));
        let lead = lease.arrive().expect("nobody else is there yet");
        let comers = call(&lease, lead, calls);
        comers.into_iter().for_each(|comer| comer.join().unwrap());
        is_led(&lease);
    });
}

#[test]
fn who_blocks_at_once_is_followed() {
    leads_after(1);
}

#[test]
fn who_is_back_and_lends_again_is_followed() {
    leads_after(2);
}

#[test]
fn who_is_back_twice_is_followed() {
    leads_after(3);
}

/// The monitor asks as well, for a lending that it has seen.
#[test]
fn two_who_ask_bring_one_leader() {
    explore(|| {
        let lease = Arc::new(Loop::new(0));
        let lead = lease.arrive().expect("nobody else is there yet");
        let monitor = share(&lease, |lease| if lease.glance().is_lent() { ask(lease) } else { None });
        let mut comers = call(&lease, lead, 2);
        comers.extend(monitor.join().unwrap());
        comers.into_iter().for_each(|comer| comer.join().unwrap());
        is_led(&lease);
    });
}

/// Whoever has taken a loop over may be held up in turn.
#[test]
fn who_has_followed_is_followed() {
    explore(|| {
        let lease = Arc::new(Loop::new(0));
        let lead = lease.arrive().expect("nobody else is there yet");
        let lent = lead.lend();
        assert!(lease.summon(), "nobody is on the way yet");
        let second = share(&lease, |lease| {
            let Some(mut lead) = lease.arrive() else { return Vec::new() };
            *lead += 1;
            call(lease, lead, 1)
        });
        let mut comers = match lent.regain() {
            Some(lead) => call(&lease, lead, 1),
            None => Vec::new(),
        };
        comers.extend(second.join().unwrap());
        comers.into_iter().for_each(|comer| comer.join().unwrap());
        is_led(&lease);
    });
}
