//! `--check` and `--list`: modules are looked at in a child process.

use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, ExitCode};

use gateway_spec::escape;
use gateway_spec::lint;
use gateway_spec::lint::facts::ModuleFacts;
use gateway_spec::loader::OpenModule;
use signal_hook::low_level;

use super::site::{Dropped, Part, dropped, open_files};
use super::{Failure, println_quiet};
use crate::config::{AppsConfig, Content, Module};
use crate::server::{self, Manner};
use crate::service::Place;

/// How the child says that it came to its end: a module that calls `exit(0)`
/// must not pass for a good one.
const DONE: u8 = 77;

/// Runs this program again: constructors of the module run before any check of
/// it, and a crash there must be told, not shared.
pub(super) fn inspect_in_child() -> Result<ExitCode, Failure> {
    let other = |error: std::io::Error| Failure::Other(format!("cannot start a child process: {error}"));
    let program = std::env::current_exe().map_err(other)?;
    let arguments = std::env::args_os().skip(1);
    let status = Command::new(program).arg("--in-child").args(arguments).status().map_err(other)?;
    if let Some(signal) = status.signal() {
        let name = low_level::signal_name(signal).unwrap_or("unknown");
        return Err(Failure::Other(format!(
            "the module crashed while it was loaded or created: signal {signal} ({name})"
        )));
    }
    match status.code() {
        Some(code) if code == i32::from(DONE) => Ok(ExitCode::SUCCESS),
        Some(0) | None => Err(Failure::Other("the module ended the process while it was loaded or created".to_owned())),
        Some(code) => Ok(ExitCode::from(u8::try_from(code).unwrap_or(1))),
    }
}

/// Loads each module, and creates its app. Those that are well are told before
/// the next one is tried, so that it is known which one has ended the process.
pub(super) fn check(config: &AppsConfig) -> Result<ExitCode, Failure> {
    let mut is_broken = false;
    for mount in &config.mounts {
        match &mount.content {
            Content::Module(module) => check_module(config, &mount.place, module)?,
            Content::Files(folder) => {
                drop(open_files(folder)?);
                println_quiet(&format!("ok: {}: {}", mount.place, folder.folder.display()));
            }
            Content::Folder(folder) => {
                for Dropped { place, module } in dropped::read(&mount.place, folder)? {
                    // Each of them is told of: they do not keep each other from serving.
                    if let Err(failure) = check_module(config, &place, &module) {
                        println_quiet(&format!("broken: {}", failure.parts().1));
                        is_broken = true;
                    }
                }
            }
        }
    }
    if is_broken {
        return Err(Failure::Other("a module that is broken would answer 500; all others would be served".to_owned()));
    }
    Ok(ExitCode::from(DONE))
}

fn check_module(config: &AppsConfig, place: &Place, module: &Module) -> Result<(), Failure> {
    let part = Part::open(config, place.clone(), module)?;
    part.warn();
    let entry = part.entry()?;
    drop(part.create(&server::host(&Manner::default()), &config.settings, false)?);
    let info = part.module.module();
    for violation in lint::check_module(&ModuleFacts::of(info)) {
        println_quiet(&format!("warning: {violation}"));
    }
    let place = part.named().map(|place| format!("{place}: ")).unwrap_or_default();
    let (path, name, version) = (part.module.path().display(), info.name(), info.version());
    println_quiet(&format!("ok: {place}{path}:{} ({name} {version})", entry.name()));
    Ok(())
}

/// Tells what is in a module.
pub(super) fn list(config: &AppsConfig) -> Result<ExitCode, Failure> {
    for mount in &config.mounts {
        if let Content::Module(module) = &mount.content {
            let part = Part::open(config, mount.place.clone(), module)?;
            part.warn();
            list_module(&part.module);
        }
    }
    Ok(ExitCode::from(DONE))
}

fn list_module(module: &OpenModule) {
    let info = module.module();
    let (major, minor) = info.abi();
    let mut text = format!("{}\n", module.path().display());
    text += &format!("  module   {} {}\n", info.name(), info.version());
    text += &format!("  abi      {major}.{minor}\n");
    text += &format!("  built    {}\n", info.built_with());
    if info.panic_aborts() {
        text += "  note     a panic in this module ends the server\n";
    }
    text += "  apps\n";
    let width = info.names().iter().map(|name| name.len()).max().unwrap_or(0);
    for app in info.apps() {
        text += format!("    {:width$}  {}", app.name(), first_sentence(&app.doc())).trim_end();
        text += "\n";
    }
    println_quiet(text.trim_end());
}

/// The first sentence of a text, on one line and safe for a terminal.
fn first_sentence(doc: &str) -> String {
    let paragraph: Vec<&str> = doc.trim().lines().map(str::trim).take_while(|line| !line.is_empty()).collect();
    let paragraph = paragraph.join(" ");
    escape(paragraph.split_inclusive(". ").next().unwrap_or_default().trim())
}

#[cfg(test)]
mod tests {
    use super::first_sentence;

    #[test]
    fn a_doc_shows_as_its_first_sentence() {
        assert_eq!(first_sentence(" Counts. More\n of it.\n"), "Counts.");
        assert_eq!(first_sentence(" Counts the\n bytes\n\n More."), "Counts the bytes");
        assert_eq!(first_sentence("\u{1b}[2J"), "\\u{1b}[2J");
        assert_eq!(first_sentence(""), "");
    }
}
