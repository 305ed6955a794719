//! Where values come from.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use gateway_spec::escape;

/// Who says what a setting is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    Flag,
    Variable(String),
    File { name: String, line: usize, folder: PathBuf },
    Default,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag => f.write_str("flag"),
            Self::Variable(name) => f.write_str(name),
            // Nobody's file name begins a line of its own.
            Self::File { name, line, .. } => write!(f, "{}:{line}", escape(name)),
            Self::Default => f.write_str("default"),
        }
    }
}

/// A setting as it was given below the command line, checked.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// In the flag's own words.
    pub(super) values: Vec<String>,
    pub(super) source: Source,
}

/// What the environment or a file gives, by the flag's id.
pub(super) type Layer = BTreeMap<String, Entry>;
