//! The line of an answer as an object of JSON. What cannot be known is not there.

use rustix::process::getpid;

use super::clock::Clock;
use super::line::{Line, Place};
use super::parts::{Parts, named};
use super::sheets::Sheet;
use super::user;
use crate::stats::{Asked, Record};

/// Writes a line.
#[inline(never)]
pub(super) fn write(record: &Record<'_>, Sheet { lines, clock, room }: &mut Sheet) {
    let mut whole = Line::new(room, lines);
    let line = &mut whole;
    let (asked, sample) = (Parts::of(record), record.sample);
    time(clock, record, line);
    line.fixed(b",\"request_id\":\"");
    line.shown(record.id);
    line.fixed(b"\",\"pid\":");
    line.number(getpid().as_raw_nonzero().get().unsigned_abs().into());
    text(b",\"client\":\"", record.client.0, line);
    text(b",\"method\":\"", asked.method, line);
    text(b",\"target\":\"", asked.target, line);
    text(b",\"protocol\":\"", asked.protocol, line);
    if let Asked::Line(first) = record.asked {
        text(b",\"line\":\"", first, line);
    }
    text(b",\"scheme\":\"", asked.variable(b"gateway.url_scheme"), line);
    if let Some(name) = user::name(record, named(record, b"Authorization").next()) {
        text(b",\"user\":\"", name.as_bytes(), line);
    }
    text(b",\"host\":\"", named(record, b"Host").next().unwrap_or_default(), line);
    text(b",\"referer\":\"", named(record, b"Referer").next().unwrap_or_default(), line);
    text(b",\"user_agent\":\"", named(record, b"User-Agent").next().unwrap_or_default(), line);
    number(b",\"status\":", sample.status.into(), line);
    number(b",\"bytes\":", sample.bytes, line);
    if let Some(took) = sample.took {
        number(b",\"took_us\":", took.total / 1000, line);
        number(b",\"queued_us\":", took.queued / 1000, line);
    }
    line.fixed(b"}\n");
    whole.end();
}

#[inline]
fn time(clock: &mut Clock, record: &Record<'_>, line: &mut Line<'_>) {
    let (time, milliseconds) = clock.rfc3339(record.at);
    line.fixed(b"{\"time\":\"");
    line.put(time.as_bytes());
    let digit = |power: u32| b'0' + (milliseconds / power % 10) as u8;
    line.fixed(&[b'.', digit(100), digit(10), digit(1), b'Z', b'"']);
}

/// A value in quotes, behind its key and the first of them; nothing where it is empty.
#[inline]
fn text<const KEY: usize>(key: &[u8; KEY], value: &[u8], line: &mut Line<'_>) {
    if !value.is_empty() {
        line.fixed(key);
        line.sent(value, Place::Json);
        line.fixed(b"\"");
    }
}

#[inline]
fn number<const KEY: usize>(key: &[u8; KEY], value: u64, line: &mut Line<'_>) {
    line.fixed(key);
    line.number(value);
}
