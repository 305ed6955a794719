//! What the system tells of a running process, and of those that it started
//! (proc(5)). A process that is gone has no memory, no descriptors, no children.

use std::fs;
use std::path::Path;
use std::time::Duration;

/// Whether a process runs: one that has ended, and that nobody has waited for yet, does not.
#[must_use]
pub fn is_there(process: u32) -> bool {
    fs::read_to_string(format!("/proc/{process}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

/// A process's own processes, whether they run or wait to be reaped.
#[must_use]
pub fn children(process: u32) -> Vec<u32> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let ids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    ids.filter(|id| number(*id, PARENT) == Some(u64::from(process))).collect()
}

/// The process and its children.
#[must_use]
pub fn family(process: u32) -> Vec<u32> {
    std::iter::once(process).chain(children(process)).collect()
}

/// How many descriptors it has open.
#[must_use]
pub fn descriptors(process: u32) -> usize {
    fs::read_dir(format!("/proc/{process}/fd")).map_or(0, Iterator::count)
}

/// How many of them are epoll sets.
#[must_use]
pub fn epoll_sets(process: u32) -> usize {
    let Ok(entries) = fs::read_dir(format!("/proc/{process}/fd")) else { return 0 };
    let targets = entries.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
    targets.filter(|target| target.as_os_str() == "anon_inode:[eventpoll]").count()
}

/// How many threads it has.
#[must_use]
pub fn threads(process: u32) -> u64 {
    field(process, "status", "Threads:").unwrap_or_default()
}

/// Its threads of this name, by their ids.
#[must_use]
pub fn threads_named(process: u32, name: &str) -> Vec<String> {
    let Ok(entries) = fs::read_dir(format!("/proc/{process}/task")) else { return Vec::new() };
    let is_so = |path: &Path| fs::read_to_string(path.join("comm")).is_ok_and(|comm| comm.trim_end() == name);
    let found = entries.filter_map(|entry| entry.ok()).filter(|entry| is_so(&entry.path()));
    found.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

/// The most memory that it has ever had, in bytes.
#[must_use]
pub fn most_memory(process: u32) -> u64 {
    field(process, "status", "VmHWM:").unwrap_or_default() * 1024
}

/// Its memory, in bytes; what it shares is counted in full.
#[must_use]
pub fn resident(process: u32) -> u64 {
    field(process, "smaps_rollup", "Rss:").unwrap_or_default() * 1024
}

/// Its memory, in bytes; what it shares is counted by its share.
#[must_use]
pub fn memory(process: u32) -> u64 {
    field(process, "smaps_rollup", "Pss:").unwrap_or_default() * 1024
}

/// Its memory that no other process has, in bytes.
#[must_use]
pub fn private_memory(process: u32) -> u64 {
    let part = |name| field(process, "smaps_rollup", name).unwrap_or_default();
    (part("Private_Clean:") + part("Private_Dirty:")) * 1024
}

/// The time that it has spent on processors, that of its reaped children
/// included.
#[must_use]
pub fn cpu(process: u32) -> Duration {
    // In hundredths of a second, on every Linux.
    let ticks: u64 = CPU.iter().filter_map(|at| number(process, *at)).sum();
    Duration::from_millis(ticks * 10)
}

/// The time that all processes have spent, or others on the same machine have
/// taken from it.
#[must_use]
pub fn all_cpu() -> Duration {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    let line = stat.lines().next().unwrap_or_default();
    let fields: Vec<u64> = line.split_whitespace().skip(1).map_while(|field| field.parse().ok()).collect();
    // Neither idle nor interrupts: user, nice, system, stolen.
    let ticks: u64 = [0, 1, 2, 7].iter().filter_map(|at| fields.get(*at)).sum();
    Duration::from_millis(ticks * 10)
}

/// Fields of `stat`, counted from the one after the name.
const PARENT: usize = 1;
const CPU: [usize; 4] = [11, 12, 13, 14];

fn number(process: u32, at: usize) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name may have spaces and parentheses of its own.
    stat.rsplit(')').next()?.split_whitespace().nth(at)?.parse().ok()
}

fn field(process: u32, file: &str, name: &str) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{process}/{file}")).ok()?;
    text.lines().find_map(|line| line.strip_prefix(name)?.split_whitespace().next()?.parse().ok())
}
