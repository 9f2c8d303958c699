//! What the terms want as a deposit is announced before it is due.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{at, provider, rules};
use proptest::prelude::*;
use serde_json::json;
use steelyard_billing::{
    Account, DepositDemand, DepositNote, DepositTopUp, PlanAssignment, Provider, deposit_noted,
    deposits_wanted,
};
use steelyard_pricing::{BillingDay, Catalog, Deposit, Fen, Override, Plan};

fn day(text: &str) -> BillingDay {
    text.parse().unwrap()
}

fn deposit(yuan: &str, days: u16) -> serde_json::Value {
    json!({ "amount": yuan, "due_after_days": days })
}

/// A version of the plan of the provider, with a deposit or without.
fn version(from: &str, deposit: Option<serde_json::Value>) -> Plan {
    let mut plan = json!({
        "plan": "p", "effective_from": from,
        "rates": [{ "rate": "a", "apis": ["*"], "price": { "model": "per_unit", "unit_price": "1" } }],
    });
    if let Some(deposit) = deposit {
        plan["deposit"] = deposit;
    }
    serde_json::from_value(plan).unwrap()
}

fn over(from: &str, until: Option<&str>, deposit: serde_json::Value) -> Override {
    let mut over = json!({ "override": format!("o-{from}"), "from": from, "deposit": deposit });
    if let Some(until) = until {
        over["until"] = json!(until);
    }
    serde_json::from_value(over).unwrap()
}

/// What is wanted on a day and later, as `day amount`.
fn wanted(provider: &Provider, plans: &Catalog, today: &str) -> Vec<String> {
    let all = deposits_wanted(provider, plans, day(today));
    let amount = |deposit: Option<Deposit>| {
        deposit.map_or("none".to_owned(), |of| of.amount.decimal().to_string())
    };
    all.into_iter().map(|(day, deposit)| format!("{day} {}", amount(deposit))).collect()
}

fn on(plans: &[&str]) -> Provider {
    let plans =
        plans.iter().map(|from| PlanAssignment { from: day(from), plan: "p".parse().unwrap() });
    Provider { plans: plans.collect(), ..provider() }
}

#[test]
fn an_override_stands_in_for_the_plan_and_only_changes_are_told() {
    let plans: Catalog = [
        version("2015-01-01", None),
        version("2015-03-01", Some(deposit("500", 30))),
        version("2015-04-01", Some(deposit("500", 30))),
        version("2015-09-01", Some(deposit("800", 10))),
    ]
    .into_iter()
    .collect();
    let mut provider = on(&["2015-01-01"]);
    assert_eq!(
        wanted(&provider, &plans, "2015-02-01"),
        ["2015-02-01 none", "2015-03-01 500", "2015-09-01 800"]
    );
    assert_eq!(wanted(&provider, &plans, "2015-05-01"), ["2015-05-01 500", "2015-09-01 800"]);
    provider.overrides = vec![
        over("2015-06-01", Some("2015-07-01"), deposit("200", 5)),
        over("2015-06-15", None, deposit("0", 0)),
    ];
    assert_eq!(
        wanted(&provider, &plans, "2015-05-01"),
        ["2015-05-01 500", "2015-06-01 200", "2015-06-15 0"],
        "the last override holds"
    );
    assert_eq!(
        wanted(&on(&["2015-10-01"]), &plans, "2015-05-01"),
        ["2015-05-01 none", "2015-10-01 800"]
    );
}

/// The note after a run on each of some days.
fn noted(provider: &Provider, plans: &Catalog, days: &[&str]) -> Account {
    days.iter().fold(Account::new(provider), |account, day| {
        let now = at(&format!("{day} 00:30"));
        deposit_noted(account, provider, plans, &rules(), now).unwrap()
    })
}

fn demands(note: &DepositNote) -> Vec<String> {
    let line = |of: &DepositDemand| {
        format!(
            "{} from {}, announced {}, due {}",
            of.amount_fen, of.from, of.announced_on, of.due_on
        )
    };
    note.demands.iter().map(line).collect()
}

