//! Days add up to the month, whatever comes late and however often settlement runs.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::collections::BTreeSet;

use common::{at, provider, terms};
use expect_test::{Expect, expect};
use proptest::prelude::*;
use steelyard_billing::{
    Account, CountedDays, Ledger, Provider, Settlement, SettlementError, Statement, next_settlement,
};
use steelyard_pricing::{
    ApiName, BillingDay, BillingMonth, Calls, Catalog, Fen, Plan, Usage, rate_month,
};

/// A fen for each call of `t.*` after 100 free ones, a third of a fen for each of `vas.*`.
const PLAN: &str = r#"{"plan": "p", "effective_from": "2015-05-01", "rates": [
    {"rate": "basic", "apis": ["t.*"], "free_per_month": 100,
     "price": {"model": "per_unit", "unit_price": "0.01"}},
    {"rate": "extra", "apis": ["vas.*"],
     "price": {"model": "per_unit", "unit_price": "0.0033"}}]}"#;

fn plans(documents: &[&str]) -> Catalog {
    documents.iter().map(|json| serde_json::from_str::<Plan>(json).unwrap()).collect()
}

/// A provider whose usage is counted and settled.
struct Shop {
    provider: Provider,
    plans: Catalog,
    account: Account,
    counted: CountedDays,
    statements: Vec<Statement>,
}

impl Shop {
    fn new() -> Shop {
        let provider = provider();
        Shop {
            account: Account::new(&provider),
            provider,
            plans: plans(&[PLAN]),
            counted: CountedDays::new(),
            statements: Vec::new(),
        }
    }

    /// Counts calls on a day of 2015.
    fn count(&mut self, day: &str, api: &str, calls: u64) {
        self.count_on(format!("2015-{day}").parse().unwrap(), api.parse().unwrap(), calls);
    }

    fn count_on(&mut self, day: BillingDay, api: ApiName, calls: u64) {
        self.counted.entry(day).or_default().add(api, Calls::new(calls)).unwrap();
    }

    /// The only place of this file that settles.
    fn next(&self, now: &str) -> Result<Option<Settlement>, SettlementError> {
        let Shop { provider, plans, account, counted, .. } = self;
        next_settlement(provider, account, counted, plans, &terms(), at(now))
    }

    /// Settles until nothing is left, and gives the statements made.
    fn settle(&mut self, now: &str) -> Vec<Statement> {
        let known = self.statements.len();
        while let Some(settlement) = self.next(now).unwrap() {
            check_settlement(&self.account, &settlement);
            self.account = settlement.movement.account;
            self.statements.push(settlement.statement);
            assert!(self.statements.len() < known + 200, "settlement never ends");
        }
        self.statements[known..].to_vec()
    }

    fn check(&mut self, now: &str, expected: Expect) {
        let statements = self.settle(now);
        expected.assert_eq(&statements.iter().map(note).collect::<Vec<_>>().join("\n"));
        assert_eq!(self.settle(now), [], "a second run gives nothing");
    }

    /// The calls of a month as they were counted in the end.
    fn counted_in(&self, month: BillingMonth) -> Usage {
        let days = self.counted.range(month.first_day()..=month.last_day());
        days.fold(Usage::new(), |sum, (_, usage)| sum.plus(usage).unwrap())
    }

    fn charged_in(&self, month: BillingMonth) -> Fen {
        let statements = self.statements.iter().filter(|s| s.statement.day.month() == month);
        Fen::sum(statements.map(|statement| statement.charge_fen)).unwrap()
    }

    fn price_of(&self, month: BillingMonth) -> Fen {
        let plan = self.provider.plan_of(month, &self.plans).unwrap();
        rate_month(plan, &self.counted_in(month)).unwrap().to_fen_half_up().unwrap()
    }
}

