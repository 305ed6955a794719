//! The first 20 bytes of a file: enough to tell, without running any of it,
//! whether the dynamic linker of this process could load it.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::error::{LoadError, Mismatch};

/// What bytes 4, 5 and 18..20 say.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Machine {
    bits: u16,
    big_endian: bool,
    /// `None` where this crate does not know its own.
    number: Option<u16>,
}

const HEADER: usize = 20;

/// Refuses what is not a shared library for this machine.
pub(super) fn check(path: &Path) -> Result<(), LoadError> {
    if cfg!(target_vendor = "apple") {
        // Mach-O, which the dynamic linker's own message has to explain.
        return Ok(());
    }
    let unreadable = |reason| LoadError::Unreadable { path: path.to_owned(), reason };
    let start = read_start(path).map_err(unreadable)?;
    let no_library = |what: String| LoadError::NotALibrary { path: path.to_owned(), what };
    let header: &[u8; HEADER] = match <&[u8; HEADER]>::try_from(&start[..]) {
        Ok(header) if header.starts_with(b"\x7fELF") => header,
        _ => return Err(no_library(describe(&start))),
    };
    let big_endian = header[5] == 2;
    let number = |at: usize| {
        let bytes = [header[at], header[at + 1]];
        if big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) }
    };
    let bits = if header[4] == 1 { 32 } else { 64 };
    let file = Machine { bits, big_endian, number: Some(number(18)) };
    if !file.fits(HOST) {
        let mismatch = Mismatch { file: file.to_string(), host: HOST.to_string() };
        return Err(LoadError::WrongMachine { path: path.to_owned(), mismatch });
    }
    match number(16) {
        3 => Ok(()),
        1 => Err(no_library("an object file".into())),
        2 => Err(no_library("an executable".into())),
        4 => Err(no_library("a core dump".into())),
        other => Err(no_library(format!("an ELF file of unknown type {other}"))),
    }
}

fn read_start(path: &Path) -> io::Result<Vec<u8>> {
    let mut start = Vec::with_capacity(HEADER);
    File::open(path)?.take(HEADER as u64).read_to_end(&mut start)?;
    Ok(start)
}

/// What else the file may be.
fn describe(start: &[u8]) -> String {
    match start {
        [] => "empty".into(),
        [b'#', b'!', ..] => "a script".into(),
        _ if start.starts_with(b"!<arch>") => "a static library (.a or .rlib)".into(),
        _ if start.starts_with(b"MZ") => "a Windows file".into(),
        [0xcf | 0xce, 0xfa, 0xed, 0xfe, ..] => "a macOS file".into(),
        _ => format!("something that begins with \"{}\"", start.escape_ascii()),
    }
}

impl Machine {
    fn fits(self, host: Self) -> bool {
        self.bits == host.bits
            && self.big_endian == host.big_endian
            && (host.number.is_none() || self.number == host.number)
    }
}

const HOST: Machine = Machine {
    bits: usize::BITS as u16,
    big_endian: cfg!(target_endian = "big"),
    number: {
        let mut at = 0;
        loop {
            if at == KNOWN.len() {
                break None;
            }
            if KNOWN[at].2 {
                break Some(KNOWN[at].0);
            }
            at += 1;
        }
    },
};

/// Numbers of `e_machine` (System V ABI), and whether this process is one.
const KNOWN: [(u16, &str, bool); 9] = [
    (3, "x86", cfg!(target_arch = "x86")),
    (62, "x86-64", cfg!(target_arch = "x86_64")),
    (40, "ARM", cfg!(target_arch = "arm")),
    (183, "AArch64", cfg!(target_arch = "aarch64")),
    (243, "RISC-V", cfg!(any(target_arch = "riscv32", target_arch = "riscv64"))),
    (8, "MIPS", cfg!(any(target_arch = "mips", target_arch = "mips64"))),
    (21, "PowerPC 64", cfg!(target_arch = "powerpc64")),
    (22, "S/390", cfg!(target_arch = "s390x")),
    (258, "LoongArch", cfg!(target_arch = "loongarch64")),
];

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.number.map(|number| (number, KNOWN.iter().find(|known| known.0 == number))) {
            Some((_, Some((_, name, _)))) => f.write_str(name)?,
            Some((number, None)) => write!(f, "machine {number}")?,
            None => f.write_str(std::env::consts::ARCH)?,
        }
        write!(f, " ({} bit{})", self.bits, if self.big_endian { ", big-endian" } else { "" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host_header() -> [u8; HEADER] {
        let mut header = [0; HEADER];
        header[..4].copy_from_slice(b"\x7fELF");
        header[4] = if HOST.bits == 32 { 1 } else { 2 };
        header[5] = if HOST.big_endian { 2 } else { 1 };
        header[16..18].copy_from_slice(&3_u16.to_ne_bytes());
        header[18..20].copy_from_slice(&HOST.number.unwrap_or_default().to_ne_bytes());
        header
    }

    fn outcome(bytes: &[u8]) -> Result<(), LoadError> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        check(file.path())
    }

    #[test]
    fn the_hosts_own_header_passes() {
        outcome(&host_header()).unwrap();
    }

    #[test]
    fn every_machine_differs_from_this_one_in_words() {
        let mut header = host_header();
        header[4] = 3 - header[4];
        let LoadError::WrongMachine { mismatch, .. } = outcome(&header).unwrap_err() else { panic!() };
        assert_ne!(mismatch.file, mismatch.host);
        let mut header = host_header();
        header[5] = 3 - header[5];
        header[16..20].reverse();
        let LoadError::WrongMachine { mismatch, .. } = outcome(&header).unwrap_err() else { panic!() };
        assert_eq!(mismatch.file.contains("big-endian"), !HOST.big_endian);
    }

    #[test]
    fn other_files_are_named() {
        let text = |bytes: &[u8]| match outcome(bytes).unwrap_err() {
            LoadError::NotALibrary { what, .. } => what,
            other => panic!("{other}"),
        };
        let typed = |number: u16| {
            let mut header = host_header();
            header[16..18].copy_from_slice(&number.to_ne_bytes());
            text(&header)
        };
        assert_eq!(text(b""), "empty");
        assert_eq!(text(b"#!/bin/sh\n"), "a script");
        assert_eq!(text(b"!<arch>\nlib.rmeta/"), "a static library (.a or .rlib)");
        assert_eq!(text(b"MZ\x90"), "a Windows file");
        assert_eq!(text(&[0xcf, 0xfa, 0xed, 0xfe, 0]), "a macOS file");
        assert_eq!(text(b"\x7fELF"), "something that begins with \"\\x7fELF\"");
        assert_eq!(typed(1), "an object file");
        assert_eq!(typed(2), "an executable");
        assert_eq!(typed(4), "a core dump");
        assert_eq!(typed(9), "an ELF file of unknown type 9");
    }
}
