//! What middleware changed, and the environ as one list.

use std::borrow::Cow;

use super::Environ;
use crate::abi::view::Header;
use crate::headers::is_hidden;

/// Changes in the order they were made: a value, or `None` for "removed".
#[derive(Debug, Default)]
pub(super) struct Edits(Vec<(String, Option<Vec<u8>>)>);

impl Edits {
    pub(super) fn get(&self, key: &str) -> Option<Option<&[u8]>> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_deref())
    }

    pub(super) fn set(&mut self, key: String, value: Option<Vec<u8>>) {
        match self.0.iter_mut().find(|(name, _)| *name == key) {
            Some((_, slot)) => *slot = value,
            None => self.0.push((key, value)),
        }
    }
}

/// The variables that the server keeps in fields of their own.
const FIXED: [&str; 5] = ["REQUEST_METHOD", "SCRIPT_NAME", "PATH_INFO", "QUERY_STRING", "REQUEST_URI"];

type Variable<'a> = (Cow<'a, str>, Cow<'a, [u8]>);

/// Every variable once: edits win, removed ones are left out.
pub(super) fn variables<'a>(environ: &'a Environ<'_>) -> Vec<Variable<'a>> {
    let request = environ.request;
    let mut list: Vec<Variable<'a>> = Vec::with_capacity(32);
    let mut add = |key: Cow<'a, str>| {
        if !list.iter().any(|(known, _)| *known == key)
            && let Some(value) = environ.get(&key)
        {
            // The key may be built here, so a borrowed value cannot stay tied to it.
            list.push((key, value));
        }
    };
    for (key, _) in environ.edits.iter().flat_map(|edits| &edits.0) {
        add(Cow::Borrowed(key));
    }
    FIXED.into_iter().for_each(|key| add(Cow::Borrowed(key)));
    for pair in request.env() {
        add(String::from_utf8_lossy(pair.name()));
    }
    ["CONTENT_TYPE", "CONTENT_LENGTH"].into_iter().for_each(|key| add(Cow::Borrowed(key)));
    for header in request.headers() {
        if let Some(key) = variable_name(header.name()) {
            add(Cow::Owned(key));
        }
    }
    list
}

/// The `HTTP_*` name under which a header shows, if it does.
fn variable_name(header: &[u8]) -> Option<String> {
    let name = std::str::from_utf8(header).ok()?.to_ascii_uppercase();
    if name.contains('_') {
        return None;
    }
    let name = name.replace('-', "_");
    (!is_hidden(name.as_bytes())).then(|| format!("HTTP_{name}"))
}

impl Environ<'_> {
    /// `env` for a request that is built anew from this environ: the edits of
    /// names without a field of their own, then what the server gave.
    pub(crate) fn edited_env(&self) -> Vec<Header<'_>> {
        let edits = self.edits.iter().flat_map(|edits| &edits.0);
        edits
            .filter(|(key, _)| !FIXED.contains(&key.as_str()))
            .map(|(key, value)| match value {
                Some(value) => Header::new(key, value),
                None => Header::removed(key.as_bytes()),
            })
            .chain(self.request.env().iter().copied())
            .collect()
    }
}
