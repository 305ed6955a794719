//! FastCGI: records of up to 64 KiB, each with the number of the request that it is
//! part of. One request at a time is served on a connection.

use super::known::Known;
use super::{Broken, Envelope, Found, Variables};
use crate::protocol::Refusal;
use crate::protocol::http1::body::Step;

const VERSION: u8 = 1;
/// Bytes of a record's head.
const HEAD: usize = 8;
/// The most bytes that a record of ours holds: whole cache lines, with its head.
const MOST: usize = 65_528;

// What a record is.
const BEGIN_REQUEST: u8 = 1;
const ABORT_REQUEST: u8 = 2;
const END_REQUEST: u8 = 3;
const PARAMS: u8 = 4;
const STDIN: u8 = 5;
/// Part of a response.
pub const STDOUT: u8 = 6;
/// A line for the web server's log.
pub const STDERR: u8 = 7;
/// What only filters are sent.
const DATA: u8 = 8;
const GET_VALUES: u8 = 9;
const GET_VALUES_RESULT: u8 = 10;
const UNKNOWN_TYPE: u8 = 11;

/// The only role that is played: an application that answers.
const RESPONDER: u16 = 1;
const KEEP_CONN: u8 = 1;

// How a request ends.
const COMPLETE: u8 = 0;
const CANNOT_MULTIPLEX: u8 = 1;
const UNKNOWN_ROLE: u8 = 3;

const SHORT: Broken = Broken::Malformed("a variable of a FastCGI request is longer than all of them");

/// One record.
#[derive(Clone, Copy, Debug)]
struct Record<'b> {
    kind: u8,
    id: u16,
    content: &'b [u8],
    /// Its bytes, head and padding included.
    size: usize,
}

impl<'b> Record<'b> {
    /// The one that bytes begin with, if it is there.
    fn read(bytes: &'b [u8]) -> Result<Option<Self>, Broken> {
        let Some(&[version, kind, high, low, length, length_low, padding, _]) = bytes.first_chunk::<HEAD>() else {
            return Ok(None);
        };
        if version != VERSION {
            return Err(Broken::Malformed("a FastCGI record is not of version 1"));
        }
        let length = usize::from(u16::from_be_bytes([length, length_low]));
        let size = HEAD + length + usize::from(padding);
        let id = u16::from_be_bytes([high, low]);
        Ok((bytes.len() >= size).then(|| Self { kind, id, content: &bytes[HEAD..HEAD + length], size }))
    }
}

