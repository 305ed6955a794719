//! nginx and those behind it: started on the servers' core, tried out by each way.

use std::fs;
use std::net::SocketAddr;
use std::time::Duration;

use gateway_tests::{address, artifacts, skip};

use super::super::place::{self, Place, word};
use super::super::running::{Running, on_core};
use super::super::workload::{Job, ask};
use super::ways::{Door, Over, Server, WAYS, Way, doors, fill};

/// How many clients may wait to be accepted, at each.
const BACKLOG: &str = "1024";
/// Where Debian has what uWSGI runs Python by.
const PLUGIN: &str = "/usr/lib/uwsgi/plugins/python3_plugin.so";

/// See the module's text.
pub(super) struct Fleet {
    nginx: Running,
    behind: Vec<(Server, Running)>,
    fronts: Vec<(&'static Way, SocketAddr)>,
    /// The command lines, for the table.
    pub(super) commands: Vec<String>,
}

impl Fleet {
    /// Starts all that are here, and holds that each way gives the same answer.
    pub(super) fn start(over: Over) -> Result<Self, String> {
        let fronts: Vec<(&Way, SocketAddr)> = WAYS.iter().map(|way| (way, address::own())).collect();
        let doors = doors(over, &place::folder());
        let nginx = spawn("nginx-behind", fronts[0].1, &nginx(&fronts, &doors))?;
        let mut fleet = Self { nginx, behind: Vec::new(), fronts, commands: Vec::new() };
        fleet.add(Server::Gateway, "gateway-behind", &gateway(&doors))?;
        if has_uwsgi() {
            fleet.add(Server::Python, "uwsgi-behind", &uwsgi(&doors))?;
        }
        fleet.verify()?;
        Ok(fleet)
    }

    /// Starts one behind nginx, and waits until nginx has an answer of it.
    fn add(&mut self, server: Server, name: &str, command: &[String]) -> Result<(), String> {
        let front = self.fronts.iter().find(|(way, _)| way.server == server).expect("each has a way").1;
        let running = spawn(name, front, command)?;
        self.commands.push(plain(command));
        self.behind.push((server, running));
        Ok(())
    }

    /// The ways whose server is here, and where they are asked.
    pub(super) fn ways(&self) -> impl Iterator<Item = (&'static Way, SocketAddr)> + '_ {
        self.fronts.iter().copied().filter(|(way, _)| way.server == Server::Nobody || self.server(way).is_some())
    }

    /// The ways that are not measured.
    pub(super) fn skipped(&self) -> impl Iterator<Item = &'static Way> + '_ {
        let here: Vec<&str> = self.ways().map(|(way, _)| way.name).collect();
        WAYS.iter().filter(move |way| !here.contains(&way.name))
    }

    fn server(&self, way: &Way) -> Option<&Running> {
        self.behind.iter().find(|(server, _)| *server == way.server).map(|(_, running)| running)
    }

    /// Time on processors: of who answers by this way, and of nginx.
    pub(super) fn spent(&self, way: &Way) -> (Duration, Duration) {
        (self.server(way).map(Running::spent).unwrap_or_default(), self.nginx.spent())
    }

    /// All ways have one answer: the same status, headers and bytes. Who says that it is
    /// the server differs: by FastCGI, uwsgi and SCGI nginx passes on what it is told.
    fn verify(&self) -> Result<(), String> {
        let mut first = None;
        for (way, front) in self.ways() {
            Job::Plaintext.verify(front).map_err(|why| format!("{}: {why}", way.name))?;
            let answers = ask(front, &Job::Plaintext.request(), 1).map_err(|error| error.to_string())?;
            let mut answer = answers[0].clone();
            answer.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("server"));
            let answer = answer.normal();
            let first = first.get_or_insert_with(|| answer.clone());
            if answer != *first {
                return Err(format!("{} answers {answer}, and nginx itself {first}", way.name));
            }
        }
        Ok(())
    }
}

/// Starts one, and waits until an address answers.
fn spawn(name: &str, front: SocketAddr, command: &[String]) -> Result<Running, String> {
    let running = Running::spawn(name, &Place { address: front }, command, &on_core(0))?;
    // Until who is behind is there, nginx says 502.
    let answers = || ask(front, &Job::Plaintext.request(), 1).is_ok_and(|answers| answers[0].status == 200);
    running.wait_until(name, answers)?;
    Ok(running)
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// A command line without this machine's folders.
fn plain(command: &[String]) -> String {
    command.join(" ").replace(&format!("{}/", artifacts::workspace().display()), "")
}

fn nginx(fronts: &[(&Way, SocketAddr)], doors: &[Door]) -> Vec<String> {
    let template = fs::read_to_string(place::sources().join("behind.conf")).expect("behind.conf is there");
    let fronts = fronts.iter().map(|(way, front)| (*way, front.to_string()));
    let path = place::folder().join("behind.conf");
    fs::write(&path, fill(&template, &place::folder(), doors, fronts)).expect("target is writable");
    words(&["nginx", "-c", &word(&path)])
}

/// As it is when nothing is said, at four addresses. By HTTP it is told whom to believe;
/// by the others it does so.
fn gateway(doors: &[Door]) -> Vec<String> {
    let program = word(&artifacts::profile_dir().join("gateway-server"));
    let mut command = words(&[&program, "--backlog", BACKLOG, "--trusted-proxies", "unix,127.0.0.1"]);
    for Door { protocol, address, .. } in doors.iter().filter(|door| door.server == Server::Gateway) {
        let scheme = if *protocol == "http" { String::new() } else { format!("{protocol}://") };
        command.extend(["--bind".to_owned(), format!("{scheme}{address}")]);
    }
    command.push(format!("{}:app", word(&artifacts::profile_dir().join("libbench.so"))));
    command
}

/// One process, because gateway-server has one loop on one core. uWSGI is documented to want
/// the lock where there are several; here it does nothing.
fn uwsgi(doors: &[Door]) -> Vec<String> {
    let mut command = words(&["uwsgi-core", "--plugin", "python3", "--master", "--processes", "1", "--thunder-lock"]);
    command.extend(words(&["--listen", BACKLOG, "--disable-logging", "--need-app", "--die-on-term", "--vacuum"]));
    for Door { protocol, address, .. } in doors.iter().filter(|door| door.server == Server::Python) {
        command.extend([format!("--{protocol}-socket"), address.trim_start_matches("unix:").to_owned()]);
    }
    command.extend(words(&["--wsgi-file", &word(&place::sources().join("python/app.py"))]));
    command
}

fn has_uwsgi() -> bool {
    let name = "uWSGI behind nginx";
    skip::has(name, "uwsgi-core") && skip::has_file(name, PLUGIN)
}
