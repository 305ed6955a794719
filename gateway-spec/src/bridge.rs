//! Events of `tracing`, and panics, in the server's log. A module has its own copy of
//! every crate: what the server has set up for `tracing`, or as panic hook, is not there.
//!
//! ```
//! use gateway_spec::prelude::*;
//! use gateway_spec::{Level, bridge};
//!
//! fn create(config: &Config<'_>) -> Result<impl App + use<>> {
//!     config.only(&[])?;
//!     bridge::install(Level::Info);
//!     Ok(app_fn(|_, start_response| {
//!         // tracing::info!(items = 3, "sold");
//!         start_response.start(Head::new(Status::NO_CONTENT, &[]))?;
//!         Ok(Body::empty())
//!     }))
//! }
//!
//! gateway_spec::export! { app => create }
//! # fn main() {}
//! ```

use std::fmt::{self, Write as _};
use std::panic::{self, PanicHookInfo};
use std::sync::Once;

use tracing_core::field::{Field, Visit};
use tracing_core::span::{Attributes, Id, Record};
use tracing_core::{Dispatch, Event, Interest, LevelFilter, Metadata, Subscriber, dispatcher};

use crate::abi::lodging;
use crate::escape::escape;
use crate::log::Level;

/// From now on events of `level` and above go to the server's log, with their level,
/// target and fields, and so do panics, with the place where they happened. What is
/// finer than `level` costs next to nothing. Spans are not kept.
///
/// Call it in a constructor; only the first call of a module does something. Where
/// `tracing` has a subscriber already, that one stays. An app without a server (linked in,
/// or in a test) has nobody to tell: its panics are told as always.
pub fn install(level: Level) {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // The app's own choice, where it has made one.
        let _ = dispatcher::set_global_default(Dispatch::new(Bridge(filter(level))));
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !lodging::log(Level::Error.to_abi(), "panic", &escape(&text(info))) {
                usual(info);
            }
        }));
    });
}

const fn filter(level: Level) -> LevelFilter {
    match level {
        Level::Error => LevelFilter::ERROR,
        Level::Warn => LevelFilter::WARN,
        Level::Info => LevelFilter::INFO,
        Level::Debug => LevelFilter::DEBUG,
        Level::Trace => LevelFilter::TRACE,
    }
}

fn text(info: &PanicHookInfo<'_>) -> String {
    let place = info.location().map(ToString::to_string).unwrap_or_default();
    let payload = info.payload();
    let text = payload.downcast_ref::<&str>().copied().or_else(|| payload.downcast_ref::<String>().map(|text| &**text));
    format!("panicked at {place}: {}", text.unwrap_or("a payload that is not text"))
}

/// What `tracing` tells of events.
#[derive(Debug)]
struct Bridge(LevelFilter);

impl Subscriber for Bridge {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.enabled(metadata) { Interest::always() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && *metadata.level() <= self.0
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.0)
    }

    fn event(&self, event: &Event<'_>) {
        let level = match *event.metadata().level() {
            tracing_core::Level::ERROR => Level::Error,
            tracing_core::Level::WARN => Level::Warn,
            tracing_core::Level::INFO => Level::Info,
            tracing_core::Level::DEBUG => Level::Debug,
            tracing_core::Level::TRACE => Level::Trace,
        };
        let mut said = Said::default();
        event.record(&mut said);
        lodging::log(level.to_abi(), event.metadata().target(), &escape(&(said.message + &said.fields)));
    }

    // Spans are never enabled.
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// An event's message, and its other fields, each as ` name=value`.
#[derive(Default)]
struct Said {
    message: String,
    fields: String,
}

impl Visit for Said {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to memory fails only where the app's own text does.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }
}
