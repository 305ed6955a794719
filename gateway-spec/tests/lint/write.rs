//! WRITE.

use std::io::Read;

use gateway_spec::Writer;
use gateway_spec::prelude::*;

use super::harness::{Case, Outcome, get, rules, start};

/// An app that declares `length` and writes `pieces`, whatever comes of it.
fn writes(case: Case, length: &'static str, pieces: &'static [&'static str]) -> Outcome {
    case.serve(app_fn(move |_, start_response| {
        let mut writer = start(start_response, &[Header::new("Content-Length", length)])?;
        let _ = pieces.iter().try_for_each(|piece| writer.send(piece.as_bytes()));
        Ok(Body::empty())
    }))
}

/// A body that writes while it is read.
struct Late<'r>(Option<Writer<'r>>, bool);

impl Read for Late<'_> {
    fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
        if let Some(mut writer) = self.0.take()
            && self.1
        {
            writer.send(b"late")?;
        }
        Ok(0)
    }
}

fn late(writes: bool) -> Outcome {
    get().serve(app_fn(move |_, start_response| {
        let writer = start(start_response, &[])?;
        Ok(Body::reader(Late(Some(writer), writes)))
    }))
}

fn with_status(status: u16) -> Outcome {
    get().serve(app_fn(move |_, start_response| {
        let headers = [Header::new("Content-Type", "text/plain")];
        let headers = if status == 304 { &headers[1..] } else { &headers };
        start_response.start(Head::new(Status::new(status)?, headers))?.send(b"x")?;
        Ok(Body::empty())
    }))
}

fn on_thread(another: bool) -> Outcome {
    get().serve(app_fn(move |_, start_response| {
        let mut writer = start(start_response, &[])?;
        let mut write = move || writer.send(b"x");
        if another { std::thread::scope(|scope| scope.spawn(write).join().unwrap()) } else { write() }?;
        Ok(Body::empty())
    }))
}

fn insisting(times: usize) -> Outcome {
    Case { write_error: Some(|| Error::Gone), ..get() }.serve(app_fn(move |_, start_response| {
        let mut writer = start(start_response, &[])?;
        for _ in 0..times {
            assert!(matches!(writer.send(b"x"), Err(Error::Gone)));
        }
        Err(Error::Gone)
    }))
}

rules! {
    "WRITE-01",
    write_01_holds: writes(get(), "4", &["ab", "cd"]),
    write_01_broken: writes(get(), "3", &["ab", "cd"]);
    "WRITE-02",
    write_02_holds: late(false),
    write_02_broken: late(true);
    "WRITE-03",
    write_03_holds: with_status(200),
    write_03_broken: with_status(304);
    "WRITE-04",
    write_04_holds: on_thread(false),
    write_04_broken: on_thread(true);
    "WRITE-05",
    write_05_holds: insisting(1),
    write_05_broken: insisting(2);
    "WRITE-06",
    write_06_holds: writes(get(), "4", &["abcd"]),
    write_06_broken: writes(Case { write_error: Some(|| Error::Limit("enough".into())), ..get() }, "4", &["abcd"]);
}
