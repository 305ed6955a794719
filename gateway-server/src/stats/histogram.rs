//! How long things took: counts by duration, a quarter of a power of two wide.

/// Each power of two has so many buckets, of which each is at most a quarter wider
/// than the one before.
const PARTS: u64 = 4;
/// The first bucket is what takes less than 1.024 us.
const FIRST: u32 = 10;
/// The last is what takes 68.7 s and more.
const LAST: u32 = 36;

/// How many buckets there are.
pub const BUCKETS: usize = ((LAST - FIRST) as u64 * PARTS) as usize + 2;

/// The bucket of a duration.
#[must_use]
#[inline]
pub(super) fn bucket(nanoseconds: u64) -> usize {
    let power = (nanoseconds | 1).ilog2();
    if power < FIRST {
        return 0;
    }
    let part = nanoseconds >> (power - 2) & (PARTS - 1);
    let number = u64::from(power - FIRST) * PARTS + part + 1;
    (number as usize).min(BUCKETS - 1)
}

/// What all durations of a bucket are below, in nanoseconds; nothing is, of the last.
#[must_use]
pub fn bound(bucket: usize) -> Option<u64> {
    let place = bucket as u64;
    (bucket < BUCKETS - 1).then(|| (PARTS + place % PARTS) << (u64::from(FIRST - 2) + place / PARTS))
}

/// Counts by duration, as they were at one time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Histogram {
    /// How many there were in each bucket.
    pub counts: [u64; BUCKETS],
    /// How long all took together, in nanoseconds.
    pub sum: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: [0; BUCKETS], sum: 0 }
    }
}

impl Histogram {
    /// How many there were.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// What has been added since an earlier time.
    #[must_use]
    pub fn since(&self, before: &Self) -> Self {
        let counts = std::array::from_fn(|place| self.counts[place].saturating_sub(before.counts[place]));
        Self { counts, sum: self.sum.saturating_sub(before.sum) }
    }

    /// What a share of them, from 0 to 1, took at most, in nanoseconds: to the end of its
    /// bucket. Of no durations, nothing.
    #[must_use]
    pub fn percentile(&self, share: f64) -> Option<u64> {
        let wanted = (self.count() as f64 * share).ceil().max(1.0) as u64;
        let mut seen = 0;
        let place = self.counts.iter().position(|count| {
            seen += count;
            seen >= wanted
        })?;
        // Of the last, that it began.
        bound(place).or_else(|| bound(place - 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_duration_has_its_bucket() {
        let of = bucket;
        assert_eq!((of(0), of(1), of(1023), of(1024)), (0, 0, 0, 1));
        assert_eq!((of(1 << LAST), bucket(u64::MAX)), (BUCKETS - 1, BUCKETS - 1));
        for place in 0..BUCKETS - 1 {
            let end = bound(place).unwrap();
            assert_eq!((of(end - 1), of(end)), (place, place + 1), "{place} ends at {end}");
        }
        assert_eq!(bound(BUCKETS - 1), None);
    }

    #[test]
    fn a_percentile_is_the_end_of_its_bucket() {
        let mut histogram = Histogram::default();
        assert_eq!(histogram.percentile(0.5), None);
        for milliseconds in 1..=100 {
            histogram.counts[bucket(milliseconds * 1_000_000)] += 1;
        }
        for (share, exact) in [(0.5, 50_000_000.0), (0.99, 99_000_000.0), (1.0, 100_000_000.0)] {
            let told = histogram.percentile(share).unwrap() as f64;
            assert!(told >= exact && told <= exact * 1.25, "{share}: {told}");
        }
        let later = Histogram { sum: 5, ..histogram.clone() };
        assert_eq!(later.since(&histogram), Histogram { sum: 5, ..Histogram::default() });
    }
}
