//! Who is measured, and the command line of each. A peer is configured as its
//! own documentation recommends for one core; tests/bench/peers/README.md says
//! where that is said.

use std::process::Command;

use gateway_server::engine::ENGINES;
use gateway_tests::artifacts;

use super::place::{self, Place, word};
use super::workload::Job;

/// Connections that every peer is told to take.
const CONNECTIONS: &str = "8192";
/// Threads where an app sleeps: one for each client.
const SLEEPERS: &str = "200";

/// A server that is measured.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    kind: Kind,
    /// What it can do.
    jobs: &'static [Job],
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    /// Gateway with an engine and its flags; more of them for apps that sleep.
    Gateway {
        engine: &'static str,
        flags: &'static [&'static str],
        sleeping: &'static [&'static str],
        counting: &'static [&'static str],
    },
    /// The raw loop.
    Raw,
    /// A program of tests/bench/peers.
    Built,
    Nginx,
    Uwsgi,
    Gunicorn,
    Granian,
}

const ALL: &[Job] =
    &[Job::Plaintext, Job::Pipelined, Job::Json, Job::Echo, Job::File, Job::Cached, Job::Close, Job::Sleep];
/// All but the app that blocks: on a loop with one thread it would stall everybody.
const UNBLOCKED: &[Job] = &[Job::Plaintext, Job::Pipelined, Job::Json, Job::Echo, Job::File, Job::Cached, Job::Close];
const NO_FILES: &[Job] = &[Job::Plaintext, Job::Pipelined, Job::Json, Job::Echo, Job::Close, Job::Sleep];
const NO_CACHE: &[Job] = &[Job::Plaintext, Job::Pipelined, Job::Json, Job::Echo, Job::File, Job::Close, Job::Sleep];

/// Gateway's rows: those whose engine is there. The first is the one that is
/// held in CI.
const GATEWAY: &[Peer] = &[
    Peer {
        name: "gateway leader",
        kind: Kind::Gateway {
            engine: "leader",
            flags: &[],
            sleeping: &["--threads", SLEEPERS],
            counting: &["--hand-over", "never"],
        },
        jobs: ALL,
    },
    Peer {
        name: "gateway epoll",
        kind: Kind::Gateway { engine: "epoll", flags: &["--trigger", "edge"], sleeping: &[], counting: &[] },
        jobs: UNBLOCKED,
    },
    Peer {
        name: "gateway thread",
        kind: Kind::Gateway { engine: "thread", flags: &[], sleeping: &[], counting: &[] },
        jobs: ALL,
    },
];

const OTHERS: &[Peer] = &[
    Peer { name: "raw epoll", kind: Kind::Raw, jobs: UNBLOCKED },
    Peer {
        name: "may-minihttp",
        kind: Kind::Built,
        jobs: &[Job::Plaintext, Job::Pipelined, Job::Json, Job::Echo, Job::Sleep],
    },
    Peer { name: "hyper", kind: Kind::Built, jobs: NO_FILES },
    Peer { name: "axum", kind: Kind::Built, jobs: NO_CACHE },
    Peer { name: "actix-web", kind: Kind::Built, jobs: NO_CACHE },
    Peer { name: "ntex", kind: Kind::Built, jobs: &[Job::Plaintext, Job::Pipelined, Job::Json] },
    Peer { name: "ntex-web", kind: Kind::Built, jobs: NO_FILES },
    Peer {
        name: "nginx",
        kind: Kind::Nginx,
        jobs: &[Job::Plaintext, Job::Pipelined, Job::Json, Job::File, Job::Cached, Job::Close],
    },
    Peer { name: "uwsgi", kind: Kind::Uwsgi, jobs: &[Job::Plaintext, Job::Json, Job::Echo, Job::File, Job::Sleep] },
    Peer { name: "gunicorn", kind: Kind::Gunicorn, jobs: NO_CACHE },
    Peer { name: "granian", kind: Kind::Granian, jobs: NO_FILES },
];

