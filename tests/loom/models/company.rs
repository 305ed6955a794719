//! Threads that poll together leave when one of them polls alone; an event that one
//! of them has got is seen to once.

use std::sync::Arc;

use crate::sys::atomic::{AtomicBool, AtomicU64, Condvar, Mutex, Ordering::SeqCst};
use crate::sys::company::Company;
use crate::sys::lease::{Held, Lease};
use crate::{explore, explore_within, share};

/// A loop: its value counts the events that were seen to.
#[derive(Debug)]
struct Looped {
    company: Company,
    lease: Lease<u64>,
    /// The leader polls alone.
    alone: AtomicBool,
    /// The events that nobody has got yet, and whether the loop is poked.
    events: Mutex<(u64, bool)>,
    come: Condvar,
    /// Events that were told to the leader.
    mail: AtomicU64,
    /// An order waits for whoever is free.
    kept: AtomicBool,
}

impl Looped {
    /// Shared, and lent out.
    fn new(events: u64) -> Arc<Self> {
        let company = Company::new();
        company.open();
        Arc::new(Self {
            company,
            lease: Lease::new(0),
            alone: AtomicBool::new(false),
            events: Mutex::new((events, false)),
            come: Condvar::new(),
            mail: AtomicU64::new(0),
            kept: AtomicBool::new(false),
        })
    }

    /// Waits for an event, and gets one, or a poke, which stays.
    fn wait(&self) -> bool {
        let events = self.events.lock().unwrap();
        let mut events = self.come.wait_while(events, |(count, poked)| *count == 0 && !*poked).unwrap();
        let got = events.0 > 0;
        events.0 -= u64::from(got);
        got
    }

    fn poke(&self) {
        self.events.lock().unwrap().1 = true;
        self.come.notify_all();
    }

    /// What a thread does that has nothing else to do, until it has to leave.
    fn join(&self) {
        while let Some(got) = self.company.join(|| self.kept.load(SeqCst), || self.wait()) {
            if got {
                match self.company.take(&self.lease) {
                    Some(mut lead) => {
                        *lead += 1;
                        lead.lend().leave();
                    }
                    None => {
                        self.mail.fetch_add(1, SeqCst);
                    }
                }
            }
            if self.kept.load(SeqCst) {
                return;
            }
        }
    }

    /// Takes the loop to poll it alone, and never gives it back.
    fn keep(&self) -> Held<'_, u64> {
        let lead = self.company.take(&self.lease).expect("nobody else polls alone");
        self.company.close(|| self.poke());
        self.alone.store(true, SeqCst);
        lead
    }

    /// Holds that so many events were seen to, or are told, or are still there.
    fn is_complete(&self, lead: &Held<'_, u64>, events: u64) {
        let left = self.events.lock().unwrap().0;
        assert_eq!(**lead + self.mail.load(SeqCst) + left, events, "an event was lost");
    }
}

/// Each of those who poll hears of one who wants to poll alone; that one does not wait
/// for them in vain, nor they for it.
fn all_leave(pollers: usize, events: u64) {
    // With more switches, two who spin take minutes.
    explore_within(if pollers > 1 { 1 } else { 3 }, move || {
        let looped = Looped::new(events);
        let others: Vec<_> = (0..pollers).map(|_| share(&looped, |looped| looped.join())).collect();
        let lead = looped.keep();
        others.into_iter().for_each(|other| other.join().unwrap());
        looped.is_complete(&lead, events);
    });
}

#[test]
fn one_who_waits_for_nothing_leaves() {
    all_leave(1, 0);
}

#[test]
fn two_who_wait_for_nothing_leave() {
    all_leave(2, 0);
}

#[test]
fn one_who_has_an_event_leads_or_tells() {
    all_leave(1, 1);
}

#[test]
fn two_of_whom_one_has_an_event_lead_or_tell() {
    all_leave(2, 1);
}

/// While the leader is alone nobody else polls, nor comes to.
#[test]
fn nobody_comes_after_the_others_have_left() {
    explore(|| {
        let looped = Looped::new(0);
        let is_alone = |looped: &Looped| looped.alone.load(SeqCst);
        let poll =
            move |looped: &Looped| looped.company.join(|| false, || assert!(!is_alone(looped), "somebody polls"));
        let other = share(&looped, move |looped| poll(looped).and_then(|()| poll(looped)));
        let _lead = looped.keep();
        other.join().unwrap();
    });
}

/// Who is about to poll sees the order that was kept just now, or is poked.
#[test]
fn an_order_that_is_kept_is_heard_of() {
    explore(|| {
        let looped = Looped::new(0);
        let other = share(&looped, |looped| looped.join());
        looped.kept.store(true, SeqCst);
        looped.poke();
        other.join().unwrap();
    });
}
