//! The table itself: ids, order, and two tests for each rule.

use std::collections::HashSet;

use gateway_spec::lint::{SECTIONS, rules};

#[test]
fn every_rule_has_a_test_that_holds_and_one_that_is_broken() {
    let tested: Vec<_> = [
        super::env::TESTED,
        super::hdr::TESTED,
        super::input::TESTED,
        super::start::TESTED,
        super::resp::TESTED,
        super::write::TESTED,
        super::body::TESTED,
        super::close::TESTED,
        super::module::TESTED,
    ]
    .concat();
    for rule in rules() {
        let name = rule.id.to_ascii_lowercase().replace('-', "_");
        let expected = (rule.id, format!("{name}_holds"), format!("{name}_broken"));
        let found =
            tested.iter().any(|&(id, holds, broken)| (id, holds, broken) == (expected.0, &expected.1, &expected.2));
        assert!(found, "{} has no tests of its name", rule.id);
    }
    assert_eq!(tested.len(), rules().count(), "a test of a rule that is not in the table");
}

#[test]
fn ids_are_unique_and_in_order() {
    let mut seen = HashSet::new();
    for section in SECTIONS {
        for (index, rule) in section.rules.iter().enumerate() {
            // Once a rule is withdrawn its number stays free: then this becomes "rising".
            assert_eq!(rule.id, format!("{}-{:02}", section.key, index + 1));
            assert!(seen.insert(rule.id), "{} is there twice", rule.id);
        }
    }
    assert!(seen.len() >= 60, "{} rules", seen.len());
}

#[test]
fn texts_stand_alone() {
    for rule in rules() {
        assert!(rule.text.ends_with(['.', ')']), "{}: a sentence ends with a point", rule.id);
        assert!(!rule.text.contains("  "), "{}: two spaces", rule.id);
        assert!(!rule.source.is_empty(), "{}: no source", rule.id);
    }
}
