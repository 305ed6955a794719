//! `gateway.h` against its Rust mirror: layouts, constants, and that C11 and
//! C++17 compile it without a warning.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use gateway_spec::Config;
use gateway_spec::abi::host::Host;
use gateway_spec::abi::types::*;
use gateway_spec::loader::{self, Options, Target};
use gateway_spec::testing::TestClient;
use gateway_tests::artifacts::workspace;

fn header() -> String {
    fs::read_to_string(workspace().join("gateway-spec/include/gateway.h")).unwrap()
}

/// Compiles a program without tolerating a warning; answers where it is.
fn compile(folder: &Path, compiler: &[&str], name: &str, source: &str) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, source).unwrap();
    let out = path.with_extension("out");
    let mut command = Command::new(compiler[0]);
    command.args(&compiler[1..]).args(["-Wall", "-Wextra", "-pedantic", "-Werror", "-I"]);
    command.arg(workspace().join("gateway-spec/include")).arg(&path).arg("-o").arg(&out);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{compiler:?}: {}", String::from_utf8_lossy(&output.stderr));
    out
}

/// Prints `key value` lines; the values as signed 64-bit numbers.
fn printed(lines: &[String]) -> BTreeMap<String, i64> {
    let folder = tempfile::tempdir().unwrap();
    let mut source = "#include \"gateway.h\"\n#include <stdio.h>\nint main(void) {\n".to_owned();
    for line in lines {
        writeln!(source, "    printf(\"%s %lld\\n\", \"{line}\", (long long)({line}));").unwrap();
    }
    source.push_str("    return 0;\n}\n");
    let program = compile(folder.path(), &["cc", "-std=c11"], "print.c", &source);
    let output = Command::new(program).output().unwrap();
    let parse = |line: &str| {
        let (key, value) = line.rsplit_once(' ').unwrap();
        (key.to_owned(), value.parse().unwrap())
    };
    String::from_utf8(output.stdout).unwrap().lines().map(parse).collect()
}

/// `GwRequestVt` is `gw_request_vt`.
fn c_name(rust: &str) -> String {
    let mut name = String::new();
    for letter in rust.chars() {
        if letter.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}

#[test]
fn c11_and_cpp17_compile_it_without_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    // Every helper is used: an unused one may hide its warnings.
    let source = r#"
        #include "gateway.h"
        #include "gateway.h"
        static const gw_str text = GW_STR("text");
        static gw_status call(void *self, const gw_request *request, gw_body *out, gw_buf *err) {
            gw_str value = gw_bytes(text.ptr, text.len);
            gw_pair pair = gw_pair_of("A", "b");
            (void)self;
            gw_log(request->host, GW_LOG_INFO, "line");
            if (gw_env(request, "HTTP_HOST", &value) && gw_header(request, "host", &value) && gw_is(value, "x"))
                return gw_fail(err, "text");
            if (gw_start(request, 200, &pair, 1, err) != GW_OK) return GW_STATE;
            return gw_answer(out, value);
        }
        int main(int argc, char **argv) { return argc > 99 ? (int)call(argv, NULL, NULL, NULL) : 0; }
    "#;
    compile(folder.path(), &["cc", "-std=c11"], "a.c", source);
    compile(folder.path(), &["cc", "-std=c11", "-O2", "-Wshadow", "-Wconversion"], "b.c", source);
    compile(folder.path(), &["c++", "-std=c++17"], "c.cpp", source);
    compile(folder.path(), &["c++", "-std=c++17", "-O2"], "d.cpp", source);
}

#[test]
#[cfg(target_pointer_width = "64")]
fn sizes_and_offsets_are_those_of_the_mirror() {
    let mut expected = BTreeMap::new();
    for (name, size, fields) in LAYOUT {
        let name = c_name(name);
        expected.insert(format!("sizeof({name})"), *size as i64);
        for (field, offset) in *fields {
            expected.insert(format!("offsetof({name}, {field})"), *offset as i64);
        }
    }
    expected.insert("sizeof(gw_body_content)".into(), size_of::<GwBodyContent>() as i64);
    let lines: Vec<String> = expected.keys().cloned().collect();
    assert_eq!(printed(&lines), expected);
}

#[test]
fn every_struct_of_the_header_is_in_the_mirror() {
    let header = header();
    let structs = header.lines().filter_map(|line| {
        let line = line.strip_prefix("typedef ").unwrap_or(line);
        line.strip_prefix("struct ")?.strip_suffix(" {")
    });
    let mut found: Vec<String> = structs.map(str::to_owned).collect();
    let mut expected: Vec<String> = LAYOUT.iter().map(|(name, ..)| c_name(name)).collect();
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
}

