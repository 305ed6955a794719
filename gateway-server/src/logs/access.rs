//! The access log: a line for each answer.
//!
//! | file | purpose |
//! |---|---|
//! | `format` | what a line has, as it was asked for |
//! | `render` | one answer as a line |
//! | `object` | that as JSON |
//! | `parts` | what a line says of a request |
//! | `line` | a line that is being written |
//! | `escape` | what a client sent, so that it forges nothing |
//! | `user` | who a client says that it is |
//! | `clock` | the time of a line |
//! | `sheets` | lines that wait to be written, apart by thread |
//! | `losses` | lines that could not be written: counted, and told of once in a while |

mod clock;
mod escape;
mod format;
mod line;
mod losses;
mod object;
mod parts;
mod render;
mod sheets;
#[cfg(test)]
mod tests;
mod user;

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use self::losses::Losses;
use self::sheets::{Sheet, Sheets};
use super::pen::{Lost, Pen};
use crate::stats::{Counters, Journal, Record};
use crate::sys::Outlet;

pub use self::format::Format;

/// Writes a line for each answer. No answer waits for that.
#[derive(Debug)]
pub struct AccessLog {
    format: Format,
    losses: Losses,
    manner: Manner,
}

#[derive(Debug)]
enum Manner {
    /// A thread writes what others have gathered.
    Gathered { sheets: Sheets, pen: Mutex<Pen>, writer: Mutex<Option<JoinHandle<()>>> },
    /// Each line is written at once: in a process that must have one thread, and whose
    /// children end without a word.
    Direct(Box<Mutex<(Pen, Sheet)>>),
}

/// How long who reads the lines may take at the end.
const LAST: Duration = Duration::from_secs(2);

impl AccessLog {
    /// Lines of this format to the end of a file, for a server that is a library: hand it
    /// to `Server::journal` between [`begin`](Self::begin) and
    /// [`end`](Self::end).
    ///
    /// # Errors
    /// The system's: it cannot be opened.
    pub fn to_file(path: &Path, format: Format) -> io::Result<Arc<Self>> {
        Self::new(format, Arc::new(Outlet::file(path, false)?), false, Counters::new())
    }

    /// Lines of this format to that outlet; `direct` where no thread may write them.
    /// What is lost is counted.
    ///
    /// # Errors
    /// The system's, when it is out of memory.
    pub(crate) fn new(format: Format, outlet: Arc<Outlet>, direct: bool, counters: Counters) -> io::Result<Arc<Self>> {
        let pen = Pen::new(outlet);
        let manner = if direct {
            Manner::Direct(Box::new(Mutex::new((pen, Sheet::default()))))
        } else {
            Manner::Gathered { sheets: Sheets::new(), pen: Mutex::new(pen), writer: Mutex::new(None) }
        };
        Ok(Arc::new(Self { format, losses: Losses::new(counters)?, manner }))
    }

    /// Starts the thread that writes, where there is one: after the last fork.
    ///
    /// # Errors
    /// The system's, when it is out of threads.
    pub fn begin(self: &Arc<Self>) -> io::Result<()> {
        let Manner::Gathered { sheets, writer, .. } = &self.manner else { return Ok(()) };
        let log = Arc::clone(self);
        let thread = Builder::new().name("access-log".to_owned()).spawn(move || log.write_all())?;
        sheets.writer_is(thread.thread().clone());
        *writer.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread);
        Ok(())
    }

    /// All lines are written when it returns, unless who reads them takes too long.
    pub fn end(&self) {
        if let Manner::Gathered { sheets, writer, .. } = &self.manner {
            sheets.end();
            let thread = writer.lock().unwrap_or_else(PoisonError::into_inner).take();
            // It has told of its panic.
            thread.map(JoinHandle::join);
        }
        self.losses.tell_rest();
    }

    /// What the thread does that writes.
    fn write_all(&self) {
        let Manner::Gathered { sheets, pen, .. } = &self.manner else { return };
        let mut pen = pen.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut lines, mut last) = (Vec::new(), None);
        loop {
            let goes_on = sheets.wait();
            for sheet in sheets.iter() {
                if !sheet.take(&mut lines) {
                    continue;
                }
                // Its readers may take their time, but not at the end.
                let patient = || {
                    sheets
                        .has_ended()
                        .then(|| *last.get_or_insert_with(Instant::now))
                        .is_none_or(|end| end.elapsed() < LAST)
                };
                let written = pen.write(&lines, patient);
                self.settle(&pen, written);
                lines.clear();
            }
            self.losses.add(sheets.take_overflow());
            self.losses.tell("the disk or whoever reads them is too slow");
            if !goes_on {
                return;
            }
        }
    }

    /// Tells what did not go well.
    fn settle(&self, pen: &Pen, written: Result<(), Lost>) {
        if let Err(Lost { lines, why }) = written {
            self.losses.add(lines);
            self.losses.tell(&why.to_string());
        }
        if let Some(error) = pen.outlet().failure() {
            tracing::error!("the access log cannot be opened anew: {error}");
        }
    }
}

impl Journal for AccessLog {
    fn note(&self, record: &Record<'_>) {
        match &self.manner {
            Manner::Gathered { sheets, .. } => sheets.add(|sheet| self.format.write(record, sheet)),
            Manner::Direct(page) => {
                let (pen, sheet) = &mut *page.lock().unwrap_or_else(PoisonError::into_inner);
                sheet.lines.clear();
                self.format.write(record, sheet);
                let written = pen.write(&sheet.lines, || false);
                self.settle(pen, written);
            }
        }
    }
}
