//! A server process on a free port, ended when it is dropped.

use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use crate::artifacts;

/// A running `gateway-server`.
#[derive(Debug)]
pub struct Server {
    child: Child,
    places: Vec<String>,
    addresses: Vec<SocketAddr>,
    log: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
}

/// The program with these arguments, its log readable and without colours.
#[must_use]
pub fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(artifacts::server());
    command.args(arguments).env("RUST_BACKTRACE", "0").env("GATEWAY_LOG", "debug").stdin(Stdio::null());
    command
}

/// Runs the program to its end.
#[must_use]
pub fn run(arguments: &[&str]) -> Output {
    command(arguments).output().expect("the server can be run")
}

impl Server {
    /// Serves an app of an example package: `probe:app`, with more arguments.
    #[must_use]
    pub fn start(package_and_app: &str, arguments: &[&str]) -> Self {
        let (package, app) = package_and_app.split_once(':').expect("package:app");
        let target = format!("{}:{app}", artifacts::module(package).display());
        Self::start_target(&target, arguments)
    }

    /// Serves a target on one free port, unless the arguments bind others, and in
    /// one process, unless they say how many workers there are: what is looked at
    /// then is the process that serves.
    ///
    /// # Panics
    /// When the server does not start; with its log.
    #[must_use]
    pub fn start_target(target: &str, arguments: &[&str]) -> Self {
        let mut command = command(arguments);
        let binds = arguments.iter().filter(|argument| **argument == "--bind").count();
        if binds == 0 {
            command.args(["--bind", "127.0.0.1:0"]);
        }
        if !arguments.contains(&"--workers") && !arguments.contains(&"--no-master") {
            command.arg("--no-master");
        }
        command.arg(target);
        Self::spawn(command, binds.max(1))
    }

    /// Starts a command that ends up as a server on this many addresses: one
    /// with a changed environment, or under another program.
    ///
    /// # Panics
    /// When the server does not start; with its log.
    #[must_use]
    pub fn spawn(mut command: Command, count: usize) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the server can be started");
        let (log, reader) = collect(child.stderr.take().expect("stderr is piped"));
        let mut lines = BufReader::new(child.stdout.take().expect("stdout is piped")).lines();
        let places = (0..count).map_while(|_| place(&lines.next()?.ok()?)).collect::<Vec<_>>();
        let addresses = places.iter().filter_map(|place| address(place)).collect();
        let mut server = Self { child, places, addresses, log, reader: Some(reader) };
        if server.places.len() != count {
            let _ = server.child.kill();
            let (status, log) = server.wait();
            panic!("the server did not start, {status}:\n{log}");
        }
        server
    }

    /// Where it says that it listens, Unix sockets too.
    #[must_use]
    pub fn places(&self) -> &[String] {
        &self.places
    }

    /// The first address.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.addresses[0]
    }

    /// All addresses; Unix sockets have none.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// The process's id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// A URL on the first address.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        let scheme = self.places[0].split(':').next().unwrap_or_default();
        format!("{scheme}://{}{path}", self.address())
    }

    /// A connection to the first address.
    ///
    /// # Panics
    /// When the server does not accept.
    #[must_use]
    pub fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address()).expect("the server accepts")
    }

    /// What the server has logged so far.
    #[must_use]
    pub fn log(&self) -> String {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until the log has a text: the server's own word that something
    /// has happened which no client can see.
    ///
    /// # Panics
    /// When the server ends first.
    pub fn wait_for_log(&self, text: &str) {
        while !self.log().contains(text) {
            let gone = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()));
            assert!(gone.is_ok_and(|stat| !stat.contains(") Z ")), "no {text:?} in:\n{}", self.log());
            std::thread::yield_now();
        }
    }

    /// Sends a signal, by `kill`'s name for it.
    ///
    /// # Panics
    /// When there is no such process.
    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status();
        assert!(status.expect("kill can be run").success(), "the server is gone:\n{}", self.log());
    }

    /// Waits for the end, and gives the whole log.
    ///
    /// # Panics
    /// When the system cannot wait.
    pub fn wait(mut self) -> (ExitStatus, String) {
        let status = self.child.wait().expect("the server can be waited for");
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
        let log = self.log();
        (status, log)
    }

    /// Stops gracefully, and holds that it ends with 0.
    ///
    /// # Panics
    /// When it ends otherwise.
    pub fn stop(self) -> String {
        self.signal("TERM");
        let (status, log) = self.wait();
        assert!(status.success(), "{status}:\n{log}");
        log
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `listening on http://ADDRESS`, `https://ADDRESS` or `unix:PATH`
fn place(line: &str) -> Option<String> {
    Some(line.strip_prefix("listening on ")?.to_owned())
}

/// The address of such a place; Unix sockets have none.
fn address(place: &str) -> Option<SocketAddr> {
    let (_, address) = place.split_once("://")?;
    address.parse().ok()
}

/// Reads a pipe to its end in the background, so that it never fills.
fn collect(mut pipe: impl std::io::Read + Send + 'static) -> (Arc<Mutex<String>>, JoinHandle<()>) {
    let log = Arc::new(Mutex::new(String::new()));
    let lines = Arc::clone(&log);
    let reader = std::thread::spawn(move || {
        let mut piece = [0; 4096];
        while let Ok(count @ 1..) = pipe.by_ref().read(&mut piece) {
            let text = String::from_utf8_lossy(&piece[..count]).into_owned();
            lines.lock().unwrap_or_else(PoisonError::into_inner).push_str(&text);
        }
    });
    (log, reader)
}
