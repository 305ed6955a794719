//! A connection and its request, for logs and whoever looks on.

use std::fmt::Display;

use gateway_spec::Header;

use super::slot::{CLIENT, Slot};
use crate::net::Endpoint;
use crate::stats::{Asked, Flight};

impl Slot {
    /// The client, for the log.
    pub(super) fn client(&self) -> impl Display {
        self.endpoint().map_or(&[][..], Endpoint::client).escape_ascii()
    }

    /// The request's first line, for the log; escaped.
    pub(super) fn request_line(&self) -> String {
        self.request().map_or_else(
            || "(no request)".to_owned(),
            |request| format!("{} {}", request.method().escape_ascii(), request.request_uri().escape_ascii()),
        )
    }

    /// Shows the request to the master.
    pub(super) fn show(&self, flight: &Flight) {
        if let Some(request) = self.request() {
            flight.begin(request.method(), request.request_uri());
        }
    }

    /// The client's address and port, and what it asks for.
    pub(super) fn asked(&self) -> ((&[u8], &[u8]), Asked<'_>) {
        let Some(request) = self.request() else {
            return (self.endpoint().map_or_else(Default::default, Endpoint::remote), Asked::Line(b""));
        };
        let env = request.env();
        // A web server says them in an order of its own; here their lengths tell them apart.
        let is_said = self.wire_ref().terms.front.is_some();
        let of = |place: usize, name: &[u8]| {
            let entry = match is_said {
                true => env.iter().find(|entry| entry.name() == name),
                false => env.get(place).filter(|entry| entry.name().len() == name.len()),
            };
            entry.map_or(&[][..], Header::value)
        };
        let asked = Asked::Request {
            method: request.method(),
            target: request.request_uri(),
            protocol: of(0, b"SERVER_PROTOCOL"),
            user: if is_said { of(0, b"REMOTE_USER") } else { b"" },
            headers: request.headers(),
            variables: env,
        };
        ((of(CLIENT, b"REMOTE_ADDR"), of(CLIENT + 1, b"REMOTE_PORT")), asked)
    }
}
