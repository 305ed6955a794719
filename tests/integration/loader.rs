//! The loader: every refusal and warning, by its variant and by its text.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gateway_spec::abi::host::Host;
use gateway_spec::abi::import::{ForeignApp, ModuleError};
use gateway_spec::loader::{self, LoadError, OpenModule, Options, Target, Warning};
use gateway_spec::testing::TestClient;
use gateway_spec::{App, AppFlags, Config, Error};
use gateway_tests::artifacts;
use tempfile::TempDir;

fn host() -> Arc<Host> {
    Host::new("tests", "1", 0, |_, _, _| {})
}

fn no_config() -> Config<'static> {
    Config::from_pairs::<&str, &str>([])
}

fn fault(name: &str, defines: &[&str]) -> PathBuf {
    artifacts::c_module("tests/plugins/faults.c", name, defines)
}

fn good() -> PathBuf {
    fault("good", &[])
}

fn open(target: impl AsRef<Path>) -> Result<OpenModule, LoadError> {
    open_with(target, &Options::default())
}

fn open_with(target: impl AsRef<Path>, options: &Options) -> Result<OpenModule, LoadError> {
    loader::open(&Target::parse(target.as_ref().to_str().unwrap()), options)
}

fn create(target: impl AsRef<Path>) -> Result<ForeignApp, LoadError> {
    open(target)?.create(host(), &no_config())
}

fn app(path: &Path, name: &str) -> String {
    format!("{}:{name}", path.display())
}

/// The error of an outcome; its text has each of `parts`.
#[track_caller]
fn refusal<T>(outcome: Result<T, LoadError>, parts: &[&str]) -> LoadError {
    let Err(error) = outcome else { panic!("this should have been refused") };
    let text = error.to_string();
    for part in parts {
        assert!(text.contains(part), "{part:?} is missing in {text:?}");
    }
    error
}

macro_rules! assert_variant {
    ($error:expr, $variant:pat $(if $guard:expr)?) => {{
        let error = &$error;
        assert!(matches!(error, $variant $(if $guard)?), "{error:?}");
    }};
}

/// Refused by `Module::check` with a text that names the file and has `parts`.
#[track_caller]
fn module_refusal(name: &str, defines: &[&str], parts: &[&str]) -> ModuleError {
    let path = fault(name, defines);
    let error = refusal(open(&path), parts);
    assert!(error.to_string().starts_with(path.canonicalize().unwrap().to_str().unwrap()), "{error}");
    match error {
        LoadError::Module { reason, .. } => reason,
        other => panic!("{other:?}"),
    }
}

/// A folder with a copy of the good module in it.
fn folder_with(name: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::copy(good(), &path).unwrap();
    (folder, path)
}

fn from(base: &Path) -> Options {
    Options { base: Some(base.to_owned()), ..Options::default() }
}

// ----- the target, and the file ---------------------------------------------

#[test]
fn a_target_splits_at_the_last_colon_without_a_slash_behind_it() {
    for (text, path, app) in [
        ("libx.so", "libx.so", None),
        ("libx.so:app", "libx.so", Some("app")),
        ("a:b:c", "a:b", Some("c")),
        ("/srv/a:b/libx.so", "/srv/a:b/libx.so", None),
        ("/srv/a:b/libx.so:app", "/srv/a:b/libx.so", Some("app")),
        ("libx.so:", "libx.so", Some("")),
    ] {
        let target = Target::parse(text);
        assert_eq!((target.path(), target.app()), (path, app), "{text}");
        assert_eq!(target.to_string(), text);
    }
}

#[test]
fn an_app_is_opened_created_and_called() {
    let module = open(app(&good(), "app")).unwrap();
    assert_eq!(module.module().name(), "faults");
    assert_eq!(module.module().version(), "0.1");
    assert_eq!(module.module().built_with(), "cc of the tests");
    assert_eq!(module.module().abi(), (1, 0));
    assert_eq!(module.path(), good().canonicalize().unwrap());
    assert_eq!(module.warnings(), []);
    assert_eq!(module.entry(None).unwrap().doc(), "doc");
    let app = module.create(host(), &no_config()).unwrap();
    assert_eq!(TestClient::new(app).get("/").send().text(), "fine\n");
}

