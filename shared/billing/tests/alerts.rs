//! Alerts: which figures cross which lines, once, and when they leave them.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use jiff::Timestamp;
use proptest::prelude::*;
use steelyard_billing::{
    Alert, AlertFigures, AlertKind, AlertState, CountedDays, Crossing, DayCalls, Measure,
    crossings, evaluate,
};
use steelyard_pricing::{
    AlertRules, AllowanceUnit, AllowanceUsed, BillingDay, Calls, Fen, Metered, Usage,
};

fn day(text: &str) -> BillingDay {
    format!("2015-{text}").parse().unwrap()
}

fn rules(document: &str) -> AlertRules {
    AlertRules::read(document).unwrap()
}

/// Figures of a night in which everything through a day of 2015 is settled.
fn night(through: &str, month_fen: i64) -> AlertFigures {
    AlertFigures {
        through: day(through),
        is_settled: true,
        month_before_fen: None,
        month_fen: Fen::new(month_fen),
        forecast_fen: None,
        prepaid_fen: Fen::ZERO,
        lasts_days: None,
        allowances: Vec::new(),
        day: None,
    }
}

/// Figures of a day that is not over.
fn live(today: &str, month_fen: i64) -> AlertFigures {
    AlertFigures { is_settled: false, ..night(today, month_fen) }
}

/// A provider that is watched.
struct Watched {
    rules: AlertRules,
    state: AlertState,
    now: Timestamp,
}

impl Watched {
    fn by(document: &str) -> Watched {
        let now = "2015-05-01T00:00:00Z".parse().unwrap();
        Watched { rules: rules(document), state: AlertState::default(), now }
    }

    /// What figures change, in words. The only place of this test that evaluates: twice, and the
    /// second time changes nothing.
    fn see(&mut self, figures: &AlertFigures) -> Vec<String> {
        self.now += jiff::SignedDuration::from_mins(1);
        let after = evaluate(&self.rules, figures, &self.state, self.now);
        let later = self.now + jiff::SignedDuration::from_mins(1);
        assert_eq!(evaluate(&self.rules, figures, &after, later), after, "twice is once");
        let changed = crossings(&self.state, &after);
        self.state = after;
        changed.iter().map(told).collect()
    }

    /// What a sequence of figures of the month changes, each in the night after a day from the
    /// first on.
    fn nights(document: &str, figures: &[i64]) -> Vec<String> {
        let mut watched = Watched::by(document);
        let night_of = |(index, fen): (usize, &i64)| night(&format!("05-{:02}", index + 1), *fen);
        let nights = figures.iter().enumerate().map(night_of).collect::<Vec<_>>();
        nights.iter().map(|night| watched.see(night).join(", ")).collect()
    }
}

fn told(crossing: &Crossing) -> String {
    let (sign, Alert { kind, rate, percent, line, figure, .. }) = match crossing {
        Crossing::Triggered(alert) => ("+", alert),
        Crossing::Resolved(alert) => ("-", alert),
    };
    let rate = rate.as_ref().map(|rate| format!(" of {rate}")).unwrap_or_default();
    format!("{sign}{kind}{rate} {percent:?}: {figure} at {line}")
}

const BUDGET: &str = r#"{"budget": {"monthly": "100.00", "percent": [50, 80, 100]}}"#;

#[test]
fn a_figure_crosses_a_line_when_it_reaches_it_and_once() {
    let seen = Watched::nights(BUDGET, &[4_999, 5_000, 5_001, 7_999, 8_000, 12_000, 20_000]);
    assert_eq!(
        seen,
        [
            "",
            "+budget [50]: ¥50.00 at ¥50.00",
            "",
            "",
            "+budget [80]: ¥80.00 at ¥80.00",
            "+budget [100]: ¥120.00 at ¥100.00",
            ""
        ]
    );
}

#[test]
fn several_lines_that_are_crossed_at_once_are_one_message() {
    let seen = Watched::nights(BUDGET, &[100, 9_000, 10_000]);
    assert_eq!(
        seen,
        ["", "+budget [50, 80]: ¥90.00 at ¥80.00", "+budget [100]: ¥100.00 at ¥100.00"]
    );
}

#[test]
fn an_alert_is_resolved_only_by_a_margin() {
    let rules = r#"{"budget": {"monthly": "100.00", "percent": [100]}}"#;
    let seen = Watched::nights(rules, &[10_000, 9_999, 9_500, 10_000, 9_499, 9_999, 10_000]);
    assert_eq!(
        seen,
        [
            "+budget [100]: ¥100.00 at ¥100.00",
            "",
            "",
            "",
            "-budget [100]: ¥100.00 at ¥100.00",
            "",
            "+budget [100]: ¥100.00 at ¥100.00"
        ]
    );
}