pub(super) fn read(bytes: &[u8], most: usize, variables: &mut Variables) -> Result<Found, Broken> {
    let Some(first) = Record::read(bytes)? else { return Ok(Found::Partial) };
    if first.id == 0 {
        return Ok(Found::Answer { size: first.size, bytes: managed(&first)?, close: false });
    }
    let (role, flags) = match (first.kind, first.content) {
        (BEGIN_REQUEST, [high, low, flags, ..]) => (u16::from_be_bytes([*high, *low]), *flags),
        // The rest of a request that has been answered already.
        (ABORT_REQUEST | STDIN | PARAMS | DATA, _) => {
            return Ok(Found::Answer { size: first.size, bytes: Vec::new(), close: false });
        }
        _ => return Err(Broken::Malformed("a FastCGI request begins with another record than BEGIN_REQUEST")),
    };
    let (id, keep_alive) = (first.id, flags & KEEP_CONN != 0);
    let answered = |size, status| {
        let mut out = Vec::new();
        end_request_with(&mut out, id, status);
        Ok(Found::Answer { size, bytes: out, close: !keep_alive })
    };
    if role != RESPONDER {
        return answered(first.size, UNKNOWN_ROLE);
    }
    let (mut at, mut params, mut aside) = (first.size, Vec::new(), Vec::new());
    loop {
        let Some(record) = Record::read(&bytes[at..])? else {
            // What it waits for may be one record of 64 KiB more.
            return if bytes.len() > most + HEAD + MOST { Err(Broken::TooLarge) } else { Ok(Found::Partial) };
        };
        at += record.size;
        match (record.id == id, record.kind) {
            (true, PARAMS) if record.content.is_empty() => break,
            (true, PARAMS) if params.len() + record.content.len() > most => return Err(Broken::TooLarge),
            (true, PARAMS) => params.extend_from_slice(record.content),
            (true, ABORT_REQUEST) => return answered(at, COMPLETE),
            (true, _) => {
                return Err(Broken::Malformed("a FastCGI record stands among the variables that is none of them"));
            }
            // One at a time is served here; what else comes of it is read over.
            (false, BEGIN_REQUEST) => end_request_with(&mut aside, record.id, CANNOT_MULTIPLEX),
            (false, _) if record.id == 0 => aside.extend(managed(&record)?),
            (false, _) => {}
        }
    }
    let mut rest = &params[..];
    while !rest.is_empty() {
        let (name, value) = take_pair(&mut rest)?;
        variables.push(name, value)?;
    }
    let has_body = variables.get(Known::Length).is_some_and(|length| length.iter().any(|digit| *digit != b'0'));
    let envelope = Envelope { size: at, id, keep_alive };
    if has_body {
        return Ok(Found::Request(envelope, aside));
    }
    // Nothing, and then its end.
    match Record::read(&bytes[at..])? {
        None => Ok(Found::Partial),
        Some(record) if (record.kind, record.id, record.content) == (STDIN, id, &[]) => {
            Ok(Found::Request(Envelope { size: at + record.size, ..envelope }, aside))
        }
        Some(record) if (record.kind, record.id) == (ABORT_REQUEST, id) => answered(at + record.size, COMPLETE),
        Some(_) => Err(Broken::Malformed("a FastCGI request has a body, and no CONTENT_LENGTH")),
    }
}

/// The answer to what is asked of no request.
fn managed(record: &Record<'_>) -> Result<Vec<u8>, Broken> {
    let mut out = Vec::new();
    if record.kind != GET_VALUES {
        begin_record(&mut out, UNKNOWN_TYPE, 0, 8);
        out.extend_from_slice(&[record.kind, 0, 0, 0, 0, 0, 0, 0]);
        return Ok(out);
    }
    let (mut rest, mut values) = (record.content, Vec::new());
    while !rest.is_empty() {
        let (name, _) = take_pair(&mut rest)?;
        // How many connections there may be is not said: the system has a word there.
        if name == b"FCGI_MPXS_CONNS" {
            values.extend_from_slice(&[name.len() as u8, 1]);
            values.extend_from_slice(name);
            values.push(b'0');
        }
    }
    begin_record(&mut out, GET_VALUES_RESULT, 0, values.len());
    out.extend_from_slice(&values);
    Ok(out)
}

fn take_pair<'b>(rest: &mut &'b [u8]) -> Result<(&'b [u8], &'b [u8]), Broken> {
    let (name, value) = (take_length(rest)?, take_length(rest)?);
    let mut take = |length| {
        let (text, behind) = rest.split_at_checked(length).ok_or(SHORT)?;
        *rest = behind;
        Ok(text)
    };
    Ok((take(name)?, take(value)?))
}

/// One byte below 128, or four of which the first bit is set.
fn take_length(rest: &mut &[u8]) -> Result<usize, Broken> {
    match *rest {
        [short @ 0..0x80, behind @ ..] => {
            *rest = behind;
            Ok(usize::from(*short))
        }
        [high, a, b, c, behind @ ..] => {
            *rest = behind;
            usize::try_from(u32::from_be_bytes([high & 0x7f, *a, *b, *c])).map_err(|_| SHORT)
        }
        _ => Err(SHORT),
    }
}

// ----- what is sent ------------------------------------------------------------

/// Writes the head of a record of at most 65,535 bytes.
pub fn begin_record(out: &mut Vec<u8>, kind: u8, id: u16, length: usize) {
    let ([high, low], [length, length_low]) = (id.to_be_bytes(), (length as u16).to_be_bytes());
    out.extend_from_slice(&[VERSION, kind, high, low, length, length_low, 0, 0]);
}

