//! uwsgi: four bytes of head, then variables, each with the two lengths before it;
//! all numbers are little-endian.

use super::{Broken, Envelope, Found, Variables};

/// A request for an application, by variables.
const REQUEST: u8 = 0;
/// Is somebody there?
const PING: u8 = 100;
const HEAD: usize = 4;

/// The answer to a ping: one that has no body (uWSGI answers the same).
const PONG: &[u8] = &[PING, 0, 0, 1];

pub(super) fn read(bytes: &[u8], most: usize, variables: &mut Variables) -> Result<Found, Broken> {
    let Some(&[modifier, low, high, second]) = bytes.first_chunk() else { return Ok(Found::Partial) };
    let length = usize::from(u16::from_le_bytes([low, high]));
    match modifier {
        REQUEST => {}
        PING => return Ok(Found::Answer { size: bytes.len().min(HEAD + length), bytes: PONG.to_vec(), close: true }),
        _ => return Err(Broken::Malformed("a uwsgi packet's modifier is neither 0 nor 100: apps have modifier 0")),
    }
    // Behind 0 it says which of several applications in a process is meant.
    if second != 0 {
        return Err(Broken::Malformed("a uwsgi packet's second modifier is not 0"));
    }
    if length > most {
        return Err(Broken::TooLarge);
    }
    let Some(mut rest) = bytes.get(HEAD..HEAD + length) else { return Ok(Found::Partial) };
    while !rest.is_empty() {
        let name = take(&mut rest)?;
        let value = take(&mut rest)?;
        // These have uWSGI load code, or choose what runs.
        if !name.starts_with(b"UWSGI_") {
            variables.push(name, value)?;
        }
    }
    Ok(Found::Request(Envelope { size: HEAD + length, ..Envelope::default() }, Vec::new()))
}

/// Takes a text with its length before it.
fn take<'b>(rest: &mut &'b [u8]) -> Result<&'b [u8], Broken> {
    let short = Broken::Malformed("a variable of a uwsgi packet is longer than the packet");
    let (length, text) = rest.split_first_chunk().ok_or(short)?;
    let (text, behind) = text.split_at_checked(u16::from_le_bytes(*length).into()).ok_or(short)?;
    *rest = behind;
    Ok(text)
}
