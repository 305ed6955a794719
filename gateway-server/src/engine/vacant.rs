//! Memory to serve connections with, for those that are about to need it.

use std::sync::Arc;

use crate::exchange::{Exchange, Resting, Service};

/// The most that are kept: one is in use at a time, and more only where clients
/// are slow.
const KEPT: usize = 4;

/// Exchanges that serve nobody just now.
#[derive(Debug)]
pub(super) struct Vacant {
    service: Arc<Service>,
    #[expect(clippy::vec_box, reason = "they move between here and their connections, which must be small")]
    list: Vec<Box<Exchange>>,
}

impl Vacant {
    pub(super) fn new(service: &Arc<Service>) -> Self {
        Self { service: Arc::clone(service), list: Vec::with_capacity(KEPT) }
    }

    /// Takes a connection on.
    pub(super) fn resume(&mut self, resting: Resting) -> Box<Exchange> {
        let mut exchange = self.list.pop().unwrap_or_else(|| Box::new(Exchange::vacant(Arc::clone(&self.service))));
        exchange.resume(resting);
        exchange
    }

    /// Keeps one for the next.
    pub(super) fn keep(&mut self, exchange: Box<Exchange>) {
        if self.list.len() < KEPT {
            self.list.push(exchange);
        }
    }
}
