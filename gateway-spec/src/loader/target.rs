//! What a user names: `path:app`.

use std::fmt;

/// What to open: `path`, or `path:app`.
///
/// `app` is what follows the last `:`, if there is no `/` in it; a text that
/// names an existing file is a path as a whole. A path without a `/` is looked
/// for in the current folder, then in `target/release` and `target/debug`.
///
/// ```
/// use gateway_spec::loader::Target;
/// let target = Target::parse("./libhello.so:app");
/// assert_eq!((target.path(), target.app()), ("./libhello.so", Some("app")));
/// let target = Target::parse("/srv/a:b/libhello.so");
/// assert_eq!((target.path(), target.app()), ("/srv/a:b/libhello.so", None));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target(String);

impl Target {
    /// A target by its text; whether it exists shows when it is opened.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// All of it.
    pub(super) fn text(&self) -> &str {
        &self.0
    }

    pub(super) fn split(&self) -> (&str, Option<&str>) {
        match self.0.rsplit_once(':') {
            Some((path, app)) if !app.contains('/') => (path, Some(app)),
            _ => (&self.0, None),
        }
    }

    /// The path.
    #[must_use]
    pub fn path(&self) -> &str {
        self.split().0
    }

    /// The app's name, if there is one.
    #[must_use]
    pub fn app(&self) -> Option<&str> {
        self.split().1
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
