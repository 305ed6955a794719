//! Every refusal, by its words.

use std::os::unix::ffi::OsStrExt as _;
use std::sync::LazyLock;

use gateway_server::config::{Config, Given};
use gateway_tests::server::command;
use proptest::prelude::*;

use super::Case;

/// Holds that the second line of a file is refused with these words.
fn line(line: &str, words: &str) {
    Case::new(format!("app = \"x.so\"\n{line}\n")).refused(&["--check-config"], &format!("gateway.toml:2: {words}"));
}

#[test]
fn unknown_keys_are_refused_with_a_suggestion() {
    line("thread = 4", "unknown key \"thread\"; did you mean \"threads\"?");
    line("graceful_timeout = \"30s\"", "unknown key \"graceful_timeout\"; did you mean \"graceful-timeout\"?");
    line("Bind = \":1\"", "unknown key \"Bind\"; did you mean \"bind\"?");
    line("port = 80", "unknown key \"port\"; gateway-server --help lists what there is");
    line(
        "[limits]\nmax-line = \"8KiB\"",
        "unknown key \"limits\"; gateway-server --help lists what there is; but for [set] there are no tables",
    );
    line("\"\\n\" = 1", "unknown key \"\\n\"; gateway-server --help lists what there is");
}

#[test]
fn what_belongs_on_the_command_line_is_refused_elsewhere() {
    for flag in ["check", "list", "engines", "help", "version", "in-child", "config", "check-config", "print-config"] {
        line(&format!("{flag} = true"), &format!("\"{flag}\" belongs on the command line, as --{flag}"));
    }
    let case = Case::new("").variable("GATEWAY_CHECK_CONFIG", "true");
    case.refused(&["x.so"], "GATEWAY_CHECK_CONFIG belongs on the command line, as --check-config");
}

#[test]
fn values_of_another_type_are_refused() {
    line("threads = \"many\"", "threads = \"many\": write a whole number");
    line("threads = 1.5", "threads = 1.5: write a whole number");
    line("threads = [1]", "threads = [1]: write a whole number");
    line("lint = \"yes\"", "lint = \"yes\": write true or false, without quotes");
    line("lint = 1", "lint = 1: write true or false, without quotes");
    line("engine = true", "engine = true: write text in quotes, as engine = \"leader\"");
    line("head-timeout = 1.5", "head-timeout = 1.5: write text in quotes, as head-timeout = \"10s\"");
    line("max-line = 0o17", "max-line = 0o17: write it as on the command line, in quotes");
    line("spool-dir = 3", "spool-dir = 3: write text in quotes, as spool-dir = \"DIR\"");
    line("max-fields = \"\"", "max-fields = \"\": write a whole number");
    line("max-fields = true", "max-fields = true: write a whole number");
    line("spool-dir = \"\"", "spool-dir = \"\": write a value");
    let list = "write text in quotes, as bind = \"127.0.0.1:8000\", or a list of such";
    line("bind = true", &format!("bind = true: {list}"));
    line("bind = {}", &format!("bind = {{}}: {list}"));
    line("bind = [\":1\", [\":2\"]]", &format!("bind = [\":2\"]: {list}"));
    line("bind = []", "bind: the list is empty; leave the key out for the default");
    line("set = \"a=1\"", "set = \"a=1\": write a table: [set], and lines of key = \"value\" below it");
    line("set = [\"a=1\"]", "set = [\"a=1\"]: write a table: [set], and lines of key = \"value\" below it");
    line("set = {a = 1.5}", "set.a = 1.5: write text in quotes");
    line("set = {a = [\"b\"]}", "set.a = [\"b\"]: write text in quotes");
    line("set.a.b = 1", "set.a: tables end here; quotes stand around a key with a dot: \"a.…\" = …");
    line("set = {\"a=b\" = 1}", "set: a key has a name, and no \"=\" in it");
    line("set = {\"\" = 1}", "set: a key has a name, and no \"=\" in it");
    Case::new("app = 5").refused(&[], "gateway.toml:1: app = 5: write text in quotes, as app = \"MODULE:APP\"");
    Case::new("app = \"\"").refused(&[], "gateway.toml:1: app = \"\": write a value");
}

