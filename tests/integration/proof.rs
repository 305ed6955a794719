//! Nothing is lost: clients that count, while a server is reloaded, upgraded, and
//! its workers are killed. What is seen is printed. The long form (`make proof`)
//! does more of it, with wrk beside, and measures.

mod balancers;
mod figures;
pub(crate) mod site;

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use gateway_tests::crowd::{Crowd, Size, Tally};
use gateway_tests::skip;

use self::site::{Site, Times};

/// How much is done.
struct Form {
    reloads: usize,
    upgrades: usize,
    /// Each of five kills: a master waits longer after each worker that has not
    /// lived long.
    kills: usize,
    size: Size,
    wrk: bool,
}

const SHORT: Form = Form { reloads: 10, upgrades: 4, kills: 1, size: Size { busy: 4, anew: 1, idle: 20 }, wrk: false };
const LONG: Form =
    Form { reloads: 100, upgrades: 20, kills: 10, size: Size { busy: 8, anew: 2, idle: 200 }, wrk: true };

/// Whether `make proof` runs.
fn is_long() -> bool {
    std::env::var_os("PROOF").is_some_and(|form| form == "long")
}

fn form() -> Form {
    if is_long() { LONG } else { SHORT }
}

/// Engines of all kinds; the long form takes its time with the one that is used
/// unless another is asked for.
macro_rules! on_some_engines {
    ($($case:ident),+) => {
        $(mod $case {
            #[test]
            fn on_leader() {
                super::$case("leader");
            }

            on_some_engines! { $case: on_epoll "epoll", on_thread "thread", on_fork "fork", on_coroutine "coroutine" }
        })+
    };
    ($case:ident: $($test:ident $engine:literal),+) => {
        $(#[test]
        fn $test() {
            if !super::is_long() {
                super::$case($engine);
            }
        })+
    };
}

on_some_engines! { reloads_lose_nothing, upgrades_lose_nothing, kills_lose_only_their_own }

fn reloads_lose_nothing(engine: &str) {
    let form = form();
    let (site, load) = (Site::new(&["--engine", engine, "--workers", "2"]), Load::new(&form));
    let crowd = Crowd::gather(site.address(), form.size);
    let load = load.on(&site);
    let mut times = Times::default();
    for round in 0..form.reloads {
        // Every third begins while the workers of the one before finish.
        times.add(site.reload(round % 3 != 1));
        crowd.go_on();
    }
    let tally = crowd.leave();
    eprintln!("{engine}: {} reloads: {tally}\n{times}", form.reloads);
    nothing_is_lost(&tally, load, &site);
}

fn upgrades_lose_nothing(engine: &str) {
    let form = form();
    let (site, load) = (Site::new(&["--engine", engine, "--workers", "2"]), Load::new(&form));
    let crowd = Crowd::gather(site.address(), form.size);
    let load = load.on(&site);
    let mut times = Times::default();
    for _ in 0..form.upgrades {
        times.add(site.upgrade());
        crowd.go_on();
    }
    let tally = crowd.leave();
    eprintln!("{engine}: {} upgrades: {tally}\n{times}", form.upgrades);
    nothing_is_lost(&tally, load, &site);
}

fn nothing_is_lost(tally: &Tally, load: Load, site: &Site) {
    tally.holds_that_nothing_is_lost(|| site.log());
    let report = load.report();
    assert!(!report.contains("Socket errors") && !report.contains("Non-2xx"), "{report}\n{}", site.log());
}

fn kills_lose_only_their_own(engine: &str) {
    let form = form();
    let mut lost = 0;
    for _ in 0..form.kills {
        let (site, load) = (Site::new(&["--engine", engine, "--workers", "2"]), Load::new(&form));
        let crowd = Crowd::gather(site.address(), form.size);
        let load = load.on(&site);
        for _ in 0..5 {
            let worker = site.workers()[0];
            crowd.kills(worker, || site.kill(worker));
            crowd.go_on();
            site.is_whole(2);
        }
        let tally = crowd.leave();
        eprintln!("{engine}: 5 workers killed: {tally}");
        tally.holds_that_only_the_killed_lose(|| site.log());
        eprintln!("{}", load.report());
        lost += tally.lost.len();
    }
    eprintln!("{engine}: {lost} requests or connections of {} killed workers are lost", form.kills * 5);
}

/// wrk, which loads the server beside the clients that count.
struct Load {
    wrk: bool,
    child: Option<Child>,
}

impl Load {
    fn new(form: &Form) -> Self {
        Self { wrk: form.wrk && skip::has("proof beside wrk", "wrk"), child: None }
    }

    fn on(mut self, site: &Site) -> Self {
        if self.wrk {
            let url = format!("http://{}/", site.address());
            let mut wrk = Command::new("wrk");
            wrk.args(["-t1", "-c32", "-d600s", "--timeout", "60s", &url]).stdout(Stdio::piped());
            self.child = Some(wrk.spawn().expect("wrk is there"));
        }
        self
    }

    /// Ends it; what it has seen. There is nothing where it does not run.
    fn report(mut self) -> String {
        let Some(child) = self.child.take() else { return String::new() };
        site::signal(child.id(), "INT");
        let report = child.wait_with_output().expect("wrk tells what it saw").stdout;
        String::from_utf8_lossy(&report).into_owned()
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Milliseconds, for a table.
fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
