//! The engines side by side: what a request costs on each, what an idle
//! connection costs, and what idle connections cost those that are busy.
//!
//! Each engine has one core of its own and wrk another, where there are two, so
//! that costs are compared and not numbers of threads. The engines take turns,
//! round by round, and the medians count.
//!
//! | file | purpose |
//! |---|---|
//! | `load` | a server under load, and among idle connections |
//! | `page` | the table, into docs/engines.md |
//! | `chart` | the pictures, into docs/images |

mod chart;
mod load;
mod page;

use std::fmt;

use gateway_server::engine::ENGINES;
use gateway_tests::skip;

use load::{Load, Subject};

/// How often each engine is measured.
const ROUNDS: usize = 3;
/// How many connections are idle while eight others are busy.
pub(crate) const IDLE: [usize; 4] = [1, 100, 1000, 5000];
/// At how many of them memory is taken, and the time that is spent on nothing.
const MEMORY_AT: usize = 1000;

/// What was found about an engine, in one round or as the median of several.
/// Nothing stands where its cap does not allow it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Figures {
    /// One busy connection and none that is idle.
    pub(crate) alone: Option<Load>,
    /// Busy connections among idle ones, as many as [`IDLE`] says.
    pub(crate) among: [Option<Load>; IDLE.len()],
    /// Bytes of memory for each idle connection.
    pub(crate) memory: Option<f64>,
    /// The part of a core that is spent while all connections are idle.
    pub(crate) awake: Option<f64>,
}

/// An engine with the flags that choose it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Form {
    /// In tables and pictures.
    pub(crate) name: &'static str,
    /// What `--engine` takes.
    pub(crate) engine: &'static str,
    /// More flags.
    pub(crate) flags: &'static [&'static str],
}

/// All engines of the server's table, and those that have a second form.
fn forms() -> Vec<Form> {
    const EDGE: Form = Form { name: "epoll edge", engine: "epoll", flags: &["--trigger", "edge"] };
    let of = |engine: &'static str| {
        let second = (engine == EDGE.engine).then_some(EDGE);
        std::iter::once(Form { name: engine, engine, flags: &[] }).chain(second)
    };
    ENGINES.iter().flat_map(|engine| of(engine.name)).collect()
}

/// An engine and its figures.
#[derive(Clone, Debug)]
pub(crate) struct Measured {
    pub(crate) form: Form,
    pub(crate) figures: Figures,
}

/// Measures all engines, or those named, and prints what was found. Of all, the
/// page and its pictures are made anew.
pub(crate) fn run(names: &[&str]) {
    let test = "engines side by side";
    let descriptors = 2 * IDLE[IDLE.len() - 1] as u64 + 200;
    if !skip::has(test, "wrk") || !skip::has(test, "taskset") || !skip::has_descriptors(test, descriptors) {
        return;
    }
    let forms: Vec<Form> = forms().into_iter().filter(|form| names.is_empty() || names.contains(&form.name)).collect();
    let mut rounds: Vec<Vec<Figures>> = vec![Vec::new(); forms.len()];
    for round in 1..=ROUNDS {
        for (form, found) in forms.iter().zip(&mut rounds) {
            eprintln!("round {round} of {ROUNDS}: {}", form.name);
            found.push(measure(*form));
        }
    }
    let median = |(form, found): (Form, Vec<Figures>)| Measured { form, figures: Figures::median(&found) };
    let measured: Vec<Measured> = forms.into_iter().zip(rounds).map(median).collect();
    let circumstances = Circumstances::of(&measured);
    println!("{}", page::table(&measured, &circumstances));
    if names.is_empty() {
        page::write(&measured, &circumstances);
        chart::draw(&measured, &circumstances);
    }
}

/// One round of one engine: a server among ever more idle connections.
fn measure(form: Form) -> Figures {
    let mut subject = Subject::start(form);
    let mut figures = Figures { alone: subject.load(1), ..Figures::default() };
    let before = subject.memory();
    for (idle, among) in IDLE.into_iter().zip(&mut figures.among) {
        if !subject.grow(idle) {
            break;
        }
        if idle == MEMORY_AT {
            figures.memory = Some(subject.memory().saturating_sub(before) as f64 / idle as f64);
            figures.awake = Some(subject.awake());
        }
        *among = subject.load(load::BUSY);
    }
    figures
}

impl Figures {
    /// Each figure's own median.
    fn median(rounds: &[Self]) -> Self {
        let of = |pick: &dyn Fn(&Self) -> Option<f64>| median(rounds.iter().filter_map(pick).collect());
        let load = |pick: &dyn Fn(&Self) -> Option<Load>| {
            Some(Load {
                rate: of(&|round| Some(pick(round)?.rate))?,
                p99: of(&|round| Some(pick(round)?.p99))?,
                cpu: of(&|round| Some(pick(round)?.cpu))?,
                others: of(&|round| Some(pick(round)?.others))?,
            })
        };
        Self {
            alone: load(&|round| round.alone),
            among: std::array::from_fn(|at| load(&move |round| round.among[at])),
            memory: of(&|round| round.memory),
            awake: of(&|round| round.awake),
        }
    }
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

/// Where and when it was measured: what stands under every picture.
pub(crate) struct Circumstances {
    /// The part of a core that others took, half of the time at least.
    others: f64,
}

impl Circumstances {
    fn of(measured: &[Measured]) -> Self {
        let loads = measured.iter().flat_map(|one| one.figures.among.iter().flatten());
        Self { others: median(loads.map(|load| load.others).collect()).unwrap_or_default() }
    }
}

impl fmt::Display for Circumstances {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        // What follows the numbers is whose build it is.
        let kernel = kernel.split('-').next().unwrap_or_default().trim();
        let today = httpdate::HttpDate::from(std::time::SystemTime::now()).to_string();
        let today = today.get("Sun, ".len().."Sun, 06 Nov 1994".len()).unwrap_or_default();
        write!(f, "{cores} cores, Linux {kernel}, {today}; wrk with {} connections on the same machine, ", load::BUSY)?;
        write!(f, "server and load on a core each; medians of {ROUNDS} rounds")?;
        if self.others >= load::DISTURBED {
            write!(f, "; others took {:.0} % of a core", self.others * 100.0)?;
        }
        Ok(())
    }
}
