//! Clients that have a language around them; what each does is a script in
//! `tests/peers`.

use std::process::Command;

use gateway_tests::artifacts::workspace;
use gateway_tests::skip;

use crate::engines::{Engine, on_every_engine};

on_every_engine! {
    python_http_client => |engine| check("python3", "http_client.py", engine),
    node_fetch => |engine| check("node", "fetch.mjs", engine),
}

/// Runs `program script URL`; the script checks by itself.
fn check(program: &str, script: &str, engine: Engine) {
    if !skip::has(script, program) {
        return;
    }
    let server = engine.serve("probe:app", &[]);
    let script = workspace().join("tests/peers").join(script);
    let output = Command::new(program).arg(script).arg(server.url("")).output().expect("it is there");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}\nthe server:\n{}", server.log());
    server.stop();
}