#[test]
fn an_amount_is_due_so_many_days_after_its_announcement_or_its_first_day() {
    let plans: Catalog = [
        version("2015-01-01", Some(deposit("500", 30))),
        version("2015-09-01", Some(deposit("800", 10))),
    ]
    .into_iter()
    .collect();
    let provider = on(&["2015-01-01"]);
    let first = noted(&provider, &plans, &["2015-05-01"]);
    assert_eq!(
        demands(&first.deposit),
        [
            "500.00 from 2015-05-01, announced 2015-05-01, due 2015-05-31",
            "800.00 from 2015-09-01, announced 2015-05-01, due 2015-09-11",
        ]
    );
    let days = ["2015-05-01", "2015-05-02", "2015-08-31", "2015-09-01", "2015-12-01"];
    for through in 1..=days.len() {
        let later = noted(&provider, &plans, &days[..through]);
        assert_eq!(demands(&later.deposit), demands(&first.deposit), "what was announced stays");
    }
    // No run saw it before its first day.
    let late = noted(&provider, &plans, &["2015-09-05"]);
    assert_eq!(
        demands(&late.deposit),
        ["800.00 from 2015-09-05, announced 2015-09-05, due 2015-09-15"]
    );
}

#[test]
fn a_lower_amount_holds_from_its_first_day_and_keeps_the_day_on_which_it_was_due() {
    let plans: Catalog = [
        version("2015-01-01", Some(deposit("500", 30))),
        version("2015-09-01", Some(deposit("200", 10))),
        version("2015-10-01", Some(deposit("400", 10))),
        version("2015-11-01", None),
    ]
    .into_iter()
    .collect();
    let provider = on(&["2015-01-01"]);
    let of = |days: &[&str]| demands(&noted(&provider, &plans, days).deposit);
    let announced = "500.00 from 2015-05-01, announced 2015-05-01, due 2015-05-31";
    assert_eq!(of(&["2015-05-01"]), [announced]);
    assert_eq!(
        of(&["2015-05-01", "2015-09-01"]),
        [
            "200.00 from 2015-05-01, announced 2015-05-01, due 2015-05-31",
            "400.00 from 2015-10-01, announced 2015-09-01, due 2015-10-11",
        ]
    );
    assert_eq!(of(&["2015-05-01", "2015-11-01"]), [""; 0]);
}

#[test]
fn a_version_that_was_taken_back_is_wanted_no_more() {
    let first = || version("2015-01-01", Some(deposit("500", 30)));
    let with: Catalog =
        [first(), version("2015-09-01", Some(deposit("800", 10)))].into_iter().collect();
    let provider = on(&["2015-01-01"]);
    let account = noted(&provider, &with, &["2015-05-01"]);
    let without: Catalog = [first()].into_iter().collect();
    let after = deposit_noted(account, &provider, &without, &rules(), at("2015-05-02 00:30"));
    assert_eq!(demands(&after.unwrap().deposit).len(), 1);
}

#[test]
fn who_wants_no_deposit_notes_nothing() {
    let plans: Catalog = [version("2015-01-01", None)].into_iter().collect();
    let provider = on(&["2015-01-01"]);
    assert_eq!(noted(&provider, &plans, &["2015-05-01"]), Account::new(&provider));
}

