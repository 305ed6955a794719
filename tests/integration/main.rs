//! All integration tests of Gateway, in one binary.

mod abi_checks;
mod conformance;
mod header;
mod loader;
