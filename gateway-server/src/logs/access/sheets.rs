//! Lines that wait to be written, apart by thread: threads that answer at the same time
//! do not wait for each other, nor for who writes. That one is woken seldom: when the
//! first line comes it sleeps on for a moment, in which others come.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread::{Thread, park, park_timeout};
use std::time::{Duration, Instant};

use super::clock::Clock;
use super::line::Room;

/// Lines of some threads, the time that they were written at last, and room for the next.
#[derive(Debug, Default)]
pub(super) struct Sheet {
    pub(super) lines: Vec<u8>,
    pub(super) clock: Clock,
    pub(super) room: Room,
}

/// See the module's text.
#[derive(Debug)]
pub(super) struct Sheets {
    sheets: Box<[Lane; LANES]>,
    /// What the writer is to do.
    urgency: AtomicU32,
    has_ended: AtomicBool,
    /// Lines for which there was no room.
    overflow: AtomicU64,
    writer: OnceLock<Thread>,
}

/// One sheet. Threads that write on two of them share no cache line.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(super) struct Lane(Mutex<Sheet>);

/// How many sheets there are.
const LANES: usize = 16;
/// How many bytes a sheet has room for, so that a writer that is held up loses nothing
/// for a while.
const ROOM: usize = 1 << 20;
/// With so many the writer is woken at once.
const HALF: usize = ROOM / 2;
/// Bytes that a sheet begins with.
const FIRST: usize = 16 * 1024;
/// How long lines wait for others.
const MOMENT: Duration = Duration::from_millis(100);

/// Nothing is to be written.
const IDLE: u32 = 0;
/// Something is, after a moment.
const SOON: u32 = 1;
/// Much is.
const NOW: u32 = 2;

impl Sheets {
    pub(super) fn new() -> Self {
        let sheets = Box::new(std::array::from_fn(|_| Lane::default()));
        let (urgency, has_ended, overflow) = (AtomicU32::new(IDLE), AtomicBool::new(false), AtomicU64::new(0));
        Self { sheets, urgency, has_ended, overflow, writer: OnceLock::new() }
    }

    /// Who writes.
    pub(super) fn writer_is(&self, thread: Thread) {
        let _ = self.writer.set(thread);
        // Somebody may have asked for it already.
        self.wake();
    }

    /// Has a line added to this thread's sheet.
    #[inline]
    pub(super) fn add(&self, write: impl FnOnce(&mut Sheet)) {
        let (before, after) = {
            let mut sheet = self.sheets[lane()].0.lock().unwrap_or_else(PoisonError::into_inner);
            let before = sheet.lines.len();
            if before >= ROOM {
                self.overflow.fetch_add(1, Relaxed);
                return;
            }
            if sheet.lines.capacity() == 0 {
                sheet.lines.reserve(FIRST);
            }
            write(&mut sheet);
            (before, sheet.lines.len())
        };
        // The writer takes its leave before it looks at the sheets: who sees that it has
        // something to do is seen by it.
        if self.urgency.load(Relaxed) == IDLE && self.urgency.swap(SOON, Relaxed) == IDLE {
            self.wake();
        }
        if before < HALF && after >= HALF {
            self.urgency.store(NOW, Relaxed);
            self.wake();
        }
    }

    #[cold]
    fn wake(&self) {
        if let Some(writer) = self.writer.get() {
            writer.unpark();
        }
    }

    /// No line comes any more.
    pub(super) fn end(&self) {
        self.has_ended.store(true, Release);
        self.wake();
    }

    pub(super) fn has_ended(&self) -> bool {
        self.has_ended.load(Acquire)
    }