#[test]
fn colons_in_the_path_are_part_of_it() {
    let (folder, path) = folder_with("a:b/libx.so:app");
    let options = from(folder.path());
    // The whole text names a file: that one.
    assert_eq!(open_with(&path, &options).unwrap().path(), path.canonicalize().unwrap());
    assert_eq!(open_with("a:b/libx.so:app", &options).unwrap().path(), path.canonicalize().unwrap());
    // No such file with `:app`, but one without.
    let other = folder.path().join("a:b/liby.so");
    fs::copy(good(), &other).unwrap();
    assert_eq!(open_with("a:b/liby.so:app", &options).unwrap().path(), other.canonicalize().unwrap());
    assert_eq!(open_with("a:b/liby.so", &options).unwrap().path(), other.canonicalize().unwrap());
}

#[test]
fn a_bare_name_is_looked_for_in_the_folder_then_in_target() {
    let (folder, debug) = folder_with("target/debug/libx.so");
    let options = from(folder.path());
    let found = || open_with("libx.so:app", &options).unwrap().path().to_owned();
    assert_eq!(found(), debug.canonicalize().unwrap());
    let release = folder.path().join("target/release/libx.so");
    fs::create_dir_all(release.parent().unwrap()).unwrap();
    fs::copy(good(), &release).unwrap();
    assert_eq!(found(), release.canonicalize().unwrap());
    let here = folder.path().join("libx.so");
    fs::copy(good(), &here).unwrap();
    assert_eq!(found(), here.canonicalize().unwrap());
    // A path with a slash is not searched.
    fs::remove_file(here).unwrap();
    assert_variant!(open_with("./libx.so", &options).unwrap_err(), LoadError::NoSuchFile { .. });
}

#[test]
fn a_link_is_resolved() {
    let (folder, path) = folder_with("libx.so");
    symlink(&path, folder.path().join("current.so")).unwrap();
    assert_eq!(open_with("current.so", &from(folder.path())).unwrap().path(), path.canonicalize().unwrap());
}

#[test]
fn no_such_file_lists_the_places() {
    let folder = tempfile::tempdir().unwrap();
    let outcome = open_with("libx.so:app", &from(folder.path()));
    let error = refusal(
        outcome,
        &["there is no file libx.so", "/target/release/libx.so", "/target/debug/libx.so", "build the app"],
    );
    assert_variant!(error, LoadError::NoSuchFile { looked, hint: None, .. } if looked.len() == 3);
    let error = refusal(open("/nowhere/libx.so:app"), &["there is no file /nowhere/libx.so", "build the app"]);
    assert_variant!(error, LoadError::NoSuchFile { looked, .. } if looked.len() == 1);
    assert_variant!(open("").unwrap_err(), LoadError::NoSuchFile { .. });
    assert_variant!(open(":app").unwrap_err(), LoadError::NoSuchFile { .. });
}

#[test]
fn no_such_file_suggests_the_librarys_name() {
    let (folder, path) = folder_with("libmy_app.so");
    let options = from(folder.path());
    for name in ["my-app:app", "my_app:app", "libmy-app.so:app", "my_app.so:app", "./my-app:app"] {
        let error = refusal(open_with(name, &options), &["did you mean", "libmy_app.so:app?"]);
        assert_variant!(error, LoadError::NoSuchFile { hint: Some(_), .. });
    }
    assert!(path.exists());
}

#[test]
fn no_such_file_suggests_the_colon() {
    let (folder, _) = folder_with("libx.so");
    for name in ["libx.so/app", "libx.so.app", "libx.so::app", "./libx.so#app"] {
        let error = refusal(open_with(name, &from(folder.path())), &["a colon stands before", "libx.so:app?"]);
        assert_variant!(error, LoadError::NoSuchFile { hint: Some(_), .. });
    }
}

