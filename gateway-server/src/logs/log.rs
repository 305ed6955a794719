//! The server's log: events of `tracing`, one line each, to an outlet that may change.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError};

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Registry};

use super::event::Said;
use super::line::{Form, Line};
use super::pen::Pen;
use crate::sys::Outlet;

/// See the module's text.
#[derive(Debug)]
pub struct Log {
    form: Form,
    /// Which worker this process is; 0 for none.
    worker: AtomicU64,
    page: Mutex<Page>,
}

#[derive(Debug)]
struct Page {
    pen: Pen,
    /// Lines that could not be written, and are not told of yet.
    lost: u64,
}

/// The variable that chooses lines, by level and by who says them.
const VARIABLE: &str = "GATEWAY_LOG";

impl Log {
    /// Lines go to standard error from now on, those of `level` and above, unless
    /// `GATEWAY_LOG` says which; and all to `more`. Call it once.
    #[must_use]
    pub fn start(form: Form, level: Level, more: impl Layer<Registry> + Send + Sync) -> Arc<Self> {
        let log = Arc::new(Self::new(form, Outlet::plain_stderr()));
        let filter = EnvFilter::builder().with_default_directive(level.into());
        let filter = filter.with_env_var(VARIABLE).from_env_lossy();
        Registry::default().with(more).with(Lines(Arc::clone(&log)).with_filter(filter)).init();
        log
    }

    fn new(form: Form, outlet: Outlet) -> Self {
        let page = Page { pen: Pen::new(Arc::new(outlet)), lost: 0 };
        Self { form, worker: AtomicU64::new(0), page: Mutex::new(page) }
    }

    /// Lines go there from now on.
    pub(crate) fn go_to(&self, outlet: Arc<Outlet>) {
        self.page.lock().unwrap_or_else(PoisonError::into_inner).pen = Pen::new(outlet);
    }

    /// This process is a worker.
    pub(crate) fn of_worker(&self, number: u64) {
        self.worker.store(number, Relaxed);
    }

    /// Writes a line, or counts it as lost: nobody waits for a log.
    fn write(&self, line: &Line<'_>) {
        let mut page = self.page.lock().unwrap_or_else(PoisonError::into_inner);
        self.tell(&mut page);
        if page.pen.write(&self.render(line), || false).is_err() {
            page.lost += 1;
        }
        if let Some(error) = page.pen.outlet().failure() {
            // To the old file, which is still there.
            let told = self.own(Level::ERROR, &format!("the log cannot be opened anew: {error}"));
            let _ = page.pen.write(&told, || false);
        }
    }

    /// Tells of lines that could not be written, if it can be now.
    pub(crate) fn tell_lost(&self) {
        self.tell(&mut self.page.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn tell(&self, page: &mut Page) {
        if page.lost > 0 {
            let lost = page.lost;
            let told = self.own(Level::WARN, &format!("lines of the log that could not be written: {lost}"));
            if page.pen.write(&told, || false).is_ok() {
                page.lost = 0;
            }
        }
    }

    fn render(&self, line: &Line<'_>) -> Vec<u8> {
        line.render(self.form, self.worker.load(Relaxed))
    }

    fn own(&self, level: Level, message: &str) -> Vec<u8> {
        self.render(&Line { level, target: module_path!(), part: "", message, fields: &[] })
    }
}

/// What `tracing` tells of events.
#[derive(Debug)]
struct Lines(Arc<Log>);

impl<S: Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let said = Said::of(event);
        self.0.write(&said.line(event));
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::io::Read as _;

    use super::*;

    fn say(log: &Log, message: &str) {
        log.write(&Line { level: Level::INFO, target: "app", part: "", message, fields: &[] });
    }

    #[test]
    fn lines_go_where_they_are_told_to() {
        let folder = tempfile::tempdir().unwrap();
        let [one, two] = ["one", "two"].map(|name| folder.path().join(name));
        let log = Log::new(Form::Text, Outlet::file(&one, false).unwrap());
        say(&log, "first");
        log.go_to(Arc::new(Outlet::file(&two, false).unwrap()));
        say(&log, "second");
        assert!(fs::read_to_string(&one).unwrap().ends_with("app: first\n"));
        let two = fs::read_to_string(&two).unwrap();
        assert!(two.ends_with("app: second\n") && two.lines().count() == 1, "{two}");
    }

    #[test]
    fn what_nobody_reads_is_lost_and_told_of() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fifo");
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        rustix::fs::mkfifoat(rustix::fs::CWD, &path, mode).unwrap();
        let log = Log::new(Form::Json, Outlet::file(&path, false).unwrap());
        let long = "x".repeat(3800);
        let mut said = 0;
        while log.page.lock().unwrap().lost < 3 {
            say(&log, &long);
            said += 1;
        }
        let mut reader = File::open(&path).unwrap();
        let mut start = vec![0; 30_000];
        reader.read_exact(&mut start).unwrap();
        say(&log, "last");
        drop(log);
        let mut rest = String::new();
        reader.read_to_string(&mut rest).unwrap();
        let all = String::from_utf8(start).unwrap() + &rest;
        let lines: Vec<&str> = all.lines().collect();
        assert_eq!(lines.len(), said - 3 + 2);
        let told = "\"message\":\"lines of the log that could not be written: 3\"";
        assert!(lines[lines.len() - 2].contains(told) && lines[lines.len() - 1].contains("\"last\""), "{rest}");
    }
}
