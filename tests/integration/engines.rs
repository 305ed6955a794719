//! Every engine, for the tests that run on each.

use gateway_server::engine::{self, ENGINES};
use gateway_server::exchange::Bodies;
use gateway_tests::server::Server;

/// An engine with its flags.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Engine {
    /// What `--engine` takes.
    pub(crate) name: &'static str,
    /// The flags that choose it.
    pub(crate) flags: &'static [&'static str],
}

impl Engine {
    /// Serves an app of an example package on it: `probe:app`.
    pub(crate) fn serve(&self, package_and_app: &str, more: &[&str]) -> Server {
        Server::start(package_and_app, &[self.flags, more].concat())
    }

    /// Whether bodies are complete before the app is called.
    pub(crate) fn collects(&self) -> bool {
        engine::Engine::named(self.name).is_some_and(|engine| engine.bodies != Bodies::Live)
    }
}

/// Makes a test of each case for each engine: `case_name => function` gives
/// `case_name::on_single`, `case_name::on_thread` and so on. The function takes
/// an [`Engine`].
macro_rules! on_every_engine {
    ($($case:ident => $run:expr),+ $(,)?) => {
        $(mod $case {
            use super::*;
            $crate::engines::each_engine!($run);
        })+
    };
}

/// The list: the name of the test, then the engine's name, then more flags.
macro_rules! each_engine {
    ($run:expr) => {
        $crate::engines::engine_tests! {
            $run,
            on_leader: "leader" [],
            on_leader_handing_over: "leader" ["--hand-over", "always", "--loops", "1"],
            on_single: "single" [],
            on_fork: "fork" [],
            on_thread: "thread" [],
            on_nonblocking: "nonblocking" [],
            on_select: "select" [],
            on_poll: "poll" [],
            on_epoll: "epoll" [],
            on_epoll_edge: "epoll" ["--trigger", "edge"],
            on_coroutine: "coroutine" [],
        }
    };
}

macro_rules! engine_tests {
    ($run:expr, $($test:ident: $name:literal [$($flag:literal),*],)+) => {
        $(#[test]
        fn $test() {
            let flags = &["--engine", $name $(, $flag)*];
            $run($crate::engines::Engine { name: $name, flags });
        })+

        /// The engines of the list.
        #[allow(dead_code, reason = "one case asks for it")]
        pub(super) const NAMES: &[&str] = &[$($name),+];
    };
}

pub(crate) use {each_engine, engine_tests, on_every_engine};

on_every_engine! { names => |engine: Engine| assert!(engine.flags.contains(&engine.name)) }

#[test]
fn every_engine_is_in_the_list() {
    for engine in ENGINES {
        assert!(names::NAMES.contains(&engine.name), "the tests do not run on {}: see each_engine!", engine.name);
    }
}
