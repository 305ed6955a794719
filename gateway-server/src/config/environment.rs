//! Settings from `GATEWAY_*` variables.

use std::ffi::OsString;

use gateway_spec::escape;

use super::setting::{PREFIX, Setting, action, unknown};
use super::source::{Entry, Layer, Source};
use crate::net::UPGRADE;

/// Variables of that name that are no settings: of the log, of `--config`, of an
/// upgrade, and of CGI, whose programs have it about them.
const OTHERS: &[&str] = &["GATEWAY_LOG", "GATEWAY_CONFIG", "GATEWAY_INTERFACE", UPGRADE];

/// Reads what the variables say.
///
/// # Errors
/// Names the variable, and says what to write.
pub(super) fn read(variables: &[(OsString, OsString)], settings: &[Setting]) -> Result<Layer, String> {
    let mut layer = Layer::new();
    for (name, value) in variables {
        let name = name.to_string_lossy();
        // Scripts that pass a variable on give an empty one for none.
        let passes = !name.starts_with(PREFIX) || OTHERS.contains(&&*name) || value.is_empty();
        if passes {
            continue;
        }
        let Some(setting) = settings.iter().find(|setting| setting.variable() == name) else {
            if is_of_a_service(&name) {
                continue;
            }
            return Err(stranger(&name, settings));
        };
        let value = value.to_str().ok_or_else(|| format!("{name} is no UTF-8"))?;
        let values = values(setting, value);
        for value in &values {
            setting.check(value).map_err(|why| format!("{name}={}: {why}", escape(value)))?;
        }
        layer.insert(setting.id().to_owned(), Entry { values, source: Source::Variable(name.into_owned()) });
    }
    Ok(layer)
}

/// What is said of a variable that is no setting.
fn stranger(name: &str, settings: &[Setting]) -> String {
    let key = name[PREFIX.len()..].to_ascii_lowercase().replace('_', "-");
    if let Some(flag) = action(&key) {
        return format!("{} belongs on the command line, as {flag}", escape(name));
    }
    let variables: Vec<String> = settings.iter().map(Setting::variable).collect();
    unknown("variable", name, OTHERS.iter().copied().chain(variables.iter().map(String::as_str)))
}

/// Commas separate the values of a list, where no backslash stands before them.
fn values(setting: &Setting, text: &str) -> Vec<String> {
    if !setting.is_list() {
        return vec![text.to_owned()];
    }
    let mut values = vec![String::new()];
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        match (char, values.last_mut()) {
            (',', _) => values.push(String::new()),
            ('\\', Some(last)) if chars.peek() == Some(&',') => last.extend(chars.next()),
            (_, Some(last)) => last.push(char),
            (_, None) => {}
        }
    }
    values.iter().map(|value| value.trim().to_owned()).filter(|value| !value.is_empty()).collect()
}

/// Kubernetes tells each container of the services around it, and one of them
/// may well be called "gateway": `GATEWAY_PORT_80_TCP_ADDR`, `GATEWAY_SERVICE_HOST`.
fn is_of_a_service(name: &str) -> bool {
    let is_port =
        |rest: &str| rest.is_empty() || rest.starts_with('_') && rest[1..].starts_with(|c: char| c.is_ascii_digit());
    let linked = name.match_indices("_PORT").any(|(at, word)| is_port(&name[at + word.len()..]));
    linked || name.ends_with("_SERVICE_HOST") || name.contains("_SERVICE_PORT")
}

#[cfg(test)]
mod tests {
    use super::is_of_a_service;

    #[test]
    fn variables_of_services_are_told_from_typing_errors() {
        for name in [
            "GATEWAY_SERVICE_HOST",
            "GATEWAY_SERVICE_PORT",
            "GATEWAY_SERVICE_PORT_HTTP",
            "GATEWAY_PORT",
            "GATEWAY_PORT_80_TCP",
            "GATEWAY_PORT_80_TCP_ADDR",
            "GATEWAY_API_PORT_443_TCP_PROTO",
        ] {
            assert!(is_of_a_service(name), "{name}");
        }
        for name in ["GATEWAY_THREAD", "GATEWAY_PORTS", "GATEWAY_PORT_A", "GATEWAY_", "GATEWAY_HOST"] {
            assert!(!is_of_a_service(name), "{name}");
        }
    }
}
