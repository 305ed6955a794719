//! What an app is created with: `--set KEY=VALUE` and the host.

use std::collections::BTreeMap;
use std::str::FromStr;

use crate::abi::types::{GW_HOST_MULTIPROCESS, GW_HOST_MULTITHREAD, GW_HOST_RUN_ONCE};
use crate::abi::view::HostRef;
use crate::error::{Error, Result};
use crate::log::Errors;

/// An app's configuration: names and values, both text, as given to the server
/// with `--set KEY=VALUE`.
///
/// ```
/// use gateway_spec::{Config, Error};
/// let config = Config::from_pairs([("greeting", "Hello"), ("times", "3")]);
/// config.only(&["greeting", "times"])?;
/// assert_eq!(config.get("greeting"), Some("Hello"));
/// assert_eq!(config.parse::<u32>("times")?, Some(3));
/// assert!(config.only(&["greeting"]).is_err());
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug)]
pub struct Config<'h> {
    values: BTreeMap<String, String>,
    host: Option<HostRef<'h>>,
}

impl<'h> Config<'h> {
    /// A configuration without a host, for an app that is linked in or tested.
    pub fn from_pairs<K: Into<String>, V: Into<String>>(pairs: impl IntoIterator<Item = (K, V)>) -> Self {
        let values = pairs.into_iter().map(|(key, value)| (key.into(), value.into())).collect();
        Self { values, host: None }
    }

    /// The same, as a host hands it to an app.
    #[must_use]
    pub fn with_host(mut self, host: HostRef<'h>) -> Self {
        self.host = Some(host);
        self
    }

    /// The value of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(String::as_str)
    }

    /// The value of a key as a number, an address, a flag.
    ///
    /// # Errors
    /// [`Error::App`] that names the key and its value, when it does not parse.
    pub fn parse<T: FromStr<Err: std::fmt::Display>>(&self, key: &str) -> Result<Option<T>> {
        let parse = |value: &str| value.parse().map_err(|error| Error::app(format!("{key} = \"{value}\": {error}")));
        self.get(key).map(parse).transpose()
    }

    /// Refuses every key but these, so that a misspelt one does not pass.
    ///
    /// # Errors
    /// [`Error::App`] that names the unknown key and the known ones.
    pub fn only(&self, known: &[&str]) -> Result<()> {
        let Some(unknown) = self.values.keys().find(|key| !known.contains(&key.as_str())) else {
            return Ok(());
        };
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        Err(Error::app(format!("unknown configuration key \"{unknown}\"; known: {known}")))
    }

    /// All keys and values, sorted by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// The server's name and version, as `name/version`; empty without a host.
    #[must_use]
    pub fn server(&self) -> String {
        self.host
            .map(|host| format!("{}/{}", host.name().escape_ascii(), host.version().escape_ascii()))
            .unwrap_or_default()
    }

    /// Whether several threads may be inside the app at once.
    #[must_use]
    pub fn multithread(&self) -> bool {
        self.has_flag(GW_HOST_MULTITHREAD)
    }

    /// Whether several processes serve the app.
    #[must_use]
    pub fn multiprocess(&self) -> bool {
        self.has_flag(GW_HOST_MULTIPROCESS)
    }

    /// Whether the process expects to serve one request only.
    #[must_use]
    pub fn run_once(&self) -> bool {
        self.has_flag(GW_HOST_RUN_ONCE)
    }

    fn has_flag(&self, flag: u32) -> bool {
        self.host.is_some_and(|host| host.flags() & flag != 0)
    }

    /// The server's log; lines go nowhere without a host.
    #[must_use]
    pub fn errors(&self) -> Option<Errors<'h>> {
        self.host.map(Errors::new)
    }
}