/// Writes bytes as records.
pub fn push_records(out: &mut Vec<u8>, kind: u8, id: u16, bytes: &[u8]) {
    for piece in bytes.chunks(MOST) {
        begin_record(out, kind, id, piece.len());
        out.extend_from_slice(piece);
    }
}

/// Writes the end of a response.
pub fn end_request(out: &mut Vec<u8>, id: u16) {
    begin_record(out, STDOUT, id, 0);
    end_request_with(out, id, COMPLETE);
}

fn end_request_with(out: &mut Vec<u8>, id: u16, status: u8) {
    begin_record(out, END_REQUEST, id, 8);
    out.extend_from_slice(&[0, 0, 0, 0, status, 0, 0, 0]);
}

// ----- bodies --------------------------------------------------------------------

/// Where reading a request's body stands: records of STDIN, until an empty one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Records {
    id: u16,
    /// Bytes of the body that are to come.
    left: u64,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// So many bytes of a record's head have come.
    Head([u8; HEAD], u8),
    /// In a record's content, and how much padding follows.
    Content(u16, u8),
    Padding(u8),
    /// In the padding of the last one.
    End(u8),
    Done,
}

impl Records {
    /// The body of a request of that number and length, which is more than none.
    #[must_use]
    pub const fn new(id: u16, length: u64) -> Self {
        Self { id, left: length, state: State::Head([0; HEAD], 0) }
    }

    /// Whether the body is complete.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Takes input up to the end of one run of data, or all of it.
    ///
    /// # Errors
    /// [`Refusal::Truncated`] where the web server gives up, or ends the body before its
    /// length; [`Refusal::Records`] for what is nothing of the protocol.
    pub fn decode(&mut self, input: &[u8]) -> Result<Step, Refusal> {
        let mut at = 0;
        while at < input.len() {
            match self.state {
                State::Head(mut head, have) => {
                    head[usize::from(have)] = input[at];
                    at += 1;
                    self.state = match usize::from(have) + 1 {
                        HEAD => self.begin(head)?,
                        _ => State::Head(head, have + 1),
                    };
                }
                State::Content(left, padding) => {
                    let count = usize::from(left).min(input.len() - at);
                    self.left -= count as u64;
                    self.state = behind(left - count as u16, padding);
                    return Ok(Step { consumed: at + count, data: at..at + count });
                }
                State::Padding(left) => {
                    let count = usize::from(left).min(input.len() - at);
                    at += count;
                    self.state = behind(0, left - count as u8);
                }
                State::End(left) => {
                    let count = usize::from(left).min(input.len() - at);
                    at += count;
                    self.state = end(left - count as u8);
                }
                State::Done => break,
            }
        }
        Ok(Step { consumed: at, data: at..at })
    }

    /// A record's head is there.
    fn begin(&self, head: [u8; HEAD]) -> Result<State, Refusal> {
        let [version, kind, high, low, length, length_low, padding, _] = head;
        let (id, length) = (u16::from_be_bytes([high, low]), u16::from_be_bytes([length, length_low]));
        match (version, kind) {
            (VERSION, STDIN) if id == self.id && length == 0 => match self.left {
                0 => Ok(end(padding)),
                _ => Err(Refusal::Truncated),
            },
            (VERSION, STDIN) if id == self.id && u64::from(length) <= self.left => Ok(behind(length, padding)),
            (VERSION, ABORT_REQUEST) if id == self.id => Err(Refusal::Truncated),
            _ => Err(Refusal::Records),
        }
    }
}

/// What follows the last record's head, and so many bytes of padding.
const fn end(padding: u8) -> State {
    if padding == 0 { State::Done } else { State::End(padding) }
}

/// What follows so many bytes of content, and so many of padding.
const fn behind(content: u16, padding: u8) -> State {
    match (content, padding) {
        (0, 0) => State::Head([0; HEAD], 0),
        (0, padding) => State::Padding(padding),
        (content, padding) => State::Content(content, padding),
    }
}
