//! The flags that say how folders are served.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::service::files::{Settings, Symlinks};

/// How folders are served: all of them alike.
#[derive(Debug, Args)]
#[command(next_help_heading = "Static files")]
pub(super) struct FileFlags {
    /// The symbolic links in folders of --static that are followed: none, those that stay inside, or all [default: inside]
    #[arg(long, value_name = "WHICH")]
    static_symlinks: Option<Which>,

    /// What is sent for a folder, where it has such a file; may be given several times, the first one counts [default: index.html]
    #[arg(long, value_name = "NAME", value_parser = name)]
    static_index: Vec<String>,

    /// List what a folder has that has no such file
    #[arg(long)]
    autoindex: bool,

    /// How long clients may use a file without asking again [default: nothing is said]
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    static_max_age: Option<Duration>,

    /// The page for what is not there, sent with 404 [default: a short one]
    #[arg(long, value_name = "FILE")]
    not_found: Option<PathBuf>,
}

/// `--static-symlinks`
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Which {
    Never,
    Inside,
    /// Whoever can make a link there shows what the server may read
    Anywhere,
}

impl FileFlags {
    /// As the app takes it.
    ///
    /// # Errors
    /// A sentence for the user: there is no folder to serve.
    pub(super) fn check(self, has_folders: bool) -> Result<Settings, String> {
        let needs = [
            ("--static-symlinks", self.static_symlinks.is_some()),
            ("--static-index", !self.static_index.is_empty()),
            ("--autoindex", self.autoindex),
            ("--static-max-age", self.static_max_age.is_some()),
            ("--not-found", self.not_found.is_some()),
        ];
        if let Some((flag, _)) = needs.iter().find(|(_, given)| *given && !has_folders) {
            return Err(format!("{flag} belongs to --static, which is not given"));
        }
        let symlinks = match self.static_symlinks {
            Some(Which::Never) => Symlinks::Never,
            None | Some(Which::Inside) => Symlinks::Inside,
            Some(Which::Anywhere) => Symlinks::Anywhere,
        };
        let usual = Settings::default();
        let index = if self.static_index.is_empty() { usual.index } else { self.static_index };
        let (autoindex, max_age) = (self.autoindex, self.static_max_age);
        Ok(Settings { symlinks, index, autoindex, max_age, not_found: self.not_found })
    }
}

/// What could not be asked for is not sent unasked either.
fn name(text: &str) -> Result<String, String> {
    match text {
        "" => Err("write the name of a file".to_owned()),
        _ if text.contains(['/', '\0']) => Err("write a name without a folder: it is looked for in each".to_owned()),
        _ if text.starts_with('.') => Err("files whose names begin with a dot are not served".to_owned()),
        _ => Ok(text.to_owned()),
    }
}
