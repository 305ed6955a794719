//! This server as an app sees it.

use std::sync::Arc;

use gateway_spec::abi::host::Host;
use gateway_spec::abi::types::{GW_HOST_MULTIPROCESS, GW_HOST_MULTITHREAD, GW_HOST_RUN_ONCE};
use gateway_spec::{Level, escape};

use super::NAME;
use crate::engine::Engine;
use crate::stats::heard;

/// Whether each process answers one request: `gateway.run_once`.
#[must_use]
pub fn is_run_once(engine: Engine, keep_alive_requests: u64) -> bool {
    engine.multiprocess && keep_alive_requests == 1
}

/// How an app is run, as far as it is told.
#[derive(Clone, Copy, Debug, Default)]
pub struct Manner {
    /// The concurrency model.
    pub engine: Engine,
    /// See [`is_run_once`].
    pub run_once: bool,
    /// Whether other processes run it as well.
    pub multiprocess: bool,
}

/// This server as an app sees it that is run so. Its log lines go to `tracing`.
#[must_use]
pub fn host(manner: &Manner) -> Arc<Host> {
    Host::new(NAME, env!("CARGO_PKG_VERSION"), flags(manner), log)
}

/// The same for a server that lints: a line that breaks a rule is told of.
#[must_use]
pub fn linting_host(manner: &Manner) -> Arc<Host> {
    Host::new(NAME, env!("CARGO_PKG_VERSION"), flags(manner), |level, target, message| {
        log(level, target, message);
        for violation in gateway_spec::lint::check_line(target, message) {
            log(Level::Warn, "lint", &violation.to_string());
        }
    })
}

fn flags(manner: &Manner) -> u32 {
    let all = [
        (manner.engine.multithread, GW_HOST_MULTITHREAD),
        (manner.engine.multiprocess || manner.multiprocess, GW_HOST_MULTIPROCESS),
        (manner.run_once, GW_HOST_RUN_ONCE),
    ];
    all.iter().filter(|(set, _)| *set).fold(0, |flags, (_, flag)| flags | flag)
}

/// Writes a line of the app's to the log, which escapes it.
fn log(level: Level, part: &str, message: &str) {
    // A web server's log is for those who run it.
    if level <= Level::Info {
        heard(|| format!("{}: {}", escape(part), escape(message)));
    }
    match level {
        Level::Error => tracing::error!(target: "app", part, "{message}"),
        Level::Warn => tracing::warn!(target: "app", part, "{message}"),
        Level::Info => tracing::info!(target: "app", part, "{message}"),
        Level::Debug => tracing::debug!(target: "app", part, "{message}"),
        Level::Trace => tracing::trace!(target: "app", part, "{message}"),
    }
}
