//! Which of several processes can take clients, in memory that all of them have.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use crate::sys::Shared;

/// See the module's text.
#[derive(Debug)]
pub struct Crowd(Shared);

/// More than there are processes at once.
const PLACES: usize = 2048;

/// It takes clients, and calls its app for them at once.
const FREE: u64 = 1;
/// It has clients who wait for that.
const BUSY: u64 = 2;
/// It takes no clients any more, whatever it still does.
const LEFT: u64 = 3;

impl Crowd {
    /// Nobody.
    ///
    /// # Errors
    /// The system's, when it is out of memory.
    pub fn new() -> io::Result<Arc<Self>> {
        Ok(Arc::new(Self(Shared::new(PLACES)?)))
    }

    /// The place of the process of this number.
    #[must_use]
    pub fn seat(self: &Arc<Self>, number: u64) -> Seat {
        let seat = Seat { crowd: Arc::clone(self), place: (number % PLACES as u64) as usize };
        // Somebody may have had it who has left.
        seat.word().store(0, Relaxed);
        seat
    }
}

/// What a process says of itself there.
#[derive(Debug)]
pub struct Seat {
    crowd: Arc<Crowd>,
    place: usize,
}

impl Seat {
    fn word(&self) -> &AtomicU64 {
        &self.crowd.0[self.place]
    }

    /// Whether clients wait in this process. One that has left is neither: it ends
    /// its calls still, and nobody may stand back for it.
    pub fn set_busy(&self, busy: bool) {
        let new = if busy { BUSY } else { FREE };
        let _ = self.word().fetch_update(Relaxed, Relaxed, |old| (old != new && old != LEFT).then_some(new));
    }

    /// It takes no clients any more.
    pub fn leave(&self) {
        self.word().store(LEFT, Relaxed);
    }

    /// Whether clients wait in this process while another could serve more.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        self.word().load(Relaxed) == BUSY && self.crowd.0.iter().any(|word| word.load(Relaxed) == FREE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_busy_stands_back_for_who_is_not() {
        let crowd = Crowd::new().unwrap();
        let (one, other) = (crowd.seat(1), crowd.seat(2));
        one.set_busy(true);
        assert!(!one.is_behind(), "there is nobody else");
        other.set_busy(false);
        assert!(one.is_behind() && !other.is_behind());
        other.set_busy(true);
        assert!(!one.is_behind() && !other.is_behind());
        one.set_busy(false);
        assert!(other.is_behind());
        one.leave();
        assert!(!other.is_behind());
        one.set_busy(false);
        assert!(!other.is_behind(), "it ends its calls, and takes nobody");
        crowd.seat(1).set_busy(false);
        assert!(other.is_behind(), "another has its place");
    }
}
