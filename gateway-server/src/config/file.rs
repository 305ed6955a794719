//! Settings from a TOML file.

use std::fs::File as Handle;
use std::io::Read as _;
use std::ops::Range;
use std::path::{Path, PathBuf};

use gateway_spec::escape;
use toml::Spanned;
use toml::de::{DeInteger, DeTable, DeValue};

use super::setting::{Kind, Setting, action, placed, unknown};
use super::source::{Entry, Layer, Source};

/// No configuration is that long: somebody named another file.
const MOST: u64 = 1024 * 1024;

/// Reads what the file says.
///
/// # Errors
/// Names file, line and key, and says what to write.
pub(super) fn read(path: &Path, settings: &[Setting]) -> Result<Layer, String> {
    let name = path.display().to_string();
    let text = load(path).map_err(|why| format!("{name}: {why}"))?;
    let folder = std::path::absolute(path).ok().and_then(|path| path.parent().map(Path::to_owned));
    let file = File { name, text: &text, folder: folder.unwrap_or_default() };
    file.layer(settings)
}

fn load(path: &Path) -> Result<String, String> {
    let file = Handle::open(path).map_err(|error| error.to_string())?;
    if file.metadata().is_ok_and(|data| data.is_dir()) {
        return Err("is a folder; --config takes a file".to_owned());
    }
    let mut bytes = Vec::new();
    file.take(MOST + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > MOST {
        return Err("is longer than 1 MiB: this is no configuration".to_owned());
    }
    String::from_utf8(bytes).map_err(|error| {
        let line =
            1 + error.as_bytes()[..error.utf8_error().valid_up_to()].iter().filter(|byte| **byte == b'\n').count();
        format!("is no UTF-8 in line {line}")
    })
}

struct File<'a> {
    name: String,
    text: &'a str,
    folder: PathBuf,
}

