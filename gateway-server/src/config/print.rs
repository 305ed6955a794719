//! `--print-config`: a file that says what holds, and who says so.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::Path;

use super::setting::{Kind, Setting, placed};
use super::source::Source;

/// The file, to be used as it is.
///
/// # Errors
/// A value that TOML cannot hold.
pub(super) fn page(
    settings: &[Setting],
    value: impl Fn(&Setting) -> (Vec<OsString>, Source),
) -> Result<String, String> {
    let mut text = String::new();
    let mut heading = None;
    // A table ends what stands before it: it comes last.
    let (tables, lines): (Vec<_>, Vec<_>) = settings.iter().partition(|setting| setting.kind() == Kind::Pairs);
    for setting in lines {
        if heading != setting.arg.get_help_heading() {
            heading = setting.arg.get_help_heading();
            text += &format!("\n# {}\n", heading.unwrap_or_default());
        }
        let (values, source) = value(setting);
        text += &line(setting, &strings(setting, values, &source)?, &source);
    }
    for setting in tables {
        let (values, source) = value(setting);
        text += &table(setting, &strings(setting, values, &source)?, &source);
    }
    Ok(text)
}

/// Paths are written out, so that the file can lie anywhere.
fn strings(setting: &Setting, values: Vec<OsString>, source: &Source) -> Result<Vec<String>, String> {
    let current = std::env::current_dir().unwrap_or_default();
    let folder: &Path = if let Source::File { folder, .. } = source { folder } else { &current };
    let string = |value: OsString| match value.to_str() {
        Some(value) => Ok(placed(setting.kind(), value, folder)),
        None => Err(format!("{} is no UTF-8 and cannot stand in a file", setting.key())),
    };
    values.into_iter().map(string).collect()
}

fn line(setting: &Setting, values: &[String], source: &Source) -> String {
    let key = setting.key();
    let value = match values {
        [] => {
            let default = setting.help().1.map_or_else(String::new, |default| format!(": {default}"));
            return format!("# {key} = {}  # default{default}\n", setting.value_name());
        }
        [value] if !setting.is_list() => word(setting, value),
        list => format!("[{}]", list.iter().map(|value| word(setting, value)).collect::<Vec<_>>().join(", ")),
    };
    format!("{key} = {value}  # {source}\n")
}

fn table(setting: &Setting, values: &[String], source: &Source) -> String {
    let mut text = format!("\n[{}]  # {source}\n", setting.key());
    for (key, value) in values.iter().filter_map(|pair| pair.split_once('=')) {
        text += &format!("{} = {}  # {source}\n", quoted(key), quoted(value));
    }
    text
}

fn word(setting: &Setting, value: &str) -> String {
    match setting.kind() {
        // As it was understood: yes and 1 are true as well.
        Kind::Switch => setting.is_on(value).to_string(),
        Kind::Plain if value.parse().is_ok_and(|number: u64| number.to_string() == value) => value.to_owned(),
        _ => quoted(value),
    }
}

/// A basic string of TOML.
fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for char in text.chars() {
        // Writing to a String cannot fail.
        let _ = match char {
            '"' | '\\' => write!(quoted, "\\{char}"),
            _ if char.is_control() => write!(quoted, "\\u{:04X}", u32::from(char)),
            _ => write!(quoted, "{char}"),
        };
    }
    quoted + "\""
}

#[cfg(test)]
mod tests {
    use toml::de::DeTable;

    #[test]
    fn any_text_comes_back() {
        for text in ["", "a b", "\"\\\"", "line\nline\r\n\t", "\u{0}\u{1f}\u{7f}\u{85}", "\u{e9}\u{1f600}\u{2028}"] {
            let line = format!("key = {}  # flag\n", super::quoted(text));
            let table = DeTable::parse(&line).unwrap_or_else(|error| panic!("{line}: {error}"));
            assert_eq!(table.get_ref()["key"].get_ref().as_str(), Some(text), "{line}");
        }
    }
}
