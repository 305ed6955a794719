//! A flag wins over its variable, that over the file, that over the default.

use gateway_tests::artifacts;
use gateway_tests::client::Client;
use gateway_tests::server::{Server, command};

use super::Case;

const APP: &str = "app = \"x.so\"\n";

/// One layer is added after the other; each hides those below it.
fn check(key: &str, default: &str, file: (&str, &str), variable: (&str, &str), flag: (&str, &str)) {
    let empty = Case::new(APP);
    assert_eq!(empty.value(key, &[]), format!("{default}  # default"));
    let case = Case::new(format!("{APP}{}\n", file.0));
    assert_eq!(case.value(key, &[]), format!("{}  # gateway.toml:2", file.1));
    let name = format!("GATEWAY_{}", key.to_uppercase().replace('-', "_"));
    let case = case.variable(&name, variable.0);
    assert_eq!(case.value(key, &[]), format!("{}  # {name}", variable.1));
    assert_eq!(case.value(key, &[flag.0]), format!("{}  # flag", flag.1));
}

#[test]
fn a_scalar_comes_from_the_highest_that_says_it() {
    check("max-fields", "100", ("max-fields = 10", "10"), ("20", "20"), ("--max-fields=30", "30"));
    check(
        "graceful-timeout",
        "\"30s\"",
        ("graceful-timeout = \"1s\"", "\"1s\""),
        ("2s", "\"2s\""),
        ("--graceful-timeout=3s", "\"3s\""),
    );
    check("max-line", "\"8KiB\"", ("max-line = 4096", "4096"), ("2KiB", "\"2KiB\""), ("--max-line=1KiB", "\"1KiB\""));
}

#[test]
fn a_list_is_taken_whole_from_the_highest_that_says_it() {
    check(
        "bind",
        "[\"127.0.0.1:8000\"]",
        ("bind = [\"127.0.0.1:1\", \"[::1]:1\"]", "[\"127.0.0.1:1\", \"[::1]:1\"]"),
        ("127.0.0.1:2, [::1]:2,", "[\"127.0.0.1:2\", \"[::1]:2\"]"),
        ("--bind=127.0.0.1:3", "[\"127.0.0.1:3\"]"),
    );
    // One may stand without brackets.
    assert_eq!(Case::new("bind = \":1\"").value("bind", &[]), "[\":1\"]  # gateway.toml:1");
}

#[test]
fn a_boolean_is_switched_on_and_off_by_each() {
    check("lint", "false", ("lint = true", "true"), ("false", "false"), ("--lint", "true"));
    check("lint", "false", ("lint = false", "false"), ("true", "true"), ("--lint=false", "false"));
    for (word, means) in
        [("1", "true"), ("yes", "true"), ("on", "true"), ("0", "false"), ("no", "false"), ("OFF", "false")]
    {
        let case = Case::new("").variable("GATEWAY_STRICT", word);
        assert_eq!(case.value("strict", &[]), format!("{means}  # GATEWAY_STRICT"), "{word}");
    }
}

#[test]
fn the_table_of_the_app_is_taken_whole_from_the_highest_that_says_it() {
    let table = |case: &Case, arguments: &[&str]| {
        let (_, out, _) = case.run(&[&["--print-config"], arguments].concat());
        out.split("\n[set]").nth(1).unwrap().to_owned()
    };
    assert_eq!(table(&Case::new(""), &[]), "  # default\n");
    let case = Case::new("[set]\nb = \"x=y\"\n\"a.b\" = true\nn = 0x10");
    let from = "# gateway.toml:1";
    let lines = format!("  {from}\n\"a.b\" = \"true\"  {from}\n\"b\" = \"x=y\"  {from}\n\"n\" = \"16\"  {from}\n");
    assert_eq!(table(&case, &[]), lines);
    let case = case.variable("GATEWAY_SET", "a=b\\,c,d=\\e");
    let from = "# GATEWAY_SET";
    assert_eq!(table(&case, &[]), format!("  {from}\n\"a\" = \"b,c\"  {from}\n\"d\" = \"\\\\e\"  {from}\n"));
    assert_eq!(table(&case, &["--set", "z=1"]), "  # flag\n\"z\" = \"1\"  # flag\n");
}

