//! Thin safe wrappers where the libraries leave a gap: all unsafe code of the
//! server but that of one request's memory.
//!
//! | file | purpose |
//! |---|---|
//! | `account` `identity` | users and groups by their names; this process as another user's |
//! | `shared` | counters that forked processes share |
//! | `fork` | a second process, only from a process with one thread |
//! | `inherited` | descriptors and variables that the process was started with |
//! | `signals` | what a forked process does with the signals of its parent |
//! | `defer` | clients of whom a listener tells when they have said something |
//! | `outlet` | where lines of a log go, without waiting for anybody |
//! | `watched` | descriptors kept for asking whether they are ready |
//! | `stack` | a coroutine's stack, with a wide guard below it |
//! | `overflow` | says so when a coroutine's stack overflows |
//! | `lease` | a value that is taken from a holder who is busy elsewhere |
//! | `place` | a value that one thread at a time owns, and others leave notes for |
//! | `company` | threads that wait together, until one wants to be alone |
//! | `vigil` | a watcher that sleeps while there is nothing to look after |
//! | `atomic` | what threads agree by: what these two, and others, are made of |

mod account;
pub(crate) mod atomic;
mod company;
mod defer;
mod fork;
mod identity;
mod inherited;
mod lease;
mod outlet;
mod overflow;
mod place;
mod shared;
mod signals;
mod stack;
#[cfg(test)]
mod tests;
mod vigil;
mod watched;

pub(crate) use account::{Account, account, group_id};
pub(crate) use company::Company;
pub(crate) use defer::{defer_accept, take_no_more};
pub(crate) use fork::{Forked, fork, threads};
pub(crate) use identity::{change_identity, is_identity};
pub(crate) use inherited::{forget_variables, inherited};
pub(crate) use lease::{Glance, Held, Lease};
pub(crate) use outlet::Outlet;
pub(crate) use overflow::{guard_range, tell_overflows};
pub(crate) use place::{Claim, Notes, Owned, Place, Release};
pub(crate) use shared::Shared;
pub(crate) use signals::{empty_signal, reset_signal, set_on_signal};
pub(crate) use stack::GuardedStack;
pub(crate) use vigil::Vigil;
pub(crate) use watched::{Watched, select};
