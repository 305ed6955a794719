//! All integration tests of Gateway, in one binary.

mod abi_checks;
mod cli;
mod conformance;
mod faults;
mod header;
mod loader;
mod wire;
