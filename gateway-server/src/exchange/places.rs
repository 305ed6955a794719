//! A counted limit: so many may be inside at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Places, of which each is taken by one at a time.
#[derive(Debug)]
pub struct Places {
    // A count and nothing else is shared, so nothing has to be ordered by it.
    free: AtomicUsize,
}

/// A place that is taken; free again when dropped.
#[derive(Debug)]
pub struct Place(Arc<Places>);

impl Places {
    /// So many free places.
    #[must_use]
    pub fn new(count: usize) -> Arc<Self> {
        Arc::new(Self { free: AtomicUsize::new(count) })
    }

    /// Takes a place, if one is free.
    #[must_use]
    pub fn try_enter(self: &Arc<Self>) -> Option<Place> {
        let taken = self.free.fetch_update(Relaxed, Relaxed, |free| free.checked_sub(1));
        taken.is_ok().then(|| Place(Arc::clone(self)))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.free.fetch_add(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_free_again_when_it_is_left() {
        let places = Places::new(2);
        let (first, second) = (places.try_enter(), places.try_enter());
        assert!(first.is_some() && second.is_some() && places.try_enter().is_none());
        drop(first);
        assert!(places.try_enter().is_some());
        assert!(Places::new(0).try_enter().is_none());
    }
}