    /// Waits until something is to be written; `false` when it is for the last time.
    pub(super) fn wait(&self) -> bool {
        let mut due = None;
        loop {
            // First: lines that came before the end are seen by who sees the end.
            if self.has_ended() {
                return false;
            }
            match self.urgency.load(Relaxed) {
                IDLE => park(),
                SOON => {
                    let left =
                        due.get_or_insert_with(|| Instant::now() + MOMENT).saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        break;
                    }
                    park_timeout(left);
                }
                _ => break,
            }
        }
        self.urgency.swap(IDLE, Relaxed);
        true
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Lane> {
        self.sheets.iter()
    }

    /// How many lines there was no room for since this was asked last.
    pub(super) fn take_overflow(&self) -> u64 {
        self.overflow.swap(0, Relaxed)
    }
}

impl Lane {
    /// Takes its lines, in the place of `lines`, which must be empty; `false` when there
    /// are none.
    pub(super) fn take(&self, lines: &mut Vec<u8>) -> bool {
        let mut sheet = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !sheet.lines.is_empty() {
            std::mem::swap(&mut sheet.lines, lines);
        }
        !lines.is_empty()
    }
}

/// Which sheet is this thread's.
#[inline]
fn lane() -> usize {
    static THREADS: AtomicU32 = AtomicU32::new(0);
    thread_local! {
        static LANE: usize = THREADS.fetch_add(1, Relaxed) as usize % LANES;
    }
    LANE.try_with(|lane| *lane).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::thread;

    use super::*;

    fn line(sheets: &Sheets, text: &[u8]) {
        sheets.add(|sheet| sheet.lines.extend_from_slice(text));
    }

    /// Writes all lines of the sheets to the end.
    fn writer(sheets: Arc<Sheets>) -> thread::JoinHandle<Vec<u8>> {
        thread::spawn(move || {
            let (mut all, mut lines) = (Vec::new(), Vec::new());
            loop {
                let goes_on = sheets.wait();
                for sheet in sheets.iter() {
                    sheet.take(&mut lines);
                    all.append(&mut lines);
                }
                if !goes_on {
                    return all;
                }
            }
        })
    }

    #[test]
    fn each_line_is_written_once_and_those_of_a_thread_in_order() {
        const LINES: usize = 20_000;
        let sheets = Arc::new(Sheets::new());
        let writer = writer(Arc::clone(&sheets));
        sheets.writer_is(writer.thread().clone());
        thread::scope(|scope| {
            for name in ["a", "b", "c"] {
                let sheets = &sheets;
                scope.spawn(move || (0..LINES).for_each(|count| line(sheets, format!("{name} {count}\n").as_bytes())));
            }
        });
        sheets.end();
        let all = String::from_utf8(writer.join().unwrap()).unwrap();
        assert_eq!((all.lines().count(), sheets.take_overflow()), (3 * LINES, 0));
        for name in ["a", "b", "c"] {
            let own = all.lines().filter_map(|line| line.strip_prefix(name)?.trim().parse::<usize>().ok());
            assert!(own.eq(0..LINES), "the lines of {name}");
        }
    }

    #[test]
    fn what_comes_is_written_without_an_end() {
        let sheets = Arc::new(Sheets::new());
        let looking = Arc::clone(&sheets);
        let writer = thread::spawn(move || {
            let mut lines = Vec::new();
            while lines.is_empty() {
                looking.wait();
                looking.iter().for_each(|sheet| {
                    sheet.take(&mut lines);
                });
            }
            lines
        });
        sheets.writer_is(writer.thread().clone());
        line(&sheets, b"one\n");
        assert_eq!(writer.join().unwrap(), b"one\n");
    }

    #[test]
    fn what_does_not_fit_is_counted() {
        let sheets = Sheets::new();
        let text = [&[b'x'; 1023][..], b"\n"].concat();
        for _ in 0..ROOM / text.len() + 5 {
            line(&sheets, &text);
        }
        assert_eq!((sheets.take_overflow(), sheets.take_overflow()), (5, 0));
        let mut lines = Vec::new();
        let taken = sheets.iter().filter(|sheet| sheet.take(&mut lines)).count();
        assert!(taken > 0 && lines.len() == ROOM);
    }
}
