//! What a line of the access log has, as it was asked for.

use std::str::FromStr;

use super::escape::Stops;
use super::line::Short;

/// See the module's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Format(pub(super) Kind);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Json,
    /// The one that nearly everybody takes: it needs no walk over its pieces, unless a field is
    /// there twice.
    Combined(Box<Text>),
    Text(Box<Text>),
}

/// A line of text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Text {
    pub(super) pieces: Vec<Piece>,
    /// What ends a field that does not stand in quotes.
    pub(super) stops: Stops,
}

/// A piece of a line of text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    /// As it stands in the format. What is longer is several pieces.
    pub(super) plain: Short,
    /// What follows it, and whether in quotes.
    pub(super) token: Token,
    pub(super) is_quoted: bool,
}

/// What a value is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Nothing,
    Address,
    User,
    Time,
    Line,
    Method,
    Path,
    Query,
    Protocol,
    Status,
    Bytes,
    /// As `Bytes`, but `-` for none.
    BytesIfAny,
    Seconds,
    Milliseconds,
    Microseconds,
    Queued,
    Process,
    Request,
    /// A header field of the request.
    Header(String),
    /// A variable of the request.
    Variable(String),
}

/// Each token, as it is written, and what it stands for; a table of docs/logs.md.
const TOKENS: &[(&str, Token)] = &[
    ("h", Token::Address),
    ("u", Token::User),
    ("t", Token::Time),
    ("r", Token::Line),
    ("m", Token::Method),
    ("U", Token::Path),
    ("q", Token::Query),
    ("H", Token::Protocol),
    ("s", Token::Status),
    (">s", Token::Status),
    ("B", Token::Bytes),
    ("b", Token::BytesIfAny),
    ("T", Token::Seconds),
    ("M", Token::Milliseconds),
    ("D", Token::Microseconds),
    ("Q", Token::Queued),
    ("P", Token::Process),
    ("L", Token::Request),
];

const COMMON: &str = "%h %l %u %t \"%r\" %>s %b";
const COMBINED: &str = "%h %l %u %t \"%r\" %>s %b \"%{Referer}i\" \"%{User-Agent}i\"";

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "json" => Ok(Self(Kind::Json)),
            "common" => Text::of(COMMON).map(|text| Self(Kind::Text(text))),
            "combined" | COMBINED => Text::of(COMBINED).map(|text| Self(Kind::Combined(text))),
            _ if text.contains('%') => Text::of(text).map(|text| Self(Kind::Text(text))),
            _ => Err("write common, combined, json, or a format, such as '%h %t \"%r\" %s %b'".to_owned()),
        }
    }
}

impl Text {
    fn of(text: &str) -> Result<Box<Self>, String> {
        if text.chars().any(char::is_control) {
            return Err("a format is one line, without control characters".to_owned());
        }
        let (mut pieces, mut plain, mut between) = (Vec::new(), Vec::new(), Vec::new());
        let (mut rest, mut is_quoted) = (text, false);
        while let Some(char) = rest.chars().next() {
            rest = &rest[char.len_utf8()..];
            if char != '%' {
                is_quoted ^= char == '"';
                plain.extend(char.encode_utf8(&mut [0; 4]).bytes());
                continue;
            }
            let (token, left) = token(rest).ok_or_else(|| refused(rest))?;
            rest = left;
            match token {
                Said::Plain(byte) => plain.push(byte),
                Said::Value(token) => {
                    between.extend_from_slice(&plain);
                    add(&mut pieces, &plain, token, is_quoted);
                    plain.clear();
                }
            }
        }
        between.extend_from_slice(&plain);
        plain.push(b'\n');
        add(&mut pieces, &plain, Token::Nothing, is_quoted);
        Ok(Box::new(Self { pieces, stops: Stops::of(&between) }))
    }
}

