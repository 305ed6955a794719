//! What middleware changed, and the environ as one list.

use std::borrow::Cow;

use super::Environ;
use crate::abi::view::Header;
use crate::headers::is_hidden;

/// What was changed.
#[derive(Debug, Default)]
pub(super) struct Edits<'r> {
    /// In the order in which it was done: a value, or `None` for "removed".
    list: Vec<(String, Option<Vec<u8>>)>,
    /// SCRIPT_NAME and PATH_INFO in one, and how long the first is: what a router
    /// does to each request is not copied. The list wins.
    path: Option<(&'r [u8], usize)>,
}

impl Edits<'_> {
    pub(super) fn get(&self, key: &str) -> Option<Option<&[u8]>> {
        if let Some((_, value)) = self.list.iter().find(|(name, _)| name == key) {
            return Some(value.as_deref());
        }
        let (path, length) = self.path?;
        match key {
            "SCRIPT_NAME" => Some(Some(&path[..length])),
            "PATH_INFO" => Some(Some(&path[length..])),
            _ => None,
        }
    }

    pub(super) fn set(&mut self, key: String, value: Option<Vec<u8>>) {
        match self.list.iter_mut().find(|(name, _)| *name == key) {
            Some((_, slot)) => *slot = value,
            None => self.list.push((key, value)),
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
    for (key, _) in environ.edits.iter().flat_map(|edits| &edits.list) {
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
    /// Moves the first bytes of PATH_INFO to the end of SCRIPT_NAME, as a router
    /// does that passes a request on to an app below that path; all of them where
    /// there are fewer. Together the two stay what they are.
    ///
    /// ```
    /// use gateway_spec::prelude::*;
    /// # use gateway_spec::testing::TestClient;
    /// # let app = app_fn(|mut environ, start| {
    /// #     start.start(Head::new(Status::NO_CONTENT, &[]))?;
    /// // A request for /api/users.
    /// environ.enter("/api".len());
    /// assert_eq!((environ.script_name(), environ.path_info()), (&b"/api"[..], &b"/users"[..]));
    /// #     Ok(Body::empty())
    /// # });
    /// # TestClient::new(app).get("/api/users").send();
    /// ```
    pub fn enter(&mut self, length: usize) {
        let length = length.min(self.path_info().len());
        let (request, edits) = (self.request, self.edits.get_or_insert_default());
        let is_in_list = edits.list.iter().any(|(key, _)| key == "SCRIPT_NAME" || key == "PATH_INFO");
        match edits.path {
            _ if is_in_list => {}
            Some((path, before)) => return edits.path = Some((path, before + length)),
            None if request.script_name().is_empty() => return edits.path = Some((request.path_info(), length)),
            None => {}
        }
        let script_name = [self.script_name(), &self.path_info()[..length]].concat();
        let path_info = self.path_info()[length..].to_vec();
        self.insert("SCRIPT_NAME", script_name);
        self.insert("PATH_INFO", path_info);
    }

    /// `env` for a request that is built anew from this environ: the edits of
    /// names without a field of their own, then what the server gave.
    pub(crate) fn edited_env(&self) -> Cow<'_, [Header<'_>]> {
        let is_of_env = |edit: &&(String, _)| !FIXED.contains(&edit.0.as_str());
        let edits = || self.edits.iter().flat_map(|edits| &edits.list).filter(is_of_env);
        if edits().next().is_none() {
            return Cow::Borrowed(self.request.env());
        }
        edits()
            .map(|(key, value)| match value {
                Some(value) => Header::new(key, value),
                None => Header::removed(key.as_bytes()),
            })
            .chain(self.request.env().iter().copied())
            .collect()
    }
}
