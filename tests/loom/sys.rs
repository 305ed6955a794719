//! The server's files, on this crate's atomics.
#![allow(dead_code, reason = "not each part of them has a rule of its own")]

pub(crate) mod atomic;
#[path = "../../gateway-server/src/sys/company.rs"]
pub(crate) mod company;
#[path = "../../gateway-server/src/sys/lease.rs"]
pub(crate) mod lease;
#[path = "../../gateway-server/src/sys/place.rs"]
pub(crate) mod place;
#[path = "../../gateway-server/src/sys/vigil.rs"]
pub(crate) mod vigil;
