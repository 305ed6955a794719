//! MOD: by the facts of a table; that they are read from a real one is the
//! last test.

use gateway_spec::abi::host::Host;
use gateway_spec::abi::import::{ForeignApp, Module};
use gateway_spec::abi::types::{GW_APP_CONCURRENT, GW_MODULE_FORK_SAFE, GW_MODULE_PANIC_ABORT};
use gateway_spec::lint::check_module;
use gateway_spec::lint::facts::{AppFacts, ModuleFacts};
use gateway_spec::prelude::*;
use gateway_spec::testing::TestClient;

use super::harness::{Outcome, found, rules};

fn app(name: &str) -> AppFacts {
    AppFacts { name: name.into(), doc: "Says hello.".into(), flags: GW_APP_CONCURRENT }
}

fn module(apps: Vec<AppFacts>) -> ModuleFacts {
    ModuleFacts {
        name: "hello".into(),
        version: "0.1.0".into(),
        built_with: "rustc 1.95.0, gateway-spec 0.1.0".into(),
        flags: GW_MODULE_FORK_SAFE,
        apps,
    }
}

fn good() -> ModuleFacts {
    module(vec![app("app")])
}

fn check(facts: ModuleFacts) -> Outcome {
    found(check_module(&facts))
}

rules! {
    "MOD-01",
    mod_01_holds: check(module(vec![app("hello-2.x")])),
    mod_01_broken: check(module(vec![app("api/v1")]));
    "MOD-02",
    mod_02_holds: check(module(vec![app("app"), app("App")])),
    mod_02_broken: check(module(vec![app("app"), app("app")]));
    "MOD-03",
    mod_03_holds: check(good()),
    mod_03_broken: check(ModuleFacts { flags: 1 << 31, ..good() });
    "MOD-04",
    mod_04_holds: check(module(vec![AppFacts { flags: 0, ..app("app") }])),
    mod_04_broken: check(module(vec![AppFacts { flags: 1 << 31, ..app("app") }]));
    "MOD-05",
    mod_05_holds: check(good()),
    mod_05_broken: check(ModuleFacts { version: String::new(), ..good() });
    "MOD-06",
    mod_06_holds: check(good()),
    mod_06_broken: check(ModuleFacts { built_with: String::new(), ..good() });
    "MOD-07",
    mod_07_holds: check(good()),
    mod_07_broken: check(module(vec![AppFacts { doc: "\n".into(), ..app("app") }]));
    "MOD-08",
    mod_08_holds: check(good()),
    mod_08_broken: check(ModuleFacts { flags: GW_MODULE_PANIC_ABORT, ..good() });
    "MOD-09",
    mod_09_holds: check(module(vec![app("echo"), app("app")])),
    mod_09_broken: check(module(vec![app("echo"), app("hello")]));
}

fn hello<'r>(environ: Environ<'r>, start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
    let headers = match environ.path_info() {
        b"/length" => [Header::new("Content-Length", "4")],
        b"/connection" => [Header::new("Connection", "close")],
        _ => [Header::new("X-Hello", "1")],
    };
    start_response
        .start(Head::new(Status::OK, &[&headers[..], &[Header::new("Content-Type", "text/plain")]].concat()))?;
    Ok(Body::from("Hello"))
}

fn echo<'r>(environ: Environ<'r>, start_response: &mut dyn StartResponse<'r>) -> Result<Body<'r>> {
    struct Reader<'r>(Environ<'r>);

    impl std::io::Read for Reader<'_> {
        fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
            self.0.input().read(buf)
        }
    }

    start_response.start(Head::new(Status::OK, &[Header::new("Content-Type", "text/plain")]))?;
    Ok(Body::reader(Reader(environ)))
}

gateway_spec::export! {
    /// Says hello.
    hello => hello,
    echo [STREAMS_INPUT] => echo,
}

fn exported() -> Module {
    // SAFETY: the table that `export!` made, static.
    unsafe { Module::check(gateway_entry(0)) }.unwrap()
}

#[test]
fn the_facts_of_an_exported_module_are_read_from_its_table() {
    let ids: Vec<&str> = check_module(&ModuleFacts::of(exported())).iter().map(|violation| violation.id()).collect();
    assert_eq!(ids, ["MOD-07", "MOD-09"], "echo says nothing of itself, and none is named app");
}

/// An app behind the C ABI, linted from outside.
fn client(name: &str) -> TestClient<ForeignApp> {
    let host = Host::new("test-server", "1.2", 0, |_, _, _| {});
    let entry = exported().apps().find(|app| app.name() == name).unwrap();
    TestClient::new(exported().create(entry, host, &Config::from_pairs::<String, String>([])).unwrap())
}

#[test]
fn a_module_that_keeps_the_rules_is_not_changed_by_lint() {
    let response = client("hello").get("/").send();
    assert_eq!((response.text(), response.length, response.header("x-hello")), ("Hello", Some(5), Some("1")));
    assert!(response.warnings.is_empty(), "{:?}", response.warnings);
    for preread in 0..=5 {
        let response = client("echo").post("/").body("hello").arriving(preread, 2).send();
        assert_eq!((response.text(), response.closed), ("hello", 1), "{preread}");
        assert!(response.warnings.is_empty(), "{:?}", response.warnings);
    }
}

#[test]
fn a_module_that_breaks_a_rule_fails_with_its_id() {
    for (path, text) in [
        ("/length", "BODY-03: Content-Length is 4, the body has 5 bytes"),
        ("/connection", "RESP-08: Connection is \"close\""),
    ] {
        assert_eq!(client("hello").get(path).try_send().unwrap_err().to_string(), text);
    }
}