/// All peers, the raw loop first: it is what the others are compared with.
pub(crate) fn all() -> Vec<Peer> {
    let (raw, others) = OTHERS.split_first().expect("the raw loop is there");
    std::iter::once(raw.clone()).chain(ours()).chain(others.iter().cloned()).collect()
}

/// Gateway's own rows.
pub(crate) fn ours() -> Vec<Peer> {
    let is_there = |peer: &&Peer| match peer.kind {
        Kind::Gateway { engine, .. } => ENGINES.iter().any(|known| known.name == engine),
        _ => false,
    };
    GATEWAY.iter().filter(is_there).cloned().collect()
}

impl Peer {
    /// The peer that is the limit of the others.
    pub(crate) const LIMIT: &'static str = OTHERS[0].name;

    /// Whether `ONLY=` means this one: by its name, by the first word of it, or
    /// by all of them with hyphens.
    pub(crate) fn is(&self, name: &str) -> bool {
        self.name == name || self.name.split([' ', '-']).next() == Some(name) || self.name.replace(' ', "-") == name
    }

    /// Whether it can do this.
    pub(crate) fn does(&self, job: Job) -> bool {
        self.jobs.contains(&job)
    }

    /// Whether its instructions can be counted: all but what an interpreter runs.
    pub(crate) fn is_native(&self) -> bool {
        !matches!(self.kind, Kind::Uwsgi | Kind::Gunicorn | Kind::Granian)
    }

    /// Whether it is this project's.
    pub(crate) fn is_ours(&self) -> bool {
        matches!(self.kind, Kind::Gateway { .. })
    }

    /// What is said to it besides where its instructions are counted: callgrind
    /// makes it fifty times as slow, so that each call would look like one that
    /// blocks.
    pub(crate) const fn counting(&self) -> &'static [&'static str] {
        match self.kind {
            Kind::Gateway { counting, .. } => counting,
            _ => &[],
        }
    }

    /// Why it cannot be measured here.
    pub(crate) fn missing(&self) -> Option<String> {
        let program = self.command(Job::Plaintext, &Place::free(), true).remove(0);
        let found = Command::new("sh").args(["-c", &format!("command -v '{program}'")]).output();
        if found.is_ok_and(|output| output.status.success()) {
            return None;
        }
        let why = std::fs::read_to_string(place::folder().join(format!("skipped-{}", self.name))).unwrap_or_default();
        let why = why.trim();
        Some(if why.is_empty() { format!("there is no {program}") } else { why.to_owned() })
    }

    /// Its version, as the files say that it is built from; nginx says its own.
    pub(crate) fn version(&self) -> String {
        let read = |file: &str| std::fs::read_to_string(place::sources().join(file)).unwrap_or_default();
        match self.kind {
            Kind::Gateway { .. } => env!("CARGO_PKG_VERSION").to_owned(),
            Kind::Raw => String::new(),
            Kind::Built => locked(&read("Cargo.lock"), self.crate_name()),
            Kind::Nginx => {
                let output = Command::new("nginx").arg("-v").output();
                let said = output.map(|output| String::from_utf8_lossy(&output.stderr).into_owned());
                said.unwrap_or_default().trim().rsplit('/').next().unwrap_or_default().to_owned()
            }
            Kind::Uwsgi | Kind::Gunicorn | Kind::Granian => {
                let text = read("python/requirements.txt");
                let pairs = text.lines().filter_map(|line| line.split_once("=="));
                let mut named = pairs.filter(|(name, _)| name.eq_ignore_ascii_case(self.name));
                named.next().map(|(_, version)| version.to_owned()).unwrap_or_default()
            }
        }
    }

    fn crate_name(&self) -> &'static str {
        match self.name {
            "may-minihttp" => "may_minihttp",
            "ntex-web" => "ntex",
            name => name,
        }
    }

    /// Its command line for a job at a place; `whole` as it is operated, else
    /// in one process, for a tool that watches one.
    pub(crate) fn command(&self, job: Job, at: &Place, whole: bool) -> Vec<String> {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let (address, file) = (at.address.to_string(), word(&place::file()));
        match self.kind {
            Kind::Gateway { engine, flags, sleeping, .. } => {
                let program = word(&artifacts::profile_dir().join("gateway-server"));
                let app = format!("{}:app", artifacts::profile_dir().join("libbench.so").display());
                let more = if job == Job::Sleep { sleeping } else { &[] };
                let alone: &[&str] = if whole { &[] } else { &["--no-master"] };
                let own = [&[&program, "--engine", engine, "--connections", CONNECTIONS], alone, flags, more].concat();
                words(&[&own[..], &["--bind", &address, "--set", &format!("file={file}"), &app]].concat())
            }
            Kind::Raw => words(&[&word(&place::built("raw")), &address, &file, mode(job)]),
            Kind::Built => words(&[&word(&place::built(self.name)), &address, &file]),
            Kind::Nginx => words(&["nginx", "-c", &nginx(at, whole)]),
            Kind::Uwsgi => [words(&[&word(&place::python("uwsgi"))]), uwsgi(job, &address)].concat(),
            Kind::Gunicorn => {
                let program = word(&place::python("gunicorn"));
                let threads = if job == Job::Sleep { SLEEPERS } else { "4" };
                let workers = ["--worker-class", "gthread", "--workers", "1", "--threads", threads];
                let limits = ["--worker-connections", CONNECTIONS, "--keep-alive", "75", "--bind", &address];
                words(&[&[&program[..]][..], &workers, &limits, &["app:app"]].concat())
            }
            Kind::Granian => {
                let program = word(&place::python("granian"));
                let threads = if job == Job::Sleep { SLEEPERS } else { "1" };
                let workers = ["--interface", "wsgi", "--workers", "1", "--blocking-threads", threads];
                let port = at.address.port().to_string();
                words(&[&[&program[..]][..], &workers, &["--host", "127.0.0.1", "--port", &port, "app:app"]].concat())
            }
        }
    }
}

