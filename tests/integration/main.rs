//! All integration tests of Gateway, in one binary.

mod abi_checks;
mod allocations;
mod cli;
mod config;
mod conformance;
mod deploy;
mod engines;
mod examples;
mod faults;
mod fixtures;
mod header;
mod leader;
mod limits;
mod listening;
mod loader;
mod models;
mod peers;
mod process;
mod properties;
mod protocol;
mod proxies;
mod rules;
mod stress;
mod tidy;
mod wire;
mod workers;
