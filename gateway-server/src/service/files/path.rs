//! Which paths may name a file at all.

/// The one name with a dot at its start that is meant for everybody (RFC 8615).
const WELL_KNOWN: &[u8] = b".well-known";

/// What a request's path asks for, relative to the folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wanted<'p> {
    /// Without slashes at its ends; empty for the folder itself.
    pub(super) path: &'p [u8],
    /// Whether a slash stands at the end, so that it can only be a folder.
    pub(super) is_folder: bool,
}

impl<'p> Wanted<'p> {
    /// Reads a PATH_INFO, which is decoded. `None` for what names nothing here:
    ///
    /// - `.`, `..` and all other names with a dot at their start. The folder
    ///   `.well-known` may be asked for, where it stands first.
    /// - Empty names: who takes `//` for `/` sees another path than whoever decided
    ///   before who may ask for it.
    /// - NUL, where a path ends for the system.
    ///
    /// A backslash or a colon is a character like any other in a name.
    pub(super) fn read(path_info: &'p [u8]) -> Option<Self> {
        // Asked for without the slash behind the prefix.
        let whole = match path_info {
            [] => return Some(Self { path: b"", is_folder: false }),
            [b'/', rest @ ..] => rest,
            _ => return None,
        };
        if whole.contains(&0) {
            return None;
        }
        let path = whole.strip_suffix(b"/").unwrap_or(whole);
        let is_folder = whole.is_empty() || path.len() < whole.len();
        let mut names = path.split(|byte| *byte == b'/').enumerate();
        let is_open = path.is_empty() && whole.is_empty()
            || names.all(|(at, name)| match name {
                [] => false,
                [b'.', ..] => at == 0 && name == WELL_KNOWN,
                _ => true,
            });
        is_open.then_some(Self { path, is_folder })
    }

    /// The path of something in this folder, or beside this file.
    pub(super) fn with(&self, between: &str, name: &[u8]) -> Vec<u8> {
        let between = if self.path.is_empty() { "" } else { between };
        [self.path, between.as_bytes(), name].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::Wanted;

    fn check(path_info: &[u8], expected: Option<(&[u8], bool)>) {
        let found = Wanted::read(path_info).map(|wanted| (wanted.path, wanted.is_folder));
        assert_eq!(found, expected, "{}", path_info.escape_ascii());
    }

    #[test]
    fn paths_are_read() {
        check(b"", Some((b"", false)));
        check(b"/", Some((b"", true)));
        check(b"/a", Some((b"a", false)));
        check(b"/a/b.txt", Some((b"a/b.txt", false)));
        check(b"/a/b/", Some((b"a/b", true)));
        check(b"/a..b/c.", Some((b"a..b/c.", false)));
        check(b"/\xc3\xa9 \\:?", Some((b"\xc3\xa9 \\:?", false)));
    }

    #[test]
    fn what_names_nothing_here_is_refused() {
        let refused: [&[u8]; 18] = [
            b"*",
            b"a",
            b"//",
            b"///",
            b"//a",
            b"/a//b",
            b"/a//",
            b"/.",
            b"/..",
            b"/./a",
            b"/a/..",
            b"/a/../b",
            b"/.git/config",
            b"/a/.env",
            b"/.../a",
            b"/a\0",
            b"/a\0.txt",
            b"/ok/./",
        ];
        refused.iter().for_each(|path| check(path, None));
    }

    #[test]
    fn well_known_is_the_one_name_with_a_dot() {
        check(b"/.well-known", Some((b".well-known", false)));
        check(b"/.well-known/a", Some((b".well-known/a", false)));
        check(b"/.well-known/.a", None);
        check(b"/.well-known-x", None);
        check(b"/a/.well-known/a", None);
    }
}
