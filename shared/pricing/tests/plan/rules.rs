//! The rules that documents keep, and those that break them.

use std::collections::BTreeSet;

use expect_test::expect_file;
use steelyard_pricing::{Plan, Rule};

use crate::documents::{ACCEPTED, ACCEPTED_OVERRIDES, Changes, FORM, FORM_OVERRIDES, over, plan};
use crate::overrides::BROKEN_OVERRIDES;
use crate::{faults, read_and_apply, refused_override, refused_plan};

/// Declares the names of all rules; a rule that is added has to be named here.
macro_rules! rules {
    ($($rule:ident),* $(,)?) => {
        const RULES: &[&str] = &[$(stringify!($rule)),*];

        fn name_of(rule: &Rule) -> &'static str {
            match rule {
                $(Rule::$rule { .. } => stringify!($rule)),*
            }
        }
    };
}

rules![
    Form,
    NoRate,
    CoversNothing,
    SameName,
    Overlap,
    NegativePrice,
    TooPrecise,
    NoTier,
    TierOrder,
    OpenTier,
    ClosedTier,
    NoSize,
    PartialBlocks,
    PartialCalls,
    Factor,
    Inexact,
    TwoAllowances,
    MonthInDay,
    RoundedDays,
    MaximumBelowMinimum,
    CapTooPrecise,
    PercentOrAmount,
    OfAmount,
    WithoutAmount,
    VoucherWithoutFrom,
    NeverValid,
    TooManyDigits,
    TooManyUnits,
    CapTooLarge,
    NoSuchRate,
    PriceWithoutRate,
    ChangesNothing,
    TooManyDays,
    DepositOfRate,
    WatchesNothing,
    AlertPercent,
    PercentOrder,
    TooManyPercents,
    AlertAmount,
    AlertDays,
    OffAndSet,
    CapOfPlan,
];

