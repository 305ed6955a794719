//! Instructions, by callgrind: the program runs itself under it twice for each
//! case, and the difference of the two totals is the case's own.

use std::collections::HashMap;
use std::process::Command;
use std::{env, fs};

use crate::cases::{LINES, all};

/// How often a case runs in the shorter run.
const COUNT: u64 = 1600;

/// Runs one case, for callgrind.
pub(crate) fn run(name: &str, n: u64) {
    let mut case = all().into_iter().find(|case| case.name == name).expect("a case of this name");
    (case.run)(n);
}

/// Prints the table of instructions.
pub(crate) fn print() {
    if !crate::has("valgrind") {
        println!("skipped: instructions: there is no valgrind");
        return;
    }
    let mut counted = HashMap::new();
    for name in LINES.iter().flat_map(|line| [Some(line.linked), line.imported]).flatten() {
        counted.insert(name, each(name));
    }
    println!("Instructions, by callgrind: ({0} times - {COUNT} times) / {COUNT}\n", 2 * COUNT);
    println!("{:44}{:>12}{:>14}{:>9}", "", "linked in", "over the ABI", "more");
    for line in LINES {
        let linked = counted[line.linked];
        let imported = line.imported.map(|name| counted[name]);
        let more = imported.map(|imported| format!("{:+.0}", imported - linked)).unwrap_or_default();
        let imported = imported.map(|count| format!("{count:.0}")).unwrap_or_default();
        println!("{:44}{linked:>12.0}{imported:>14}{more:>9}", line.about);
    }
}

/// The instructions of a case, once.
pub(crate) fn each(name: &str) -> f64 {
    (total(name, 2 * COUNT) - total(name, COUNT)) as f64 / COUNT as f64
}

/// The instructions of a whole run of this program.
fn total(name: &str, n: u64) -> i64 {
    let out = env::temp_dir().join(format!("gateway-callgrind-{}", std::process::id()));
    let program = env::current_exe().expect("a program knows its own path");
    // A build meanwhile has put another program in this one's place.
    let program = program.to_string_lossy().trim_end_matches(" (deleted)").to_owned();
    let ran = Command::new("valgrind")
        .args(["--tool=callgrind", "--quiet"])
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(program)
        .args(["count", name, &n.to_string()])
        .output()
        .expect("valgrind can be run");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let text = fs::read_to_string(&out).expect("callgrind writes its file");
    let _ = fs::remove_file(&out);
    let line = text.lines().find_map(|line| line.strip_prefix("totals: ")).expect("callgrind states its totals");
    line.trim().parse().expect("callgrind's total is a number")
}
