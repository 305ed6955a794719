//! `docs/SPEC.md` is what the table renders.

use std::fs;
use std::path::Path;

use gateway_spec::lint;

#[test]
fn spec_is_fresh() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    if !docs.is_dir() {
        eprintln!("skipped: the crate stands alone, without {}", docs.display());
        return;
    }
    let stored = fs::read_to_string(docs.join("SPEC.md")).expect("docs/SPEC.md can be read");
    let fresh = lint::spec();
    let differs = stored.lines().zip(fresh.lines()).position(|(old, new)| old != new);
    assert!(
        stored == fresh,
        "docs/SPEC.md is stale (first in line {}): cargo run -p gateway-spec --example render-spec > docs/SPEC.md",
        differs.map_or(stored.lines().count().min(fresh.lines().count()), |line| line) + 1,
    );
}

#[test]
fn every_rule_and_section_is_rendered() {
    let spec = lint::spec();
    assert!(!spec.contains("{{"), "a marker is left over");
    for rule in lint::rules() {
        assert!(spec.contains(&format!("\n| {} | {} | {} | ", rule.id, rule.level, rule.side)), "{}", rule.id);
    }
}
