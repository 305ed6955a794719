//! What a line says of a request.

use gateway_spec::Header;

use crate::stats::{Asked, Record};

/// What was asked for, where it was understood.
#[derive(Clone, Copy, Default)]
pub(super) struct Parts<'a> {
    pub(super) method: &'a [u8],
    pub(super) target: &'a [u8],
    pub(super) protocol: &'a [u8],
    variables: &'a [Header<'a>],
}

impl<'a> Parts<'a> {
    #[inline]
    pub(super) fn of(record: &Record<'a>) -> Self {
        match record.asked {
            Asked::Request { method, target, protocol, variables, .. } => Self { method, target, protocol, variables },
            Asked::Line(_) => Self::default(),
        }
    }

    /// The target up to the question mark, and from there on.
    pub(super) fn path_and_query(&self) -> (&'a [u8], &'a [u8]) {
        let end = memchr::memchr(b'?', self.target).unwrap_or(self.target.len());
        self.target.split_at(end)
    }

    /// The value of a variable; empty where there is none.
    pub(super) fn variable(&self, name: &[u8]) -> &'a [u8] {
        self.variables.iter().find(|entry| entry.name() == name).map_or(&[], Header::value)
    }
}

/// The fields that lines have most often, found by one look at all.
#[derive(Default)]
pub(super) struct Known<'a> {
    pub(super) authorization: Option<&'a [u8]>,
    pub(super) referer: Option<&'a [u8]>,
    pub(super) user_agent: Option<&'a [u8]>,
}

impl<'a> Known<'a> {
    /// Nothing where one of them is there twice.
    #[inline]
    pub(super) fn of(record: &Record<'a>) -> Option<Self> {
        let mut known = Self::default();
        for header in headers(record) {
            let (place, is_it) = match header.name().len() {
                7 => (&mut known.referer, is_same(header.name(), b"Referer")),
                10 => (&mut known.user_agent, is_same(header.name(), b"User-Agent")),
                13 => (&mut known.authorization, is_same(header.name(), b"Authorization")),
                _ => continue,
            };
            if is_it && place.replace(header.value()).is_some() {
                return None;
            }
        }
        Some(known)
    }
}

/// The values of the fields with this name.
pub(super) fn named<'a>(record: &Record<'a>, name: &[u8]) -> impl Iterator<Item = &'a [u8]> {
    let is_it = |header: &&Header<'_>| header.name().len() == name.len() && is_same(header.name(), name);
    headers(record).iter().filter(is_it).map(Header::value)
}

#[inline]
fn headers<'a>(record: &Record<'a>) -> &'a [Header<'a>] {
    match record.asked {
        Asked::Request { headers, .. } => headers,
        Asked::Line(_) => &[],
    }
}

/// Nearly always a name is written as it is here.
#[inline(always)]
fn is_same(name: &[u8], other: &[u8]) -> bool {
    name == other || is_same_but_for_case(name, other)
}

#[inline(never)]
fn is_same_but_for_case(name: &[u8], other: &[u8]) -> bool {
    name.eq_ignore_ascii_case(other)
}
