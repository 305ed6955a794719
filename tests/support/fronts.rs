//! The fixtures of `tests/fixtures/fronts`, read: packets of uwsgi, SCGI and FastCGI,
//! and what they mean or which rule they break.

use std::path::Path;

use gateway_server::net::Scheme;
use gateway_server::protocol::http1::rules::Rule;

use crate::artifacts::workspace;
use crate::fixtures::Meaning;

/// What is spoken behind a web server, by the names of the folders.
pub const SCHEMES: [(&str, Scheme); 3] =
    [("uwsgi", Scheme::Uwsgi), ("scgi", Scheme::Scgi), ("fastcgi", Scheme::FastCgi)];

/// A fixture.
#[derive(Debug)]
pub struct Packets {
    /// Its folder and the name of its file, without the ending.
    pub name: String,
    /// What is spoken.
    pub scheme: Scheme,
    /// The bytes.
    pub bytes: Vec<u8>,
    /// The rule that it is named after.
    pub rule: &'static Rule,
    /// What they mean; `None` where they break the rule.
    pub meaning: Option<Meaning>,
}

/// All fixtures, by protocol, valid ones first, and by name.
///
/// # Panics
/// When one is not what it should be.
#[must_use]
pub fn all() -> Vec<Packets> {
    let kinds = SCHEMES.iter().flat_map(|scheme| [(scheme, "valid"), (scheme, "invalid")]);
    kinds.flat_map(|((folder, scheme), kind)| in_folder(folder, *scheme, kind)).collect()
}

fn in_folder(protocol: &str, scheme: Scheme, kind: &str) -> Vec<Packets> {
    let folder = workspace().join("tests/fixtures/fronts").join(protocol).join(kind);
    let entries = std::fs::read_dir(folder).expect("the fixtures are there");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("the folder can be read").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|end| end == "packet"));
    paths.sort();
    paths.iter().map(|path| load(path, protocol, scheme, kind == "valid")).collect()
}

fn load(path: &Path, protocol: &str, scheme: Scheme, valid: bool) -> Packets {
    let file = path.file_stem().expect("a name").to_string_lossy().into_owned();
    let id = file.split('.').next().unwrap_or_default();
    let rule = Rule::find(id).unwrap_or_else(|| panic!("{file}: there is no rule {id}"));
    let meaning = valid.then(|| {
        let text = std::fs::read(path.with_extension("json")).unwrap_or_else(|error| panic!("{file}.json: {error}"));
        serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{file}.json: {error}"))
    });
    let bytes = std::fs::read(path).expect("a fixture can be read");
    Packets { name: format!("{protocol}/{file}"), scheme, bytes, rule, meaning }
}
