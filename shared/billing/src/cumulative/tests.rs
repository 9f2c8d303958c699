use proptest::prelude::*;

use super::*;

/// Counts of `api part calls`, where the whole is `-`.
fn of(counts: &[(&str, &str, u64)]) -> CumulativeUsage {
    let mut usage = CumulativeUsage::new();
    for (api, part, calls) in counts {
        let part = if *part == "-" { Part::WHOLE } else { part.parse().unwrap() };
        usage.raise(&api.parse().unwrap(), part, Metered::calls(*calls));
    }
    usage
}

fn merged(left: &CumulativeUsage, right: &CumulativeUsage) -> CumulativeUsage {
    let mut merged = left.clone();
    merged.merge(right.clone());
    merged
}

fn check(reports: &[&[(&str, &str, u64)]], counts: &str) {
    let usage = reports.iter().fold(CumulativeUsage::new(), |all, one| merged(&all, &of(one)));
    assert_eq!(serde_json::to_string(&usage.usage().unwrap()).unwrap(), counts, "{reports:?}");
}

#[test]
fn larger_count_of_each_part_holds_and_parts_add_up() {
    check(
        &[&[("a", "-", 5)], &[("a", "-", 9), ("b", "-", 1)], &[("a", "-", 7)]],
        r#"{"a":9,"b":1}"#,
    );
    check(&[&[("a", "1", 5)], &[("a", "2", 4)], &[("a", "1", 6), ("a", "-", 1)]], r#"{"a":11}"#);
    check(&[&[("a", "-", 0)]], "{}");
}

#[test]
fn part_is_the_larger_of_its_count_and_the_sum_of_its_sub_parts() {
    for (whole, counts) in [(1, r#"{"a":5}"#), (5, r#"{"a":5}"#), (8, r#"{"a":8}"#)] {
        let halves: [&[_]; 3] = [&[("a", "1/x", 3)], &[("a", "1", whole)], &[("a", "1/y", 2)]];
        check(&halves, counts);
    }
    check(
        &[&[("a", "1/x", 3), ("a", "1/y", 1)], &[("a", "1/x", 2), ("a", "2/x", 3)]],
        r#"{"a":7}"#,
    );
}

#[test]
fn sum_of_more_than_can_be_rated_is_an_error() {
    let most = steelyard_pricing::Calls::MAX.get();
    let usage = of(&[("a", "1", most), ("a", "2", 1)]);
    assert!(usage.usage().is_err());
    assert!(of(&[("a", "1/x", most), ("a", "1/y", 1)]).usage().is_err());
    assert_eq!(usage.of(&"a".parse().unwrap(), &"2".parse().unwrap()), Metered::calls(1));
}

fn usages() -> impl Strategy<Value = CumulativeUsage> {
    let part = prop_oneof![Just("-"), Just("1"), Just("1/x"), Just("1/y"), Just("2/x"), Just("2")];
    let count = (prop_oneof![Just("a"), Just("b")], part, 0_u64..5);
    prop::collection::vec(count, 0..8).prop_map(|counts| of(&counts))
}

proptest! {
    #[test]
    fn merging_is_commutative_associative_and_idempotent(
        (one, two, three) in (usages(), usages(), usages()),
    ) {
        prop_assert_eq!(merged(&one, &two), merged(&two, &one));
        prop_assert_eq!(merged(&merged(&one, &two), &three), merged(&one, &merged(&two, &three)));
        prop_assert_eq!(merged(&one, &one), one.clone());
        prop_assert_eq!(merged(&one, &CumulativeUsage::new()), one);
    }

    #[test]
    fn no_count_shrinks_and_none_exceeds_the_sum((one, two) in (usages(), usages())) {
        let both = merged(&one, &two).usage().unwrap();
        let (one, two) = (one.usage().unwrap(), two.usage().unwrap());
        prop_assert!(both.covers(&one) && both.covers(&two));
        prop_assert!(one.plus(&two).unwrap().covers(&both));
    }

    #[test]
    fn what_is_listed_makes_the_same_usage(one in usages()) {
        let mut again = CumulativeUsage::new();
        for (api, part, sub, metered) in one.iter() {
            let part = Part { part: part.cloned(), sub: sub.cloned() };
            prop_assert_eq!(one.of(api, &part), metered);
            again.raise(api, part, metered);
        }
        prop_assert_eq!(again, one);
    }

    #[test]
    fn pieces_of_what_does_not_fit_lose_no_count(
        (one, known) in (usages(), usages()),
        apis_max in 0_usize..4,
    ) {
        let (fitting, others) = one.clone().split(&known, apis_max);
        prop_assert_eq!(merged(&fitting, &others), one.clone());
        prop_assert!(merged(&known, &fitting).apis() <= known.apis().max(apis_max));
        // One that has no room for a new API is full, and stays so.
        prop_assert!(others.apis() == 0 || merged(&known, &fitting).apis() >= apis_max);

        let (counts, lines) = one.clone().divide();
        let sum = counts.usage().unwrap().plus(&lines.usage().unwrap()).unwrap();
        prop_assert_eq!(sum, one.usage().unwrap());
        prop_assert!(counts.iter().all(|(_, _, sub, _)| sub.is_none()));
    }
}