#[test]
fn a_void_that_falls_back_under_a_line_leaves_the_lower_ones_standing() {
    let mut watched = Watched::by(BUDGET);
    watched.see(&live("05-10", 11_000));
    assert_eq!(watched.see(&live("05-10", 8_500)), ["-budget [50, 80, 100]: ¥110.00 at ¥100.00"]);
    assert_eq!(watched.state.alerts[0].level(), 80);
    assert_eq!(watched.see(&live("05-10", 10_000)), ["+budget [100]: ¥100.00 at ¥100.00"]);
    assert_eq!(watched.see(&night("05-10", 100)), ["-budget [100]: ¥100.00 at ¥100.00"]);
    assert_eq!(watched.state, AlertState::default(), "nothing is stored without an alert");
}

#[test]
fn a_night_that_does_not_know_todays_usage_resolves_nothing() {
    let mut watched = Watched::by(BUDGET);
    watched.see(&live("05-10", 10_500));
    assert_eq!(watched.see(&night("05-09", 4_000)), [""; 0]);
    assert_eq!(watched.see(&night("05-09", 10_500)), [""; 0], "nor triggers it again");
    assert_eq!(watched.see(&night("05-10", 10_600)), [""; 0]);
}

#[test]
fn a_new_month_starts_fresh_once_the_last_one_is_settled() {
    let mut watched = Watched::by(BUDGET);
    watched.see(&night("05-29", 9_000));
    // The first minutes of June, before the night that settles the last day of May.
    assert_eq!(watched.see(&live("06-01", 5_100)), ["+budget [50]: ¥51.00 at ¥50.00"]);
    assert_eq!(watched.see(&night("05-31", 10_000)), ["+budget [100]: ¥100.00 at ¥100.00"]);
    assert_eq!(watched.see(&night("05-31", 10_000)), [""; 0], "May is told once");
    assert_eq!(watched.state.alerts.len(), 2);
    assert_eq!(watched.see(&night("06-01", 5_200)), ["-budget [100]: ¥100.00 at ¥100.00"]);
    assert_eq!(watched.state.alerts.len(), 1, "what June triggered stands");
}

#[test]
fn a_budget_without_an_amount_is_what_the_month_before_was_charged() {
    let of = |before: Option<i64>, month_fen| {
        let own = AlertRules::default().over(&AlertRules::default());
        let mut watched = Watched { rules: own, ..Watched::by("{}") };
        let before = before.map(Fen::new);
        let forecast_fen = Some(Fen::new(month_fen * 2));
        let known = night("05-20", month_fen);
        watched.see(&AlertFigures { month_before_fen: before, forecast_fen, ..known })
    };
    assert_eq!(of(None, 1_000_000), [""; 0]);
    assert_eq!(of(Some(999), 1_000_000), [""; 0], "a small month is no budget");
    assert_eq!(of(Some(1_000), 749), [""; 0]);
    assert_eq!(of(Some(1_000), 750), ["+forecast [150]: ¥15.00 at ¥15.00"]);
    assert_eq!(
        of(Some(1_000), 1_200),
        ["+budget [120]: ¥12.00 at ¥12.00", "+forecast [150]: ¥24.00 at ¥15.00"]
    );
}