#[test]
fn a_folder_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let error = refusal(open(folder.path()), &["is a folder", folder.path().to_str().unwrap(), ".so"]);
    assert_variant!(error, LoadError::Folder { .. });
}

#[test]
fn what_is_no_library_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.so");
    for (content, what) in [(&b""[..], "empty"), (b"#!/bin/sh\n", "a script"), (b"fn main() {}", "begins with")] {
        fs::write(&path, content).unwrap();
        let error = refusal(open(&path), &["is not a shared library but", what, "cdylib", path.to_str().unwrap()]);
        assert_variant!(error, LoadError::NotALibrary { .. });
    }
    let error = refusal(open(std::env::current_exe().unwrap()), &["an executable", "cdylib"]);
    assert_variant!(error, LoadError::NotALibrary { .. });
    assert_variant!(open("/dev/null").unwrap_err(), LoadError::NotALibrary { .. });
}

/// A copy of the good module with other bytes at an offset.
fn patched(offset: usize, bytes: &[u8]) -> (TempDir, PathBuf) {
    let (folder, path) = folder_with("libx.so");
    let mut content = fs::read(&path).unwrap();
    content[offset..offset + bytes.len()].copy_from_slice(bytes);
    fs::write(&path, content).unwrap();
    (folder, path)
}

#[test]
#[cfg(target_arch = "x86_64")]
fn another_machine_is_refused_in_words() {
    for (offset, bytes, file) in [
        (18, &[183, 0][..], "AArch64 (64 bit)"),
        (18, &[243, 0], "RISC-V (64 bit)"),
        (18, &[0x34, 0x12], "machine 4660 (64 bit)"),
        (4, &[1], "x86-64 (32 bit)"),
    ] {
        let (_folder, path) = patched(offset, bytes);
        let path_text = path.to_str().unwrap();
        let error = refusal(open(&path), &[path_text, file, "runs on x86-64 (64 bit)", "build the app"]);
        assert_variant!(error, LoadError::WrongMachine { mismatch, .. } if mismatch.file == file);
    }
}

#[test]
fn object_files_and_executables_are_refused() {
    for (kind, what) in [(1_u16, "an object file"), (2, "an executable"), (4, "a core dump")] {
        let (_folder, path) = patched(16, &kind.to_ne_bytes());
        assert_variant!(refusal(open(&path), &[what]), LoadError::NotALibrary { .. });
    }
}

#[test]
fn nothing_of_a_refused_file_runs() {
    let constructor = fault("constructor", &["FAULT_CONSTRUCTOR"]);
    let folder = tempfile::tempdir().unwrap();
    let (path, trace) = (folder.path().join("libx.so"), folder.path().join("trace"));
    let run = |options: &str| {
        let mut child = std::process::Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", "loader::open_in_a_child", "--nocapture"]).env("GATEWAY_TEST_OPEN", &path);
        child.env("GATEWAY_TEST_TRACE", &trace).env("GATEWAY_TEST_STRICT", options);
        assert!(child.output().unwrap().status.success());
        trace.exists()
    };
    fs::copy(&constructor, &path).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
    assert!(!run("1"), "a file that others may write to was run");
    let mut content = fs::read(&path).unwrap();
    content[18] = 0xff;
    fs::write(&path, content).unwrap();
    assert!(!run("0"), "a file for another machine was run");
    fs::copy(&constructor, &path).unwrap();
    assert!(run("0"), "the constructor leaves a trace when it runs");
}

/// The other half of the test above; does nothing by itself.
#[test]
fn open_in_a_child() {
    if let Some(path) = std::env::var_os("GATEWAY_TEST_OPEN") {
        let strict = std::env::var("GATEWAY_TEST_STRICT").is_ok_and(|strict| strict == "1");
        let _ = open_with(path.to_str().unwrap(), &Options { strict, ..Options::default() });
    }
}

// ----- who may change it -----------------------------------------------------

