//! The terms of a provider change from a day on that is not settled, and never for one that is.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[expect(dead_code, reason = "this test needs no more of it")]
mod common;

use common::provider;
use steelyard_billing::{Provider, TermsChangeError};
use steelyard_pricing::{BillingDay, Catalog, Name, Override, Plan};

/// The last day that was settled.
const SETTLED: &str = "2015-05-16";

/// A change of a provider's terms.
#[derive(Clone, Copy, Debug)]
enum Change {
    /// The plan `q`, from a day on.
    Assign(&'static str),
    /// An override of a rate of the plan, from a day on.
    Give(&'static str, &'static str, &'static str),
    /// The end of an override, before a day.
    End(&'static str, &'static str),
}
use Change::{Assign, End, Give};

fn day(text: &str) -> BillingDay {
    text.parse().unwrap()
}

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn plans() -> Catalog {
    ["p", "q"]
        .iter()
        .map(|plan| {
            let document = format!(
                r#"{{"plan": "{plan}", "effective_from": "2015-05-01", "rates": [
                    {{"rate": "basic", "apis": ["*"],
                      "price": {{"model": "per_unit", "unit_price": "0.01"}}}}]}}"#
            );
            serde_json::from_str::<Plan>(&document).unwrap()
        })
        .collect()
}

fn over(name: &str, rate: &str, from: &str) -> Override {
    serde_json::from_value(serde_json::json!({
        "override": name, "rate": rate, "from": from, "discount_percent": "10",
    }))
    .unwrap()
}

/// The only place of this test that changes terms.
fn changed(provider: &Provider, change: Change) -> Result<Provider, TermsChangeError> {
    let mut provider = provider.clone();
    let settled = Some(day(SETTLED));
    match change {
        Assign(from) => provider.assign(name("q"), day(from), &plans(), settled)?,
        Give(name, rate, from) => {
            provider.add_override(over(name, rate, from), &plans(), settled)?;
        }
        End(over, until) => provider.end_override(&name(over), day(until), &plans(), settled)?,
    }
    Ok(provider)
}

/// What holds on a day, as text.
fn held(provider: &Provider, on: &str) -> String {
    let plans = plans();
    let Some(terms) = provider.terms_on(day(on), &plans) else { return "nothing".to_owned() };
    let reference = terms.reference();
    let found = provider.terms(&reference, &plans);
    assert_eq!(found.as_ref(), Some(&terms), "terms are found again by their names");
    let overrides = reference.overrides.iter().map(|over| format!(" with {over}"));
    format!("{}{}", reference.plan, overrides.collect::<String>())
}

fn check(changes: &[Change], days: &[(&str, &str)]) {
    let after =
        changes.iter().fold(provider(), |provider, change| changed(&provider, *change).unwrap());
    for (on, expected) in days {
        assert_eq!(held(&after, on), *expected, "{changes:?} on {on}");
    }
}

fn check_refused(changes: &[Change], refused: Change, expected: &str) {
    let before =
        changes.iter().fold(provider(), |provider, change| changed(&provider, *change).unwrap());
    let error = changed(&before, refused).unwrap_err();
    assert_eq!(error.to_string(), expected, "{refused:?} after {changes:?}");
}

#[test]
fn a_plan_holds_from_its_first_day_on_until_the_next_begins() {
    check(&[], &[("2015-04-30", "nothing"), ("2015-05-01", "p"), ("2030-01-01", "p")]);
    check(
        &[Assign("2015-05-17")],
        &[("2015-05-16", "p"), ("2015-05-17", "q"), ("2030-01-01", "q")],
    );
    check(
        &[Assign("2015-06-01"), Assign("2015-05-17"), Assign("2015-06-01")],
        &[("2015-05-17", "q"), ("2015-05-31", "q"), ("2015-06-01", "q")],
    );
}

