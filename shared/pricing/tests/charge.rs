//! Days add up to the month, lines add up to the day, and every line can be recomputed.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use expect_test::{Expect, expect};
use proptest::prelude::*;
use rust_decimal::Decimal;
use steelyard_pricing::{
    Calls, ChargeError, DayCharge, Fen, MonthToDate, Plan, Usage, Yuan, charge, rate_month,
};

const JUSHITA: &str = include_str!("../../../plans/jushita-2014.json");
const FOUR_TIERS: &str = include_str!("../../../plans/four-tiers.json");

fn plan(json: &str) -> Plan {
    serde_json::from_str(json).unwrap()
}

fn usage(calls: &[(&str, u64)]) -> Usage {
    let mut usage = Usage::new();
    for (api, count) in calls {
        usage.add(api.parse().unwrap(), Calls::new(*count)).unwrap();
    }
    usage
}

/// The only place of this file that charges: checks what holds for every charge.
fn charged(plan: &Plan, before: &MonthToDate, late: &Usage, own: &Usage) -> DayCharge {
    let charged = charge(plan, before, late, own).unwrap();
    let lines = Fen::sum(charged.lines.iter().map(|line| line.charge_fen)).unwrap();
    assert_eq!(lines, charged.charge_fen, "lines add up");
    for line in &charged.lines {
        let slices = Yuan::sum(line.slices.iter().map(|slice| slice.amount)).unwrap();
        assert_eq!(slices, line.exact_yuan, "slices add up");
        assert_eq!(line.exact_yuan.plus(line.rounding_yuan).unwrap(), line.charge_fen.into());
    }
    let month = rate_month(plan, &charged.month.rated).unwrap().to_fen_half_up().unwrap();
    assert_eq!(charged.month.charged_fen, month, "days add up");
    charged
}

/// A charge as a person would note it down.
fn note(charged: &DayCharge) -> String {
    let mut lines = charged
        .lines
        .iter()
        .map(|line| {
            let late = if line.late { "late " } else { "" };
            let slices = line
                .slices
                .iter()
                .map(|slice| format!("({} − {}) × {}", slice.to, slice.from, slice.unit_price))
                .collect::<Vec<_>>()
                .join(" + ");
            format!(
                "{late}{}: calls {} to {}, allowance {} to {}, {slices} = {} rounded by {} = {}",
                line.rate,
                line.calls_before,
                line.calls_after,
                line.allowance_before(),
                line.allowance_after(),
                line.exact_yuan,
                line.rounding_yuan,
                line.charge_fen
            )
        })
        .collect::<Vec<_>>();
    lines.extend(
        charged
            .unpriced
            .iter()
            .map(|count| format!("unpriced {}: {}", count.api, count.new_calls())),
    );
    lines.push(format!("charge {} of {}", charged.charge_fen, charged.rated_yuan));
    lines.join("\n")
}

fn check(
    plan: &Plan,
    before: &MonthToDate,
    late: &[(&str, u64)],
    own: &[(&str, u64)],
    expected: Expect,
) -> MonthToDate {
    let charged = charged(plan, before, &usage(late), &usage(own));
    expected.assert_eq(&note(&charged));
    charged.month
}