impl File<'_> {
    fn layer(&self, settings: &[Setting]) -> Result<Layer, String> {
        let table = DeTable::parse(self.text).map_err(|error| {
            let why = error.message().lines().next().unwrap_or_default();
            self.error(&error.span().unwrap_or_default(), why)
        })?;
        // In the order of the lines, so that the first error is told first.
        let mut entries: Vec<_> = table.get_ref().iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        let mut layer = Layer::new();
        for (key, value) in entries {
            let name: &str = key.get_ref();
            let Some(setting) = settings.iter().find(|setting| setting.key() == name) else {
                return Err(self.error(&key.span(), &stranger(name, value.get_ref(), settings)));
            };
            let values = self.values(setting, value)?;
            layer.insert(setting.id().to_owned(), Entry { values, source: self.source(&key.span()) });
        }
        Ok(layer)
    }

    fn values(&self, setting: &Setting, value: &Spanned<DeValue<'_>>) -> Result<Vec<String>, String> {
        match value.get_ref() {
            DeValue::Table(pairs) if setting.kind() == Kind::Pairs => {
                pairs.iter().map(|(key, value)| self.pair(setting, key, value)).collect()
            }
            DeValue::Array(list) if setting.is_list() && setting.kind() != Kind::Pairs => {
                if list.is_empty() && !setting.defaults().is_empty() {
                    let why = format!("{}: the list is empty; leave the key out for the default", setting.key());
                    return Err(self.error(&value.span(), &why));
                }
                list.iter().map(|value| self.scalar(setting, value)).collect()
            }
            _ => Ok(vec![self.scalar(setting, value)?]),
        }
    }

    /// One value, as it would stand on the command line.
    fn scalar(&self, setting: &Setting, value: &Spanned<DeValue<'_>>) -> Result<String, String> {
        let text = match (setting.kind(), value.get_ref()) {
            (Kind::Switch, DeValue::Boolean(on)) => on.to_string(),
            (Kind::Plain, DeValue::Integer(number)) if number.radix() == 10 => number.as_str().to_owned(),
            // The flag reads digits its own way: a mode of 0o660 must not become 432.
            (Kind::Plain, DeValue::Integer(_)) => {
                return Err(self.wrong(setting.key(), value, "write it as on the command line, in quotes"));
            }
            (Kind::App | Kind::Mount | Kind::Folder | Kind::Path | Kind::Plain, DeValue::String(text)) => {
                text.to_string()
            }
            _ => return Err(self.wrong(setting.key(), value, &wanted(setting))),
        };
        setting.check(&text).map_err(|why| self.wrong(setting.key(), value, &why))?;
        // Where the module is looked for is told apart: in several places.
        Ok(if matches!(setting.kind(), Kind::App | Kind::Mount) {
            text
        } else {
            placed(setting.kind(), &text, &self.folder)
        })
    }

    /// One line of a table: `key=value` on the command line.
    fn pair(
        &self,
        setting: &Setting,
        key: &Spanned<impl AsRef<str>>,
        value: &Spanned<DeValue<'_>>,
    ) -> Result<String, String> {
        let (table, name) = (setting.key(), key.get_ref().as_ref());
        if name.is_empty() || name.contains('=') {
            return Err(self.error(&key.span(), &format!("{table}: a key has a name, and no \"=\" in it")));
        }
        let text = match value.get_ref() {
            DeValue::String(text) => text.to_string(),
            DeValue::Boolean(on) => on.to_string(),
            DeValue::Integer(number) => integer(number),
            DeValue::Table(_) => {
                let why =
                    format!("{table}.{name}: tables end here; quotes stand around a key with a dot: \"{name}.…\" = …");
                return Err(self.error(&key.span(), &why));
            }
            _ => return Err(self.wrong(&format!("{table}.{name}"), value, "write text in quotes")),
        };
        Ok(format!("{name}={text}"))
    }

    fn wrong(&self, key: &str, value: &Spanned<DeValue<'_>>, why: &str) -> String {
        let written = self.text.get(value.span()).unwrap_or_default();
        let written: String = written.lines().next().unwrap_or_default().chars().take(60).collect();
        self.error(&value.span(), &format!("{key} = {}: {why}", escape(&written)))
    }

    fn error(&self, at: &Range<usize>, why: &str) -> String {
        format!("{}: {why}", self.source(at))
    }

    fn source(&self, at: &Range<usize>) -> Source {
        let before = self.text.as_bytes().iter().take(at.start);
        let line = 1 + before.filter(|byte| **byte == b'\n').count();
        Source::File { name: self.name.clone(), line, folder: self.folder.clone() }
    }
}

/// In tens, whichever way it is written in the file.
fn integer(number: &DeInteger<'_>) -> String {
    // What is longer is left as it is written.
    let value = i128::from_str_radix(number.as_str(), number.radix());
    value.map_or_else(|_| number.as_str().to_owned(), |value| value.to_string())
}

/// What to write where a value is of another type.
fn wanted(setting: &Setting) -> String {
    let key = setting.key();
    let example = setting.defaults().into_iter().next().unwrap_or_else(|| setting.value_name());
    let one = match setting.kind() {
        Kind::Switch => return "write true or false, without quotes".to_owned(),
        Kind::Pairs => return format!("write a table: [{key}], and lines of key = \"value\" below it"),
        Kind::Plain if example == "N" || example.parse::<u64>().is_ok() => "write a whole number".to_owned(),
        Kind::Path | Kind::App | Kind::Mount | Kind::Folder | Kind::Plain => {
            format!("write text in quotes, as {key} = \"{example}\"")
        }
    };
    if setting.is_list() { format!("{one}, or a list of such") } else { one }
}

/// What is said of a key that is no setting.
fn stranger(name: &str, value: &DeValue<'_>, settings: &[Setting]) -> String {
    if let Some(flag) = action(name) {
        return format!("{name:?} belongs on the command line, as {flag}");
    }
    let tables = if value.is_table() { "; but for [set] there are no tables" } else { "" };
    unknown("key", name, settings.iter().map(Setting::key)) + tables
}