#[test]
fn an_override_holds_from_its_first_day_until_it_ends() {
    let friend = Give("friend", "basic", "2015-05-17");
    check(&[friend], &[("2015-05-16", "p"), ("2015-05-17", "p with friend")]);
    check(
        &[friend, End("friend", "2015-05-20")],
        &[("2015-05-19", "p with friend"), ("2015-05-20", "p")],
    );
    check(
        &[friend, End("friend", "2015-05-20"), End("friend", "2015-05-18")],
        &[("2015-05-17", "p with friend"), ("2015-05-18", "p")],
    );
    check(&[friend, End("friend", "2015-05-17")], &[("2015-05-17", "p")]);
    check(
        &[Give("z", "basic", "2015-05-18"), Give("a", "basic", "2015-05-17"), Assign("2015-05-19")],
        &[
            ("2015-05-17", "p with a"),
            ("2015-05-18", "p with z with a"),
            ("2015-05-19", "q with z with a"),
        ],
    );
}

#[test]
fn a_settled_day_keeps_its_terms() {
    let settled = "2015-05-16 is settled already; change the terms from a later day";
    let friend = Give("friend", "basic", "2015-05-17");
    for on in ["2015-05-16", "2015-05-01", "2015-04-30"] {
        check_refused(&[], Assign(on), settled);
        check_refused(&[], Give("friend", "basic", on), settled);
        check_refused(&[friend], End("friend", on), settled);
    }
}

#[test]
fn an_override_that_is_there_already_or_does_not_fit_is_refused() {
    let friend = Give("friend", "basic", "2015-05-17");
    let exists = "there is an override `friend` already; give this one another name";
    check_refused(&[friend], Give("friend", "basic", "2015-06-01"), exists);
    check_refused(
        &[friend, End("friend", "2015-05-20")],
        Give("friend", "basic", "2015-06-01"),
        exists,
    );
    let misfit = changed(&provider(), Give("friend", "standard", "2015-05-17")).unwrap_err();
    assert!(matches!(misfit, TermsChangeError::Misfit(_)), "{misfit}");
    let mut later = provider();
    later.plans[0].from = day("2015-06-01");
    let refused = changed(&later, friend).unwrap_err();
    assert_eq!(refused, TermsChangeError::NoPlan(day("2015-05-17")));
}

#[test]
fn a_plan_that_is_not_in_force_or_that_an_override_does_not_fit_is_refused() {
    let mut given = changed(&provider(), Give("friend", "basic", "2015-05-17")).unwrap();
    let other = r#"{"plan": "q", "effective_from": "2015-05-20", "rates": [
        {"rate": "standard", "apis": ["*"],
         "price": {"model": "per_unit", "unit_price": "0.01"}}]}"#;
    let plans: Catalog = plans()
        .iter()
        .filter(|plan| *plan.name() == name("p"))
        .cloned()
        .chain([Plan::read(other).unwrap()])
        .collect();
    let before = given.clone();
    let refused = given.assign(name("q"), day("2015-05-18"), &plans, None).unwrap_err();
    assert_eq!(refused, TermsChangeError::NoPlan(day("2015-05-18")));
    let refused = given.assign(name("q"), day("2015-05-20"), &plans, None).unwrap_err();
    assert!(matches!(refused, TermsChangeError::Misfit(_)), "{refused}");
    assert_eq!(given, before, "what is refused changes nothing");
}

#[test]
fn an_override_that_is_not_there_or_over_is_not_ended() {
    let friend = Give("friend", "basic", "2015-05-17");
    let none = "there is no override `friend`";
    check_refused(&[], End("friend", "2015-05-20"), none);
    check_refused(&[friend, End("friend", "2015-05-17")], End("friend", "2015-05-20"), none);
    for until in ["2015-05-20", "2015-05-21"] {
        check_refused(
            &[friend, End("friend", "2015-05-20")],
            End("friend", until),
            "override `friend` ends on 2015-05-20 already",
        );
    }
}

#[test]
fn the_first_month_moves_back_with_its_plan_until_anything_is_settled() {
    let before = provider();
    let mut earlier = before.clone();
    let month = before.billed_from.previous();
    earlier.bill_from(month, None).unwrap();
    assert_eq!((earlier.billed_from, earlier.plans[0].from), (month, month.first_day()));
    let same = Provider { billed_from: month, plans: earlier.plans.clone(), ..before.clone() };
    assert_eq!(earlier, same, "nothing else changed");
    for (month, settled) in
        [(before.billed_from, None), (before.billed_from.next(), None), (month, Some(day(SETTLED)))]
    {
        let mut refused = before.clone();
        assert!(refused.bill_from(month, settled).is_err(), "{month}");
        assert_eq!(refused, before, "what is refused changes nothing");
    }
}
