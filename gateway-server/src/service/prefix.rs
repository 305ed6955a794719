//! Which part of the path an app is for.

use std::fmt;

/// The beginning of the paths that an app is for: whole segments, decoded.
/// Empty, which is written `/`, for all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prefix(String);

impl Prefix {
    /// Reads it.
    ///
    /// # Errors
    /// What to write instead.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let Some(rest) = text.strip_prefix('/') else { return Err("a prefix begins with /".to_owned()) };
        if rest.is_empty() {
            return Ok(Self::default());
        }
        let bare = text.trim_end_matches('/');
        if text.contains("//") {
            return Err("write one / where there are several".to_owned());
        }
        if bare.len() < text.len() {
            return Err(format!("a prefix ends without /: write {bare}, which takes {bare}/ and all below it too"));
        }
        if rest.split('/').any(|segment| segment == "." || segment == "..") {
            return Err("leave . and .. out: clients resolve them before they ask".to_owned());
        }
        if text.contains('%') {
            return Err("a prefix is compared with the decoded path: write /café, and not /caf%C3%A9".to_owned());
        }
        if let Some(mark) = text.chars().find(|char| matches!(char, '?' | '#')) {
            return Err(format!("a path ends before {mark}: leave out what follows"));
        }
        if text.chars().any(char::is_control) {
            return Err("a prefix has no control characters".to_owned());
        }
        Ok(Self(text.to_owned()))
    }

    /// The prefix of a segment below this one.
    ///
    /// # Errors
    /// Why no path has such a segment.
    pub(super) fn join(&self, segment: &str) -> Result<Self, String> {
        if segment.is_empty() || segment.contains('/') {
            return Err("a segment is not empty, and has no / in it".to_owned());
        }
        Self::parse(&format!("{}/{segment}", self.0))
    }

    /// What follows the prefix in a path, if it begins with it: nothing, or `/…`.
    pub(super) fn rest<'a>(&self, path: &'a [u8]) -> Option<&'a [u8]> {
        let rest = path.strip_prefix(self.0.as_bytes())?;
        (self.is_root() || rest.is_empty() || rest[0] == b'/').then_some(rest)
    }

    /// Whether it is that of all paths.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// As SCRIPT_NAME has it: empty for all paths.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_root() { "/" } else { &self.0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_of_whole_segments() {
        let check = |prefix: &str, path: &str, expected: Option<&str>| {
            let rest = Prefix::parse(prefix).unwrap().rest(path.as_bytes()).map(<[u8]>::to_vec);
            assert_eq!(rest, expected.map(|rest| rest.as_bytes().to_vec()), "{prefix} {path}");
        };
        check("/api", "/api", Some(""));
        check("/api", "/api/", Some("/"));
        check("/api", "/api/x", Some("/x"));
        check("/api", "/api//x", Some("//x"));
        check("/api", "/api/../x", Some("/../x"));
        for path in ["/apix", "/API", "//api", "/", "", "/x/api", "api"] {
            check("/api", path, None);
        }
        check("/a/b", "/a/b/c", Some("/c"));
        check("/a/b", "/a", None);
        check("/caf\u{e9}", "/caf\u{e9}/x", Some("/x"));
        for path in ["/", "", "/x", "//x"] {
            check("/", path, Some(path));
        }
    }

    #[test]
    fn what_is_no_prefix_is_refused() {
        for (text, words) in [
            ("", "begins with /"),
            ("api", "begins with /"),
            ("/api/", "write /api, which"),
            ("//", "write one /"),
            ("/a//b", "write one /"),
            ("/a/./b", "leave . and .. out"),
            ("/..", "leave . and .. out"),
            ("/caf%C3%A9", "decoded path"),
            ("/a?b", "ends before ?"),
            ("/a#b", "ends before #"),
            ("/a\0", "control"),
            ("/a\nb", "control"),
            ("/a\u{85}b", "control"),
        ] {
            let error = Prefix::parse(text).unwrap_err();
            assert!(error.contains(words), "{text}: {error}");
        }
        for text in ["/a.b", "/...", "/a b", "/a\\b", "/a:b", "/~a"] {
            assert_eq!(Prefix::parse(text).unwrap().to_string(), text);
        }
    }
}
