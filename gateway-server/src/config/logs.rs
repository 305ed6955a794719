//! The flags about what is written down.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use tracing::Level;

use crate::logs::{Form, Format};

/// What is written down, where, and how.
#[derive(Debug, Args)]
#[command(next_help_heading = "Logs")]
pub(super) struct LogFlags {
    /// Write the log to the end of FILE, which USR1 opens anew [default: standard error]
    #[arg(long, visible_alias = "log", value_name = "FILE")]
    log_file: Option<PathBuf>,

    /// The log's lines: for people, or objects of JSON
    #[arg(long, value_name = "FORM", default_value = "text")]
    log_format: LogForm,

    /// How much the log says; GATEWAY_LOG wins, which can also choose by who says it
    #[arg(long, value_name = "LEVEL", default_value = "info")]
    log_level: LogLevel,

    /// Write a line for each answer to the end of FILE, which USR1 opens anew; - for standard output
    #[arg(long, value_name = "FILE")]
    access_log: Option<PathBuf>,

    /// What these lines have: common, combined, json, or a format as '%h %t "%r" %s %b' [default: combined]
    #[arg(long, value_name = "FORMAT")]
    access_log_format: Option<Format>,
}

/// What is written down.
#[derive(Clone, Debug)]
pub struct Logs {
    /// Where the log goes, where it is not standard error.
    pub file: Option<PathBuf>,
    /// How its lines look.
    pub form: Form,
    /// How much it says.
    pub level: Level,
    /// The access log, where there is one.
    pub access: Option<Access>,
}

/// An access log.
#[derive(Clone, Debug)]
pub struct Access {
    /// The file; standard output where there is none.
    pub file: Option<PathBuf>,
    /// What its lines have.
    pub format: Format,
}

/// `--log-format`
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum LogForm {
    Text,
    Json,
}

/// `--log-level`
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

impl LogFlags {
    /// As the program takes it.
    ///
    /// # Errors
    /// A sentence for the user.
    pub(super) fn check(self) -> Result<Logs, String> {
        let access = match (self.access_log, self.access_log_format) {
            (None, Some(_)) => return Err("--access-log-format belongs to --access-log, which is not given".to_owned()),
            (None, None) => None,
            (Some(file), format) => {
                let format = format.map_or_else(|| "combined".parse(), Ok)?;
                Some(Access { file: Some(file).filter(|file| file != Path::new("-")), format })
            }
        };
        let form = if self.log_format == LogForm::Json { Form::Json } else { Form::Text };
        let level = match self.log_level {
            LogLevel::Error => Level::ERROR,
            LogLevel::Warn => Level::WARN,
            LogLevel::Info => Level::INFO,
            LogLevel::Debug => Level::DEBUG,
            LogLevel::Trace => Level::TRACE,
        };
        Ok(Logs { file: self.log_file, form, level, access })
    }
}