#[test]
fn a_file_that_others_may_write_to_is_a_warning_or_an_error() {
    let (_folder, path) = folder_with("libx.so");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o777)).unwrap();
    let warnings = open(&path).unwrap().warnings().to_vec();
    let [warning @ Warning::WritableFile { .. }] = &warnings[..] else { panic!("{warnings:?}") };
    assert!(warning.to_string().contains("chmod o-w"), "{warning}");
    assert!(warning.to_string().contains("libx.so"), "{warning}");
    let outcome = open_with(&path, &Options { strict: true, ..Options::default() });
    let error = refusal(outcome, &["refused", "libx.so", "chmod o-w"]);
    assert_variant!(error, LoadError::Untrusted(Warning::WritableFile { .. }));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o775)).unwrap();
    assert_eq!(open(&path).unwrap().warnings(), []);
}

#[test]
fn a_folder_that_others_may_write_to_is_a_warning_unless_sticky() {
    let (folder, path) = folder_with("in/libx.so");
    let inner = folder.path().join("in");
    let mode = |mode| fs::set_permissions(&inner, fs::Permissions::from_mode(mode)).unwrap();
    mode(0o777);
    let warnings = open(&path).unwrap().warnings().to_vec();
    let [warning @ Warning::WritableFolder { .. }] = &warnings[..] else { panic!("{warnings:?}") };
    assert!(warning.to_string().contains("can be replaced"), "{warning}");
    let strict = Options { strict: true, ..Options::default() };
    let error = refusal(open_with(&path, &strict), &["refused", "libx.so", "chmod o-w"]);
    assert_variant!(error, LoadError::Untrusted(Warning::WritableFolder { .. }));
    mode(0o1777);
    assert_eq!(open_with(&path, &strict).unwrap().warnings(), []);
}

#[test]
fn the_folder_of_a_link_counts_too() {
    let (folder, path) = folder_with("libx.so");
    let links = folder.path().join("links");
    fs::create_dir(&links).unwrap();
    symlink(&path, links.join("current.so")).unwrap();
    assert_eq!(open(links.join("current.so")).unwrap().warnings(), []);
    fs::set_permissions(&links, fs::Permissions::from_mode(0o777)).unwrap();
    let warnings = open(links.join("current.so")).unwrap().warnings().to_vec();
    let [Warning::WritableFolder { folder, .. }] = &warnings[..] else { panic!("{warnings:?}") };
    assert_eq!(*folder, links.canonicalize().unwrap());
}

// ----- the dynamic linker ----------------------------------------------------

#[test]
fn an_undefined_symbol_is_reported_at_load() {
    let path = fault("undefined", &["FAULT_UNDEFINED"]);
    let error = refusal(open(&path), &["libundefined.so", "nobody_defines_this", "was not linked"]);
    assert_variant!(error, LoadError::Link { .. });
}

#[test]
fn a_library_without_the_entry_is_refused() {
    let path = fault("no_entry", &["FAULT_NO_ENTRY"]);
    let error = refusal(open(&path), &["libno_entry.so", "has no gateway_entry", "export!", "cdylib", "gateway.h"]);
    assert_variant!(error, LoadError::NoEntry { .. });
}

// ----- the table -------------------------------------------------------------

#[test]
fn a_null_table_is_refused() {
    let reason = module_refusal("null_module", &["FAULT_NULL_MODULE"], &["gateway_entry returned NULL"]);
    assert_variant!(reason, ModuleError::NoTable);
}

#[test]
fn another_magic_is_refused() {
    let reason = module_refusal("magic", &["MAGIC=0x1234"], &["magic 0x0000000000001234"]);
    assert_variant!(reason, ModuleError::Magic(0x1234));
}

#[test]
fn another_major_is_refused_with_both_versions() {
    let reason = module_refusal("major", &["MAJOR=2"], &["ABI 2.0", "this server has 1.0", "rebuild"]);
    assert_variant!(reason, ModuleError::Major { module_major: 2, module_minor: 0 });
}

#[test]
fn a_module_for_newer_hosts_is_refused() {
    let reason = module_refusal("needs", &["NEEDS=7"], &["1.7 or newer", "cc of the tests", "upgrade the server"]);
    assert_variant!(reason, ModuleError::NeedsNewerHost { needs: 7, .. });
}

