//! What is measured, of whom, how often.

use super::peer::{self, Peer};
use super::workload::{WORKLOADS, Workload};

/// What is measured beside the workloads.
const OTHERS: &[&str] = &["memory", "start", "instructions"];

/// See the module's text. Empty lists mean all.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) rounds: usize,
    pub(crate) seconds: u64,
    only: Vec<String>,
    work: Vec<String>,
}

impl Options {
    /// `rounds=5 seconds=1 "only=gateway nginx" "work=plain64 memory"`, each of
    /// which may be missing.
    pub(crate) fn parse(arguments: &[&str]) -> Result<Self, String> {
        let mut options = Self { rounds: 5, seconds: 1, only: Vec::new(), work: Vec::new() };
        for argument in arguments {
            let (key, value) = argument.split_once('=').ok_or_else(|| format!("{argument:?} is not KEY=VALUE"))?;
            let number = || value.parse::<u64>().map_err(|_| format!("{key} is a number, not {value:?}"));
            let words = || value.split([' ', ',']).filter(|word| !word.is_empty()).map(str::to_owned).collect();
            match key {
                "rounds" => options.rounds = number()?.max(1) as usize,
                "seconds" => options.seconds = number()?.max(1),
                "only" => options.only = words(),
                "work" => options.work = words(),
                _ => return Err(format!("{key} is not one of rounds, seconds, only, work")),
            }
        }
        options.checked()
    }

    /// Every name is one.
    fn checked(self) -> Result<Self, String> {
        let works: Vec<&str> = WORKLOADS.iter().map(|work| work.name).chain(OTHERS.iter().copied()).collect();
        for name in &self.work {
            if !works.contains(&name.as_str()) {
                return Err(format!("there is no workload {name}: {}", works.join(", ")));
            }
        }
        let peers = peer::all();
        for name in &self.only {
            if !peers.iter().any(|peer| peer.is(name)) {
                let names: Vec<&str> = peers.iter().map(|peer| peer.name).collect();
                return Err(format!("there is no peer {name}: {}", names.join(", ")));
            }
        }
        Ok(self)
    }

    /// Whether everything is measured, so that the page may be written.
    pub(crate) fn is_whole(&self) -> bool {
        self.only.is_empty() && self.work.is_empty()
    }

    /// Whether this is measured.
    pub(crate) fn wants(&self, work: &str) -> bool {
        self.work.is_empty() || self.work.iter().any(|name| name == work)
    }

    /// The workloads.
    pub(crate) fn workloads(&self) -> impl Iterator<Item = &'static Workload> + '_ {
        WORKLOADS.iter().filter(|work| self.wants(work.name))
    }

    /// The peers that are here, and why others are not.
    pub(crate) fn peers(&self) -> (Vec<Peer>, Vec<String>) {
        let (mut here, mut skipped) = (Vec::new(), Vec::new());
        for peer in peer::all() {
            if self.only.is_empty() || self.only.iter().any(|name| peer.is(name)) {
                match peer.missing() {
                    None => here.push(peer),
                    Some(why) => skipped.push(format!("{}: {why}", peer.name)),
                }
            }
        }
        (here, skipped)
    }
}
