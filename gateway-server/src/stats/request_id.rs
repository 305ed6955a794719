//! What tells a request from all others of its process, for lines of the log; and
//! which one the thread is about.

use std::cell::Cell;
use std::fmt;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use rustix::process::getpid;

/// See the module's text. As text it has the process's id too, so that it is unique
/// among all of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestId(u64);

/// Bits of the number among those that one exchange has served.
const COUNT: u32 = 40;

impl RequestId {
    /// That of one exchange's requests before the first.
    #[must_use]
    pub fn of_exchange() -> Self {
        static EXCHANGES: AtomicU64 = AtomicU64::new(1);
        Self(EXCHANGES.fetch_add(1, Relaxed) << COUNT)
    }

    /// That of the request after it.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// That of the request which this thread serves now.
    #[must_use]
    pub fn current() -> Option<Self> {
        Some(CURRENT.get()).filter(|id| id.0 > 0)
    }

    /// This thread serves another one, or none; answers which it was.
    #[inline]
    pub fn enter(id: Option<Self>) -> Option<Self> {
        let before = CURRENT.replace(id.unwrap_or(Self(0)));
        Some(before).filter(|id| id.0 > 0)
    }
}

thread_local! {
    static CURRENT: Cell<RequestId> = const { Cell::new(RequestId(0)) };
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (exchange, count) = (self.0 >> COUNT, self.0 & ((1 << COUNT) - 1));
        write!(f, "{}-{exchange}-{count}", getpid().as_raw_nonzero())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_request_has_one_of_its_own() {
        let (one, other) = (RequestId::of_exchange().next(), RequestId::of_exchange().next());
        assert_ne!(one, other);
        assert_ne!(one.to_string(), one.next().to_string());
        assert!(one.to_string().starts_with(&format!("{}-", std::process::id())), "{one}");
        assert!(one.to_string().ends_with("-1"), "{one}");
        assert_eq!(RequestId::current(), None);
        assert_eq!(RequestId::enter(Some(one)), None);
        assert_eq!(RequestId::enter(Some(other)), Some(one));
        assert_eq!(RequestId::current(), Some(other));
        assert_eq!(RequestId::enter(None), Some(other));
    }
}
