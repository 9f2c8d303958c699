//! The rules that documents keep, and those that break them.

use std::collections::BTreeSet;

use expect_test::expect;
use steelyard_pricing::{Plan, Rule};

use crate::documents::{ACCEPTED, ACCEPTED_OVERRIDES, Changes, FORM, FORM_OVERRIDES, over, plan};
use crate::overrides::BROKEN_OVERRIDES;
use crate::{check, read_and_apply, refused_override, refused_plan};

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
    check(
        BROKEN,
        refused_plan,
        expect![[r#"
            rates = []
                rates: a plan has at least one rate
            rates[0].apis = []
                rates[0].apis: a rate covers at least one API; `*` covers all
            rates = [ { "rate": "a", "apis": ["x*", "y"], "price": { "model": "per_unit", "unit_price": "1" } }, { "rate": "a", "apis": ["z", "x*"], "price": { "model": "per_unit", "unit_price": "1" } }, { "rate": "b", "apis": ["y", "y"], "price": { "model": "per_unit", "unit_price": "1" } }]
                rates[1].rate: `a` is the name of another one already; give each its own
                rates[1].apis[1]: `x*` is covered by `a` already; leave it to one of them
                rates[2].apis[0]: `y` is covered by `a` already; leave it to one of them
                rates[2].apis[1]: `y` is covered by `b` already; leave it to one of them
            rates[0].price.unit_price = "-0.1"
                rates[0].price.unit_price: -0.1 is negative; a price is nothing or more
            rates[0].price.unit_price = "0.00000000001"
                rates[0].price.unit_price: 0.00000000001 has more than ten decimals; a price has ten at the most
            rates[0].price.unit_price = "-0.00000000001"
                rates[0].price.unit_price: -0.00000000001 is negative; a price is nothing or more
                rates[0].price.unit_price: -0.00000000001 has more than ten decimals; a price has ten at the most
            rates[0].price = { "model": "percentage", "percent": "1", "fee_per_call": "-1" }
            minimum = "-1"
                minimum: -1 is negative; a price is nothing or more
                rates[0].price.fee_per_call: -1 is negative; a price is nothing or more
            rates[0].price = { "model": "graduated", "tiers": [] }
                rates[0].price.tiers: there is no tier; give at least the last one, without an end
            rates[0].price = { "model": "block", "tiers": [] }
                rates[0].price.tiers: there is no tier; give at least the last one, without an end
            rates[0].price = { "model": "graduated_percentage", "tiers": [] }
                rates[0].price.tiers: there is no tier; give at least the last one, without an end
            rates[0].price = { "model": "volume", "tiers": [{ "up_to": 5, "unit_price": "1" }] }
                rates[0].price.tiers[0].up_to: must be left out in the last tier, which has no end
            rates[0].price = { "model": "graduated", "tiers": [ { "up_to": 5, "unit_price": "1" }, { "up_to": 5, "unit_price": "-1" }, { "unit_price": "1" }, { "up_to": 4, "unit_price": "1" }, { "unit_price": "1", "flat_fee": "-1" }] }
                rates[0].price.tiers[1].up_to: must be above 5, where the tier before ends
                rates[0].price.tiers[2].up_to: is missing; every tier but the last says where it ends
                rates[0].price.tiers[3].up_to: must be above 5, where the tier before ends
                rates[0].price.tiers[1].unit_price: -1 is negative; a price is nothing or more
                rates[0].price.tiers[4].flat_fee: -1 is negative; a price is nothing or more
            rates[0].price = { "model": "graduated_percentage", "tiers": [ { "up_to": 0, "percent": "1" }, { "percent": "1", "flat_fee": "-1" }] }
                rates[0].price.tiers[0].up_to: must be above 0, where the tier before ends
                rates[0].price.tiers[1].flat_fee: -1 is negative; a price is nothing or more
            rates[0].price = { "model": "block", "tiers": [ { "size": 0, "blocks": 1, "price": "1" }, { "size": 1, "blocks": "1.5", "price": "1" }, { "size": 1, "blocks": 0, "price": "1" }, { "size": 1, "price": "-1" }, { "size": 1, "blocks": 2, "price": "1" }] }
                rates[0].price.tiers[0].size: must be above 0
                rates[0].price.tiers[1].blocks: must be a whole number above 0
                rates[0].price.tiers[2].blocks: must be a whole number above 0
                rates[0].price.tiers[3].price: -1 is negative; a price is nothing or more
                rates[0].price.tiers[3].blocks: is missing; every tier but the last says where it ends
                rates[0].price.tiers[4].blocks: must be left out in the last tier, which has no end
            rates[0].price = { "model": "package", "size": 0, "price": "-1" }
                rates[0].price.size: must be above 0
                rates[0].price.price: -1 is negative; a price is nothing or more
            rates[0].price = { "model": "percentage", "percent": "1", "free_calls": "0.5" }
                rates[0].price.free_calls: must be a whole number
            rates[0].price = { "model": "graduated_percentage", "tiers": [{ "percent": "1" }], "free_calls": "0.5" }
                rates[0].price.free_calls: must be a whole number
            conversion = { "multiply": 0, "divide": 1000000001 }
                conversion.multiply: must be above 0 and at most 1000000000
                conversion.divide: must be above 0 and at most 1000000000
                conversion.divide: dividing by 1000000001 has no exact result; tell how to `round`
            rates[0].conversion = { "multiply": "1000000000.1", "divide": 0 }
                rates[0].conversion.multiply: must be above 0 and at most 1000000000
                rates[0].conversion.divide: must be above 0 and at most 1000000000
            rates[0].conversion = { "divide": 3 }
                rates[0].conversion.divide: dividing by 3 has no exact result; tell how to `round`
            free_per_month = 1
            free_per_day = 1
            rates[0].free_per_month = 1
                free_per_day: there is a free_per_month too; give one of them
                rates[0].free_per_month: the plan has a free_per_day, which leaves no place for one by month in a rate
            rates[0].free_per_month = 1
            rates[0].free_per_day = 1
                rates[0].free_per_day: there is a free_per_month too; give one of them
            rates[0].free_per_day = 1
            conversion = { "divide": 10, "round": "up" }
                rates[0].free_per_day: an allowance by day needs a conversion that does not round: days would be rounded each
            minimum = "5"
            maximum = "4.999"
                maximum: 4.999 is finer than a fen; must have at most two decimals
                maximum: must be at least the minimum, 5
            rates[0].minimum = "0.001"
            rates[0].maximum = "1000000000000.01"
                rates[0].minimum: 0.001 is finer than a fen; must have at most two decimals
                rates[0].maximum: must be at most 1000000000000
            deposit = { "amount": "0.001", "due_after_days": 367, "top_up_after_days": 65535 }
                deposit.amount: 0.001 is finer than a fen; must have at most two decimals
                deposit.due_after_days: must be at most 366
                deposit.top_up_after_days: must be at most 366
            alerts = { "budget": {}, "balance": { "below": "0", "days": 367 }, "cap": "5", "unusual_day_percent": 100, "off": ["balance"] }
                alerts.budget: watches nothing; give a line, or leave it out
                alerts.balance.below: must be an amount above zero, at most 1000000000000
                alerts.balance.days: must be from 1 to 366 days
                alerts.unusual_day_percent: must be a percentage from 101 to 1000
                alerts.off: `balance` is off and set; leave one of them out
                alerts.cap: is what a provider chooses; a plan has none
            alerts = { "budget": { "percent": [80, 80, 1001] }, "allowance_percent": [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 101] }
                alerts.budget.percent[1]: must be above the percentage before
                alerts.budget.percent[2]: must be a percentage from 1 to 1000
                alerts.allowance_percent: must be at most 10 percentages
                alerts.allowance_percent[10]: must be a percentage from 1 to 100
            discounts = [{ "discount": "a", "percent": "1", "from": "2015-05-10", "until": "2015-05-10" }, { "discount": "a", "percent": "1" }]
            rates[0].discounts = [{ "discount": "a", "percent": "1", "from": "2015-05-10", "until": "2015-05-09" }]
                discounts[0].until: must be after the day from which it holds
                discounts[1].discount: `a` is the name of another one already; give each its own
                rates[0].discounts[0].until: must be after the day from which it holds
            discounts = [{ "discount": "a" }, { "discount": "b", "percent": "1", "amount": "1" }, { "discount": "c", "amount": "0.005", "of": "list" }, { "discount": "d", "amount": "-1" }, { "discount": "e", "percent": "1", "given": "once", "remainder": "carried" }, { "discount": "f", "amount": "1", "given": "once" }]
                discounts[0]: a discount has a percent or an amount, and not both
                discounts[1]: a discount has a percent or an amount, and not both
                discounts[2].amount: 0.005 is finer than a fen; must have at most two decimals
                discounts[2].of: is about percentages; leave it out beside an amount
                discounts[3].amount: -1 is negative; a price is nothing or more
                discounts[4].given: is about amounts; leave it out without one
                discounts[4].remainder: is about amounts; leave it out without one
                discounts[4].from: an amount that is given once or carried needs the day from which it is given
                discounts[5].from: an amount that is given once or carried needs the day from which it is given
            rates[0].price.unit_price = "2500.0000000001"
                rates[0].price: all that can be counted comes to 250000000000010 yuan with 10 decimals; amounts are exact to 2.5·10^14 yuan with 13 decimals here; lower the price, or give it, its tiers and its discounts fewer decimals
            rates[0].price.unit_price = "1.0000000001"
            discounts = [{ "discount": "a", "percent": "10.0000000001" }, { "discount": "b", "percent": "10.0000001" }, { "discount": "c", "percent": "10.1" }]
                discounts: all that can be counted comes to 100000000010 yuan with 34 decimals; amounts are exact to 2.5·10^14 yuan with 31 decimals here; lower the price, or give it, its tiers and its discounts fewer decimals
            rates[0].price.unit_price = "1.0000000001"
            rates[0].discounts = [{ "discount": "a", "percent": "10.0000000001" }, { "discount": "b", "percent": "10.00000001" }]
                rates[0].discounts: all that can be counted comes to 100000000010 yuan with 32 decimals; amounts are exact to 2.5·10^14 yuan with 31 decimals here; lower the price, or give it, its tiers and its discounts fewer decimals
            rates[0].price.unit_price = "1.0000000001"
            rates[0].free_per_month = "100000.000025"
                rates[0].price: all that can be counted comes to 100000000010 yuan with 16 decimals; amounts are exact to 2.5·10^14 yuan with 13 decimals here; lower the price, or give it, its tiers and its discounts fewer decimals
            rates = [ { "rate": "a", "apis": ["a"], "free_per_month": "0.333333", "price": { "model": "per_unit", "unit_price": "1" } }, { "rate": "b", "apis": ["b"], "price": { "model": "per_unit", "unit_price": "1.0000000001" } }, { "rate": "c", "apis": ["c"], "price": { "model": "percentage", "percent": "0.00001" } }]
            free_per_month = 49
                rates[1].price: all that can be counted comes to 100000000010 yuan with 16 decimals; amounts are exact to 2.5·10^14 yuan with 13 decimals here; lower the price, or give it, its tiers and its discounts fewer decimals
            rates[0].price = { "model": "graduated", "tiers": [ { "up_to": "0.000001", "unit_price": "1.0000000001" }, { "unit_price": "1" }] }
                rates[0].price: all that can be counted comes to 100000000010 yuan with 16 decimals; amounts are exact to 2.5·10^14 yuan with 13 decimals here; lower the price, or give it, its tiers and its discounts fewer decimals
            rates = [ { "rate": "a", "apis": ["a"], "price": { "model": "per_unit", "unit_price": "1300" } }, { "rate": "b", "apis": ["b"], "price": { "model": "per_unit", "unit_price": "1300" } }]
                rates: all that can be counted comes to 260000000000000 yuan with 0 decimals; amounts are exact to 2.5·10^14 yuan with 31 decimals here; lower the price, or give it, its tiers and its discounts fewer decimals
            rates[0].price = { "model": "package", "size": "0.000001", "price": "0" }
            conversion = { "multiply": 1000000000, "divide": "0.000001" }
                rates[0].price: all that can be counted comes to 79228162514264337593543950335 yuan with 0 decimals; amounts are exact to 2.5·10^14 yuan with 13 decimals here; lower the price, or give it, its tiers and its discounts fewer decimals
            rates[0].price = { "model": "block", "tiers": [{ "size": "0.000001", "price": "0" }] }
            conversion = { "multiply": 1000000000, "divide": "0.000001" }
                rates[0].price: all that can be counted comes to 79228162514264337593543950335 yuan with 0 decimals; amounts are exact to 2.5·10^14 yuan with 13 decimals here; lower the price, or give it, its tiers and its discounts fewer decimals
            rates[0].price = { "model": "percentage", "percent": "0.0000000001" }
            conversion = { "multiply": "999999999.999999" }
                conversion: all that can be counted comes to more digits of units than the 28 that are exact; multiply or divide by less, or by a number with fewer decimals
            rates[0].price = { "model": "percentage", "percent": "1" }
            rates[0].conversion = { "multiply": "999999999.999999", "round": "up" }
                rates[0].conversion: all that can be counted comes to more digits of units than the 28 that are exact; multiply or divide by less, or by a number with fewer decimals
            free_per_month = 1
            free_per_day = 1
            rates[0].apis = []
            rates[0].price.unit_price = "-1"
            rates[0].maximum = "-1"
                free_per_day: there is a free_per_month too; give one of them
                rates[0].apis: a rate covers at least one API; `*` covers all
                rates[0].price.unit_price: -1 is negative; a price is nothing or more
                rates[0].maximum: -1 is negative; a price is nothing or more
        "#]],
    );
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