/// Adds a value and what stands before it.
fn add(pieces: &mut Vec<Piece>, mut plain: &[u8], token: Token, is_quoted: bool) {
    while let Some((first, rest)) = plain.split_at_checked(Short::MOST).filter(|(_, rest)| !rest.is_empty()) {
        pieces.push(Piece { plain: Short::of(first), token: Token::Nothing, is_quoted });
        plain = rest;
    }
    pieces.push(Piece { plain: Short::of(plain), token, is_quoted });
}

/// What stands behind a percent sign.
enum Said {
    Plain(u8),
    Value(Token),
}

/// That, and the rest.
fn token(text: &str) -> Option<(Said, &str)> {
    if let Some(rest) = text.strip_prefix('%') {
        return Some((Said::Plain(b'%'), rest));
    }
    // Who the client is by RFC 1413, which nobody asks.
    if let Some(rest) = text.strip_prefix('l') {
        return Some((Said::Plain(b'-'), rest));
    }
    if let Some((name, rest)) = text.strip_prefix('{').and_then(|text| text.split_once('}')) {
        let name = Some(name).filter(|name| !name.is_empty() && name.is_ascii())?.to_owned();
        return match rest.split_at_checked(1)? {
            ("i", rest) => Some((Said::Value(Token::Header(name)), rest)),
            ("e", rest) => Some((Said::Value(Token::Variable(name)), rest)),
            _ => None,
        };
    }
    let (name, token) = TOKENS.iter().find(|(name, _)| text.starts_with(name))?;
    Some((Said::Value(token.clone()), &text[name.len()..]))
}

fn refused(text: &str) -> String {
    let known: Vec<String> = TOKENS.iter().map(|(name, _)| format!("%{name}")).collect();
    let end = if text.starts_with('{') { text.find('}').map_or(text.len(), |end| end + 2) } else { 1 };
    let unknown: String = text.chars().take(end).collect();
    format!("there is no %{unknown}; there are {}, %l, %{{NAME}}i, %{{NAME}}e and %%", known.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(text: &str) -> Vec<Piece> {
        match text.parse::<Format>().unwrap().0 {
            Kind::Text(text) | Kind::Combined(text) => text.pieces,
            kind => panic!("{text} is {kind:?}"),
        }
    }

    #[test]
    fn a_format_is_parsed_into_pieces() {
        let piece = |plain: &str, token, is_quoted| Piece { plain: Short::of(plain.as_bytes()), token, is_quoted };
        assert_eq!(
            pieces("%h %l 100%% \"%{Referer}i|%>s\" %{gateway.url_scheme}e"),
            [
                piece("", Token::Address, false),
                piece(" - 100% ", Token::Nothing, true),
                piece("\"", Token::Header("Referer".into()), true),
                piece("|", Token::Status, true),
                piece("\" ", Token::Variable("gateway.url_scheme".into()), false),
                piece("\n", Token::Nothing, false),
            ]
        );
        for (plain, expected) in [(0, 2), (1, 2), (8, 2), (9, 3), (16, 3), (17, 4)] {
            assert_eq!(pieces(&("a".repeat(plain) + "%h")).len(), expected);
        }
        assert_eq!((pieces("common").len(), pieces("combined").len()), (7, 9));
        assert_eq!("json".parse::<Format>().unwrap().0, Kind::Json);
        assert!(matches!("combined".parse::<Format>().unwrap().0, Kind::Combined(_)));
    }

    #[test]
    fn what_is_no_format_is_refused() {
        for (text, words) in [
            ("combind", "write common, combined, json, or a format"),
            ("", "write common"),
            ("%h\n%s", "one line"),
            ("%h %Z", "there is no %Z; there are %h, %u,"),
            ("%{Referer}x", "there is no %{Referer}x;"),
            ("%{Referer", "there is no %{Referer;"),
            ("%{}i", "there is no %{}i;"),
            ("%{X}", "there is no %{X};"),
            ("a%", "there is no %;"),
            ("%\u{e9}", "there is no %\u{e9};"),
            ("%>r", "there is no %>;"),
        ] {
            let refused = text.parse::<Format>().unwrap_err();
            assert!(refused.contains(words), "{text}: {refused}");
        }
    }
}
