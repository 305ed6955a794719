//! All integration tests of Gateway, in one binary.

mod abi_checks;
mod allocations;
mod cli;
mod conformance;
mod examples;
mod faults;
mod header;
mod loader;
mod peers;
mod tidy;
mod wire;
