//! A response as it is given to a web server that has read the request itself.

use gateway_spec::ResponseState;

use super::Wire;
use crate::protocol::front::{self, Front, STDERR, STDOUT};
use crate::protocol::http1::response::Framing;

/// Whom a response goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::exchange) struct Behind {
    /// What it speaks.
    pub(in crate::exchange) front: Front,
    /// FastCGI: the request's number, and whether the connection stays.
    pub(in crate::exchange) id: u16,
    pub(in crate::exchange) stays: bool,
}

/// What an HTTP head begins with, and one of CGI.
const HTTP: &[u8] = b"HTTP/1.1 ";
const CGI: &[u8] = b"Status: ";

impl Wire {
    /// Puts a head that is written as HTTP into the form that a web server wants.
    pub(super) fn dress(&mut self, behind: Behind) {
        // uwsgi has it as HTTP has.
        if behind.front != Front::Uwsgi {
            self.out.splice(self.head_start..self.head_start + HTTP.len(), CGI.iter().copied());
        }
        if behind.front == Front::FastCgi {
            let head = self.out.split_off(self.head_start);
            front::push_records(&mut self.out, STDOUT, behind.id, &head);
            self.framing = match self.framing {
                Framing::Length(left) => Framing::Records(Some(left)),
                Framing::Close | Framing::Chunked => Framing::Records(None),
                other => other,
            };
        }
    }

    /// Frames body bytes as records.
    pub(super) fn push_records(&mut self, bytes: &[u8]) {
        if let Some(Behind { id, .. }) = self.terms.front {
            front::push_records(&mut self.out, STDOUT, id, bytes);
        }
    }

    /// Ends a response whose end is told.
    pub(super) fn end_records(&mut self) {
        if let Some(Behind { front: Front::FastCgi, id, .. }) = self.terms.front {
            front::end_request(&mut self.out, id);
        }
    }

    /// Sends lines for the log of a web server that speaks FastCGI, before a head that
    /// may still be another one.
    pub(in crate::exchange) fn tell(&mut self, lines: &str) {
        let Some(Behind { front: Front::FastCgi, id, .. }) = self.terms.front else { return };
        let is_committed = self.state == ResponseState::Committed;
        let at = if is_committed { self.out.len() } else { self.head_start };
        let head = self.out.split_off(at);
        front::push_records(&mut self.out, STDERR, id, lines.as_bytes());
        if !is_committed {
            self.head_start = self.out.len();
        }
        self.out.extend_from_slice(&head);
    }

    /// Sends bytes that belong to no response.
    pub(in crate::exchange) fn push_aside(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
        self.head_start = self.out.len();
    }
}
