//! No job is left waiting while a permit is free, no order is lost, and never
//! more calls run than there are permits.

use super::pool::Placed;
use super::{IMPATIENT, Idle, PATIENT, Worker, plain};
use crate::{explore, explore_within, share};

/// Jobs come from two threads. Up to five threads: two switches, not three, or
/// it takes a minute.
fn all_are_done(calls: usize, idle: Idle) {
    explore_within(2, move || {
        let worker = Worker::new(calls, 3, idle);
        let other = share(&worker, |worker| worker.place(worker.pool.enqueue(1)));
        worker.place(worker.pool.enqueue(2));
        worker.place(worker.pool.summon(0));
        other.join().unwrap();
        worker.join();
    });
}

#[test]
fn all_are_done_one_at_a_time() {
    all_are_done(1, Idle::Sit(PATIENT));
}

#[test]
fn all_are_done_two_at_once() {
    all_are_done(2, Idle::Sit(PATIENT));
}

#[test]
fn all_are_done_by_threads_that_do_not_wait() {
    all_are_done(1, Idle::Sit(IMPATIENT));
}

#[test]
fn all_are_done_two_at_once_by_threads_that_do_not_wait() {
    all_are_done(2, Idle::Sit(IMPATIENT));
}

#[test]
fn all_are_done_by_threads_that_poll_together() {
    all_are_done(1, Idle::Poll);
}

/// A thread that polls looks at nothing else: an order for which there is no room
/// for another thread has to reach one that is about to poll.
#[test]
fn an_order_that_is_kept_is_heard_of_by_threads_that_poll_together() {
    explore(|| {
        let worker = Worker::new(1, 4, Idle::Poll);
        for job in 1..=3 {
            worker.place(worker.pool.enqueue(job));
        }
        worker.place(worker.pool.summon(0));
        worker.join();
    });
}

/// A leader that has got a permit of its own keeps others out, and lets them in.
#[test]
fn a_permit_that_a_leader_gives_back_is_not_lost() {
    explore(|| {
        let worker = Worker::new(1, 2, Idle::Sit(PATIENT));
        let other = share(&worker, |worker| worker.place(worker.pool.enqueue(1)));
        if worker.pool.acquire() {
            worker.call();
            worker.did();
            worker.place(worker.pool.release());
        } else {
            worker.place(worker.pool.enqueue(2));
        }
        other.join().unwrap();
        worker.join();
    });
}

/// The thread that cannot be started leaves its order to others, who may have
/// gone to wait meanwhile.
#[test]
fn an_order_whose_thread_cannot_start_is_not_lost() {
    explore(|| {
        let worker = Worker::new(2, 2, Idle::Sit(PATIENT));
        worker.place(worker.pool.enqueue(1));
        *plain(&worker.refused) = 1;
        worker.place(worker.pool.enqueue(2));
        worker.join();
    });
}

#[test]
fn a_summons_whose_thread_cannot_start_is_not_lost() {
    explore(|| {
        let worker = Worker::new(1, 2, Idle::Sit(PATIENT));
        worker.place(worker.pool.enqueue(1));
        *plain(&worker.refused) = 1;
        worker.place(worker.pool.summon(0));
        worker.join();
    });
}

/// Nobody else is there: it is tried again, by two who do not know of each other.
#[test]
fn an_order_whose_thread_cannot_start_is_tried_again() {
    explore(|| {
        let worker = Worker::new(1, 2, Idle::Sit(PATIENT));
        *plain(&worker.refused) = 2;
        worker.place(worker.pool.summon(0));
        worker.place(worker.pool.enqueue(1));
        let other = share(&worker, |worker| worker.place(worker.pool.retry()));
        worker.place(worker.pool.retry());
        other.join().unwrap();
        worker.join();
    });
}

/// The thread that has just ended its call takes it, or the one that is started.
#[test]
fn an_order_that_is_tried_again_is_given_once() {
    explore(|| {
        let worker = Worker::new(1, 2, Idle::Sit(PATIENT));
        worker.place(worker.pool.enqueue(1));
        *plain(&worker.refused) = 1;
        worker.place(worker.pool.summon(0));
        *plain(&worker.refused) = 0;
        worker.place(worker.pool.retry());
        worker.join();
    });
}

/// Whoever has run a job and leads next leaves its permit to the job that waits.
#[test]
fn a_thread_that_leads_leaves_its_permit_to_others() {
    explore(|| {
        let worker = Worker::new(1, 3, Idle::Sit(PATIENT));
        worker.place(worker.pool.enqueue(1));
        *plain(&worker.refused) = 1;
        worker.place(worker.pool.summon(0));
        *plain(&worker.refused) = 0;
        worker.place(worker.pool.enqueue(2));
        worker.join();
    });
}

/// A loop whose calls are quick keeps a permit while nothing happens on it. It
/// was poked for something else just now.
#[test]
fn an_idle_loop_gives_its_permit_to_a_job_that_waits() {
    explore(|| {
        let worker = Worker::new(1, 1, Idle::Sit(PATIENT));
        assert!(worker.pool.acquire());
        let idle = share(&worker, |worker| worker.listen());
        worker.poke();
        worker.place(worker.pool.enqueue(1));
        idle.join().unwrap();
        worker.join();
    });
}

/// Two jobs come at once, and a permit for one of them. Nobody else has one to
/// give but a loop that is idle, which has to hear of the other.
#[test]
fn an_idle_loop_hears_of_each_job_that_waits() {
    explore(|| {
        let worker = Worker::new(1, 2, Idle::Sit(PATIENT));
        assert!(worker.pool.acquire());
        let jobs = [1, 2].map(|job| {
            share(&worker, move |worker| {
                if let Placed::Kept = worker.pool.enqueue(job) {
                    worker.poke();
                }
            })
        });
        // The call that begins now lasts.
        let _call = worker.pool.release();
        jobs.into_iter().for_each(|job| job.join().unwrap());
        assert!(worker.pool.is_scarce(), "one has no permit");
        worker.poked.wait(1, |_| ());
    });
}

/// The end reaches those who wait, those who are about to, and those who are
/// about to give up.
fn all_hear_of_the_end(idle: Idle) {
    explore(move || {
        let worker = Worker::new(1, 1, idle);
        worker.place(worker.pool.enqueue(1));
        worker.pool.end();
        worker.join();
    });
}

#[test]
fn all_who_wait_hear_of_the_end() {
    all_hear_of_the_end(Idle::Sit(PATIENT));
}

#[test]
fn all_who_poll_together_hear_of_the_end() {
    all_hear_of_the_end(Idle::Poll);
}

#[test]
fn all_who_give_up_hear_of_the_end() {
    all_hear_of_the_end(Idle::Sit(IMPATIENT));
}