#[test]
fn short_tables_are_refused() {
    let reason = module_refusal("short", &["FAULT_SHORT"], &["module table has 80 bytes"]);
    assert_variant!(reason, ModuleError::TooShort { table: "module", size: 80, .. });
    let reason = module_refusal("app_short", &["FAULT_APP_SHORT"], &["app table has 40 bytes"]);
    assert_variant!(reason, ModuleError::TooShort { table: "app", size: 40, .. });
}

#[test]
fn larger_tables_load() {
    let app = create(fault("larger", &["FAULT_LARGER"])).unwrap();
    assert_eq!(TestClient::new(app).get("/").send().text(), "fine\n");
}

#[test]
fn null_slots_are_refused_by_name() {
    for (name, define, slot) in [
        ("no_create", "FAULT_NO_CREATE", "app 0's create"),
        ("no_call", "FAULT_NO_CALL", "app 0's call"),
        ("no_destroy", "FAULT_NO_DESTROY", "app 0's destroy"),
        ("no_name", "FAULT_NO_NAME", "app 0's name"),
        ("null_app", "FAULT_NULL_APP", "app 1"),
        ("no_table", "FAULT_NO_TABLE", "table of apps"),
    ] {
        let reason = module_refusal(name, &[define], &[slot, "is NULL"]);
        assert_variant!(reason, ModuleError::Null(what) if what == slot);
    }
}

#[test]
fn a_module_without_apps_is_refused() {
    assert_variant!(module_refusal("no_apps", &["FAULT_NO_APPS"], &["contains no app"]), ModuleError::Empty);
}

