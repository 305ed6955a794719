//! MOD: the table of a module.

use super::facts::{AppFacts, ModuleFacts};
use super::rule::Side::App;
use super::rule::{Check, Rule, Seen};
use super::text::when;
use crate::abi::types::{
    GW_APP_CONCURRENT, GW_APP_NO_SUSPEND, GW_APP_STREAMS_INPUT, GW_MODULE_FORK_SAFE, GW_MODULE_PANIC_ABORT,
    GW_MODULE_THREADS,
};

const MODULE_FLAGS: u32 = GW_MODULE_PANIC_ABORT | GW_MODULE_THREADS | GW_MODULE_FORK_SAFE;
const APP_FLAGS: u32 = GW_APP_CONCURRENT | GW_APP_STREAMS_INPUT | GW_APP_NO_SUSPEND;

pub(super) const RULES: &[Rule] = &[
    Rule::must(
        "MOD-01",
        App,
        "decision: `path:app`",
        "The name of an app has no `:` and no `/`, so that it can stand behind the last colon of `path:app`, and no \
         white space or control characters.",
        Check::Module(|module| {
            let bad = |c: char| matches!(c, ':' | '/') || c.is_whitespace() || c.is_control();
            any_app(module, |app| when(app.name.is_empty() || app.name.contains(bad), || "its name".to_owned()))
        }),
    ),
    Rule::must(
        "MOD-02",
        App,
        "decision: `path:app`",
        "No two apps of a module have the same name.",
        Check::Module(|module| {
            let names: Vec<&str> = module.apps.iter().map(|app| app.name.as_str()).collect();
            let twice = names.iter().enumerate().find(|(at, name)| names[..*at].contains(name));
            twice.map(|(_, name)| format!("two apps are named \"{name}\""))
        }),
    ),
    Rule::must(
        "MOD-03",
        App,
        "decision: growth of the ABI",
        "A module sets no module flag that its version of the ABI does not define.",
        Check::Module(|module| {
            let unknown = module.flags & !MODULE_FLAGS;
            when(unknown != 0, || format!("module flags {unknown:#x}"))
        }),
    ),
    Rule::must(
        "MOD-04",
        App,
        "decision: growth of the ABI",
        "A module sets no app flag that its version of the ABI does not define.",
        Check::Module(|module| {
            any_app(module, |app| {
                let unknown = app.flags & !APP_FLAGS;
                when(unknown != 0, || format!("flags {unknown:#x}"))
            })
        }),
    ),
    Rule::should(
        "MOD-05",
        App,
        "decision: diagnostics",
        "A module states its name and its version.",
        Check::Module(|module| {
            let missing = module.name.is_empty() || module.version.is_empty();
            when(missing, || format!("the name is \"{}\", the version \"{}\"", module.name, module.version))
        }),
    ),
    Rule::should(
        "MOD-06",
        App,
        "decision: diagnostics",
        "A module states what it was built with, which every refusal shows.",
        Check::Module(|module| when(module.built_with.is_empty(), || "built_with is empty".to_owned())),
    ),
    Rule::should(
        "MOD-07",
        App,
        "decision: diagnostics",
        "Every app of a module says in its doc what it is.",
        Check::Module(|module| {
            any_app(module, |app| when(app.doc.trim().is_empty(), || "its doc is empty".to_owned()))
        }),
    ),
    Rule::should(
        "MOD-08",
        App,
        "decision: panics",
        "A module is not built with `panic = \"abort\"`: a panic would end the process and every request in it.",
        Check::Module(|module| {
            when(module.flags & GW_MODULE_PANIC_ABORT != 0, || "the flag PANIC_ABORT is set".to_owned())
        }),
    ),
    Rule::should(
        "MOD-09",
        App,
        "decision: `path:app`",
        "One app of a module of several is named `app`: it is the one that a path without a name means.",
        Check::Module(|module| {
            let named = module.apps.len() < 2 || module.apps.iter().any(|app| app.name == "app");
            when(!named, || format!("{} apps and none is named app", module.apps.len()))
        }),
    ),
];

fn any_app(module: &ModuleFacts, wrong: impl Fn(&AppFacts) -> Seen) -> Seen {
    module.apps.iter().find_map(|app| wrong(app).map(|seen| format!("app \"{}\": {seen}", app.name)))
}