/// What holds of every settlement.
fn check_settlement(before: &Account, settlement: &Settlement) {
    let Settlement { statement, movement } = settlement;
    assert_eq!(statement.lines_fen(), Ok(statement.charge_fen), "lines add up");
    let rated = statement.rated_yuan.to_fen_half_up().unwrap();
    assert_eq!(
        statement.charged_before_fen.plus(statement.charge_fen),
        Ok(rated),
        "days add up to the month to date"
    );
    let charged = movement
        .entry
        .as_ref()
        .map_or(Fen::ZERO, |entry| entry.moved(Ledger::Revenue).unwrap().negated().unwrap());
    assert_eq!(charged, statement.charge_fen, "the journal says what the statement says");
    assert_eq!(movement.entry.is_some(), !statement.charge_fen.is_zero());
    if movement.entry.is_none() {
        assert_eq!(movement.account.figures, before.figures, "no money moved");
        assert_eq!(movement.account.entries, before.entries);
    }
    let prepaid = before.figures.prepaid().minus(movement.account.figures.prepaid());
    assert_eq!(prepaid, Ok(statement.from_prepaid_fen));
    assert!(movement.account.settled_through >= before.settled_through, "days in order");
}

/// A statement: its charge, its lines, and the days that were late.
fn note(statement: &Statement) -> String {
    let mut notes = vec![format!("{}: {}", statement.statement, statement.charge_fen)];
    notes.extend(statement.lines.iter().map(|line| {
        let late = if line.late { "late " } else { "" };
        let (before, after) = (line.calls_before, line.calls_after);
        format!("{late}{} {before} to {after} = {}", line.rate, line.charge_fen)
    }));
    let unpriced = statement.unpriced.iter();
    notes.extend(
        unpriced.map(|count| format!("unpriced {} {} to {}", count.api, count.before, count.after)),
    );
    let late_days = statement.late_days.iter();
    notes.extend(late_days.map(|late| format!("{} came late of {}", late.calls, late.day)));
    notes.join("\n    ")
}

