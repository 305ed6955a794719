//! What proxies say of a request's client in its headers: `X-Forwarded-For` and
//! `X-Forwarded-Proto`, or `Forwarded` (RFC 7239).
//!
//! Each hop adds whom it has got the request from, so a list is read from its
//! end: as long as those that are named are trusted, what they have said before
//! counts too. The first that is not trusted is the client, and what stands to the
//! left of it is its own claim, which nobody looks at.
//!
//! | file | purpose |
//! |---|---|
//! | `node` | an address and a port, as proxies write them |
//! | `element` | the elements of `Forwarded`, and their parameters |

mod element;
mod node;

use core::net::IpAddr;

use gateway_spec::Header;

use self::element::{Element, elements};
use self::node::Node;
use super::Client;

/// Which headers are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// `X-Forwarded-For` and `X-Forwarded-Proto`.
    XForwarded,
    /// `Forwarded`.
    Forwarded,
}

/// What they say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// Who the client is.
    pub client: Client,
    /// Whether it speaks TLS, where that is said.
    pub is_secure: Option<bool>,
}

/// A list that breaks its grammar where somebody who is trusted has written it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// Reads what the headers of a request say that came from somebody trusted.
///
/// # Errors
/// [`Malformed`]: nothing of it is believed.
pub fn read(style: Style, headers: &[Header<'_>], is_trusted: impl Fn(IpAddr) -> bool) -> Result<Told, Malformed> {
    match style {
        Style::XForwarded => x_forwarded(headers, is_trusted),
        Style::Forwarded => forwarded(headers, is_trusted),
    }
}

fn x_forwarded(headers: &[Header<'_>], is_trusted: impl Fn(IpAddr) -> bool) -> Result<Told, Malformed> {
    let all = |name| headers.iter().rev().filter(move |header| header.is(name)).map(Header::value);
    let hops = all("x-forwarded-for").flat_map(|value| value.rsplit(|byte| *byte == b','));
    // A list may have empty elements (RFC 9110, section 5.6.1).
    let hops = hops.map(<[u8]>::trim_ascii).filter(|hop| !hop.is_empty());
    let mut client = Client::Same;
    for hop in hops {
        let hop = Node::parse(hop).ok_or(Malformed)?;
        client = hop.client();
        if !hop.is_of(&is_trusted) {
            break;
        }
    }
    // Said twice, it is not known by whom.
    let mut schemes = all("x-forwarded-proto");
    let is_secure = schemes.next().and_then(is_secure).filter(|_| schemes.next().is_none());
    Ok(Told { client, is_secure })
}

/// From the left, because only there one sees what is quoted: whom the last hop
/// names that is not trusted is whom a walk from the right ends with. So what a
/// client has written before that is passed over, valid or not, unless it opens a
/// quote that nobody closes.
fn forwarded(headers: &[Header<'_>], is_trusted: impl Fn(IpAddr) -> bool) -> Result<Told, Malformed> {
    let lines = headers.iter().filter(|header| header.is("forwarded")).map(Header::value);
    let mut found = None;
    for element in lines.flat_map(elements) {
        let goes_on = element.is_ok_and(|element| element.node.is_of(&is_trusted));
        if found.is_none() || !goes_on {
            found = Some(element);
        }
    }
    let Element { node, is_secure } = found.unwrap_or(Ok(Element::default()))?;
    Ok(Told { client: node.client(), is_secure })
}

/// What the name of a scheme says; of others than HTTP's nothing is known.
fn is_secure(scheme: &[u8]) -> Option<bool> {
    let is = |name: &[u8]| scheme.trim_ascii().eq_ignore_ascii_case(name);
    if is(b"https") { Some(true) } else { is(b"http").then_some(false) }
}

#[cfg(test)]
mod tests;
