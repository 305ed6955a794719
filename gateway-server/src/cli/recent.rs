//! Keeps what is logged as an error or a warning, in whatever process, for operators.

use std::fmt::{self, Write as _};
use std::io;
use std::sync::{Arc, OnceLock};
use std::time::{SystemTime, UNIX_EPOCH};

use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::Context;
use tracing_subscriber::{Layer, Registry};

use crate::stats::Recent;

/// Where they are kept; nowhere, where nobody asks for them.
static KEPT: OnceLock<Arc<Recent>> = OnceLock::new();

/// Keeps them from now on, in this process and those that are forked from it.
///
/// # Errors
/// The system's, when it is out of memory.
pub(super) fn keep() -> io::Result<()> {
    let recent = Arc::new(Recent::new()?);
    KEPT.get_or_init(|| recent);
    Ok(())
}

/// Where they are kept.
pub(super) fn kept() -> Option<Arc<Recent>> {
    KEPT.get().cloned()
}

/// What hands them over.
pub(super) fn layer() -> impl Layer<Registry> + Send + Sync {
    Keeper
}

struct Keeper;

impl<S: Subscriber> Layer<S> for Keeper {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let level = *event.metadata().level();
        let Some(recent) = KEPT.get().filter(|_| level <= Level::WARN) else { return };
        let mut text = Text::default();
        event.record(&mut text);
        let time = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
        recent.keep(time, level == Level::ERROR, &text.0);
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::WARN)
    }
}

/// An event's message, and its other fields behind it.
#[derive(Default)]
struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to memory cannot fail.
        let _ = match field.name() {
            "message" => write!(self.0, "{value:?}"),
            name => write!(self.0, " {name}={value:?}"),
        };
    }
}
