//! What a client does, as a script: the pieces it sends, and how much it takes.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::sync::Arc;
use std::time::Duration;

use gateway_spec::App;
use gateway_spec::abi::host::Host;

use super::now;
use crate::exchange::{Bodies, Exchange, Now, Pending, Port, Service, Want};
use crate::net::{Endpoint, Local, Scheme};
use crate::protocol::Limits;

/// What the client sends, in pieces; and what it got.
#[derive(Default)]
pub(super) struct Client {
    pub(super) input: VecDeque<Vec<u8>>,
    pub(super) output: Vec<u8>,
    /// The most that one send takes.
    pub(super) window: usize,
    /// While an app runs, nothing is taken of so few bytes.
    pub(super) mark: usize,
    /// How the connection ended.
    pub(super) end: Option<Want>,
}

/// Gives a running app the next piece of input.
pub(super) struct ScriptedPort<'a>(pub(super) &'a mut Client, pub(super) Now);

impl Port for ScriptedPort<'_> {
    fn fill(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let Some(mut piece) = self.0.input.pop_front() else { return Ok(0) };
        let count = piece.len().min(buf.len());
        buf[..count].copy_from_slice(&piece[..count]);
        if count < piece.len() {
            self.0.input.push_front(piece.split_off(count));
        }
        Ok(count)
    }

    fn send(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let length: usize = slices.iter().map(|slice| slice.len()).sum();
        if self.0.mark > 0 && length <= self.0.mark {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let before = self.0.output.len();
        for slice in slices {
            let left = self.0.window - (self.0.output.len() - before);
            self.0.output.extend_from_slice(&slice[..slice.len().min(left)]);
        }
        Ok(self.0.output.len() - before)
    }

    fn sleep(&mut self, _: Duration) -> bool {
        true
    }

    fn is_gone(&mut self) -> bool {
        false
    }

    fn is_closing(&mut self) -> bool {
        false
    }

    fn now(&mut self) -> &Now {
        &self.1
    }
}

pub(super) fn service(app: impl App + 'static) -> Service {
    let host = Host::new("test", "1", 0, |_, _, _| {});
    Service {
        limits: Limits { body: 1 << 20, ..Limits::default() },
        server: "test",
        ..Service::new(Arc::new(app), host)
    }
}

/// Serves a script to its end, as a blocking engine does.
pub(super) fn serve(service: &Arc<Service>, input: Vec<Vec<u8>>, window: usize) -> Client {
    serve_scheme(service, Scheme::Http, input, window)
}

/// As [`serve`], where something else than HTTP is spoken.
pub(super) fn serve_scheme(service: &Arc<Service>, scheme: Scheme, input: Vec<Vec<u8>>, window: usize) -> Client {
    let endpoint = Endpoint::new(Arc::new(Local::new("localhost", 80).speaking(scheme)), None);
    let now = now();
    let mut exchange = Exchange::new(Arc::clone(service), endpoint, &now);
    let mut client = Client { input: input.into(), window, ..Client::default() };
    loop {
        match exchange.want() {
            Want::Read => {
                let count = ScriptedPort(&mut client, now).fill(exchange.room()).expect("the script does not fail");
                if count == 0 { exchange.eof(&now) } else { exchange.fed(count, &now) }
            }
            Want::Write => {
                let count = match exchange.pending() {
                    Pending::Bytes { bytes, .. } => ScriptedPort(&mut client, now).send(&[IoSlice::new(bytes)]),
                    Pending::Slices(slices) => ScriptedPort(&mut client, now).send(slices.as_slices()),
                    Pending::File { fd, offset, length } => copy_file(fd, offset, length, &mut client),
                };
                exchange.sent(count.expect("the script does not fail"), &now);
            }
            Want::Run => exchange.run(&mut ScriptedPort(&mut client, now)),
            end @ (Want::Shutdown | Want::Close) => {
                client.end = Some(end);
                return client;
            }
        }
    }
}

pub(super) fn copy_file(
    fd: std::os::fd::BorrowedFd<'_>,
    offset: u64,
    length: u64,
    client: &mut Client,
) -> io::Result<usize> {
    use std::os::unix::fs::FileExt as _;
    let file = std::fs::File::from(fd.try_clone_to_owned()?);
    let mut piece = vec![0; client.window.min(length as usize)];
    let count = file.read_at(&mut piece, offset)?;
    client.output.extend_from_slice(&piece[..count]);
    Ok(count)
}

/// Serves `input` whole, byte by byte and at every split, each with a wide and
/// a narrow window, and holds that the answers are the same.
pub(super) fn check(app: impl App + 'static, input: &str, expected: &str) {
    check_scheme(app, Scheme::Http, input.as_bytes(), expected);
}

/// As [`check`], where something else than HTTP is spoken.
pub(super) fn check_scheme(app: impl App + 'static, scheme: Scheme, bytes: &[u8], expected: &str) {
    let live = Arc::new(service(app));
    let collected = Arc::new(Service { bodies: Bodies::Collected, ..Service::clone(&live) });
    let mut scripts = vec![vec![bytes.to_vec()], bytes.iter().map(|byte| vec![*byte]).collect()];
    let ways = [(&live, usize::MAX), (&collected, 3), (&live, 3), (&collected, usize::MAX)];
    // Miri takes seconds for each.
    let (step, ways) = if cfg!(miri) { (bytes.len() / 2 + 1, &ways[..2]) } else { (1, &ways[..]) };
    scripts.extend((1..bytes.len()).step_by(step).map(|at| vec![bytes[..at].to_vec(), bytes[at..].to_vec()]));
    for script in scripts {
        for (service, window) in ways {
            let client = serve_scheme(service, scheme, script.clone(), *window);
            let (output, how) =
                (client.output.iter().map(|byte| char::from(*byte)).collect::<String>(), service.bodies);
            assert_eq!(plain(&output), expected, "input in {} pieces, window {window}, {how:?}", script.len());
        }
    }
}

/// The output with what is always the same taken out.
pub(super) fn plain(output: &str) -> String {
    output
        .replace("Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nServer: test\r\n", "")
        .replace("HTTP/1.1 100 Continue\r\n\r\n", "")
        .replace("\r\n", "\n")
}
