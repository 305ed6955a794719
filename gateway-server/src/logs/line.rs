//! A line of the log.

use std::fmt::Write as _;

use gateway_spec::escape;
use rustix::process::getpid;
use tracing::Level;

use super::json::Object;
use super::time;
use crate::stats::RequestId;

/// How a line looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// For people.
    #[default]
    Text,
    /// For people, with colours.
    Colours,
    /// An object of JSON.
    Json,
}

/// What a line says.
#[derive(Debug)]
pub(super) struct Line<'a> {
    pub(super) level: Level,
    pub(super) target: &'a str,
    /// Which part of the app speaks, where one does.
    pub(super) part: &'a str,
    pub(super) message: &'a str,
    pub(super) fields: &'a [Field],
}

/// What an event says besides its message.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) value: String,
    /// A number or a truth value: no quotes are needed.
    pub(super) is_bare: bool,
}

impl Line<'_> {
    /// The line, of the worker of this number, about the request that this thread serves.
    pub(super) fn render(&self, form: Form, worker: u64) -> Vec<u8> {
        match form {
            Form::Json => self.json(worker),
            Form::Text | Form::Colours => self.text(form == Form::Colours).into_bytes(),
        }
    }

    /// `TIME WHO LEVEL TARGET: MESSAGE NAME=VALUE`, where who is a request, or the process.
    fn text(&self, colours: bool) -> String {
        let who = RequestId::current().map_or_else(|| getpid().as_raw_nonzero().to_string(), |id| id.to_string());
        let (on, off) = if colours { (colour(self.level), "\u{1b}[0m") } else { ("", "") };
        let mut text = format!("{} {who} {on}{:>5}{off} {}: ", time::now(), self.level, self.target);
        if !self.part.is_empty() {
            text += &format!("{}: ", escape(self.part));
        }
        text += &escape(self.message);
        for Field { name, value, is_bare } in self.fields {
            // Writing to memory cannot fail.
            let _ = if *is_bare { write!(text, " {name}={value}") } else { write!(text, " {name}={value:?}") };
        }
        text.push('\n');
        text
    }

    fn json(&self, worker: u64) -> Vec<u8> {
        let mut out = Vec::with_capacity(256);
        let mut object = Object::new(&mut out);
        object.text("timestamp", time::now()).text("level", self.level.as_str()).text("target", self.target);
        if !self.part.is_empty() {
            object.text("part", self.part);
        }
        object.text("message", self.message).bare("pid", getpid().as_raw_nonzero());
        if worker > 0 {
            object.bare("worker", worker);
        }
        if let Some(id) = RequestId::current() {
            object.text("request_id", id.to_string());
        }
        if !self.fields.is_empty() {
            object.object("fields", |fields| {
                for Field { name, value, is_bare } in self.fields {
                    if *is_bare {
                        fields.bare(name, value)
                    } else {
                        fields.text(name, value)
                    };
                }
            });
        }
        object.end();
        out.push(b'\n');
        out
    }
}

const fn colour(level: Level) -> &'static str {
    match level {
        Level::ERROR => "\u{1b}[31m",
        Level::WARN => "\u{1b}[33m",
        Level::INFO => "\u{1b}[32m",
        Level::DEBUG => "\u{1b}[34m",
        Level::TRACE => "\u{1b}[35m",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(form: Form, message: &str, fields: &[Field]) -> String {
        let line = Line { level: Level::WARN, target: "app", part: "shop", message, fields };
        String::from_utf8(line.render(form, 2)).unwrap()
    }

    /// Without the time that it begins with.
    fn text(message: &str, fields: &[Field]) -> String {
        render(Form::Text, message, fields).split_off("2000-01-01T00:00:00.000000Z ".len())
    }

    #[test]
    fn a_line_says_who_and_what() {
        let pid = std::process::id();
        assert_eq!(text("odd", &[]), format!("{pid}  WARN app: shop: odd\n"));
        let id = RequestId::of_exchange().next();
        RequestId::enter(Some(id));
        assert_eq!(text("odd", &[]), format!("{id}  WARN app: shop: odd\n"));
        let json = render(Form::Json, "odd", &[]);
        RequestId::enter(None);
        let rest = format!(
            r#"Z","level":"WARN","target":"app","part":"shop","message":"odd","pid":{pid},"worker":2,"request_id":"{id}"}}"#
        );
        assert!(json.starts_with("{\"timestamp\":\"20") && json.ends_with(&format!("{rest}\n")), "{json}");
        assert!(!render(Form::Json, "odd", &[]).contains("request_id"));
        assert!(render(Form::Colours, "odd", &[]).contains("\u{1b}[33m WARN\u{1b}[0m app: "));
    }

    #[test]
    fn fields_stand_behind() {
        let field = |name, value: &str, is_bare| Field { name, value: value.to_owned(), is_bare };
        let fields = [field("count", "3", true), field("name", "a \"b\" c=d\n", false)];
        assert!(text("odd", &fields).ends_with("odd count=3 name=\"a \\\"b\\\" c=d\\n\"\n"));
        let json = render(Form::Json, "odd", &fields);
        assert!(json.ends_with(",\"fields\":{\"count\":3,\"name\":\"a \\\"b\\\" c=d\\n\"}}\n"), "{json}");
    }

    #[test]
    fn nobody_forges_a_line() {
        let message = "a\r\n2026-01-01T00:00:00Z ERROR b\u{1b}[31m\u{2028}\",\"level\":\"ERROR\u{0}\u{85}\u{202e}";
        for form in [Form::Text, Form::Json] {
            let line = render(form, message, &[Field { name: "x", value: message.to_owned(), is_bare: false }]);
            let body = line.strip_suffix('\n').unwrap();
            assert!(!body.chars().any(gateway_spec::is_unsafe), "{body}");
        }
        let line = render(Form::Json, message, &[]);
        assert!(line.contains(r#"\u001b[31m\u2028\",\"level\":\"ERROR\u0000\u0085\u202e""#), "{line}");
    }
}
