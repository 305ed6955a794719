//! The command line: what it accepts, what it refuses, what it says.

use gateway_tests::artifacts;
use gateway_tests::client::Client;
use gateway_tests::server::{Server, run};

/// Runs the program and gives its exit code and all it printed.
fn outcome(arguments: &[&str]) -> (Option<i32>, String) {
    let output = run(arguments);
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    (output.status.code(), text)
}

/// Holds that the arguments end with a code and a text.
fn check(arguments: &[&str], code: i32, texts: &[&str]) {
    let (actual, output) = outcome(arguments);
    assert_eq!(actual, Some(code), "{arguments:?}: {output}");
    for text in texts {
        assert!(output.contains(text), "{arguments:?}: no {text:?} in: {output}");
    }
}

fn module(package: &str) -> String {
    artifacts::module(package).display().to_string()
}

#[test]
fn usage_errors_end_with_2_and_say_what_to_do() {
    let hello = format!("{}:app", module("hello"));
    check(&[], 2, &["MODULE:APP", "--help"]);
    check(&["--nonsense", &hello], 2, &["--nonsense"]);
    check(
        &["--engine", "fibre", &hello],
        2,
        &["fibre", "single, fork, thread, nonblocking, select, poll, epoll, coroutine"],
    );
    check(&["--bind", "8000", &hello], 2, &["127.0.0.1:8000"]);
    check(&["--bind", "::1:80", &hello], 2, &["brackets"]);
    check(&["--set", "x", &hello], 2, &["KEY=VALUE"]);
    check(&["--set", "a=1", "--set", "a=2", &hello], 2, &["--set a is given twice"]);
    check(&["--check", "--list", &hello], 2, &["cannot be used with"]);
    check(&["/no/such/file.so:app"], 2, &["/no/such/file.so"]);
    check(&[&format!("{}:nope", module("hello"))], 2, &["nope", "app"]);
    check(&[&module("multi")], 2, &["several apps"]);
}

#[test]
fn an_app_that_cannot_be_created_ends_with_1_and_its_own_text() {
    let faulty = module("faulty");
    check(&["--bind", "127.0.0.1:0", &format!("{faulty}:create_fails")], 1, &["the database is away"]);
    check(&["--bind", "127.0.0.1:0", &format!("{faulty}:create_panics")], 1, &["panicked"]);
    check(&["--set", "colour=red", &format!("{}:app", module("counter"))], 1, &["colour"]);
}

#[test]
fn help_and_version() {
    check(&["--help"], 0, &["Examples:", "gateway-server libhello.so:app", "Exit codes:", "--bind", "--set"]);
    let (_, help) = outcome(&["--help"]);
    let options = help.split("Engine:").next().unwrap();
    for flag in ["--bind", "--lint", "--set", "--strict", "--check", "--list", "--engines"] {
        assert!(options.contains(flag), "{flag} stands under another heading:\n{help}");
    }
    check(&["--version"], 0, &["gateway-server 0."]);
}

#[test]
fn list_shows_the_apps() {
    check(&["--list", &module("multi")], 0, &["multi 0.", "abi      1.0", "rustc", "apps"]);
    check(&["--list", "/no/such.so"], 2, &["/no/such.so"]);
}

#[test]
fn check_creates_in_a_child_and_survives_a_crash() {
    check(&["--check", &format!("{}:app", module("hello"))], 0, &["ok: ", "hello"]);
    check(&["--check", &format!("{}:create_fails", module("faulty"))], 1, &["the database is away"]);
    check(&["--check", "--set", "start=x", &format!("{}:app", module("counter"))], 1, &["start"]);
    let crashing = artifacts::c_module("tests/plugins/crash.c", "crash_signal", &["CRASH_SIGNAL"]);
    check(&["--check", &crashing.display().to_string()], 1, &["crashed", "SIGSEGV"]);
    check(&["--list", &crashing.display().to_string()], 1, &["crashed", "SIGSEGV"]);
    let exiting = artifacts::c_module("tests/plugins/crash.c", "crash_exit", &["CRASH_EXIT"]);
    check(&["--check", &exiting.display().to_string()], 1, &["ended the process"]);
}