#[test]
fn values_out_of_range_are_refused() {
    line("threads = 0", "threads = 0: 0 is not in 1..=65535");
    line("threads = -1", "threads = -1: -1 is not in 1..=65535");
    line("threads = 70_000", "threads = 70_000: 70000 is not in 1..=65535");
    let long = "9".repeat(50);
    line(&format!("threads = {long}"), &format!("threads = {long}: number too large to fit in target type"));
    line("max-fields = 257", "max-fields = 257: 257 is not in 1..=256");
    line("max-line = 0", "max-line = 0: a size of 0 lets nobody in");
    line("max-line = \"8 stones\"", "max-line = \"8 stones\": write a size as 512B, 64KiB or 1GiB");
    line("stack-size = \"1KiB\"", "stack-size = \"1KiB\": a stack has from 64KiB to 1GiB");
    line("head-timeout = \"0s\"", "head-timeout = \"0s\": a time of 0 lets nobody in");
    line(
        "head-timeout = 10",
        "head-timeout = 10: time unit needed, for example 10sec or 10ms: write a time as 500ms or 10s",
    );
    line(
        "hand-over = \"alway\"",
        "hand-over = \"alway\": possible values: auto, always, never; did you mean \"always\"?",
    );
    line("trigger = \"both\"", "trigger = \"both\": possible values: level, edge");
    let mask = "write it as 0027: octal digits, for owner, group and others";
    line("umask = \"0888\"", &format!("umask = \"0888\": {mask}"));
    line("umask = 1777", &format!("umask = 1777: {mask}"));
    line("user = \"no-such-user\"", "user = \"no-such-user\": there is no user no-such-user");
    line("group = 4294967295", "group = 4294967295: 4294967295 is the number of no group");
    let (_, _, log) = Case::new("engine = \"fibre\"").run(&["x.so"]);
    assert!(log.contains("gateway.toml:1: engine = \"fibre\": known engines: leader, single"), "{log}");
    let no_port = "\"8000\" has no port or no host: write it as 127.0.0.1:8000, or :8000 for all addresses";
    line("bind = [\":1\", \"8000\"]", &format!("bind = \"8000\": {no_port}"));
    // A list over several lines is refused where the value stands.
    let case = Case::new("bind = [\n  \":1\",\n  \"8000\",\n]");
    case.refused(&["x.so"], &format!("gateway.toml:3: bind = \"8000\": {no_port}"));
}

#[test]
fn what_is_no_toml_is_refused_with_its_line() {
    for (text, at) in [
        ("threads", 1),
        ("threads =", 1),
        ("threads = 1\nthreads = 2", 2),
        ("lint = true\n\napp = \"x", 3),
        ("app = x.so", 1),
        ("bind = [\n\":1\"\nthreads = 1\n", 3),
        ("[set\n", 1),
        ("[set]\na = 1\n[set]\nb = 1", 3),
        ("\0", 1),
    ] {
        let (code, _, log) = Case::new(text).run(&["x.so"]);
        assert!(code == Some(2) && log.starts_with(&format!("gateway-server: gateway.toml:{at}: ")), "{text:?}: {log}");
        assert_eq!(log.lines().count(), 1, "{text:?}: {log}");
    }
}

#[test]
fn files_that_cannot_be_read_are_refused() {
    let refused = |name: &str, words: &str| {
        let output = command(&["--config", name, "x.so"]).current_dir(Case::new("").folder()).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), format!("gateway-server: {name}: {words}\n"));
        assert_eq!(output.status.code(), Some(2));
    };
    refused("/no/such/gateway.toml", "No such file or directory (os error 2)");
    refused("/dev/null/gateway.toml", "Not a directory (os error 20)");
    refused("/", "is a folder; --config takes a file");
    // Without an end.
    refused("/dev/zero", "is longer than 1 MiB: this is no configuration");
    Case::new(b"threads = 1\napp = \"\xff\"").refused(&[], "gateway.toml: is no UTF-8 in line 2");
}

#[test]
fn a_file_may_be_empty_and_may_begin_with_a_mark() {
    for text in ["", "\n", "# nothing", "\u{feff}threads = 4", "threads = 4\r\nlint = true\r\n"] {
        assert_eq!(
            Case::new(text).run(&["--check-config", "x.so"]),
            (Some(0), "ok\n".to_owned(), String::new()),
            "{text:?}"
        );
    }
}

#[test]
fn without_an_app_there_is_nothing_to_serve() {
    for arguments in [&[][..], &["--check-config"], &["--check"]] {
        let (code, out, log) = Case::new("lint = true").run(arguments);
        let words = "error: there is nothing to serve: give MODULE:APP, --mount, --app-dir or --static, or app = \"MODULE:APP\" in the file of --config";
        assert!(code == Some(2) && out.is_empty() && log.starts_with(words), "{log}");
    }
}