#[test]
fn the_state_of_a_deposit_says_what_is_missing_and_when_it_is_due() {
    let demand = |from: &str, fen: i64, due: &str| DepositDemand {
        from: day(from),
        amount_fen: Fen::new(fen),
        announced_on: day("2015-01-01"),
        due_on: day(due),
    };
    let note = |top_up: Option<(i64, &str)>| DepositNote {
        demands: vec![
            demand("2015-01-01", 500, "2015-01-31"),
            demand("2015-06-01", 800, "2015-06-11"),
        ],
        top_up: top_up
            .map(|(fen, due)| DepositTopUp { drawn_fen: Fen::new(fen), due_on: day(due) }),
        top_up_after_days: 5,
        drawn_by_rule: false,
    };
    for (top_up, held, today, expected) in [
        (None, 0, "2015-01-31", "500 missing of 500 by 2015-01-31"),
        (None, 0, "2015-02-01", "500 missing of 500 by 2015-01-31, overdue"),
        (None, 499, "2015-05-31", "1 missing of 500 by 2015-01-31, overdue"),
        (None, 500, "2015-05-31", "0 missing of 500"),
        (None, 600, "2015-05-31", "0 missing of 500, 100 beyond"),
        (None, 500, "2015-06-01", "300 missing of 800 by 2015-06-11"),
        (None, 400, "2015-06-01", "400 missing of 800 by 2015-01-31, overdue"),
        // What was drawn has its own day, and what was missing before keeps its day.
        (Some((100, "2015-05-20")), 400, "2015-05-18", "100 missing of 500 by 2015-05-20"),
        (Some((100, "2015-05-20")), 400, "2015-05-21", "100 missing of 500 by 2015-05-20, overdue"),
        (Some((100, "2015-05-20")), 300, "2015-05-18", "200 missing of 500 by 2015-01-31, overdue"),
        // A higher amount does not put off what was drawn.
        (Some((100, "2015-05-20")), 400, "2015-06-01", "400 missing of 800 by 2015-05-20, overdue"),
        (Some((100, "2015-06-05")), 400, "2015-06-01", "400 missing of 800 by 2015-06-05"),
        (Some((100, "2015-06-15")), 400, "2015-06-01", "400 missing of 800 by 2015-06-11"),
        (Some((100, "2015-06-20")), 700, "2015-06-15", "100 missing of 800 by 2015-06-20"),
    ] {
        let state = note(top_up).state(Fen::new(held), day(today)).unwrap();
        let mut told =
            format!("{} missing of {}", state.shortfall_fen.get(), state.required_fen.get());
        told += &state.due_on.map(|due| format!(" by {due}")).unwrap_or_default();
        told += if state.is_overdue { ", overdue" } else { "" };
        if state.excess_fen.is_positive() {
            told += &format!(", {} beyond", state.excess_fen.get());
        }
        assert_eq!(told, expected, "{top_up:?} {held} on {today}");
        let next = state.next.map(|next| next.amount_fen);
        assert_eq!(next, (day(today) < day("2015-06-01")).then_some(Fen::new(800)), "{today}");
    }
}

proptest! {
    /// Whatever versions come, on whatever days runs are made: nothing is due before it was
    /// announced and its days are over, and what is wanted now is what is demanded.
    #[test]
    fn nothing_is_due_before_it_was_announced(
        versions in prop::collection::vec((0_u16..300, prop::option::of(0_i64..5), 0_u16..40), 1..6),
        runs in prop::collection::btree_set(0_u16..320, 1..12),
    ) {
        let nth = |number: u16| (0..number).fold(day("2015-01-01"), |day, _| day.next());
        let mut all = vec![version("2014-01-01", None)];
        for (from, hundreds, days) in &versions {
            let from = nth(*from).to_string();
            let deposit = hundreds.map(|hundreds| deposit(&(hundreds * 100).to_string(), *days));
            all.retain(|plan| plan.effective_from() != day(&from));
            all.push(version(&from, deposit));
        }
        let plans: Catalog = all.into_iter().collect();
        let provider = on(&["2014-01-01"]);
        let mut account = Account::new(&provider);
        for run in runs {
            let today = nth(run);
            let before = account.deposit.clone();
            let now = at(&format!("{today} 00:30"));
            account = deposit_noted(account, &provider, &plans, &rules(), now).unwrap();
            let note = &account.deposit;
            let wanted = provider.terms_on(today, &plans).unwrap();
            let wanted = wanted.deposit().map_or(Fen::ZERO, |of| of.amount.to_fen_floor().unwrap());
            let state = note.state(Fen::ZERO, today).unwrap();
            prop_assert_eq!(state.required_fen, wanted);
            prop_assert_eq!(state.due_on.is_some(), wanted.is_positive());
            for demand in &note.demands {
                prop_assert!(demand.due_on >= demand.announced_on.max(demand.from), "{demand:?}");
                prop_assert!(demand.announced_on <= today);
                let is_new = !before.demands.iter().any(|of| of.announced_on == demand.announced_on);
                prop_assert!(!is_new || demand.announced_on == today, "{demand:?}");
            }
            let amounts = note.demands.iter().map(|demand| demand.amount_fen).collect::<Vec<_>>();
            prop_assert!(amounts.is_sorted_by(|one, other| one < other), "{amounts:?}");
        }
    }
}