macro_rules! constants {
    ($($name:ident)*) => {
        &[$((stringify!($name), $name as i64)),*]
    };
}

const CONSTANTS: &[(&str, i64)] = constants! {
    GW_MAGIC GW_ABI_MAJOR GW_ABI_MINOR GW_UNKNOWN
    GW_OK GW_END GW_APP GW_PANIC GW_STATE GW_INVALID GW_IO GW_GONE GW_LIMIT GW_UNSUPPORTED GW_NOMEM
    GW_HOST_MULTITHREAD GW_HOST_MULTIPROCESS GW_HOST_RUN_ONCE
    GW_MODULE_PANIC_ABORT GW_MODULE_THREADS GW_MODULE_FORK_SAFE
    GW_APP_CONCURRENT GW_APP_STREAMS_INPUT GW_APP_NO_SUSPEND
    GW_REQUEST_BODY_COMPLETE GW_REQUEST_EDITED
    GW_WRITE_FLUSH GW_CHUNK_LAST GW_CHUNK_FLUSH GW_STATE_DISCONNECTED
    GW_BODY_EMPTY GW_BODY_BYTES GW_BODY_PARTS GW_BODY_STREAM GW_BODY_FILE
    GW_LOG_ERROR GW_LOG_WARN GW_LOG_INFO GW_LOG_DEBUG GW_LOG_TRACE
};

/// The names in the lines that begin with `prefix`, up to the first byte that
/// no name has.
fn names(text: &str, prefix: &str) -> Vec<String> {
    let name = |rest: &str| rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap().to_owned();
    let mut names: Vec<String> = text.lines().filter_map(|line| line.strip_prefix(prefix)).map(name).collect();
    names.sort();
    names.dedup();
    names
}

#[test]
fn both_sides_have_the_same_constants() {
    let mirror = fs::read_to_string(workspace().join("gateway-spec/src/abi/types.rs")).unwrap();
    let mut expected: Vec<String> = CONSTANTS.iter().map(|(name, _)| (*name).to_owned()).collect();
    expected.sort();
    let of = |names: Vec<String>| -> Vec<String> { names.into_iter().filter(|name| name.starts_with("GW_")).collect() };
    assert_eq!(of(names(&mirror, "pub const ")), expected, "types.rs");
    let macros = ["GW_EXPORT", "GW_STR"];
    let defined: Vec<String> =
        of(names(&header(), "#define ")).into_iter().filter(|name| !macros.contains(&&**name)).collect();
    assert_eq!(defined, expected, "gateway.h");
}

#[test]
fn constants_have_the_same_values() {
    let lines: Vec<String> = CONSTANTS.iter().map(|(name, _)| (*name).to_owned()).collect();
    let expected: BTreeMap<String, i64> = CONSTANTS.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
    assert_eq!(printed(&lines), expected);
}

#[test]
fn every_function_states_its_threads() {
    let header = header();
    let header = header.split("/* ----- helpers").next().unwrap();
    let mut untagged = Vec::new();
    for (at, _) in header.match_indices("(*") {
        let before = &header[..at];
        let comment = before.rfind("/*").map_or("", |start| &before[start..]);
        let name = header[at + 2..].split(')').next().unwrap_or_default();
        if !comment.contains("[any thread]") && !comment.contains("[one at a time]") && !comment.contains("[the thread")
        {
            untagged.push(name);
        }
    }
    assert_eq!(untagged, Vec::<&str>::new());
}

#[test]
fn the_module_in_the_document_builds_and_answers() {
    let document = fs::read_to_string(workspace().join("docs/ABI.md")).unwrap();
    let source = document.split("```c\n").nth(1).unwrap().split("```").next().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let compiler = ["cc", "-std=c11", "-O2", "-shared", "-fPIC", "-fvisibility=hidden"];
    let module = compile(folder.path(), &compiler, "hello.c", source);
    let module = loader::open(&Target::parse(module.to_str().unwrap()), &Options::default()).unwrap();
    let host = Host::new("tests", "1", 0, |_, _, _| {});
    let none: [(&str, &str); 0] = [];
    let app = module.create(std::sync::Arc::clone(&host), &Config::from_pairs(none)).unwrap();
    assert_eq!(TestClient::new(app).get("/").send().text(), "Hello, World!\n");
    let error = module.create(host, &Config::from_pairs([("a", "b")])).unwrap_err();
    assert!(error.to_string().contains("hello has nothing to configure"), "{error}");
}
