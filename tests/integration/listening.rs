//! Where a server listens: on Unix sockets, on what it is handed, as the system
//! has it; and whom it tells.

mod inherited;
mod notified;
mod system;
mod unix;

use gateway_tests::artifacts;
use gateway_tests::server::run;

/// The app that these tests serve.
fn target() -> String {
    format!("{}:app", artifacts::module("probe").display())
}

/// Holds that a server does not start, and says why.
fn refused(arguments: &[&str], code: i32, texts: &[&str]) {
    let output = run(&[arguments, &[&target()]].concat());
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
    for text in texts {
        assert!(said.contains(text), "{arguments:?}: no {text:?} in: {said}");
    }
}