/// Plans that break rules.
const BROKEN: &[Changes] = &[
    &["rates = []"],
    &["rates[0].apis = []"],
    &[r#"rates = [
            { "rate": "a", "apis": ["x*", "y"], "price": { "model": "per_unit", "unit_price": "1" } },
            { "rate": "a", "apis": ["z", "x*"], "price": { "model": "per_unit", "unit_price": "1" } },
            { "rate": "b", "apis": ["y", "y"], "price": { "model": "per_unit", "unit_price": "1" } }]"#],
    // Prices.
    &[r#"rates[0].price.unit_price = "-0.1""#],
    &[r#"rates[0].price.unit_price = "0.00000000001""#],
    &[r#"rates[0].price.unit_price = "-0.00000000001""#],
    &[
        r#"rates[0].price = { "model": "percentage", "percent": "1", "fee_per_call": "-1" }"#,
        r#"minimum = "-1""#,
    ],
    // Tiers.
    &[r#"rates[0].price = { "model": "graduated", "tiers": [] }"#],
    &[r#"rates[0].price = { "model": "block", "tiers": [] }"#],
    &[r#"rates[0].price = { "model": "graduated_percentage", "tiers": [] }"#],
    &[r#"rates[0].price = { "model": "volume", "tiers": [{ "up_to": 5, "unit_price": "1" }] }"#],
    &[r#"rates[0].price = { "model": "graduated", "tiers": [
            { "up_to": 5, "unit_price": "1" }, { "up_to": 5, "unit_price": "-1" }, { "unit_price": "1" },
            { "up_to": 4, "unit_price": "1" }, { "unit_price": "1", "flat_fee": "-1" }] }"#],
    &[r#"rates[0].price = { "model": "graduated_percentage", "tiers": [
            { "up_to": 0, "percent": "1" }, { "percent": "1", "flat_fee": "-1" }] }"#],
    &[r#"rates[0].price = { "model": "block", "tiers": [
            { "size": 0, "blocks": 1, "price": "1" }, { "size": 1, "blocks": "1.5", "price": "1" },
            { "size": 1, "blocks": 0, "price": "1" }, { "size": 1, "price": "-1" },
            { "size": 1, "blocks": 2, "price": "1" }] }"#],
    &[r#"rates[0].price = { "model": "package", "size": 0, "price": "-1" }"#],
    &[r#"rates[0].price = { "model": "percentage", "percent": "1", "free_calls": "0.5" }"#],
    &[r#"rates[0].price = { "model": "graduated_percentage", "tiers": [{ "percent": "1" }],
            "free_calls": "0.5" }"#],
    // Conversions.
    &[r#"conversion = { "multiply": 0, "divide": 1000000001 }"#],
    &[r#"rates[0].conversion = { "multiply": "1000000000.1", "divide": 0 }"#],
    &[r#"rates[0].conversion = { "divide": 3 }"#],
    // Allowances.
    &["free_per_month = 1", "free_per_day = 1", "rates[0].free_per_month = 1"],
    &["rates[0].free_per_month = 1", "rates[0].free_per_day = 1"],
    &["rates[0].free_per_day = 1", r#"conversion = { "divide": 10, "round": "up" }"#],
    // Caps.
    &[r#"minimum = "5""#, r#"maximum = "4.999""#],
    &[r#"rates[0].minimum = "0.001""#, r#"rates[0].maximum = "1000000000000.01""#],
    // Deposits.
    &[r#"deposit = { "amount": "0.001", "due_after_days": 367, "top_up_after_days": 65535 }"#],
    // Alerts.
    &[r#"alerts = { "budget": {}, "balance": { "below": "0", "days": 367 }, "cap": "5",
            "unusual_day_percent": 100, "off": ["balance"] }"#],
    &[r#"alerts = { "budget": { "percent": [80, 80, 1001] },
            "allowance_percent": [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 101] }"#],
    // Discounts.
    &[
        r#"discounts = [{ "discount": "a", "percent": "1", "from": "2015-05-10", "until": "2015-05-10" },
                        { "discount": "a", "percent": "1" }]"#,
        r#"rates[0].discounts = [{ "discount": "a", "percent": "1", "from": "2015-05-10", "until": "2015-05-09" }]"#,
    ],
    &[r#"discounts = [{ "discount": "a" }, { "discount": "b", "percent": "1", "amount": "1" },
                        { "discount": "c", "amount": "0.005", "of": "list" }, { "discount": "d", "amount": "-1" },
                        { "discount": "e", "percent": "1", "given": "once", "remainder": "carried" },
                        { "discount": "f", "amount": "1", "given": "once" }]"#],
    // Just past what can be computed exactly.
    &[r#"rates[0].price.unit_price = "2500.0000000001""#],
    &[
        r#"rates[0].price.unit_price = "1.0000000001""#,
        r#"discounts = [{ "discount": "a", "percent": "10.0000000001" }, { "discount": "b", "percent": "10.0000001" },
                        { "discount": "c", "percent": "10.1" }]"#,
    ],
    &[
        r#"rates[0].price.unit_price = "1.0000000001""#,
        r#"rates[0].discounts = [{ "discount": "a", "percent": "10.0000000001" }, { "discount": "b", "percent": "10.00000001" }]"#,
    ],
    &[
        r#"rates[0].price.unit_price = "1.0000000001""#,
        r#"rates[0].free_per_month = "100000.000025""#,
    ],
    // What one rate leaves of the plan's allowance cuts the units of another.
    &[
        r#"rates = [
            { "rate": "a", "apis": ["a"], "free_per_month": "0.333333", "price": { "model": "per_unit", "unit_price": "1" } },
            { "rate": "b", "apis": ["b"], "price": { "model": "per_unit", "unit_price": "1.0000000001" } },
            { "rate": "c", "apis": ["c"], "price": { "model": "percentage", "percent": "0.00001" } }]"#,
        r#"free_per_month = 49"#,
    ],
    &[r#"rates[0].price = { "model": "graduated", "tiers": [
            { "up_to": "0.000001", "unit_price": "1.0000000001" }, { "unit_price": "1" }] }"#],
    &[r#"rates = [
            { "rate": "a", "apis": ["a"], "price": { "model": "per_unit", "unit_price": "1300" } },
            { "rate": "b", "apis": ["b"], "price": { "model": "per_unit", "unit_price": "1300" } }]"#],
    &[
        r#"rates[0].price = { "model": "package", "size": "0.000001", "price": "0" }"#,
        r#"conversion = { "multiply": 1000000000, "divide": "0.000001" }"#,
    ],
    &[
        r#"rates[0].price = { "model": "block", "tiers": [{ "size": "0.000001", "price": "0" }] }"#,
        r#"conversion = { "multiply": 1000000000, "divide": "0.000001" }"#,
    ],
    &[
        r#"rates[0].price = { "model": "percentage", "percent": "0.0000000001" }"#,
        r#"conversion = { "multiply": "999999999.999999" }"#,
    ],
    &[
        r#"rates[0].price = { "model": "percentage", "percent": "1" }"#,
        r#"rates[0].conversion = { "multiply": "999999999.999999", "round": "up" }"#,
    ],
    // All at once.
    &[
        "free_per_month = 1",
        "free_per_day = 1",
        "rates[0].apis = []",
        r#"rates[0].price.unit_price = "-1""#,
        r#"rates[0].maximum = "-1""#,
    ],
];

#[test]
fn a_broken_rule_is_told_by_its_path_and_what_would_be_right() {
    expect_file!["rules.txt"].assert_eq(&faults(BROKEN, refused_plan));
}

#[test]
fn a_document_that_keeps_every_rule_is_accepted() {
    for changes in ACCEPTED {
        Plan::read(&plan(changes)).unwrap_or_else(|error| panic!("{changes:?}: {error}"));
    }
    for changes in ACCEPTED_OVERRIDES {
        read_and_apply(&over(changes)).unwrap_or_else(|error| panic!("{changes:?}: {error}"));
    }
}

#[test]
fn every_rule_is_broken_by_a_document_of_these_tests() {
    let plans = FORM.iter().chain(BROKEN).map(|changes| refused_plan(changes));
    let overrides = FORM_OVERRIDES.iter().chain(BROKEN_OVERRIDES);
    let errors = plans.chain(overrides.map(|changes| refused_override(changes)));
    let seen = errors.flat_map(|error| error.faults).map(|fault| name_of(&fault.rule));
    assert_eq!(seen.collect::<BTreeSet<_>>(), RULES.iter().copied().collect());
}
