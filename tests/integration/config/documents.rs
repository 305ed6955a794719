//! What is rendered from the flags is fresh, and the file for deployment holds.

use std::path::{Path, PathBuf};
use std::process::Command;

use gateway_tests::artifacts::{self, workspace};
use gateway_tests::server::run;

use super::Case;

const RENDERED: [&str; 5] = [
    "configuration.md",
    "gateway-server.1",
    "completions/_gateway-server",
    "completions/gateway-server.bash",
    "completions/gateway-server.fish",
];

#[test]
fn what_is_rendered_from_the_flags_is_fresh() {
    let case = Case::new("");
    let status = Command::new(artifacts::example("render-config")).arg(case.folder()).status().unwrap();
    assert!(status.success());
    for name in RENDERED {
        let read = |folder: &Path| std::fs::read_to_string(folder.join(name)).unwrap();
        assert!(read(&workspace().join("docs")) == read(case.folder()), "docs/{name} is stale: make spec");
    }
}

/// Every flag that `--help` shows stands in the reference.
#[test]
fn the_reference_has_every_flag() {
    let help = String::from_utf8(run(&["--help"]).stdout).unwrap();
    let page = std::fs::read_to_string(workspace().join("docs/configuration.md")).unwrap();
    let flags = help.lines().filter_map(|line| line.trim_start().strip_prefix("-")?.split("--").nth(1).or(Some("")));
    let flags: Vec<&str> =
        flags.map(|flag| flag.split(|char: char| !char.is_alphanumeric() && char != '-').next().unwrap()).collect();
    for flag in flags.iter().filter(|flag| !flag.is_empty()) {
        assert!(page.contains(&format!("`--{flag}")), "--{flag} is not in docs/configuration.md");
    }
    assert!(flags.len() > 25, "{flags:?}");
}

fn deployed() -> PathBuf {
    workspace().join("docs/deploy/gateway.toml")
}

#[test]
fn the_file_for_deployment_is_a_configuration() {
    let output = run(&["--check-config", "--config", deployed().to_str().unwrap()]);
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!((output.status.code(), &*output.stdout), (Some(0), &b"ok\n"[..]));
}

/// Also what stands in it as a comment: a line that begins with "#" and a key.
#[test]
fn the_comments_of_the_file_for_deployment_are_settings() {
    let text = std::fs::read_to_string(deployed()).unwrap();
    let is_setting = |line: &&str| line.starts_with(|char: char| char.is_ascii_lowercase());
    let opened = |line: &str| line.strip_prefix('#').filter(is_setting).map_or_else(|| line.to_owned(), str::to_owned);
    let text: Vec<String> = text.lines().map(opened).collect();
    let (code, out, log) = Case::new(text.join("\n")).run(&["--print-config"]);
    assert_eq!(code, Some(0), "{log}");
    assert!(out.contains("spool-dir = \"/var/tmp\"") && out.contains("\"greeting\" = \"Hello\""), "{out}");
}