#[test]
fn days_are_settled_in_order_once_and_never_today() {
    let mut shop = Shop::new();
    shop.count("05-18", "t.a", 7);
    shop.count("05-16", "t.a", 150);
    shop.count("05-17", "t.b", 20);
    shop.count("05-17", "vas.a", 10);
    shop.check(
        "2015-05-18 23:59:59",
        expect![[r#"
            2015-05-16: 0.50
                basic 0 to 150 = 0.50
            2015-05-17: 0.23
                basic 150 to 170 = 0.20
                extra 0 to 10 = 0.03"#]],
    );
    shop.check(
        "2015-05-19 00:00",
        expect![[r#"
            2015-05-18: 0.07
                basic 170 to 177 = 0.07"#]],
    );
}

#[test]
fn days_without_a_charge_make_a_statement_and_move_no_money() {
    let mut shop = Shop::new();
    shop.count("05-16", "t.a", 60);
    shop.count("05-17", "nobody.knows", 5);
    shop.check(
        "2015-05-18 00:30",
        expect![[r#"
            2015-05-16: 0.00
                basic 0 to 60 = 0.00
            2015-05-17: 0.00
                unpriced nobody.knows 0 to 5"#]],
    );
    assert_eq!(shop.account.entries, 0);
    assert_eq!(shop.account.settled_through, Some("2015-05-17".parse().unwrap()));
}

#[test]
fn usage_that_no_rate_covers_is_listed_when_it_comes_in_time_and_when_it_comes_late() {
    let mut shop = Shop::new();
    shop.count("05-16", "nobody.knows", 5);
    shop.check(
        "2015-05-17 00:30",
        expect![[r#"
            2015-05-16: 0.00
                unpriced nobody.knows 0 to 5"#]],
    );
    shop.count("05-16", "nobody.knows", 2);
    shop.count("05-17", "nobody.knows", 3);
    shop.check(
        "2015-05-18 00:30",
        expect![[r#"
            2015-05-17: 0.00
                unpriced nobody.knows 5 to 10
                2 came late of 2015-05-16"#]],
    );
}

#[test]
fn late_usage_is_charged_by_the_next_days_statement_as_lines_that_say_so() {
    let mut shop = Shop::new();
    shop.count("05-15", "t.a", 100);
    shop.count("05-16", "t.a", 30);
    shop.check(
        "2015-05-17 00:30",
        expect![[r#"
            2015-05-15: 0.00
                basic 0 to 100 = 0.00
            2015-05-16: 0.30
                basic 100 to 130 = 0.30"#]],
    );
    shop.count("05-15", "t.a", 1);
    shop.count("05-16", "vas.a", 10);
    shop.count("05-14", "t.b", 2);
    shop.count("05-17", "t.a", 40);
    shop.check(
        "2015-05-18 00:30",
        expect![[r#"
            2015-05-17: 0.46
                late basic 130 to 133 = 0.03
                late extra 0 to 10 = 0.03
                basic 133 to 173 = 0.40
                2 came late of 2015-05-14
                1 came late of 2015-05-15
                10 came late of 2015-05-16"#]],
    );
}

#[test]
fn late_usage_goes_to_yesterday_when_yesterday_had_no_usage_of_its_own() {
    let mut shop = Shop::new();
    shop.count("05-15", "t.a", 100);
    shop.check(
        "2015-05-16 00:30",
        expect![[r#"
            2015-05-15: 0.00
                basic 0 to 100 = 0.00"#]],
    );
    shop.count("05-15", "t.a", 5);
    shop.check(
        "2015-05-18 00:30",
        expect![[r#"
            2015-05-17: 0.05
                late basic 100 to 105 = 0.05
                5 came late of 2015-05-15"#]],
    );
}

#[test]
fn late_usage_waits_for_the_next_day_when_yesterday_is_settled() {
    let mut shop = Shop::new();
    shop.count("05-16", "t.a", 100);
    shop.check(
        "2015-05-17 00:30",
        expect![[r#"
            2015-05-16: 0.00
                basic 0 to 100 = 0.00"#]],
    );
    shop.count("05-16", "t.a", 5);
    shop.check("2015-05-17 18:00", expect![[""]]);
    shop.check(
        "2015-05-18 00:30",
        expect![[r#"
            2015-05-17: 0.05
                late basic 100 to 105 = 0.05
                5 came late of 2015-05-16"#]],
    );
}

#[test]
fn usage_that_is_late_twice_is_charged_each_time_for_what_was_added() {
    let mut shop = Shop::new();
    shop.count("05-10", "t.a", 100);
    shop.check(
        "2015-05-11 00:30",
        expect![[r#"
            2015-05-10: 0.00
                basic 0 to 100 = 0.00"#]],
    );
    shop.count("05-10", "t.a", 5);
    shop.check(
        "2015-05-12 00:30",
        expect![[r#"
            2015-05-11: 0.05
                late basic 100 to 105 = 0.05
                5 came late of 2015-05-10"#]],
    );
    shop.count("05-10", "t.a", 6);
    shop.count("05-11", "t.a", 7);
    shop.check(
        "2015-05-13 00:30",
        expect![[r#"
            2015-05-12: 0.13
                late basic 105 to 118 = 0.13
                6 came late of 2015-05-10
                7 came late of 2015-05-11"#]],
    );
}

#[test]
fn usage_that_comes_when_the_whole_month_is_settled_becomes_supplements_to_its_last_day() {
    let mut shop = Shop::new();
    shop.count("05-31", "t.a", 100);
    shop.count("06-01", "t.a", 100);
    shop.check(
        "2015-06-02 00:30",
        expect![[r#"
            2015-05-31: 0.00
                basic 0 to 100 = 0.00
            2015-06-01: 0.00
                basic 0 to 100 = 0.00"#]],
    );
    shop.count("05-20", "t.a", 5);
    shop.count("06-02", "t.a", 9);
    shop.check(
        "2015-06-03 00:30",
        expect![[r#"
            2015-05-31+1: 0.05
                late basic 100 to 105 = 0.05
                5 came late of 2015-05-20
            2015-06-02: 0.09
                basic 100 to 109 = 0.09"#]],
    );
    shop.count("05-31", "vas.a", 6);
    shop.check(
        "2015-06-03 12:00",
        expect![[r#"
            2015-05-31+2: 0.02
                late extra 0 to 6 = 0.02
                6 came late of 2015-05-31"#]],
    );
}

#[test]
fn the_last_day_is_no_supplement_while_it_is_not_settled() {
    let mut shop = Shop::new();
    shop.count("05-20", "t.a", 100);
    shop.check(
        "2015-05-21 00:30",
        expect![[r#"
            2015-05-20: 0.00
                basic 0 to 100 = 0.00"#]],
    );
    shop.count("05-20", "t.a", 5);
    shop.check(
        "2015-06-01 00:30",
        expect![[r#"
            2015-05-31: 0.05
                late basic 100 to 105 = 0.05
                5 came late of 2015-05-20"#]],
    );
    shop.count("05-20", "t.a", 5);
    shop.check(
        "2015-06-01 00:45",
        expect![[r#"
            2015-05-31+1: 0.05
                late basic 105 to 110 = 0.05
                5 came late of 2015-05-20"#]],
    );
}

#[test]
fn usage_counted_on_the_day_before_a_month_closes_is_charged_whenever_the_next_run_comes() {
    for run in ["2015-06-05 00:00", "2015-06-05 00:30", "2015-06-06 00:30", "2015-09-01 00:30"] {
        let mut shop = Shop::new();
        shop.count("05-31", "t.a", 100);
        for day in ["06-01", "06-02", "06-03"] {
            shop.count(day, "t.a", 101);
        }
        shop.settle("2015-06-04 00:30");
        shop.count("05-07", "t.a", 5);
        shop.check(
            run,
            expect![[r#"
                2015-05-31+1: 0.05
                    late basic 100 to 105 = 0.05
                    5 came late of 2015-05-07"#]],
        );
    }
}

#[test]
fn a_month_is_forgotten_by_the_first_statement_after_it_closed_and_its_reports_were_counted() {
    for (run, open_from) in [
        ("2015-06-04 23:59:59", "2015-05"),
        ("2015-06-05 00:00", "2015-05"),
        ("2015-06-05 00:14:59", "2015-05"),
        ("2015-06-05 00:15", "2015-06"),
        ("2015-07-05 00:14:59", "2015-06"),
    ] {
        let mut shop = Shop::new();
        shop.count("05-31", "t.a", 100);
        shop.settle("2015-06-01 00:30");
        shop.count("06-03", "t.a", 100);
        shop.settle(run);
        let open_from: BillingMonth = open_from.parse().unwrap();
        assert_eq!(shop.account.open_from, open_from, "{run}");
        assert!(shop.account.months.keys().all(|month| *month >= open_from), "{run}");
    }
}

#[test]
fn a_report_that_is_counted_minutes_after_its_month_closed_is_charged() {
    let mut shop = Shop::new();
    shop.count("05-31", "t.a", 100);
    shop.count("06-03", "t.a", 100);
    shop.settle("2015-06-04 00:30");
    shop.count("06-04", "t.a", 1);
    shop.settle("2015-06-05 00:05");
    shop.count("05-31", "t.a", 5);
    shop.check(
        "2015-06-05 00:30",
        expect![[r#"
            2015-05-31+1: 0.05
                late basic 100 to 105 = 0.05
                5 came late of 2015-05-31"#]],
    );
}

#[test]
fn a_month_is_not_forgotten_while_any_of_its_usage_is_not_rated() {
    let mut shop = Shop::new();
    shop.count("05-10", "t.a", 100);
    shop.count("05-31", "t.a", 100);
    shop.count("06-01", "t.a", 100);
    let now = "2015-08-01 00:30";
    let mut open_from = Vec::new();
    while let Some(settlement) = shop.next(now).unwrap() {
        shop.account = settlement.movement.account;
        open_from.push((settlement.statement.statement.to_string(), shop.account.open_from));
    }
    let may: BillingMonth = "2015-05".parse().unwrap();
    assert_eq!(
        open_from,
        [
            ("2015-05-10".to_owned(), may),
            ("2015-05-31".to_owned(), may),
            ("2015-06-01".to_owned(), may.next()),
        ]
    );
}

#[test]
fn a_provider_that_was_idle_for_months_is_settled_when_it_is_used_again() {
    let mut shop = Shop::new();
    shop.count("05-10", "t.a", 120);
    shop.check(
        "2015-05-11 00:30",
        expect![[r#"
            2015-05-10: 0.20
                basic 0 to 120 = 0.20"#]],
    );
    for idle in ["2015-06-20 00:30", "2015-07-06 00:30", "2015-09-30 00:30"] {
        assert_eq!(shop.settle(idle), [], "{idle}");
    }
    assert_eq!(shop.account.open_from.to_string(), "2015-05");
    shop.count("10-03", "t.a", 130);
    shop.check(
        "2015-10-04 00:30",
        expect![[r#"
            2015-10-03: 0.30
                basic 0 to 130 = 0.30"#]],
    );
    assert_eq!(shop.account.open_from.to_string(), "2015-09");
    shop.count("10-06", "t.a", 1);
    shop.check(
        "2015-10-07 00:30",
        expect![[r#"
            2015-10-06: 0.01
                basic 130 to 131 = 0.01"#]],
    );
    assert_eq!(shop.account.open_from.to_string(), "2015-10");
}

#[test]
fn runs_that_were_missed_for_weeks_are_made_up_day_by_day() {
    let mut shop = Shop::new();
    shop.count("05-30", "t.a", 60);
    shop.count("05-31", "t.a", 60);
    shop.count("06-01", "t.a", 60);
    shop.count("06-20", "t.a", 60);
    shop.check(
        "2015-06-21 00:30",
        expect![[r#"
            2015-05-30: 0.00
                basic 0 to 60 = 0.00
            2015-05-31: 0.20
                basic 60 to 120 = 0.20
            2015-06-01: 0.00
                basic 0 to 60 = 0.00
            2015-06-20: 0.20
                basic 60 to 120 = 0.20"#]],
    );
}

#[test]
fn the_allowance_begins_anew_with_the_month() {
    let mut shop = Shop::new();
    shop.count("05-31", "t.a", 110);
    shop.count("06-01", "t.a", 110);
    shop.check(
        "2015-06-02 00:30",
        expect![[r#"
            2015-05-31: 0.10
                basic 0 to 110 = 0.10
            2015-06-01: 0.10
                basic 0 to 110 = 0.10"#]],
    );
}

#[test]
fn usage_of_months_before_the_provider_was_billed_is_not_looked_at() {
    let mut shop = Shop::new();
    shop.count("04-30", "t.a", 1_000);
    shop.check("2015-05-05 00:30", expect![[""]]);
    shop.count("05-04", "t.a", 101);
    shop.check(
        "2015-05-05 00:30",
        expect![[r#"
            2015-05-04: 0.01
                basic 0 to 101 = 0.01"#]],
    );
}

#[test]
fn a_provider_on_no_plan_is_not_settled_and_nothing_is_lost() {
    let mut shop = Shop::new();
    shop.count("05-16", "t.a", 101);
    shop.plans = plans(&[&PLAN.replace("2015-05-01", "2015-06-01")]);
    let refused = shop.next("2015-05-17 00:30").unwrap_err();
    assert_eq!(refused.to_string(), "shop is on no plan in 2015-05");
    assert!(matches!(refused, SettlementError::NoPlan { .. }));

    shop.plans = plans(&[PLAN]);
    shop.provider.plans.clear();
    assert!(matches!(shop.next("2015-05-17 00:30"), Err(SettlementError::NoPlan { .. })));

    shop.provider = provider();
    shop.check(
        "2015-05-17 00:30",
        expect![[r#"
            2015-05-16: 0.01
                basic 0 to 101 = 0.01"#]],
    );
}

#[test]
fn a_month_that_was_charged_under_one_plan_is_never_charged_under_another() {
    let other = PLAN.replace(r#""p""#, r#""q""#);
    let mut shop = Shop::new();
    shop.plans = plans(&[PLAN, &other]);
    shop.count("05-16", "t.a", 101);
    shop.settle("2015-05-17 00:30");
    shop.count("05-17", "t.a", 1);
    shop.provider.plans[0].plan = "q".parse().unwrap();
    let settled = shop.next("2015-05-18 00:30").unwrap().unwrap();
    assert_eq!(settled.statement.plan.as_str(), "p");
    shop.plans = plans(&[&other]);
    let refused = shop.next("2015-05-18 00:30").unwrap_err();
    assert_eq!(
        refused.to_string(),
        "shop was charged in 2015-05 under p of 2015-05-01, which is gone"
    );
}

#[test]
fn a_plan_that_is_assigned_from_june_rates_june_and_leaves_may_alone() {
    let dearer = PLAN.replace(r#""p""#, r#""q""#).replace(r#""0.01""#, r#""0.02""#);
    let mut shop = Shop::new();
    shop.plans = plans(&[PLAN, &dearer]);
    shop.count("05-31", "t.a", 110);
    shop.settle("2015-06-01 00:30");
    let (june, may) = ("2015-06-01".parse().unwrap(), "2015-05".parse().unwrap());
    shop.provider.assign("q".parse().unwrap(), june, Some(may)).unwrap();
    shop.count("05-31", "t.a", 10);
    shop.count("06-01", "t.a", 110);
    shop.check(
        "2015-06-02 00:30",
        expect![[r#"
            2015-05-31+1: 0.10
                late basic 110 to 120 = 0.10
                10 came late of 2015-05-31
            2015-06-01: 0.20
                basic 0 to 110 = 0.20"#]],
    );
}

#[test]
fn counters_that_shrank_are_an_error_and_not_a_credit() {
    let mut shop = Shop::new();
    shop.count("05-16", "t.a", 101);
    shop.settle("2015-05-17 00:30");
    shop.counted.clear();
    shop.count("05-16", "t.a", 99);
    assert!(matches!(shop.next("2015-05-18 00:30"), Err(SettlementError::Count(_))));
}

/// Calls that are reported at noon of a day: how many days old they are, of which API, how many.
type Report = (u8, usize, u64);

/// What is reported on each day, and whether settlement runs in the night after it.
fn history() -> impl Strategy<Value = Vec<(Vec<Report>, bool)>> {
    let calls = prop_oneof![1_u64..5, 1_u64..300];
    let age = prop_oneof![3 => Just(0_u8), 1 => 1_u8..3, 1 => 0_u8..35];
    let reports = prop::collection::vec((age, 0_usize..4, calls), 0..4);
    prop::collection::vec((reports, prop::bool::weighted(0.7)), 40)
}

proptest! {
    #[test]
    fn the_statements_of_a_month_sum_to_the_rounded_price_of_its_final_counts(
        history in history(), second_runs in any::<bool>(),
    ) {
        let mut shop = Shop::new();
        let mut today: BillingDay = "2015-05-12".parse().unwrap();
        for (reports, runs) in history {
            for (age, api, calls) in reports {
                let day = (0..age).fold(today, |day, _| day.previous());
                let noon = at(&format!("{today} 12:00"));
                if day.month() >= shop.provider.billed_from
                    && terms().calendar.is_open(day.month(), noon)
                {
                    let api = ["t.a", "t.b", "vas.a", "nobody.knows"][api].parse().unwrap();
                    shop.count_on(day, api, calls);
                }
            }
            if second_runs {
                shop.settle(&format!("{today} 18:00"));
            }
            today = today.next();
            if runs {
                shop.settle(&format!("{today} 00:30"));
            }
        }
        shop.settle("2015-07-06 00:30");
        for month in ["2015-05", "2015-06"] {
            let month = month.parse().unwrap();
            prop_assert_eq!(shop.charged_in(month), shop.price_of(month), "{}", month);
            let listed = shop.statements.iter()
                .filter(|statement| statement.statement.day.month() == month)
                .flat_map(|s| s.lines.iter().flat_map(|line| &line.apis).chain(&s.unpriced))
                .try_fold(Calls::ZERO, |sum, count| sum.plus(count.new_calls()));
            prop_assert_eq!(listed, shop.counted_in(month).calls(), "every call is on a statement");
        }
        let ids = shop.statements.iter().map(|statement| statement.statement);
        prop_assert_eq!(ids.collect::<BTreeSet<_>>().len(), shop.statements.len(), "no id twice");
    }
}

#[test]
fn a_clock_that_is_behind_a_settlement_settles_nothing_and_breaks_nothing() {
    let mut shop = Shop::new();
    shop.count("05-16", "t.a", 101);
    shop.settle("2015-05-17 00:30");
    shop.counted.clear();
    assert!(shop.next("2015-05-16 00:30").unwrap().is_none());
}
