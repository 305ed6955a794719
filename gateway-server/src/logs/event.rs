//! What one event of `tracing` says.

use std::fmt;

use tracing::Event;
use tracing::field::{Field as Key, Visit};

use super::line::{Field, Line};

/// The event's values, by name.
#[derive(Debug, Default)]
pub(super) struct Said {
    message: String,
    part: String,
    fields: Vec<Field>,
}

impl Said {
    pub(super) fn of(event: &Event<'_>) -> Self {
        let mut said = Self::default();
        event.record(&mut said);
        said
    }

    pub(super) fn line<'a>(&'a self, event: &Event<'a>) -> Line<'a> {
        let metadata = event.metadata();
        let Self { message, part, fields } = self;
        Line { level: *metadata.level(), target: metadata.target(), part, message, fields }
    }

    fn say(&mut self, key: &Key, value: String, is_bare: bool) {
        match key.name() {
            "message" => self.message = value,
            "part" => self.part = value,
            name => self.fields.push(Field { name, value, is_bare }),
        }
    }
}

impl Visit for Said {
    fn record_debug(&mut self, key: &Key, value: &dyn fmt::Debug) {
        self.say(key, format!("{value:?}"), false);
    }

    fn record_str(&mut self, key: &Key, value: &str) {
        self.say(key, value.to_owned(), false);
    }

    fn record_i64(&mut self, key: &Key, value: i64) {
        self.say(key, value.to_string(), true);
    }

    fn record_u64(&mut self, key: &Key, value: u64) {
        self.say(key, value.to_string(), true);
    }

    fn record_bool(&mut self, key: &Key, value: bool) {
        self.say(key, value.to_string(), true);
    }
}
