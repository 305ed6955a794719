//! A large or chunked body where the engine must not wait for it: collected
//! into memory, then into an unlinked temporary file, and only then is the app
//! called. So a slow upload holds no thread and no loop.

use std::io::{Seek as _, Write as _};
use std::path::Path;

use tempfile::{SpooledTempFile, env, spooled_tempfile_in};

use super::slot::Opened;
use super::{Exchange, Now, Phase};
use crate::protocol::Refusal;
use crate::protocol::http1::{Decoder, Framing};

/// Bodies beyond this size go to a file.
const IN_MEMORY: usize = 64 * 1024;

/// A collected body.
pub(super) type Spool = SpooledTempFile;

impl Exchange {
    /// Begins to collect the body of a request that is open.
    pub(super) fn begin_gather(&mut self, opened: &Opened) {
        let limit = self.service.limits.body.min(self.service.limits.spool);
        let dir = self.service.spool_dir.as_deref().map_or_else(env::temp_dir, Path::to_path_buf);
        // The head is parsed again when the body is there: until then the
        // buffer must be free to move.
        self.slot.recycle();
        let wire = self.slot.wire();
        wire.decoder = Decoder::new(opened.framing, limit);
        wire.spool = Some(spooled_tempfile_in(IN_MEMORY, dir));
        self.phase = Phase::Gather { start: opened.start, end: opened.end };
    }

    /// Takes what has arrived of the body; opens the request at its end.
    pub(super) fn gather(&mut self, start: usize, end: usize, now: &Now) {
        let wire = self.slot.wire();
        let Some(spool) = &mut wire.spool else { return };
        let arrived = &wire.buffer.bytes()[end..];
        let (mut used, mut data) = (0, Vec::new());
        while used < arrived.len() && !wire.decoder.is_done() {
            let rest = &arrived[used..];
            let step = match wire.decoder.decode(rest) {
                Ok(step) => step,
                Err(refusal) => return self.refuse(refusal, now),
            };
            data.extend_from_slice(&rest[step.data]);
            used += step.consumed;
        }
        // Once, however many chunks there are: a file costs a system call.
        if let Err(error) = spool.write_all(&data) {
            tracing::error!("a request body cannot be stored: {error}");
            return self.refuse(Refusal::Storage, now);
        }
        wire.buffer.cut(end, used);
        if !wire.decoder.is_done() {
            return;
        }
        match spool.rewind() {
            Ok(()) => self.open_gathered(start, end, now),
            Err(error) => {
                tracing::error!("a request body cannot be read back: {error}");
                self.refuse(Refusal::Storage, now);
            }
        }
    }

    fn open_gathered(&mut self, start: usize, end: usize, now: &Now) {
        match self.reopen(start..end) {
            Ok(opened) => self.ready(&opened, 0, now),
            Err(refusal) => return self.refuse(refusal, now),
        }
        // All of it has been taken from the client.
        self.slot.wire().decoder = Decoder::new(Framing::None, 0);
    }
}