#[test]
fn an_address_in_use_is_said() {
    let server = Server::start("hello:app", &[]);
    let address = server.address().to_string();
    check(&["--bind", &address, &format!("{}:app", module("hello"))], 1, &[&address, "another process"]);
}

#[test]
fn several_addresses_are_served() {
    let server = Server::start("hello:app", &["--bind", "127.0.0.1:0", "--bind", "127.0.0.1:0"]);
    for address in server.addresses() {
        let mut client = Client::new(std::net::TcpStream::connect(address).unwrap());
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
        assert_eq!(client.response("GET").unwrap().status, 200);
    }
}

#[test]
fn the_app_is_configured_by_set() {
    let server = Server::start("counter:app", &["--set", "start=41"]);
    let mut client = Client::new(server.connect());
    client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    let text = client.response("GET").unwrap().text();
    assert!(text.contains("41") || text.contains("42"), "{text}");
}

/// The second signal ends at once, with 1, whatever still runs.
#[test]
fn a_second_signal_ends_at_once() {
    let server = Server::start("probe:live", &[]);
    let mut idle = Client::new(server.connect());
    // A listener tells of a client when it has said something.
    idle.send(b"\r\n").unwrap();
    let mut busy = Client::new(server.connect());
    busy.send(b"POST /chunked-echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n").unwrap();
    // The app is inside its stream, and waits for more.
    assert_eq!(busy.head().unwrap().0, 200);
    server.signal("TERM");
    // The first signal is handled: otherwise the two could become one.
    assert!(idle.at_end().unwrap());
    server.signal("TERM");
    let (status, _) = server.wait();
    assert_eq!(status.code(), Some(1));
}

/// A client that connects and asks for nothing does not keep `single` from
/// serving the next one: neither one that is silent, of which it is not even
/// told, nor one that is not.
#[test]
fn an_idle_client_makes_room_on_single() {
    let server = Server::start("probe:app", &["--engine", "single"]);
    let _silent = server.connect();
    let mut idle = Client::new(server.connect());
    idle.send(b"\r\n").unwrap();
    let mut next = Client::new(server.connect());
    next.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    assert_eq!(next.response("GET").unwrap().status, 200);
    assert!(idle.at_end().unwrap());
}

/// A closed standard output does not stop the server.
#[test]
fn a_closed_standard_output_is_survived() {
    let target = format!("{}:app", module("hello"));
    let mut command = gateway_tests::server::command(&["--bind", "127.0.0.1:0", &target]);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut child = command.stdout(writer).stderr(std::process::Stdio::piped()).spawn().unwrap();
    // It serves until it is told to stop: the handlers are there before the
    // announcement, so wait for them, then for the end.
    let id = child.id().to_string();
    let status = format!("/proc/{id}/status");
    while !std::fs::read_to_string(&status).is_ok_and(|status| has_handlers(&status)) {
        assert!(child.try_wait().unwrap().is_none(), "the server has ended");
        std::thread::yield_now();
    }
    let told = std::process::Command::new("kill").args(["-s", "TERM", &id]).status();
    let ended = child.wait().unwrap();
    assert!(told.unwrap().success() && ended.success(), "{ended}");
}

/// Whether a process catches TERM (15), by its mask of caught signals.
fn has_handlers(status: &str) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & (1 << 14) != 0)
}

/// A log that cannot be written costs the log lines and nothing else.
#[test]
fn a_full_disk_under_the_log_is_survived() {
    for engine in gateway_server::engine::ENGINES.iter().map(|engine| engine.name) {
        let target = format!("{}:app", module("probe"));
        let mut command = std::process::Command::new("sh");
        command.args(["-c", "exec \"$0\" \"$@\" 2>/dev/full"]).arg(artifacts::server());
        command.args(["--bind", "127.0.0.1:0", "--engine", engine, &target]);
        let server = Server::spawn(command, 1);
        for _ in 0..3 {
            let mut client = Client::new(server.connect());
            client.send(b"GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
            assert_eq!(client.response("GET").unwrap().status, 400);
        }
        server.signal("TERM");
        let (status, _) = server.wait();
        assert!(status.success(), "{engine}: {status}");
    }
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let status = gateway_tests::server::command(&["/no/such/file.so"]).stderr(full).status().unwrap();
    assert_eq!(status.code(), Some(2));
}
