//! What the thread does that leads a loop, and what it does when it has lost it.

use std::io::{self, Write as _};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use rustix::net::Shutdown;

use super::client::{Client, Owned, Place, Shared, note, wakes};
use super::station::{Lead, Looped, Mail};
use super::turn::{Ended, Job, Turn};
use super::{Hand, Worker, nanoseconds};
use crate::engine::machine::Machine;
use crate::engine::port::BodyWait;
use crate::engine::reactor::{Event, Step, Wake};
use crate::exchange::overdue;
use crate::net::{Origin, Stream};
use crate::sys::{Notes, Release};

impl Worker {
    /// Leads a loop until a call costs it the lead, or to its end. Answers
    /// whether the thread has a permit left.
    pub(super) fn lead<'a>(self: &'a Arc<Self>, number: usize, lead: Option<Lead<'a>>, hand: &mut Hand) -> bool {
        let Some(mut lead) = lead else { return false };
        self.adopt(&mut lead, hand);
        loop {
            let event = if self.polls_together(number, &lead, hand) {
                lead.reactor.next_at_once(&mut hand.clock).transpose()
            } else {
                Some(lead.reactor.next(&mut hand.clock))
            };
            let Some(event) = event else {
                self.keep_permit(&mut lead, false);
                lead.reactor.rest();
                lead.lend().leave();
                self.monitor.attend();
                let Some(back) = self.join(number, hand) else { return false };
                lead = back;
                self.adopt(&mut lead, hand);
                continue;
            };
            match event {
                Ok(Event::Task(key, wake)) => {
                    let Some(owned) = self.own(&mut lead, key, wake, hand) else { continue };
                    match self.drive(number, lead, key, owned, hand) {
                        Ok(back) => lead = back,
                        Err(permit) => return permit,
                    }
                }
                Ok(Event::Client(stream, origin)) => add(&mut lead, stream, origin, hand),
                // Another loop cannot go on.
                Ok(Event::Poked) if !self.runs() => return false,
                Ok(Event::Poked) => self.receive(number, &mut lead, hand),
                Ok(Event::Full) => self.turn_away(),
                Ok(Event::Over) => {
                    let permit = std::mem::take(&mut lead.permit);
                    // Nobody leads it any more: who has an event must not wait
                    // for the lease.
                    self.loops[number].share(false);
                    self.end(abandon(&mut lead));
                    return permit;
                }
                Err(error) => {
                    self.loops[number].share(false);
                    self.fail(error);
                    return false;
                }
            }
        }
    }

    /// Takes over from whoever has lost the loop. It keeps its permit, and
    /// drives its connection to the end; nobody else looks at that meanwhile.
    fn adopt(&self, lead: &mut Lead<'_>, hand: &mut Hand) {
        hand.clock.refresh();
        lead.permit = false;
        if let Some(key) = lead.driven.take() {
            self.look_later(lead, key, hand);
        }
        if self.pool.is_scarce() {
            lead.reactor.stand_back();
        }
    }

    /// Whether this thread has to wait together with others now: where calls
    /// block, whoever is free waits for the next event, and nobody has to be
    /// woken for it by somebody else.
    fn polls_together(&self, number: usize, lead: &Lead<'_>, hand: &Hand) -> bool {
        let looped = &self.loops[number];
        let together = looped.is_blocking(hand.clock.now().instant);
        looped.share(together);
        if together {
            looped.set_due(lead.reactor.due());
        }
        together
    }

    /// Polls with others, until it has an event and leads for it.
    pub(super) fn join(&self, number: usize, hand: &mut Hand) -> Option<Lead<'_>> {
        let looped = &self.loops[number];
        loop {
            let ready = looped.poll(self.setup.tuning.idle, || self.pool.has_kept());
            if !self.runs() {
                return None;
            }
            match ready {
                Ok(Some(ready)) => {
                    let Some(mut lead) = looped.take() else {
                        looped.send(Mail::Ready(ready));
                        return None;
                    };
                    hand.clock.refresh();
                    let injected = lead.reactor.inject(ready, &hand.clock);
                    return injected.map_err(|error| self.fail(error)).is_ok().then_some(lead);
                }
                Ok(None) if self.pool.has_kept() => {
                    // Perhaps nobody polls now, while all is quiet.
                    self.monitor.attend();
                    return None;
                }
                // The last one stays.
                Ok(None) if looped.is_shared() && !looped.has_pollers() => {}
                Ok(None) => {
                    hand.is_bored = true;
                    return None;
                }
                Err(error) => {
                    self.fail(error);
                    return None;
                }
            }
        }
    }

    /// Takes a connection that is woken; `None` if there is nothing to do about
    /// it, or its owner will see to it.
    fn own(&self, lead: &mut Lead<'_>, key: usize, wake: Wake, hand: &mut Hand) -> Option<Owned> {
        let (place, setup) = lead.reactor.task(key)?;
        let Some(mut owned) = place.own(note(wake)) else {
            if wake == Wake::Late {
                self.look_after(lead, key, hand);
            }
            return None;
        };
        if wake == Wake::Late {
            let deadline = owned.machine.deadline(&setup.service.timeouts);
            if deadline.is_none_or(|deadline| deadline > hand.clock.now().instant) {
                // It has moved away since.
                place.put_back(owned);
                lead.reactor.arm(key, deadline);
                return None;
            }
        }
        owned.machine.wake(wake, &mut hand.vacant);
        Some(owned)
    }

    /// Looks after a connection that somebody else drives: its call may have
    /// taken too long.
    fn look_after(&self, lead: &mut Lead<'_>, key: usize, hand: &mut Hand) {
        let now = hand.clock.now().instant;
        self.turn_away_late(now);
        let Some((place, setup)) = lead.reactor.task(key) else { return };
        let called = place.shared().called.load(Relaxed);
        let most = setup.service.timeouts.call.filter(|_| called > 0);
        let due = most.map(|most| Duration::from_nanos(called).saturating_add(most));
        match due.map(|due| due.saturating_sub(Duration::from_nanos(nanoseconds(now)))) {
            Some(left) if !left.is_zero() => lead.reactor.arm(key, now.checked_add(left.min(self.soonest))),
            // It is over; or just now the call is.
            Some(_) if place.shared().make_late(called, setup.service.board.as_deref()) => self.revoke(lead, key, hand),
            _ => self.look_later(lead, key, hand),
        }
    }

    /// Answers in place of an app that takes too long. Its call goes on, and has
    /// its connection until it returns; but nothing that it says goes out.
    fn revoke(&self, lead: &mut Lead<'_>, key: usize, hand: &Hand) {
        let Ok(mut place) = lead.reactor.remove(key).map_err(|error| self.fail(error)) else { return };
        let service = &self.setup.service;
        tracing::error!("a call of the app took too long; its client is told, its thread is left to it");
        let unanswered = place.revoke();
        service.count_overdue(unanswered);
        let mut stream = &place.shared().stream;
        if unanswered {
            // A client that does not take so little is gone.
            let _ = stream.write_all(&overdue(hand.clock.now(), service.server, place.shared().scheme));
        }
        place.shared().end(unanswered);
    }

    /// A connection's deadline is its owner's while it has one: nobody sets it
    /// to sooner than this.
    fn look_later(&self, lead: &mut Lead<'_>, key: usize, hand: &Hand) {
        lead.reactor.arm(key, hand.clock.now().instant.checked_add(self.soonest));
    }

    /// Drives a connection. Gives the lead back, or else whether the thread has
    /// a permit left.
    fn drive<'a>(
        self: &'a Arc<Self>,
        number: usize,
        mut lead: Lead<'a>,
        key: usize,
        mut owned: Owned,
        hand: &mut Hand,
    ) -> Result<Lead<'a>, bool> {
        let blocking = self.loops[number].is_blocking(hand.clock.now().instant);
        self.keep_permit(&mut lead, !blocking && !self.pool.is_scarce());
        let mut turn = Turn::leading(self, number, &lead, blocking);
        lead.driven = Some(key);
        if blocking {
            // It may be long until somebody adopts the loop.
            self.look_later(&mut lead, key, hand);
            self.loops[number].set_due(lead.reactor.due());
        }
        let lent = lead.lend();
        self.monitor.attend();
        let ended = turn.drive(&mut owned, &mut hand.clock);
        match lent.regain() {
            Some(mut lead) => {
                lead.driven = None;
                if turn.permit && !lead.permit {
                    self.release();
                }
                self.settle((number, key, owned), &mut lead, ended, hand);
                Ok(lead)
            }
            None => Err(self.finish((number, key, owned), Some((ended, turn.permit)), hand)),
        }
    }

    /// Sees to it that the loop has a permit of its own, or has none.
    fn keep_permit(self: &Arc<Self>, lead: &mut Lead<'_>, keep: bool) {
        if keep && !lead.permit {
            lead.permit = self.pool.acquire();
        } else if !keep && std::mem::take(&mut lead.permit) {
            self.release();
        }
    }

    /// Puts a connection back that was driven by the leader.
    fn settle(
        self: &Arc<Self>,
        (number, key, mut owned): (usize, usize, Owned),
        lead: &mut Lead<'_>,
        ended: Ended,
        hand: &mut Hand,
    ) {
        let step = match ended {
            Ended::Step(step) => step,
            Ended::Queue if self.is_full() => {
                owned.machine.turn_away(&hand.clock);
                Step::Again
            }
            Ended::Queue => {
                self.look_later(lead, key, hand);
                self.queue(number, key, owned, hand);
                return lead.reactor.stand_back();
            }
        };
        owned.machine.rest(step, &mut hand.vacant);
        if step == Step::Close || self.pass(lead, key, &owned) {
            return self.remove(lead, key, owned);
        }
        let step = owned.watch(step);
        let deadline = owned.machine.deadline(&self.setup.service.timeouts);
        match lead.reactor.settle(key, step, deadline) {
            Ok(Some(place)) => place.put_back(owned),
            Ok(None) => {}
            Err(_) => self.remove(lead, key, owned),
        }
    }

    /// Whether a connection waits, and is passed on to those who serve after this
    /// process.
    fn pass(&self, lead: &mut Lead<'_>, key: usize, owned: &Owned) -> bool {
        // Nearly never, and so the first thing that is asked.
        let resting = if self.setup.stop.is_leaving() { owned.machine.resting() } else { None };
        resting.is_some_and(|resting| lead.reactor.pass(key, resting))
    }

    /// Takes a connection out that is over.
    fn remove(&self, lead: &mut Lead<'_>, key: usize, owned: Owned) {
        match lead.reactor.remove(key) {
            // The last of both frees it, and closes its socket.
            Ok(place) => drop((place, owned)),
            Err(error) => self.fail(error),
        }
    }

    /// Lets a connection wait for a permit.
    fn queue(self: &Arc<Self>, number: usize, key: usize, owned: Owned, hand: &Hand) {
        let since = hand.clock.now().instant;
        self.place(self.pool.enqueue(Job { number, key, owned, since }));
    }

    /// Whether no more may wait for one; that is said.
    fn is_full(&self) -> bool {
        let full = self.setup.tuning.queue.is_some_and(|most| self.pool.waiting() >= most);
        if full {
            self.setup.shed(&io::Error::other("all threads are busy, and as many wait for one as may"));
        }
        full
    }

    /// Has those turned away who have waited too long for one.
    fn turn_away_late(&self, now: Instant) {
        let Some(most) = self.setup.tuning.queue_timeout else { return };
        while let Some(Job { number, key, owned, .. }) =
            self.pool.withdraw(|job| now.saturating_duration_since(job.since) >= most)
        {
            self.setup.shed(&io::Error::other("all threads are busy for too long"));
            self.loops[number].send(Mail::Late(key, owned));
            self.show_queue();
        }
    }

    /// One loop is told of a client, and it has no room: others are not told.
    fn turn_away(&self) {
        self.crowded.store(true, Relaxed);
        self.loops.iter().for_each(Looped::poke);
    }

    /// Hears what those have to say who drive its connections.
    fn receive(self: &Arc<Self>, number: usize, lead: &mut Lead<'_>, hand: &mut Hand) {
        // This takes the poke back, so that whoever pokes after a look is heard.
        let mail = self.loops[number].mail();
        if self.pool.is_scarce() {
            self.keep_permit(lead, false);
        }
        if self.crowded.load(Relaxed) {
            lead.reactor.look_for_clients();
        }
        for mail in mail {
            match mail {
                Mail::Ready(ready) => {
                    if let Err(error) = lead.reactor.inject(ready, &hand.clock) {
                        self.fail(error);
                    }
                }
                // Its place may have been given up, and be another's by now.
                Mail::Watch(key, owned) | Mail::Over(key, owned) | Mail::Late(key, owned)
                    if !holds(lead, key, &owned) =>
                {
                    drop(owned);
                }
                Mail::Late(key, mut owned) => {
                    owned.machine.turn_away(&hand.clock);
                    self.take_back(lead, key, owned, hand);
                    lead.reactor.again(key);
                }
                Mail::Watch(key, owned) if self.pass(lead, key, &owned) => self.remove(lead, key, owned),
                Mail::Watch(key, owned) if lead.reactor.settle(key, owned.waits(), None).is_ok() => {
                    self.take_back(lead, key, owned, hand);
                }
                Mail::Watch(key, owned) | Mail::Over(key, owned) => self.remove(lead, key, owned),
            }
        }
    }

    /// Takes a connection back from another thread.
    fn take_back(&self, lead: &mut Lead<'_>, key: usize, owned: Owned, hand: &mut Hand) {
        let station = &mut **lead;
        if let Release::Noted(mut owned, notes) = owned.release()
            && let Some((place, _)) = station.reactor.task(key)
        {
            wakes(notes).for_each(|wake| owned.machine.wake(wake, &mut hand.vacant));
            place.put_back(owned);
            station.reactor.again(key);
        }
    }

    /// Drives a connection whose loop is led by somebody else, until it waits
    /// for its client. `ended` is how its turn went before the loop was lost.
    /// Answers whether the thread has a permit left.
    pub(super) fn finish(
        self: &Arc<Self>,
        (number, key, mut owned): (usize, usize, Owned),
        ended: Option<(Ended, bool)>,
        hand: &mut Hand,
    ) -> bool {
        let mut turn = Turn::following(self, number, ended.is_none_or(|(_, permit)| permit));
        hand.clock.refresh();
        let mut ended = ended.map(|(ended, _)| ended);
        loop {
            let step = match ended.take().unwrap_or_else(|| turn.drive(&mut owned, &mut hand.clock)) {
                Ended::Step(Step::Again) if !self.pool.is_scarce() => continue,
                Ended::Queue if self.is_full() => {
                    owned.machine.turn_away(&hand.clock);
                    continue;
                }
                Ended::Step(Step::Again) | Ended::Queue => {
                    self.queue(number, key, owned, hand);
                    return turn.permit;
                }
                Ended::Step(step) => step,
            };
            owned.machine.rest(step, &mut hand.vacant);
            if step == Step::Close {
                // The client need not wait until its loop hears of it.
                let _ = owned.shared().stream.shutdown(Shutdown::Both);
                self.loops[number].send(Mail::Over(key, owned));
                return turn.permit;
            }
            // The loop's to pass on.
            let leaves = self.setup.stop.is_leaving() && owned.machine.resting().is_some();
            let before = owned.watched;
            owned.watch(step);
            if owned.watched != before || leaves {
                self.loops[number].send(Mail::Watch(key, owned));
                return turn.permit;
            }
            match owned.release() {
                Release::Done => return turn.permit,
                Release::Noted(back, notes) => {
                    owned = back;
                    wakes(notes).for_each(|wake| owned.machine.wake(wake, &mut hand.vacant));
                }
            }
        }
    }
}

/// Whether that connection is the one of this key.
fn holds(lead: &mut Lead<'_>, key: usize, owned: &Owned) -> bool {
    lead.reactor.task(key).is_some_and(|(place, _)| place.is_of(owned))
}

/// Takes a connection in.
fn add(lead: &mut Lead<'_>, stream: Stream, origin: Origin, hand: &Hand) {
    let scheme = origin.endpoint.scheme();
    lead.reactor.add(origin.is_relayed, |_, _| {
        let machine = Machine::new(origin, &hand.clock);
        let client = Client { machine, body: BodyWait::default(), watched: None };
        Ok(Place::new(Shared::new(stream, scheme), client))
    });
}

/// Leaves those that still run; answers how many.
fn abandon(lead: &mut Lead<'_>) -> usize {
    let mut places = lead.reactor.drain();
    let runs = |place: &mut Place| place.own(Notes::NONE).is_none_or(|owned| !owned.machine.is_answered());
    places.iter_mut().map(runs).filter(|runs| *runs).count()
}