#[test]
fn variables_are_refused_by_name() {
    let variable = |name: &str, value: &str, words: &str| {
        Case::new("app = \"x.so\"").variable(name, value).refused(&["--check-config"], words);
    };
    variable("GATEWAY_THREAD", "4", "unknown variable \"GATEWAY_THREAD\"; did you mean \"GATEWAY_THREADS\"?");
    variable("GATEWAY_LOGS", "debug", "unknown variable \"GATEWAY_LOGS\"; did you mean \"GATEWAY_LOG\"?");
    variable("GATEWAY_", "4", "unknown variable \"GATEWAY_\"; gateway-server --help lists what there is");
    variable("GATEWAY_THREADS", "many", "GATEWAY_THREADS=many: write a whole number");
    variable("GATEWAY_THREADS", "4,5", "GATEWAY_THREADS=4,5: write a whole number");
    variable("GATEWAY_THREADS", "70000", "GATEWAY_THREADS=70000: 70000 is not in 1..=65535");
    variable("GATEWAY_LINT", "maybe", "GATEWAY_LINT=maybe: write true or false");
    variable("GATEWAY_SET", "a=1,b", "GATEWAY_SET=b: write it as KEY=VALUE");
    variable("GATEWAY_SET", "a=1,a=2", "--set a is given twice (--set is from GATEWAY_SET)");
    variable("GATEWAY_TRIGGER", "both", "GATEWAY_TRIGGER=both: possible values: level, edge");
    variable(
        "GATEWAY_MAX_LINE",
        "x\n\u{1b}[2J",
        "GATEWAY_MAX_LINE=x\\n\\u{1b}[2J: write a size as 512B, 64KiB or 1GiB",
    );
    let mut command = command(&["--check-config", "x.so"]);
    let output = command.env("GATEWAY_APP", std::ffi::OsStr::from_bytes(b"\xff")).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "gateway-server: GATEWAY_APP is no UTF-8\n");
}

/// Others set variables of that name: they stop nobody.
#[test]
fn variables_that_are_no_settings_are_left_alone() {
    let mut case = Case::new("app = \"x.so\"");
    for (name, value) in [
        ("GATEWAY_LOG", "debug"),
        ("GATEWAY_INTERFACE", "CGI/1.1"),
        ("GATEWAY_SERVICE_HOST", "10.0.0.1"),
        ("GATEWAY_PORT_80_TCP_ADDR", "10.0.0.1"),
        ("GATEWAY_THREADS", ""),
        ("GATEWAY_CONFIG", ""),
        ("GATEWAYS", "1"),
    ] {
        case = case.variable(name, value);
    }
    assert_eq!(case.run(&["--check-config"]), (Some(0), "ok\n".to_owned(), String::new()));
}

/// What only holds of several settings together is told with where each stands.
/// Nobody may believe to speak TLS and not do so.
#[test]
fn half_of_tls_is_refused() {
    let half = |line: &str, words: &str| {
        let key = line.split(' ').next().unwrap();
        let told = format!("{words} (--{key} is from gateway.toml:2)");
        Case::new(format!("app = \"x.so\"\n{line}")).refused(&["--check-config"], &told);
    };
    half("tls-cert = \"a.pem\"", "--tls-cert is of no use without its key: give --tls-key too");
    half("tls-key = \"a.pem\"", "--tls-key is of no use without its certificate: give --tls-cert too");
    let needs = "TLS needs a certificate and its key: give --tls-cert FILE and --tls-key FILE";
    half("bind = \"https://[::1]:8443\"", &format!("--bind https://[::1]:8443: {needs}"));
    line(
        "bind = \"ftp://a:1\"",
        "bind = \"ftp://a:1\": \"ftp://a:1\": only http://, https://, uwsgi://, scgi:// and fastcgi:// addresses, unix: paths and fd:// numbers are served",
    );
    let both =
        Case::new("app = \"x.so\"\nbind = [\":1\", \"https://:2\", \"http://:3\"]\ntls-cert = \"a\"\ntls-key = \"b\"");
    assert_eq!(both.run(&["--check-config"]).1, "ok\n");
    // As all paths of a file, they are seen from its folder.
    assert!(both.value("tls-cert", &[]).ends_with("/a\"  # gateway.toml:3"));
}

