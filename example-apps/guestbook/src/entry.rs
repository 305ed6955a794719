//! An entry, and a draft that may become one.

use mini_framework::Fields;
use serde::Serialize;
use time::{OffsetDateTime, macros::format_description};

const NAME: usize = 60;
const PLACE: usize = 60;
const TEXT: usize = 2000;

/// What stands in the book.
#[derive(Debug, Serialize)]
pub(crate) struct Entry {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) place: String,
    pub(crate) text: String,
    /// As a machine reads it: `2026-11-21T18:12:00Z`.
    pub(crate) written: String,
    /// As a visitor does.
    pub(crate) date: String,
}

impl Entry {
    /// An entry of a moment, in seconds since 1970.
    pub(crate) fn new(id: i64, draft: Draft, written: i64) -> Self {
        let moment = OffsetDateTime::from_unix_timestamp(written).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        let machine = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");
        let human = format_description!("[day padding:none] [month repr:long] [year], [hour]:[minute] UTC");
        Self {
            id,
            name: draft.name,
            place: draft.place,
            text: draft.text,
            written: moment.format(machine).unwrap_or_default(),
            date: moment.format(human).unwrap_or_default(),
        }
    }
}

/// What somebody has typed.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Draft {
    pub(crate) name: String,
    pub(crate) place: String,
    pub(crate) text: String,
}

/// What is wrong with a draft, field by field.
#[derive(Debug, Default, Serialize, PartialEq, Eq)]
pub(crate) struct Problems {
    pub(crate) name: Option<String>,
    pub(crate) place: Option<String>,
    pub(crate) text: Option<String>,
}

impl Draft {
    pub(crate) fn new(form: &Fields) -> Self {
        let line = |name: &str| clean(form.get(name).unwrap_or_default()).replace('\n', " ");
        Self { name: line("name"), place: line("place"), text: clean(form.get("text").unwrap_or_default()) }
    }

    pub(crate) fn problems(&self) -> Problems {
        Problems {
            name: missing(&self.name, "Please tell your name.").or_else(|| too_long(&self.name, NAME)),
            place: too_long(&self.place, PLACE),
            text: missing(&self.text, "Please write something.").or_else(|| too_long(&self.text, TEXT)),
        }
    }
}

fn missing(text: &str, words: &str) -> Option<String> {
    text.chars().all(is_unseen).then(|| words.to_owned())
}

fn too_long(text: &str, most: usize) -> Option<String> {
    let length = text.chars().count();
    (length > most).then(|| format!("This has {length} characters; there is room for {most}."))
}

/// A blank, or a character that takes no room: alone they are nothing to read. Within
/// words some have a meaning, as where letters of Persian do not join.
fn is_unseen(char: char) -> bool {
    let takes_no_room = matches!(
        char,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{2800}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    );
    takes_no_room || char.is_whitespace()
}

/// Browsers send CR LF for a line's end. Other control characters have no business here,
/// and those that turn the direction of text would turn the page around it too.
fn clean(text: &str) -> String {
    let is_odd = |char: char| {
        char.is_control() && char != '\n' || matches!(char, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let text: String = text.replace("\r\n", "\n").replace('\r', "\n").chars().filter(|char| !is_odd(*char)).collect();
    text.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(form: &str) -> Draft {
        Draft::new(&Fields::parse(form.as_bytes()).unwrap())
    }

    #[test]
    fn a_draft_is_cleaned() {
        let draft = draft("name=+A%0D%0Ada%00%E2%80%AE+&text=%0D%0Aone%0D%0A%09two%0D%0A");
        assert_eq!((draft.name.as_str(), draft.text.as_str()), ("A da", "one\ntwo"));
        assert_eq!(draft.problems(), Problems::default());
    }

    /// A lone CR was a line's end once, and words are not to join.
    #[test]
    fn every_line_end_is_one() {
        assert_eq!(draft("name=a%0Db&text=one%0Dtwo%0D%0D%0Athree%0A%0Dfour").text, "one\ntwo\n\nthree\n\nfour");
        assert_eq!(draft("name=a%0Db").name, "a b");
    }

    #[test]
    fn what_nobody_sees_is_nothing() {
        for unseen in
            ["\u{200b}", "\u{feff} \u{2060}", "\u{ad}", "\u{3164}", "\u{2800}", "\u{200d}\u{fe0f}", "\u{e0020}"]
        {
            let unseen = Draft { name: unseen.to_owned(), place: unseen.to_owned(), text: unseen.to_owned() };
            let problems = unseen.problems();
            assert_eq!(
                (problems.name.is_some(), problems.place, problems.text.is_some()),
                (true, None, true),
                "{unseen:?}"
            );
        }
        // In a word it joins or parts letters; with a heart it makes it red.
        let seen =
            Draft {
                name: "می\u{200c}خواهم".to_owned(), text: "\u{2764}\u{fe0f}".to_owned(), ..Draft::default()
            };
        assert_eq!(seen.problems(), Problems::default());
    }

    #[test]
    fn a_draft_has_limits_in_characters() {
        let limits = |length: usize| draft(&format!("name={0}&place={0}&text=x", "%C3%A4".repeat(length))).problems();
        assert_eq!(limits(60), Problems::default());
        let long = Some("This has 61 characters; there is room for 60.".to_owned());
        assert_eq!(limits(61), Problems { name: long.clone(), place: long, text: None });
        let empty = draft("name=%20&text=%0A").problems();
        assert_eq!(empty.name.as_deref(), Some("Please tell your name."));
        assert_eq!(empty.text.as_deref(), Some("Please write something."));
    }

    #[test]
    fn a_moment_is_told_to_machines_and_visitors() {
        let entry = Entry::new(1, Draft::default(), 1_795_284_305);
        assert_eq!(
            (entry.written.as_str(), entry.date.as_str()),
            ("2026-11-21T18:05:05Z", "21 November 2026, 18:05 UTC")
        );
    }
}
