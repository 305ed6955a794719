//! Writes what is rendered from the definition of the flags into a folder:
//! `cargo run -p gateway-server --example render-config docs`.

use std::fs;
use std::path::Path;

use clap::CommandFactory as _;
use clap_complete::aot::{Generator as _, Shell};
use gateway_server::config;

const NAME: &str = "gateway-server";

fn main() -> std::io::Result<()> {
    let folder = std::env::args_os().nth(1).expect("render-config FOLDER");
    let folder = Path::new(&folder);
    fs::create_dir_all(folder.join("completions"))?;
    fs::write(folder.join("configuration.md"), config::reference::page())?;
    let mut manual = Vec::new();
    clap_mangen::Man::new(config::command()).render(&mut manual)?;
    fs::write(folder.join(format!("{NAME}.1")), manual)?;
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        let mut script = Vec::new();
        // As they are defined, without --lint=false: a shell would offer that
        // "false" behind a space.
        clap_complete::generate(shell, &mut config::Flags::command(), NAME, &mut script);
        fs::write(folder.join("completions").join(shell.file_name(NAME)), script)?;
    }
    Ok(())
}
