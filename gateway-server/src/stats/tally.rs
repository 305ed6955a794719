//! Answers, counted: by whoever gives them, into memory that nobody else counts
//! into, so that counting costs a load and a store.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use super::histogram::{BUCKETS, Histogram, bucket};

/// One answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Its status.
    pub status: u16,
    /// Bytes of its content.
    pub bytes: u64,
    /// From the time at which its request was complete; for one that the app was called
    /// for.
    pub took: Option<Took>,
}

/// How long an answer took, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Took {
    /// Until the app was called.
    pub queued: u64,
    /// Until all of the answer was on its way.
    pub total: u64,
}

impl Took {
    /// From one moment to a later one, in nanoseconds; 584 years at most.
    #[inline]
    #[must_use]
    pub fn between(begun: Instant, end: Instant) -> u64 {
        // Nearly none waits: the two are the same then, which costs less to see than to
        // subtract.
        if begun == end {
            return 0;
        }
        let span = end.saturating_duration_since(begun);
        span.as_secs().saturating_mul(1_000_000_000).saturating_add(span.subsec_nanos().into())
    }
}

/// The classes of status: 1xx to 5xx, and what is none of them.
pub const CLASSES: usize = 6;

// A tally's words.
const STATUS: usize = 0;
const BYTES: usize = STATUS + CLASSES;
const TOTAL: usize = BYTES + 1;
const TOTAL_SUM: usize = TOTAL + BUCKETS;
const QUEUED: usize = TOTAL_SUM + 1;
const QUEUED_SUM: usize = QUEUED + BUCKETS;
/// How many there are: whole cache lines.
pub(super) const WORDS: usize = (QUEUED_SUM + 1).next_multiple_of(8);

/// Counts one answer. `add` adds to a word.
#[inline(always)]
fn count(words: &[AtomicU64; WORDS], sample: &Sample, add: impl Fn(&AtomicU64, u64)) {
    let class = usize::from(sample.status / 100).min(CLASSES);
    add(&words[STATUS + class.checked_sub(1).unwrap_or(CLASSES - 1)], 1);
    add(&words[BYTES], sample.bytes);
    if let Some(took) = sample.took {
        add(&words[TOTAL + bucket(took.total)], 1);
        add(&words[TOTAL_SUM], took.total);
        // The first bucket's count is the difference: nearly all are there.
        let queued = if took.queued == 0 { 0 } else { bucket(took.queued) };
        if queued > 0 {
            add(&words[QUEUED + queued], 1);
            add(&words[QUEUED_SUM], took.queued);
        }
    }
}

/// Counts one answer into words that nobody else counts into meanwhile.
#[inline]
pub(super) fn count_alone(words: &[AtomicU64; WORDS], sample: &Sample) {
    count(words, sample, |word, more| word.store(word.load(Relaxed) + more, Relaxed));
}

/// Counts one answer into words that others count into too.
#[cold]
pub(super) fn count_among_others(words: &[AtomicU64; WORDS], sample: &Sample) {
    count(words, sample, |word, more| {
        word.fetch_add(more, Relaxed);
    });
}

/// All that was counted, as it was at one time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Answers by class: 1xx, 2xx, 3xx, 4xx, 5xx, and others.
    pub statuses: [u64; CLASSES],
    /// Bytes of content.
    pub bytes: u64,
    /// How long answers of the app took, from the time at which the request was
    /// complete.
    pub latency: Histogram,
    /// How long of that they waited for the app to be called.
    pub queued: Histogram,
}

impl Totals {
    /// How many answers there were.
    #[must_use]
    pub fn answers(&self) -> u64 {
        self.statuses.iter().sum()
    }

    /// Adds what a tally has counted.
    pub(super) fn add(&mut self, words: &[AtomicU64; WORDS]) {
        let of = |place: usize| words[place].load(Relaxed);
        let add = |counts: &mut [u64], first: usize| {
            counts.iter_mut().enumerate().for_each(|(place, count)| *count += of(first + place));
        };
        add(&mut self.statuses, STATUS);
        add(&mut self.latency.counts, TOTAL);
        add(&mut self.queued.counts[1..], QUEUED + 1);
        self.bytes += of(BYTES);
        self.latency.sum += of(TOTAL_SUM);
        self.queued.sum += of(QUEUED_SUM);
        // Read one after the other: one that is counted just now may be in one only.
        let rest = self.queued.counts[1..].iter().sum();
        self.queued.counts[0] = self.latency.count().saturating_sub(rest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_counted_where_it_belongs() {
        let words: [AtomicU64; WORDS] = std::array::from_fn(|_| AtomicU64::new(0));
        let took = |queued: u64, total: u64| Some(Took { queued: queued * 1000, total: total * 1000 });
        count_alone(&words, &Sample { status: 200, bytes: 10, took: took(0, 3) });
        count_among_others(&words, &Sample { status: 299, bytes: 1, took: took(9, 12) });
        for status in [100, 302, 404, 599, 600, 999, 0] {
            count_alone(&words, &Sample { status, bytes: 0, took: None });
        }
        let mut totals = Totals::default();
        totals.add(&words);
        totals.add(&words);
        assert_eq!(totals.statuses, [2, 4, 2, 2, 2, 6]);
        assert_eq!((totals.answers(), totals.bytes), (18, 22));
        assert_eq!((totals.latency.count(), totals.latency.sum), (4, 30_000));
        assert_eq!((totals.queued.count(), totals.queued.counts[0], totals.queued.sum), (4, 2, 18_000));
    }
}