#[test]
fn bad_names_are_refused() {
    for (name, define, text) in [
        ("empty_name", r#"NAME="""#, "app name of app 0 is empty"),
        ("not_utf8", r#"NAME="\xff""#, "app name of app 0 is not UTF-8"),
    ] {
        assert_variant!(module_refusal(name, &[define], &[text]), ModuleError::Name(_));
    }
    let reason = module_refusal("twice", &[r#"SECOND="app""#], &["\"app\" is there twice"]);
    assert_variant!(reason, ModuleError::Name(_));
}

#[test]
fn a_module_that_aborts_on_panic_is_a_warning() {
    let module = open(fault("panic_abort", &["FAULT_PANIC_ABORT"])).unwrap();
    let [warning @ Warning::PanicAborts { .. }] = module.warnings() else { panic!("{:?}", module.warnings()) };
    assert!(warning.to_string().contains("panic = \"unwind\""), "{warning}");
    assert!(warning.to_string().contains("libpanic_abort.so"), "{warning}");
    assert!(module.module().panic_aborts());
}

// ----- the app ---------------------------------------------------------------

#[test]
fn the_only_app_needs_no_name() {
    let module = open(fault("only", &[r#"NAME="upload""#])).unwrap();
    assert_eq!(module.entry(None).unwrap().name(), "upload");
}

#[test]
fn the_app_called_app_needs_no_name() {
    let module = open(fault("several_app", &[r#"SECOND="other""#])).unwrap();
    assert_eq!(module.entry(None).unwrap().name(), "app");
    assert_eq!(module.entry(Some("other")).unwrap().name(), "other");
    assert_eq!(module.module().names(), ["app", "other"]);
}

#[test]
fn several_apps_and_none_named_lists_them() {
    let path = fault("several", &[r#"NAME="upload""#, r#"SECOND="download""#]);
    let parts = ["has several apps", "libseveral.so:upload", "upload, download"];
    let error = refusal(create(&path), &parts);
    assert_variant!(error, LoadError::SeveralApps { .. });
    assert_eq!(open(app(&path, "download")).unwrap().entry(None).unwrap().name(), "download");
}

#[test]
fn no_such_app_lists_those_there_are_and_suggests_a_near_one() {
    let path = fault("several", &[r#"NAME="upload""#, r#"SECOND="download""#]);
    let parts = ["has no app \"uplod\"", "Did you mean upload?", "It has: upload, download"];
    let error = refusal(create(app(&path, "uplod")), &parts);
    assert_variant!(error, LoadError::NoSuchApp { near: Some("upload"), .. });
    let error = refusal(create(app(&path, "hello")), &["has no app \"hello\". It has: upload, download"]);
    assert_variant!(error, LoadError::NoSuchApp { near: None, .. });
    assert_variant!(refusal(create(app(&path, "")), &["has no app \"\""]), LoadError::NoSuchApp { .. });
}

#[test]
fn a_failed_create_says_what_the_app_said() {
    let outcome = create(fault("create", &["FAULT_CREATE"]));
    let error = refusal(outcome, &["libcreate.so", "the app app", "the port of the database is missing"]);
    assert_variant!(error, LoadError::Create { reason: Error::App(_), .. });
    let error = refusal(create(fault("create_status", &["FAULT_CREATE_STATUS"])), &["unexpected status 42"]);
    assert_variant!(error, LoadError::Create { .. });
}

#[test]
fn a_panic_in_create_is_a_refusal_of_its_own() {
    let outcome = create(fault("create_panic", &["FAULT_CREATE_PANIC"]));
    let error = refusal(outcome, &["libcreate_panic.so", "panicked while it was created", "index out of bounds"]);
    assert_variant!(error, LoadError::CreatePanicked { app: "app", .. });
}

#[test]
fn a_failed_init_fails_every_create_alike() {
    let path = fault("init", &["FAULT_INIT"]);
    for _ in 0..2 {
        assert_variant!(refusal(create(&path), &["no licence"]), LoadError::Create { .. });
    }
}

// ----- what shows only when it is called --------------------------------------

#[test]
fn a_body_of_unknown_kind_is_an_error_and_closed() {
    let client = TestClient::new(create(fault("kind", &["FAULT_KIND"])).unwrap());
    let error = client.get("/").without_lint().try_send().unwrap_err();
    assert_variant!(error, Error::Unsupported(_));
    assert!(error.to_string().contains("unknown kind 77"), "{error}");
    assert_eq!(client.get("/closes").without_lint().send().text(), "1");
}

#[test]
fn a_stream_without_next_is_an_error_and_closed() {
    let client = TestClient::new(create(fault("no_next", &["FAULT_NO_NEXT"])).unwrap());
    let error = client.get("/").without_lint().try_send().unwrap_err();
    assert!(error.to_string().contains("a stream without next"), "{error}");
    assert_eq!(client.get("/closes").without_lint().send().text(), "1");
    let client = TestClient::new(create(fault("no_vt", &["FAULT_NO_VT"])).unwrap());
    let error = client.get("/").without_lint().try_send().unwrap_err();
    assert!(error.to_string().contains("a stream without next"), "{error}");
}

#[test]
fn an_unknown_status_of_call_is_the_apps_error() {
    for (name, define) in [("status_99", "FAULT_STATUS=-99"), ("status_7", "FAULT_STATUS=7"), ("end", "FAULT_STATUS=1")]
    {
        let client = TestClient::new(create(fault(name, &[define])).unwrap());
        let error = client.get("/").without_lint().try_send().unwrap_err();
        assert_variant!(error, Error::App(_));
    }
}

#[test]
fn an_unknown_status_of_next_is_an_error_never_a_clean_end() {
    for (name, define) in [("next_99", "FAULT_NEXT_STATUS=-99"), ("next_7", "FAULT_NEXT_STATUS=7")] {
        let client = TestClient::new(create(fault(name, &[define])).unwrap());
        let error = client.get("/").without_lint().try_send().unwrap_err();
        assert_variant!(error, Error::App(_));
        assert_eq!(client.get("/closes").without_lint().send().text(), "1");
    }
}

#[test]
fn calls_of_an_app_that_is_not_concurrent_take_turns() {
    let app = create(fault("not_concurrent", &["FAULT_NOT_CONCURRENT"])).unwrap();
    assert!(!app.flags().has(AppFlags::CONCURRENT));
    let client = TestClient::new(app);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert_eq!(client.get("/").without_lint().send().text(), "alone"));
        }
    });
}
