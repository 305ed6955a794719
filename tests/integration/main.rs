//! All integration tests of Gateway, in one binary.

mod loader;
