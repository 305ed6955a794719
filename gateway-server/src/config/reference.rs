//! The page of all settings: `docs/configuration.md`.

use std::fmt::Write as _;

use clap::Arg;

use super::setting::{Kind, Setting, command};

const INTRODUCTION: &str = include_str!("reference.md");

/// The page, as Markdown.
#[must_use]
pub fn page() -> String {
    let mut command = command();
    command.build();
    let settings = Setting::all(&command);
    let mut page = INTRODUCTION.to_owned();
    let mut heading = Some("");
    for setting in &settings {
        if heading != setting.arg.get_help_heading() {
            heading = setting.arg.get_help_heading();
            page += &format!("\n### {}\n\n{HEAD}", heading.unwrap_or("General"));
        }
        page += &row(setting);
    }
    page += "\n## On the command line only\n\n| flag | meaning |\n|---|---|\n";
    let is_setting = |arg: &Arg| settings.iter().any(|setting| setting.arg.get_id() == arg.get_id());
    for arg in command.get_arguments().filter(|arg| !is_setting(arg) && !arg.is_hide_set()) {
        let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
        let value = arg.get_value_names().filter(|_| arg.get_action().takes_values()).and_then(|names| names.first());
        let value = value.map(|name| format!(" {name}")).unwrap_or_default();
        // Writing to a String cannot fail.
        let _ = writeln!(page, "| `--{}{value}` | {} |", arg.get_long().unwrap_or_default(), escaped(&help));
    }
    page
}

const HEAD: &str = "| flag | variable | key | default | meaning |\n|---|---|---|---|---|\n";

fn row(setting: &Setting) -> String {
    let (meaning, default) = setting.help();
    let flag = match (setting.kind(), setting.value_name()) {
        (Kind::App, name) => name,
        (Kind::Switch, _) => setting.flag(),
        (_, name) => format!("{} {name}", setting.flag()),
    };
    let default = match setting.defaults().as_slice() {
        [] => default.unwrap_or_default(),
        values => format!("`{}`", values.join(", ")),
    };
    let key = if setting.kind() == Kind::Pairs { format!("[{}]", setting.key()) } else { setting.key().to_owned() };
    format!(
        "| `{flag}` | `{}` | `{key}` | {} | {}{} |\n",
        setting.variable(),
        escaped(&default),
        escaped(&meaning),
        choices(setting)
    )
}

/// The values of a setting that has only some.
fn choices(setting: &Setting) -> String {
    let values = setting.arg.get_possible_values();
    if values.is_empty() || setting.kind() == Kind::Switch {
        return String::new();
    }
    let describe = |value: &clap::builder::PossibleValue| match value.get_help() {
        Some(help) => format!("`{}` ({})", value.get_name(), escaped(&help.to_string())),
        None => format!("`{}`", value.get_name()),
    };
    format!(": {}", values.iter().map(describe).collect::<Vec<_>>().join(", "))
}

fn escaped(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;")
}