/// A value that has none of its own is told as what it is without.
#[test]
fn what_nobody_says_is_a_comment() {
    assert_eq!(Case::new("").value("# threads", &[]), "N  # default: 64");
    assert_eq!(Case::new("").value("# app", &[]), "MODULE:APP  # default");
    assert_eq!(Case::new("threads = \"8\"").value("threads", &[]), "8  # gateway.toml:1");
}

#[test]
fn the_file_is_named_by_a_flag_or_a_variable() {
    let case = Case::new("threads = 1\n");
    let other = case.folder().join("other.toml");
    std::fs::write(&other, "threads = 2\n").unwrap();
    let case = case.variable("GATEWAY_CONFIG", other.to_str().unwrap());
    assert_eq!(case.value("threads", &[]), "1  # gateway.toml:1");
    let mut command = command(&["--print-config"]);
    let output = command.env("GATEWAY_CONFIG", &other).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains(&format!("threads = 2  # {}:1\n", other.display())), "{text}");
}

/// What is printed is a file that says the same, wherever it lies.
#[test]
fn what_is_printed_can_be_used() {
    let file =
        "app = \"sub/x.so:app\"\nlint = true\nspool-dir = \"spool\"\n[set]\n\"a\\n\\\"b\" = \"\\\\ \u{e9} \\u0000\"";
    let case = Case::new(file).variable("GATEWAY_BIND", ":1,:2");
    std::fs::create_dir(case.folder().join("spool")).unwrap();
    let arguments = ["--max-fields", "7", "--hand-over=never", "--print-config"];
    let (_, first, log) = case.run(&arguments);
    assert_eq!(log, "");
    let printed = Case::new(&first);
    let (code, second, log) = printed.run(&["--print-config"]);
    assert_eq!(code, Some(0), "{log}");
    let values =
        |text: &str| text.lines().map(|line| line.split("  # ").next().unwrap().to_owned()).collect::<Vec<_>>();
    assert_eq!(values(&first), values(&second));
    assert!(first.contains(&format!("app = \"{}/sub/x.so:app\"", case.folder().display())), "{first}");
    assert_eq!(printed.run(&["--check-config"]), (Some(0), "ok\n".to_owned(), String::new()));
}

/// Not only the words: a server runs by its file, seen from any folder.
#[test]
fn a_server_runs_by_its_file() {
    let module = artifacts::module("counter");
    let case = Case::new("app = \"libcounter.so:app\"\nbind = \"127.0.0.1:0\"\nlint = true\n[set]\nstart = 41\n");
    std::fs::copy(module, case.folder().join("libcounter.so")).unwrap();
    let mut command = command(&["--config", case.path().to_str().unwrap()]);
    command.current_dir("/").env("GATEWAY_LINT", "false");
    let server = Server::spawn(command, 1);
    let mut client = Client::new(server.connect());
    client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    let text = client.response("GET").unwrap().text();
    assert!(text.contains("41") || text.contains("42"), "{text}");
    server.stop();
}

/// A file for serving is no obstacle to looking at the module that it names.
#[test]
fn modules_are_looked_at_with_a_file_for_serving() {
    let app = artifacts::module("hello").display().to_string();
    let case = Case::new(format!("app = \"{app}\"\nthreads = 4\nmax-line = \"1KiB\"\n")).variable("GATEWAY_BIND", ":1");
    let (code, out, log) = case.run(&["--check"]);
    assert!(code == Some(0) && out.contains("ok: "), "{out}{log}");
    let (code, out, log) = case.run(&["--list"]);
    assert!(code == Some(0) && out.contains("module   hello"), "{out}{log}");
}

/// Their own words come before any look at settings.
#[test]
fn help_and_engines_need_no_settings() {
    let listing = |flag: &str| command(&[flag]).env("GATEWAY_NONSENSE", "1").output().unwrap();
    for flag in ["--help", "--version", "--engines"] {
        let output = listing(flag);
        assert!(output.status.success() && !output.stdout.is_empty(), "{flag}");
    }
}
