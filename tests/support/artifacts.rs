//! The files under test: the server, the example modules, C plugins. Built on
//! first use, by the commands a user would type.

use std::collections::HashMap;
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

/// The workspace's folder.
#[must_use]
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests stands in the workspace").to_owned()
}

/// The folder of this profile's artifacts, as `target/debug`.
#[must_use]
pub fn profile_dir() -> PathBuf {
    let mut dir = env::current_exe().expect("a test knows its own path");
    dir.pop();
    if dir.ends_with("deps") {
        dir.pop();
    }
    dir
}

fn is_release() -> bool {
    profile_dir().ends_with("release")
}

/// Runs `build` for `key` once in this process; later callers get its answer.
fn once(key: &str, build: impl FnOnce() -> PathBuf) -> PathBuf {
    static BUILT: Mutex<Option<HashMap<String, PathBuf>>> = Mutex::new(None);
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    built.get_or_insert_default().entry(key.to_owned()).or_insert_with(build).clone()
}

fn cargo_build(package: &str, what: &[&str]) {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(workspace()).args(["build", "--quiet", "--package", package]).args(what);
    cargo.arg("--target-dir").arg(profile_dir().parent().expect("a profile folder has a parent"));
    if is_release() {
        cargo.arg("--release");
    }
    let status = cargo.status().expect("cargo can be run");
    assert!(status.success(), "cargo build --package {package} {what:?} failed");
}

/// The module of a cdylib package: `hello` gives `libhello.so`.
#[must_use]
pub fn module(package: &str) -> PathBuf {
    once(&format!("module {package}"), || {
        cargo_build(package, &[]);
        profile_dir().join(format!("lib{}.so", package.replace('-', "_")))
    })
}

/// The server's binary.
#[must_use]
pub fn server() -> PathBuf {
    once("server", || {
        cargo_build("gateway-server", &[]);
        profile_dir().join("gateway-server")
    })
}

/// An example program of the server's package.
#[must_use]
pub fn example(name: &str) -> PathBuf {
    once(&format!("example {name}"), || {
        cargo_build("gateway-server", &["--example", name]);
        profile_dir().join("examples").join(name)
    })
}

/// A C file compiled to a module, with preprocessor definitions
/// (`["FAULT_MAGIC"]`); the name tells the results apart.
#[must_use]
pub fn c_module(source: &str, name: &str, defines: &[&str]) -> PathBuf {
    once(&format!("c {source} {name}"), || {
        let dir = profile_dir().join("c-modules");
        std::fs::create_dir_all(&dir).expect("the target folder is writable");
        let out = dir.join(format!("lib{name}.so"));
        let mut cc = Command::new("cc");
        cc.args(["-std=c11", "-Wall", "-Wextra", "-pedantic", "-Werror", "-O1", "-g", "-shared", "-fPIC"]);
        cc.args(["-fvisibility=hidden", "-I"]).arg(workspace().join("gateway-spec/include"));
        cc.args(defines.iter().map(|define| format!("-D{define}")));
        // Another test process may be about to load the one that is there.
        let made = dir.join(format!("lib{name}.{}.so", std::process::id()));
        let status = cc.arg(workspace().join(source)).arg("-o").arg(&made).status().expect("cc can be run");
        assert!(status.success(), "cc {source} failed");
        std::fs::rename(&made, &out).expect("both are in one folder");
        out
    })
}
