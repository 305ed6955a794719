//! Waits for what comes about in another process, by looking again and again:
//! how long that takes is never part of a test, that it never comes is.

use std::thread::sleep;
use std::time::{Duration, Instant};

/// Between two looks, and until it is given up.
const PAUSE: Duration = Duration::from_millis(5);
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until it is so.
///
/// # Panics
/// When it is not so for a minute; with `what` and what was seen last.
pub fn until<T: std::fmt::Debug>(what: &str, mut look: impl FnMut() -> T, is_so: impl Fn(&T) -> bool) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        let seen = look();
        if is_so(&seen) {
            return seen;
        }
        assert!(Instant::now() < end, "{what}: after a minute still {seen:?}");
        sleep(PAUSE);
    }
}

/// Waits until a value has been the same for a hundred looks.
///
/// # Panics
/// When it changes for a minute.
pub fn settled<T: PartialEq + Copy + std::fmt::Debug>(what: &str, mut look: impl FnMut() -> T) -> T {
    let (mut last, mut same) = (look(), 0);
    let again = || {
        let now = look();
        same = if now == last { same + 1 } else { 0 };
        last = now;
        (now, same)
    };
    until(what, again, |(_, same)| *same == 100).0
}
