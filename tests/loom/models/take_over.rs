//! A leader's call is taken over: while one thread drives a connection, another
//! leads its loop, and hears what happens to that very connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::{Client, HANGUP, READY, STOP, finish};
use crate::sys::atomic::{AtomicU8, Mutex};
use crate::sys::lease::{Held, Lease};
use crate::sys::place::{Notes, Owned, Place, Release};
use crate::{explore, share};

/// A loop of one connection.
#[derive(Debug)]
struct Station {
    place: Place<AtomicU8, Client>,
    /// What has happened to it, and nobody has looked at yet.
    events: Vec<Notes>,
}

#[derive(Debug)]
struct Loop {
    lease: Lease<Station>,
    /// What comes back from a thread that is to have it put back by the leader.
    mail: Mutex<Vec<Owned<AtomicU8, Client>>>,
    /// Whether connections come back by mail.
    posts: bool,
}

impl Loop {
    fn new(events: &[Notes], posts: bool) -> (Arc<Self>, Arc<AtomicU32>) {
        let (place, freed) = Client::placed();
        let lease = Lease::new(Station { place, events: events.to_vec() });
        (Arc::new(Self { lease, mail: Mutex::new(Vec::new()), posts }), freed)
    }

    /// Leads, unless somebody does; until nothing is left to do, or it has lost
    /// the lead.
    fn lead(&self) {
        let Some(mut lead) = self.lease.arrive() else { return };
        while let Some(event) = lead.events.pop() {
            self.receive(&mut lead);
            let Some(mut owned) = lead.place.own(event) else { continue };
            let lent = lead.lend();
            owned.seen.push(event);
            match lent.regain() {
                Some(back) => lead = back,
                None => return self.leave(owned),
            }
            lead.place.put_back(owned);
        }
        lead.lend();
    }

    /// Gives a connection back whose loop is led by somebody else.
    fn leave(&self, owned: Owned<AtomicU8, Client>) {
        if self.posts {
            self.mail.lock().unwrap().push(owned);
        } else {
            finish(owned);
        }
    }

    /// Puts back what has come by mail, and drives it for what was noted.
    fn receive(&self, lead: &mut Held<'_, Station>) {
        let mail = std::mem::take(&mut *self.mail.lock().unwrap());
        for owned in mail {
            assert!(lead.place.is_of(&owned));
            if let Release::Noted(mut owned, notes) = owned.release() {
                owned.seen.push(notes);
                lead.place.put_back(owned);
            }
        }
    }
}

/// So many threads lead in turn; each event is seen once in the end.
fn is_driven_for(events: &'static [Notes], threads: usize, posts: bool) {
    explore(move || {
        let (looped, freed) = Loop::new(events, posts);
        let others: Vec<_> = (1..threads).map(|_| share(&looped, |looped| looped.lead())).collect();
        looped.lead();
        others.into_iter().for_each(|other| other.join().unwrap());
        // Who came while it was led has gone again.
        looped.lead();
        let mut lead = looped.lease.arrive().expect("all have gone");
        looped.receive(&mut lead);
        let owned = lead.place.own(Notes::NONE).expect("all have given it back");
        for event in events {
            assert_eq!(owned.turns(*event), 1, "driven for {event:?} in {:?}", owned.seen);
        }
        lead.place.put_back(owned);
        drop(looped);
        assert_eq!(freed.load(Ordering::SeqCst), 1);
    });
}

#[test]
fn an_event_for_a_connection_that_is_driven_is_seen_once() {
    is_driven_for(&[READY, HANGUP], 2, false);
}

#[test]
fn a_leader_that_took_over_is_taken_over_in_turn() {
    is_driven_for(&[READY, HANGUP, STOP], 3, false);
}

#[test]
fn an_event_for_a_connection_that_comes_back_by_mail_is_seen_once() {
    is_driven_for(&[READY, HANGUP, STOP], 2, true);
}
