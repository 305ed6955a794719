//! The fixtures of `tests/fixtures/http1`, read: bytes, and what they mean or
//! which rule they break.

use std::fmt;
use std::path::{Path, PathBuf};

use gateway_server::protocol::Refusal;
use gateway_server::protocol::http1::rules::Rule;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::artifacts::workspace;

/// A fixture.
#[derive(Debug)]
pub struct Fixture {
    /// The name of its file, without the ending.
    pub name: String,
    /// The bytes.
    pub bytes: Vec<u8>,
    /// The rule that it is named after.
    pub rule: &'static Rule,
    /// What they mean; `None` where they break the rule.
    pub meaning: Option<Meaning>,
}

/// What valid bytes mean.
#[derive(Debug, Deserialize)]
pub struct Meaning {
    /// The requests, in order.
    pub requests: Vec<Request>,
    /// What becomes of the connection.
    pub after: After,
}

/// What becomes of a connection when all is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum After {
    /// It waits for another request.
    Stays,
    /// The server closes it.
    Closes,
}

/// A request as it was understood. Bytes are written as Latin-1.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[expect(missing_docs, reason = "they are the words of the RFC")]
pub struct Request {
    pub method: String,
    pub target: String,
    pub path: String,
    pub query: String,
    pub version: String,
    pub host: Option<String>,
    pub headers: Vec<(String, String)>,
    pub body: Content,
    pub keep_alive: bool,
}

/// A body: a short one as text, a long one by its hash.
#[derive(Clone, Deserialize)]
#[serde(untagged)]
#[expect(missing_docs, reason = "said above")]
pub enum Content {
    Text(String),
    Hash { len: usize, sha256: String },
}

impl Content {
    /// A body of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self::Text(latin1(bytes))
    }

    /// Length and hash, as `probe` tells them.
    #[must_use]
    pub fn digest(&self) -> (usize, String) {
        match self {
            Self::Hash { len, sha256 } => (*len, sha256.clone()),
            Self::Text(text) => {
                let bytes: Vec<u8> = text.chars().map(|char| u8::try_from(char).expect("one byte each")).collect();
                let hash = Sha256::digest(&bytes);
                (bytes.len(), hash.iter().map(|byte| format!("{byte:02x}")).collect())
            }
        }
    }
}

impl PartialEq for Content {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Text(one), Self::Text(other)) => one == other,
            _ => self.digest() == other.digest(),
        }
    }
}

impl Eq for Content {}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) if text.len() < 300 => write!(f, "{text:?}"),
            _ => write!(f, "{:?}", self.digest()),
        }
    }
}

impl Fixture {
    /// Whether the bytes are refused only when no more come.
    #[must_use]
    pub fn is_truncated(&self) -> bool {
        self.meaning.is_none() && self.rule.refusal == Some(Refusal::Truncated)
    }

    /// The status with which an invalid one is refused.
    ///
    /// # Panics
    /// When the rule has none.
    #[must_use]
    pub fn status(&self) -> u16 {
        let refusal = self.rule.refusal.unwrap_or_else(|| panic!("{}: the rule refuses nothing", self.name));
        refusal.status().code()
    }
}

/// Bytes as Latin-1.
#[must_use]
pub fn latin1(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

/// The folder of the fixtures.
#[must_use]
pub fn folder() -> PathBuf {
    workspace().join("tests/fixtures/http1")
}

/// All fixtures, valid ones first, by name.
///
/// # Panics
/// When one is not what it should be.
#[must_use]
pub fn all() -> Vec<Fixture> {
    let read = |kind: &str| {
        let entries = std::fs::read_dir(folder().join(kind)).expect("the fixtures are there");
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
        paths.retain(|path| path.extension().is_some_and(|end| end == "http"));
        paths.sort();
        paths
    };
    let valid = read("valid");
    let invalid = read("invalid");
    valid.iter().map(|path| load(path, true)).chain(invalid.iter().map(|path| load(path, false))).collect()
}

fn load(path: &Path, valid: bool) -> Fixture {
    let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
    let id = name.split('.').next().unwrap_or_default();
    let rule = Rule::find(id).unwrap_or_else(|| panic!("{name}: there is no rule {id}"));
    assert!(valid || rule.refusal.is_some(), "{name}: {id} refuses nothing");
    let meaning = valid.then(|| {
        let text = std::fs::read(path.with_extension("json")).unwrap_or_else(|error| panic!("{name}.json: {error}"));
        serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{name}.json: {error}"))
    });
    Fixture { bytes: std::fs::read(path).expect("a fixture can be read"), name, rule, meaning }
}