#[test]
fn a_balance_is_low_by_its_amount_and_by_its_days() {
    let mut watched = Watched::by(r#"{"balance": {"below": "100.00", "days": 7}}"#);
    let mut see = |through: &str, prepaid: i64, lasts_days| {
        let prepaid_fen = Fen::new(prepaid);
        watched.see(&AlertFigures { prepaid_fen, lasts_days, ..night(through, 0) })
    };
    assert_eq!(see("05-01", 10_001, Some(8)), [""; 0]);
    assert_eq!(
        see("05-02", 10_000, Some(7)),
        ["+balance [100]: ¥100.00 at ¥100.00", "+balance_days [100]: 7 days at 7 days"]
    );
    assert_eq!(see("05-03", 10_500, None), [""; 0], "within the margin, and unknown");
    assert_eq!(see("06-03", 10_500, Some(7)), [""; 0], "a month more changes nothing");
    assert_eq!(
        see("06-04", 10_501, Some(8)),
        ["-balance [100]: ¥100.00 at ¥100.00", "-balance_days [100]: 7 days at 7 days"]
    );
}

#[test]
fn each_allowance_has_its_own_alert_and_goes_with_its_rate() {
    let mut watched = Watched::by(r#"{"allowance_percent": [80, 100]}"#);
    let of = |rate: &str, used: u32, free: u32| AllowanceUsed {
        rate: Some(rate.parse().unwrap()),
        unit: match rate {
            "pay" => AllowanceUnit::Yuan,
            "vas" => AllowanceUnit::Units,
            _ => AllowanceUnit::Calls,
        },
        free: free.into(),
        used: used.into(),
    };
    let mut see = |through: &str, allowances: &[AllowanceUsed]| {
        watched.see(&AlertFigures { allowances: allowances.to_vec(), ..night(through, 0) })
    };
    assert_eq!(see("05-01", &[of("basic", 79, 100), of("none", 0, 0)]), [""; 0]);
    assert_eq!(
        see("05-02", &[of("basic", 80, 100), of("vas", 10, 10)]),
        [
            "+allowance of basic [80]: 80 calls at 80 calls",
            "+allowance of vas [80, 100]: 10 units at 10 units"
        ]
    );
    assert_eq!(
        see("05-02", &[of("basic", 80, 100), of("vas", 10, 10), of("pay", 85, 100)]),
        ["+allowance of pay [80]: ¥85.00 at ¥80.00"]
    );
    // Another plan from the third on: half of the allowance, and neither `vas` nor `pay`.
    assert_eq!(
        see("05-03", &[of("basic", 80, 160)]),
        [
            "-allowance of basic [80]: 80 calls at 80 calls",
            "-allowance of pay [80]: ¥85.00 at ¥80.00",
            "-allowance of vas [80, 100]: 10 units at 10 units"
        ]
    );
}

#[test]
fn a_day_is_unusual_beside_the_same_weekdays_and_known_when_it_is_over() {
    let mut watched = Watched::by(r#"{"unusual_day_percent": 200}"#);
    let of = |calls, usual| Some(DayCalls { calls: Calls::new(calls), usual: Calls::new(usual) });
    let mut see = |figures: AlertFigures, day| watched.see(&AlertFigures { day, ..figures });
    assert_eq!(see(live("05-10", 0), of(199, 100)), [""; 0]);
    assert_eq!(see(live("05-10", 0), of(200, 100)), ["+unusual_day [200]: 200 calls at 200 calls"]);
    assert_eq!(see(live("05-11", 0), of(3, 100)), [""; 0], "the morning of the next day");
    assert_eq!(see(night("05-10", 0), of(400, 100)), [""; 0]);
    assert_eq!(see(night("05-11", 0), None), [""; 0]);
    assert_eq!(
        see(night("05-12", 0), of(120, 100)),
        ["-unusual_day [200]: 200 calls at 200 calls"]
    );
    assert_eq!(see(night("05-13", 0), of(500, 0)), [""; 0], "nothing is usual");
}

#[test]
fn what_is_usual_is_the_middle_of_the_same_weekdays() {
    let usage = |calls| Usage::from_iter([("a.b".parse().unwrap(), Metered::calls(calls))]);
    let of = |days: &[(&str, u64)]| {
        let days = days.iter().map(|(on, calls)| (day(on), usage(*calls)));
        let compared = DayCalls::of(day("05-29"), &usage(7), &days.collect::<CountedDays>());
        compared.unwrap().map(|day| (day.calls.get(), day.usual.get()))
    };
    assert_eq!(of(&[("05-22", 5), ("05-21", 9), ("05-28", 9)]), None, "one is not enough");
    assert_eq!(of(&[("05-22", 5), ("05-15", 3)]), Some((7, 5)));
    assert_eq!(of(&[("05-22", 50), ("05-15", 3), ("05-08", 4)]), Some((7, 4)));
    assert_eq!(
        of(&[("05-22", 50), ("05-15", 3), ("05-08", 4), ("05-01", 5), ("04-24", 999)]),
        Some((7, 5))
    );
}

#[test]
fn a_cap_is_lifted_by_raising_it_above_what_was_used() {
    let mut watched = Watched::by(r#"{"cap": "100.00"}"#);
    assert_eq!(watched.see(&live("05-10", 12_000)), ["+cap [100]: ¥120.00 at ¥100.00"]);
    let cap = |document: &str| watched.state.under(&rules(document)).alerts.len();
    assert_eq!(cap(r#"{"cap": "120.00"}"#), 1);
    assert_eq!(cap(r#"{"cap": "120.01"}"#), 0);
    assert_eq!(cap("{}"), 0);
    assert_eq!(watched.state.alerts[0].line, Measure::Fen(Fen::new(10_000)));
}

#[test]
fn rules_that_go_take_their_alerts_along() {
    let mut watched = Watched::by(BUDGET);
    watched.see(&live("05-10", 9_000));
    watched.rules = rules(r#"{"off": ["budget"]}"#).over(&rules(BUDGET));
    assert_eq!(watched.see(&live("05-10", 9_000)), ["-budget [50, 80]: ¥90.00 at ¥80.00"]);
}

#[test]
fn what_a_provider_leaves_out_is_as_its_plan_has_it() {
    let plan = rules(r#"{"allowance_percent": [80], "off": ["budget"], "balance": {"days": 3}}"#);
    let check = |own: &str, effective: &str| {
        let effective: AlertRules = serde_json::from_str(effective).unwrap();
        assert_eq!(rules(own).over(&plan), effective, "{own}");
    };
    check("{}", r#"{"allowance_percent": [80], "balance": {"days": 3}}"#);
    check(
        r#"{"budget": {"percent": [90]}, "off": ["allowance"], "cap": "0.05"}"#,
        r#"{"budget": {"percent": [90]}, "balance": {"days": 3}, "cap": "0.05"}"#,
    );
    check(
        r#"{"balance": {"below": "0.01"}}"#,
        r#"{"allowance_percent": [80], "balance": {"below": "0.01"}}"#,
    );
    let default = rules("{}").over(&rules("{}"));
    assert_eq!(
        serde_json::to_value(default).unwrap(),
        serde_json::json!({"budget": {"percent": [120], "forecast_percent": 150}})
    );
}

#[test]
fn rules_that_make_no_sense_are_refused_by_their_path() {
    let check = |document: &str, faults: &str| {
        assert_eq!(AlertRules::read(document).unwrap_err().to_string(), faults, "{document}");
    };
    check(r#"{"budget": {}}"#, "budget: watches nothing; give a line, or leave it out");
    check(
        r#"{"budget": {"percent": [80, 80, 1001], "monthly": "0.00"}}"#,
        "budget.monthly: must be an amount above zero, at most 1000000000000; \
         budget.percent[1]: must be above the percentage before; \
         budget.percent[2]: must be a percentage from 1 to 1000",
    );
    check(
        r#"{"allowance_percent": [101], "unusual_day_percent": 100, "cap": "-0.01"}"#,
        "allowance_percent[0]: must be a percentage from 1 to 100; \
         unusual_day_percent: must be a percentage from 101 to 1000; \
         cap: must be an amount above zero, at most 1000000000000",
    );
    check(r#"{"balance": {"days": 367}}"#, "balance.days: must be from 1 to 366 days");
    check(
        r#"{"balance": {"days": 3}, "off": ["balance"]}"#,
        "off: `balance` is off and set; leave one of them out",
    );
    let many = (1..=11).map(|percent| percent.to_string()).collect::<Vec<_>>().join(",");
    check(
        &format!(r#"{{"budget": {{"percent": [{many}]}}}}"#),
        "budget.percent: must be at most 10 percentages",
    );
    assert!(AlertRules::read(r#"{"budgets": {}}"#).is_err());
}

proptest! {
    /// Whatever comes: an evaluation is idempotent, nothing that is reached goes unnoticed, and a
    /// line is reported again only after the figure was below it by the margin, or in another
    /// month.
    #[test]
    fn each_line_is_told_of_once_until_it_is_left(
        seen in prop::collection::vec((0_i64..15_000, 0_u8..3, any::<bool>()), 1..60),
    ) {
        let mut watched = Watched::by(BUDGET);
        let mut today = day("05-01");
        // The lowest settled or live figure since each line was reported, with its month.
        let mut told = Vec::<(u16, BillingDay, i64)>::new();
        for (fen, later, is_settled) in seen {
            today = (0..later).fold(today, |day, _| day.next());
            let of = today.to_string();
            let figures = AlertFigures { is_settled, ..night(&of[5..], fen) };
            told.iter_mut().for_each(|(_, _, lowest)| *lowest = fen.min(*lowest));
            let before = watched.state.clone();
            watched.see(&figures);
            for crossing in crossings(&before, &watched.state) {
                let Crossing::Triggered(alert) = crossing else { continue };
                for percent in alert.percent {
                    let again = told.iter().position(|(other, ..)| *other == percent);
                    if let Some((_, on, lowest)) = again.map(|at| told.remove(at)) {
                        let is_left = lowest * 100 < 10_000 * i64::from(percent) * 95 / 100;
                        prop_assert!(is_left || on.month() < today.month(), "{percent} again");
                    }
                    told.push((percent, today, i64::MAX));
                }
            }
            let level = watched.state.alerts.iter()
                .filter(|alert| alert.kind == AlertKind::Budget && alert.day.month() == today.month())
                .map(Alert::level).max().unwrap_or_default();
            for percent in [50_u16, 80, 100] {
                prop_assert!(fen < 100 * i64::from(percent) || level >= percent, "{percent} missed");
            }
        }
    }
}
