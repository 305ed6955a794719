//! Every rule of lint, once kept and once broken.
//!
//! Each section has a file; each rule two tests that bear its id. A test runs
//! a whole exchange through `Lint` and a scripted server, so it proves as well
//! that the middleware asks the rule. Where the interface leaves no way to a
//! broken state, the check is given the facts themselves (`by_value`).

mod lint {
    pub(crate) mod harness;

    mod body;
    mod close;
    mod env;
    mod hdr;
    mod input;
    mod middleware;
    mod module;
    mod resp;
    mod spec;
    mod start;
    mod table;
    mod write;
}