#[test]
fn a_month_under_the_plan_of_2014_explains_itself_day_by_day() {
    let plan = plan(JUSHITA);
    let day_1 = check(
        &plan,
        &MonthToDate::default(),
        &[],
        &[("taobao.item.get", 499_900), ("vas.sms.send", 100_050)],
        expect![[r#"
            basic: calls 0 to 499900, allowance 0 to 499900,  = 0 rounded by 0 = 0.00
            value_added: calls 0 to 100050, allowance 0 to 100000, (50 − 0) × 0.0003 = 0.015 rounded by 0.005 = 0.02
            charge 0.02 of 0.015"#]],
    );
    let day_2 = check(
        &plan,
        &day_1,
        &[],
        &[("taobao.item.get", 200), ("vas.sms.send", 1)],
        expect![[r#"
            basic: calls 499900 to 500100, allowance 499900 to 500000, (100 − 0) × 0.0001 = 0.01 rounded by 0 = 0.01
            value_added: calls 100050 to 100051, allowance 100000 to 100000, (51 − 50) × 0.0003 = 0.0003 rounded by -0.0003 = 0.00
            charge 0.01 of 0.0253"#]],
    );
    check(
        &plan,
        &day_2,
        &[("taobao.item.get", 10_000)],
        &[("taobao.trade.get", 5_000)],
        expect![[r#"
            late basic: calls 500100 to 510100, allowance 500000 to 500000, (10100 − 100) × 0.0001 = 1 rounded by 0 = 1.00
            basic: calls 510100 to 515100, allowance 500000 to 500000, (15100 − 10100) × 0.0001 = 0.5 rounded by 0 = 0.50
            charge 1.50 of 1.5253"#]],
    );
}

#[test]
fn a_day_that_crosses_tiers_is_cut_at_each() {
    check(
        &plan(FOUR_TIERS),
        &MonthToDate::default(),
        &[],
        &[("any", 10_000_003)],
        expect![[r#"
            calls: calls 0 to 10000003, allowance 0 to 0, (100000 − 0) × 0 + (10000000 − 100000) × 0.00002 + (10000003 − 10000000) × 0.000016 = 198.000048 rounded by -0.000048 = 198.00
            charge 198.00 of 198.000048"#]],
    );
}

#[test]
fn usage_that_no_rate_covers_is_listed_and_never_lost() {
    let only_taobao = JUSHITA.replace(r#""*""#, r#""taobao.*""#);
    check(
        &plan(&only_taobao),
        &MonthToDate::default(),
        &[],
        &[("tmall.item.get", 7)],
        expect![[r#"
            unpriced tmall.item.get: 7
            charge 0.00 of 0"#]],
    );
}

#[test]
fn a_difference_without_usage_is_an_error_and_not_a_charge() {
    let before = MonthToDate { rated: Usage::new(), charged_fen: Fen::new(5) };
    assert_eq!(
        charge(&plan(JUSHITA), &before, &Usage::new(), &Usage::new()),
        Err(ChargeError::Unexplained(Fen::new(-5)))
    );
}

#[test]
fn a_second_charge_for_the_same_usage_is_nothing() {
    let plan = plan(JUSHITA);
    let day = usage(&[("a", 612_345)]);
    let first = charged(&plan, &MonthToDate::default(), &Usage::new(), &day);
    let second = charged(&plan, &first.month, &Usage::new(), &Usage::new());
    assert_eq!((second.charge_fen, second.lines), (Fen::ZERO, Vec::new()));
}

fn days() -> impl Strategy<Value = Vec<(Usage, Usage)>> {
    let count = prop_oneof![0_u64..50, 0_u64..600_000, 0_u64..40_000_000];
    let counted = prop::collection::vec((0_usize..4, count), 0..4).prop_map(|counts| {
        let apis = ["vas.a", "vas.b", "taobao.c", "d"];
        let mut usage = Usage::new();
        for (api, count) in counts {
            usage.add(apis[api].parse().unwrap(), Calls::new(count)).unwrap();
        }
        usage
    });
    prop::collection::vec((counted.clone(), counted), 1..20)
}

proptest! {
    #[test]
    fn the_days_of_any_month_sum_to_its_rounded_price(days in days(), tiers in any::<bool>()) {
        let plan = plan(if tiers { FOUR_TIERS } else { JUSHITA });
        let mut month = MonthToDate::default();
        let mut sum = Fen::ZERO;
        for (late, own) in &days {
            let day = charged(&plan, &month, late, own);
            for line in &day.lines {
                prop_assert!(line.rounding_yuan.decimal().abs() <= Decimal::new(1, 2), "at most a fen: {line:?}");
            }
            sum = sum.plus(day.charge_fen).unwrap();
            month = day.month;
        }
        prop_assert_eq!(sum, rate_month(&plan, &month.rated).unwrap().to_fen_half_up().unwrap());
    }
}