/// The version of a crate in a lock file.
fn locked(text: &str, name: &str) -> String {
    let entry = text.split("[[package]]").find(|entry| entry.contains(&format!("\nname = \"{name}\"\n")));
    let version = entry.and_then(|entry| entry.split("version = \"").nth(1)?.split('"').next());
    version.unwrap_or_default().to_owned()
}

fn mode(job: Job) -> &'static str {
    match job {
        Job::Plaintext | Job::Pipelined | Job::Sleep => "plaintext",
        Job::Json => "json",
        Job::Echo => "echo",
        Job::File => "file",
        Job::Cached => "cached",
        Job::Close => "close",
    }
}

/// nginx's configuration for a place, written there.
fn nginx(at: &Place, whole: bool) -> String {
    let template = std::fs::read_to_string(place::sources().join("nginx.conf")).expect("nginx.conf is there");
    let port = at.address.port().to_string();
    let text = template
        .replace("@MASTER@", if whole { "on" } else { "off" })
        .replace("@PORT@", &port)
        .replace("@FOLDER@", &word(&place::folder()))
        .replace("@FILE@", &word(&place::file()));
    let path = place::folder().join(format!("nginx-{port}.conf"));
    std::fs::write(&path, text).expect("target is writable");
    word(&path)
}

/// uWSGI by its HTTP router, as its quick start has it; where each client has a
/// thread anyway, and for bodies, which the router sends after Nagle's delay, by
/// its own HTTP socket. Neither knows pipelining or says `Connection: close`.
fn uwsgi(job: Job, address: &str) -> Vec<String> {
    let direct = matches!(job, Job::Echo | Job::Sleep);
    let (socket, threads) = if direct { ("--http11-socket", SLEEPERS) } else { ("--http", "4") };
    let keep = if direct { "--so-keepalive" } else { "--http-keepalive" };
    let app = word(&place::sources().join("python/app.py"));
    let rest = ["--threads", threads, "--wsgi-file", &app, "--disable-logging", "--need-app", "--die-on-term"];
    [&[socket, address, keep, "--listen", "1024", "--master", "--processes", "1"], &rest[..]]
        .concat()
        .into_iter()
        .map(str::to_owned)
        .collect()
}