#[test]
fn refusals_of_several_settings_tell_where_they_stand() {
    let case = Case::new("app = \"x.so\"\nengine = \"single\"\nloops = 2");
    let words = "--loops belongs to --engine leader; the engine is single";
    case.refused(
        &["--check-config"],
        &format!("{words} (--engine is from gateway.toml:2, --loops is from gateway.toml:3)"),
    );
    let case = case.variable("GATEWAY_ENGINE", "poll");
    let words = "--loops belongs to --engine leader; the engine is poll";
    case.refused(&[], &format!("{words} (--engine is from GATEWAY_ENGINE, --loops is from gateway.toml:3)"));
    case.refused(&["--engine", "poll"], &format!("{words} (--loops is from gateway.toml:3)"));
    assert_eq!(case.run(&["--engine", "leader", "--check-config"]).0, Some(0));
    let case = Case::new("app = \"x.so\"\nspool-dir = \"gone\"");
    let folder = case.folder().join("gone");
    let words = format!("--spool-dir {}: No such file or directory (os error 2)", folder.display());
    case.refused(&[], &format!("{words} (--spool-dir is from gateway.toml:2)"));
    let case = Case::new("app = \"x.so\"\nuser = \"root:0\"").variable("GATEWAY_GROUP", "0");
    case.refused(
        &[],
        "--user root:0 names a group, and --group 0: leave one out \
         (--user is from gateway.toml:2, --group is from GATEWAY_GROUP)",
    );
    for twice in ["\":1\", \":1\"", "\"http://:1\", \":1\"", "\":1\", \"http://0.0.0.0:1\""] {
        let case = Case::new(format!("app = \"x.so\"\nbind = [{twice}]"));
        case.refused(&[], "--bind 0.0.0.0:1 is given twice (--bind is from gateway.toml:2)");
    }
}

#[test]
fn actions_exclude_each_other() {
    for other in ["--check", "--list", "--print-config", "--engines"] {
        let (code, _, log) = Case::new("").run(&["--check-config", other]);
        assert!(code == Some(2) && log.contains("cannot be used with"), "{other}: {log}");
    }
}

fn any_value() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        any::<i64>().prop_map(|it| it.to_string()),
        any::<f64>().prop_map(|it| format!("{it:?}")),
        Just("true".to_owned()),
        Just("1979-05-27T07:32:00Z".to_owned()),
        "[a-z0-9:./=,]{0,12}".prop_map(|it| format!("\"{it}\"")),
        ".{0,8}".prop_map(|it| format!("{it:?}")),
        "\\PC{0,8}",
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(|list| format!("[{}]", list.join(", "))),
            inner.prop_map(|value| format!("{{a = {value}}}")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever stands in a file, or in a variable: settings, or a refusal.
    #[test]
    fn no_value_panics(at in any::<prop::sample::Index>(), value in any_value(), variable in "\\PC{0,12}") {
        let key = &KEYS[at.index(KEYS.len())];
        let case = Case::new(format!("app = \"x.so\"\n{key} = {value}\n"));
        let read = |name: &str, value: &str, action: &str| {
            let arguments = ["gateway-server", action, "--config", case.path().to_str().unwrap()].map(Into::into);
            let given = Given::read(arguments, [(name.into(), value.into())]).map_err(|refused| format!("{refused:?}"));
            given.and_then(Given::check)
        };
        let name = format!("GATEWAY_{}", key.to_uppercase().replace('-', "_"));
        for (name, value) in [("X", ""), (&*name, &*variable)] {
            if let Ok(Config::Print(page)) = read(name, value, "--print-config") {
                // What is printed is understood.
                std::fs::write(case.path(), page).unwrap();
                let again = read("X", "", "--print-config");
                prop_assert!(matches!(again, Ok(Config::Print(_))), "{again:?}");
            }
        }
    }

    #[test]
    fn no_file_panics(bytes in prop::collection::vec(any::<u8>(), 0..200), text in "\\PC{0,40}") {
        for file in [bytes, text.into_bytes()] {
            let case = Case::new(file);
            let arguments = ["gateway-server", "--config", case.path().to_str().unwrap()].map(Into::into);
            prop_assert!(Given::read(arguments, []).is_err());
        }
    }
}

/// The keys of all settings.
static KEYS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let page = gateway_server::config::reference::page();
    let rows =
        page.lines().filter_map(|line| line.split('|').nth(3)).map(|cell| cell.trim().trim_matches(['`', '[', ']']));
    let keys: Vec<String> = rows.filter(|key| page.contains(&format!(" `--{key} "))).map(str::to_owned).collect();
    assert!(keys.len() > 20, "{keys:?}");
    keys
});
