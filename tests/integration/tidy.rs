//! What holds the house together: layers, where unsafe may stand, how long a
//! file is, what the profiles say.

use std::path::{Path, PathBuf};

use gateway_tests::artifacts::workspace;

/// All Rust files of a folder, with their text; test files left out.
fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![workspace().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("the folder is there") {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") && !path.ends_with("tests.rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    assert!(!found.is_empty(), "no sources in {folder}");
    found
}

/// The part before the file's own tests.
fn code(text: &str) -> &str {
    text.split("#[cfg(test)]\nmod tests {").next().unwrap_or(text)
}

/// The floor of each of the server's modules (docs/ARCHITECTURE.md).
const FLOORS: &[(&str, u32)] = &[
    ("sys", 0),
    ("protocol", 1),
    ("net", 1),
    ("stats", 2),
    ("service", 2),
    ("exchange", 3),
    ("logs", 3),
    ("engine", 4),
    ("supervisor", 4),
    ("config", 5),
    ("figures", 5),
    ("server", 6),
    ("cli", 6),
    ("main", 7),
    ("lib", 7),
];

fn floor(module: &str) -> u32 {
    let found = FLOORS.iter().find(|(name, _)| *name == module);
    found.unwrap_or_else(|| panic!("the module {module} has no floor: give it one here and in ARCHITECTURE.md")).1
}

#[test]
fn modules_import_from_lower_floors_only() {
    let root = workspace().join("gateway-server/src");
    for (path, text) in sources("gateway-server/src") {
        let relative = path.strip_prefix(&root).unwrap();
        let first = relative.components().next().unwrap().as_os_str().to_string_lossy().into_owned();
        let module = first.trim_end_matches(".rs");
        let code = code(&text).lines().filter(|line| !line.trim_start().starts_with("//"));
        for line in code {
            for import in line.split("crate::").skip(1) {
                let other: String = import.chars().take_while(|char| char.is_alphanumeric() || *char == '_').collect();
                if other != module && !other.is_empty() && other.starts_with(char::is_lowercase) {
                    let fits = floor(&other) < floor(module) || (module == "cli" && other == "server");
                    assert!(fits, "{}: {module} imports from {other}: {line}", relative.display());
                }
            }
        }
    }
}

#[test]
fn protocol_and_exchange_name_no_socket_clock_or_thread() {
    for folder in ["gateway-server/src/protocol", "gateway-server/src/exchange"] {
        for (path, text) in sources(folder) {
            for word in ["std::net", "TcpStream", "UnixStream", "Instant::now", "SystemTime", "std::thread", "rustix"] {
                assert!(!code(&text).contains(word), "{} names {word}", path.display());
            }
        }
    }
}

#[test]
fn engines_name_no_protocol() {
    for (path, text) in sources("gateway-server/src/engine") {
        assert!(!text.contains("protocol::"), "{} names a protocol", path.display());
    }
}

/// The only places where unsafe code may stand.
const UNSAFE: &[&str] = &[
    "gateway-spec/src/abi/",
    "gateway-spec/src/loader/dl.rs",
    "gateway-server/src/exchange/buffer.rs",
    "gateway-server/src/exchange/lent.rs",
    "gateway-server/src/exchange/slot.rs",
    "gateway-server/src/exchange/slot/",
    "gateway-server/src/sys/",
];

#[test]
fn unsafe_code_stands_in_named_modules_only() {
    for folder in ["gateway-spec/src", "gateway-server/src", "example-apps"] {
        for (path, text) in sources(folder) {
            let relative = path.strip_prefix(workspace()).unwrap().display().to_string();
            let allowed = UNSAFE.iter().any(|place| relative.starts_with(place));
            let used = text.lines().map(str::trim_start).filter(|line| !line.starts_with("//"));
            let used = used
                .filter(|line| line.contains("unsafe {") || line.contains("unsafe fn") || line.contains("unsafe impl"));
            assert!(allowed || used.count() == 0, "{relative} has unsafe code; only {UNSAFE:?} may");
        }
    }
}

#[test]
fn files_are_short_enough_to_read() {
    for folder in ["gateway-spec/src", "gateway-server/src", "example-apps"] {
        for (path, text) in sources(folder) {
            let lines = code(&text).lines().count();
            // The mirror of the C header is one list; it is read beside it.
            let most = if path.ends_with("abi/types.rs") { 700 } else { 450 };
            assert!(lines <= most, "{} has {lines} lines: split it", path.display());
        }
    }
}

#[test]
fn both_profiles_unwind() {
    let manifest = std::fs::read_to_string(workspace().join("Cargo.toml")).unwrap();
    for profile in ["dev", "release"] {
        let section = manifest.split(&format!("[profile.{profile}]")).nth(1).expect("the profile is stated");
        let section = section.split("\n[").next().unwrap();
        assert!(section.contains("panic = \"unwind\""), "the {profile} profile must state panic = \"unwind\"");
    }
}

/// Every dependency is accounted for.
#[test]
fn every_dependency_has_its_reason() {
    let manifest = std::fs::read_to_string(workspace().join("Cargo.toml")).unwrap();
    let reasons = std::fs::read_to_string(workspace().join("docs/DEPENDENCIES.md")).unwrap();
    let section = manifest.split("[workspace.dependencies]").nth(1).unwrap().split("\n[").next().unwrap();
    for line in section.lines().filter(|line| line.contains('=') && !line.contains("path =")) {
        let name = line.split('=').next().unwrap().trim();
        assert!(reasons.contains(&format!("`{name}`")), "docs/DEPENDENCIES.md does not say why {name} is there");
    }
}

/// Links between the documents lead somewhere, and no merge is left half done.
#[test]
fn links_in_the_documents_lead_somewhere() {
    let mut pages: Vec<PathBuf> =
        std::fs::read_dir(workspace().join("docs")).unwrap().map(|it| it.unwrap().path()).collect();
    pages.extend(["README.md", "CHANGELOG.md", "example-apps/README.md"].map(|page| workspace().join(page)));
    for page in pages.iter().filter(|page| page.extension().is_some_and(|end| end == "md")) {
        let text = std::fs::read_to_string(page).unwrap();
        assert!(!text.contains("\n<<<<<<< "), "{} holds two versions of a passage", page.display());
        for link in text.split("](").skip(1) {
            let link = link.split([')', '#', ' ']).next().unwrap();
            if !link.is_empty() && !link.contains("://") {
                let target = page.parent().unwrap_or(Path::new(".")).join(link);
                assert!(target.exists(), "{} links to {link}, which is not there", page.display());
            }
        }
    }
}
