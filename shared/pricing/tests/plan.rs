//! What is wrong with a document is told with its path, all of it at once, and for people.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fmt::Write;

use expect_test::{Expect, expect};
use steelyard_pricing::{Catalog, Name, Override, Plan, PlanError, Rule};

mod documents;

use documents::{ACCEPTED, ACCEPTED_OVERRIDES, Changes, FORM, FORM_OVERRIDES, over, plan};

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
    Factor,
    Inexact,
    TwoAllowances,
    MonthInDay,
    RoundedDays,
    MaximumBelowMinimum,
    CapTooPrecise,
    NeverValid,
    TooManyDigits,
    TooManyUnits,
    CapTooLarge,
    NoSuchRate,
    PriceWithoutRate,
    ChangesNothing,
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
    // Discounts.
    &[
        r#"discounts = [{ "discount": "a", "percent": "1", "from": "2015-05-10", "until": "2015-05-10" },
                        { "discount": "a", "percent": "1" }]"#,
        r#"rates[0].discounts = [{ "discount": "a", "percent": "1", "from": "2015-05-10", "until": "2015-05-09" }]"#,
    ],
    // Just past what can be computed exactly.
    &[r#"rates[0].price.unit_price = "2500.0000000001""#],
    &[
        r#"rates[0].price.unit_price = "1.0000000001""#,
        r#"discounts = [{ "discount": "a", "percent": "10.0001" }]"#,
    ],
    &[
        r#"rates[0].price.unit_price = "1.0000000001""#,
        r#"rates[0].free_per_month = "100000.000025""#,
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

/// Overrides that break rules, alone or with the plan.
const BROKEN_OVERRIDES: &[Changes] = &[
    &["price"],
    &["price", "rate"],
    &["rate"],
    &[r#"rate = "b""#],
    &[r#"until = "2015-05-10""#],
    &[r#"price.unit_price = "-1""#],
    &[
        r#"price = { "model": "graduated", "tiers": [{ "up_to": 0, "unit_price": "1" }] }"#,
        r#"rate = "b""#,
        r#"until = "2015-05-01""#,
    ],
    &[r#"price.unit_price = "2500.0000000001""#],
    &[r#"override = "welcome""#, "price", r#"discount_percent = "5""#],
    &["price", r#"discount_percent = "0.0000000001""#],
];

/// The plan that overrides are applied to.
fn overridden() -> Plan {
    let changes = [
        r#"rates[0].price.unit_price = "1000.00001""#,
        r#"rates[0].discounts = [{ "discount": "welcome", "percent": "5" }]"#,
    ];
    Plan::read(&plan(&changes)).unwrap()
}

fn read_and_apply(document: &str) -> Result<Plan, PlanError> {
    Override::read(document)?.applied_to(&overridden())
}

/// Each document's changes, with what is wrong below them.
fn check(tables: &[Changes], refused: impl Fn(Changes) -> PlanError, expected: Expect) {
    let mut lines = String::new();
    for changes in tables {
        for change in *changes {
            let change = change.split_whitespace().collect::<Vec<_>>().join(" ");
            writeln!(lines, "{change}").unwrap();
        }
        for fault in refused(changes).faults {
            writeln!(lines, "    {fault}").unwrap();
        }
    }
    expected.assert_eq(&lines);
}

fn refused_plan(changes: Changes) -> PlanError {
    Plan::read(&plan(changes)).err().unwrap_or_else(|| panic!("accepted: {changes:?}"))
}

fn refused_override(changes: Changes) -> PlanError {
    read_and_apply(&over(changes)).err().unwrap_or_else(|| panic!("accepted: {changes:?}"))
}

#[test]
fn a_wrong_form_is_told_by_its_path_and_what_would_be_right() {
    check(
        FORM,
        refused_plan,
        expect![[r#"
            plan
                plan: is missing, and must be given
            effective_from
                effective_from: is missing, and must be given
            rates
                rates: is missing, and must be given
            rates[0].rate
                rates[0].rate: is missing, and must be given
            rates[0].apis
                rates[0].apis: is missing, and must be given
            rates[0].price
                rates[0].price: is missing, and must be given
            rates[0].price.model
                rates[0].price.model: is missing, and must be given
            rates[0].price.unit_price
                rates[0].price.unit_price: is missing, and must be given
            discounts = [{ "discount": "a" }]
                discounts[0].percent: is missing, and must be given
            rates[0].price = { "model": "graduated", "tiers": [{ "up_to": 5 }] }
                rates[0].price.tiers[0].unit_price: is missing, and must be given
            version = 2
                version: is not a field here; the fields are plan, effective_from, description, rounding, conversion, free_per_month, free_per_day, discounts, minimum, maximum, rates
            rates[0].free_per_moth = 5
                rates[0].free_per_moth: is not a field here; the fields are rate, apis, conversion, free_per_month, free_per_day, price, discounts, minimum, maximum
            rates[0].price.flat_fee = 5
                rates[0].price.flat_fee: is not a field here; the fields are unit_price
            rates[0].price = { "model": "volume", "tiers": [{ "unit_price": "1", "price": "1" }] }
                rates[0].price.tiers[0].price: is not a field here; the fields are up_to, unit_price, flat_fee
            rates = {}
                rates: is an object; must be a list
            rates = ["a"]
                rates[0]: is the text "a"; must be an object
            plan = 5
                plan: is the number 5; must be a text
            description = true
                description: is true; must be a text
            effective_from = 20150501
                effective_from: is the number 20150501; must be a text
            rates[0].apis = "*"
                rates[0].apis: is the text "*"; must be a list
            rates[0].apis = [5]
                rates[0].apis[0]: is the number 5; must be a text
            rates[0].price = "1"
                rates[0].price: is the text "1"; must be an object
            rates[0].price = []
                rates[0].price: is a list; must be an object
            rates[0].price.model = 5
                rates[0].price.model: is the number 5; must be one of "per_unit", "package", "graduated", "volume", "block", "percentage", "graduated_percentage"
            conversion = 1000
                conversion: is the number 1000; must be an object
            rounding = 5
                rounding: is the number 5; must be one of "half_up", "half_even", "up", "down"
            discounts = {}
                discounts: is an object; must be a list
            rates[0].price = { "model": "volume", "tiers": [{ "unit_price": "1" }], "flat_fee_at_zero_usage": "yes" }
                rates[0].price.flat_fee_at_zero_usage: is the text "yes"; must be true or false
            maximum = null
                maximum: is null; leave it out, or give an amount in yuan as a text such as "0.0001", since a number may have been rounded on its way
            description = null
                description: is null; leave it out, or give a text
            rates[0].price.unit_price = 0.1
                rates[0].price.unit_price: is the number 0.1; must be an amount in yuan as a text such as "0.0001", since a number may have been rounded on its way
            rates[0].price.unit_price = 1
                rates[0].price.unit_price: is the number 1; must be an amount in yuan as a text such as "0.0001", since a number may have been rounded on its way
            rates[0].price.unit_price = "a fen"
                rates[0].price.unit_price: is the text "a fen"; must be an amount in yuan as a text such as "0.0001", since a number may have been rounded on its way
            rates[0].price.unit_price = "1e-3"
                rates[0].price.unit_price: is the text "1e-3"; must be an amount in yuan as a text such as "0.0001", since a number may have been rounded on its way
            rates[0].price.unit_price = "1_000"
                rates[0].price.unit_price: is the text "1_000"; must be an amount in yuan as a text such as "0.0001", since a number may have been rounded on its way
            rates[0].price.unit_price = "+1"
                rates[0].price.unit_price: is the text "+1"; must be an amount in yuan as a text such as "0.0001", since a number may have been rounded on its way
            rates[0].price.unit_price = ".5"
                rates[0].price.unit_price: is the text ".5"; must be an amount in yuan as a text such as "0.0001", since a number may have been rounded on its way
            rates[0].price.unit_price = "1,000"
                rates[0].price.unit_price: is the text "1,000"; must be an amount in yuan as a text such as "0.0001", since a number may have been rounded on its way
            rates[0].price.unit_price = ""
                rates[0].price.unit_price: is the text ""; must be an amount in yuan as a text such as "0.0001", since a number may have been rounded on its way
            minimum = 100
                minimum: is the number 100; must be an amount in yuan as a text such as "0.0001", since a number may have been rounded on its way
            rates[0].price = { "model": "percentage", "percent": 20 }
                rates[0].price.percent: is the number 20; must be a percentage from 0 to 100 as a text with at most ten decimals such as "20"
            rates[0].price = { "model": "percentage", "percent": "100.1" }
                rates[0].price.percent: is the text "100.1"; must be a percentage from 0 to 100 as a text with at most ten decimals such as "20"
            rates[0].price = { "model": "percentage", "percent": "-1" }
                rates[0].price.percent: is the text "-1"; must be a percentage from 0 to 100 as a text with at most ten decimals such as "20"
            discounts = [{ "discount": "a", "percent": "0.00000000001" }]
                discounts[0].percent: is the text "0.00000000001"; must be a percentage from 0 to 100 as a text with at most ten decimals such as "20"
            rates[0].free_per_month = 0.5
                rates[0].free_per_month: is the number 0.5; must be a quantity from 0 to 10^15: a whole number, or a text with at most six decimals such as "100.5"
            rates[0].free_per_month = -1
                rates[0].free_per_month: is the number -1; must be a quantity from 0 to 10^15: a whole number, or a text with at most six decimals such as "100.5"
            rates[0].free_per_month = 1000000000000001
                rates[0].free_per_month: is the number 1000000000000001; must be a quantity from 0 to 10^15: a whole number, or a text with at most six decimals such as "100.5"
            rates[0].free_per_month = 100000000000000000000000
                rates[0].free_per_month: is the number 1e+23; must be a quantity from 0 to 10^15: a whole number, or a text with at most six decimals such as "100.5"
            rates[0].free_per_month = true
                rates[0].free_per_month: is true; must be a quantity from 0 to 10^15: a whole number, or a text with at most six decimals such as "100.5"
            rates[0].free_per_month = "0.0000001"
                rates[0].free_per_month: is the text "0.0000001"; must be a quantity from 0 to 10^15: a whole number, or a text with at most six decimals such as "100.5"
            rates[0].free_per_month = "500 000"
                rates[0].free_per_month: is the text "500 000"; must be a quantity from 0 to 10^15: a whole number, or a text with at most six decimals such as "100.5"
            rates[0].price = { "model": "graduated", "tiers": [{ "up_to": 10, "unit_price": "1" }, { "up_to": 20.5, "unit_price": "1" }] }
                rates[0].price.tiers[1].up_to: is the number 20.5; must be a quantity from 0 to 10^15: a whole number, or a text with at most six decimals such as "100.5"
            rates[0].price = { "tiers": [{ "unit_price": 0.1 }], "flat_fee_at_zero_usage": true, "model": "volume" }
                rates[0].price.tiers[0].unit_price: is the number 0.1; must be an amount in yuan as a text such as "0.0001", since a number may have been rounded on its way
            plan = "Jushita 2014"
                plan: `Jushita 2014` is not a name of 1 to 64 of a-z, 0-9, - and _
            plan = ""
                plan: `` is not a name of 1 to 64 of a-z, 0-9, - and _
            rates[0].rate = "a.b"
                rates[0].rate: `a.b` is not a name of 1 to 64 of a-z, 0-9, - and _
            rates[0].apis = ["taobao.*", "a*b"]
                rates[0].apis[1]: `a*b` holds a `*` that is not at its end
            rates[0].apis = [""]
                rates[0].apis[0]: an API name has 1 to 128 characters, not 0
            rates[0].apis = ["接口"]
                rates[0].apis[0]: an API name may not hold '接'
            effective_from = "2015-5-1"
                effective_from: `2015-5-1` is not a day such as 2015-05-17
            effective_from = "2015-02-29"
                effective_from: `2015-02-29` is not a day such as 2015-05-17
            effective_from = "1999-12-31"
                effective_from: `1999-12-31` is not a day such as 2015-05-17
            discounts = [{ "discount": "a", "percent": "1", "until": "May" }]
                discounts[0].until: `May` is not a day such as 2015-05-17
            rounding = "nearest"
                rounding: is "nearest"; must be one of "half_up", "half_even", "up", "down"
            conversion = { "round": "half_up" }
                conversion.round: is "half_up"; must be one of "none", "up", "down"
            rates[0].price.model = "per-unit"
                rates[0].price.model: is "per-unit"; must be one of "per_unit", "package", "graduated", "volume", "block", "percentage", "graduated_percentage"
            rates[0].price = { "model": "block", "policy": "all", "tiers": [{ "size": 1, "price": "1" }] }
                rates[0].price.policy: is "all"; must be one of "all_tiers", "top_tier"
        "#]],
    );
}

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
            conversion = { "multiply": 0, "divide": 1000000001 }
                conversion.multiply: must be above 0 and at most 1000000000
                conversion.divide: must be above 0 and at most 1000000000
                conversion.divide: dividing by 1000000001 has no exact result; round `up` or `down`
            rates[0].conversion = { "multiply": "1000000000.1", "divide": 0 }
                rates[0].conversion.multiply: must be above 0 and at most 1000000000
                rates[0].conversion.divide: must be above 0 and at most 1000000000
            rates[0].conversion = { "divide": 3 }
                rates[0].conversion.divide: dividing by 3 has no exact result; round `up` or `down`
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
            discounts = [{ "discount": "a", "percent": "1", "from": "2015-05-10", "until": "2015-05-10" }, { "discount": "a", "percent": "1" }]
            rates[0].discounts = [{ "discount": "a", "percent": "1", "from": "2015-05-10", "until": "2015-05-09" }]
                discounts[0].until: must be after the day from which it holds
                discounts[1].discount: `a` is the name of another one already; give each its own
                rates[0].discounts[0].until: must be after the day from which it holds
            rates[0].price.unit_price = "2500.0000000001"
                rates[0].price: all that can be counted comes to 250000000000010 yuan with 10 decimals; amounts are exact to 2.5·10^14 yuan with 13 decimals; lower the price, or give it, its tiers and its discounts fewer decimals
            rates[0].price.unit_price = "1.0000000001"
            discounts = [{ "discount": "a", "percent": "10.0001" }]
                rates: all that can be counted comes to 100000000010 yuan with 16 decimals; amounts are exact to 2.5·10^14 yuan with 13 decimals; lower the price, or give it, its tiers and its discounts fewer decimals
            rates[0].price.unit_price = "1.0000000001"
            rates[0].free_per_month = "100000.000025"
                rates[0].price: all that can be counted comes to 100000000010 yuan with 16 decimals; amounts are exact to 2.5·10^14 yuan with 13 decimals; lower the price, or give it, its tiers and its discounts fewer decimals
            rates[0].price = { "model": "graduated", "tiers": [ { "up_to": "0.000001", "unit_price": "1.0000000001" }, { "unit_price": "1" }] }
                rates[0].price: all that can be counted comes to 100000000010 yuan with 16 decimals; amounts are exact to 2.5·10^14 yuan with 13 decimals; lower the price, or give it, its tiers and its discounts fewer decimals
            rates = [ { "rate": "a", "apis": ["a"], "price": { "model": "per_unit", "unit_price": "1300" } }, { "rate": "b", "apis": ["b"], "price": { "model": "per_unit", "unit_price": "1300" } }]
                rates: all that can be counted comes to 260000000000000 yuan with 0 decimals; amounts are exact to 2.5·10^14 yuan with 13 decimals; lower the price, or give it, its tiers and its discounts fewer decimals
            rates[0].price = { "model": "package", "size": "0.000001", "price": "0" }
            conversion = { "multiply": 1000000000, "divide": "0.000001" }
                rates[0].price: all that can be counted comes to 79228162514264337593543950335 yuan with 0 decimals; amounts are exact to 2.5·10^14 yuan with 13 decimals; lower the price, or give it, its tiers and its discounts fewer decimals
            rates[0].price = { "model": "block", "tiers": [{ "size": "0.000001", "price": "0" }] }
            conversion = { "multiply": 1000000000, "divide": "0.000001" }
                rates[0].price: all that can be counted comes to 79228162514264337593543950335 yuan with 0 decimals; amounts are exact to 2.5·10^14 yuan with 13 decimals; lower the price, or give it, its tiers and its discounts fewer decimals
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
fn an_overrides_wrong_form_is_told_by_its_path() {
    check(
        FORM_OVERRIDES,
        refused_override,
        expect![[r#"
            override
                override: is missing, and must be given
            from
                from: is missing, and must be given
            until = null
                until: is null; leave it out, or give a text
            percent = 5
                percent: is not a field here; the fields are override, from, until, rate, price, free_on_top, discount_percent
            free_on_top = 0.5
                free_on_top: is the number 0.5; must be a quantity from 0 to 10^15: a whole number, or a text with at most six decimals such as "100.5"
            discount_percent = 5
                discount_percent: is the number 5; must be a percentage from 0 to 100 as a text with at most ten decimals such as "20"
            rate = "A"
                rate: `A` is not a name of 1 to 64 of a-z, 0-9, - and _
            price.unit_price = 0.5
                price.unit_price: is the number 0.5; must be an amount in yuan as a text such as "0.0001", since a number may have been rounded on its way
            price = { "model": "volume", "tiers": [{ "unit_price": "1" }, { "unit_price": 1 }] }
                price.tiers[1].unit_price: is the number 1; must be an amount in yuan as a text such as "0.0001", since a number may have been rounded on its way
        "#]],
    );
}

#[test]
fn an_override_that_fits_no_plan_is_told_by_its_path() {
    check(
        BROKEN_OVERRIDES,
        refused_override,
        expect![[r#"
            price
                changes nothing; give a price, free_on_top or a discount
            price
            rate
                changes nothing; give a price, free_on_top or a discount
            rate
                rate: must be given, since prices belong to rates
            rate = "b"
                rate: the plan has no rate `b`; name one that it has
            until = "2015-05-10"
                until: must be after the day from which it holds
            price.unit_price = "-1"
                price.unit_price: -1 is negative; a price is nothing or more
            price = { "model": "graduated", "tiers": [{ "up_to": 0, "unit_price": "1" }] }
            rate = "b"
            until = "2015-05-01"
                until: must be after the day from which it holds
                rate: the plan has no rate `b`; name one that it has
                price.tiers[0].up_to: must be left out in the last tier, which has no end
            price.unit_price = "2500.0000000001"
                rates[0].price: all that can be counted comes to 250000000000010 yuan with 12 decimals; amounts are exact to 2.5·10^14 yuan with 13 decimals; lower the price, or give it, its tiers and its discounts fewer decimals
            override = "welcome"
            price
            discount_percent = "5"
                rates[0].discounts[1].discount: `welcome` is the name of another one already; give each its own
            price
            discount_percent = "0.0000000001"
                rates[0].price: all that can be counted comes to 100000001000000 yuan with 19 decimals; amounts are exact to 2.5·10^14 yuan with 13 decimals; lower the price, or give it, its tiers and its discounts fewer decimals
        "#]],
    );
}

#[test]
fn text_that_is_no_document_is_told_by_its_place() {
    let whole = plan(&[]);
    let mut lines = String::new();
    for document in [
        "",
        "[]",
        "null",
        r#"{ "plan": "p", "rates": [{ "rate": "a""#,
        "{\n  \"plan\": \"p\",\n}",
        "{ \"plan\": 'p' }",
        "{ plan: \"p\" }",
        "{ \"plan\": \"p\" \"rates\": [] }",
        "{ \"plan\": \"a\nb\" }",
        &format!("{whole} {whole}"),
        &format!("{whole},"),
    ] {
        let error = Plan::read(document).unwrap_err();
        let shown = document.replace(&whole, "PLAN").replace('\n', "⏎");
        writeln!(lines, "{shown}\n    {error}").unwrap();
    }
    expect![[r#"

            is not valid JSON at line 1, column 0: the document ends too early
        []
            is a list; must be an object
        null
            is null; leave it out, or give an object
        { "plan": "p", "rates": [{ "rate": "a"
            is not valid JSON at line 1, column 38: the document ends too early
        {⏎  "plan": "p",⏎}
            is not valid JSON at line 3, column 1: trailing comma
        { "plan": 'p' }
            is not valid JSON at line 1, column 11: expected value
        { plan: "p" }
            is not valid JSON at line 1, column 3: key must be a string
        { "plan": "p" "rates": [] }
            is not valid JSON at line 1, column 15: expected `,` or `}`
        { "plan": "a⏎b" }
            is not valid JSON at line 2, column 0: control character (\u0000-\u001F) found while parsing a string
        PLAN PLAN
            is not valid JSON at line 1, column 126: something follows the document
        PLAN,
            is not valid JSON at line 1, column 125: something follows the document
    "#]].assert_eq(&lines);
}

#[test]
fn a_field_that_is_given_twice_is_refused_wherever_it_stands() {
    let mut lines = String::new();
    for (field, twice) in [
        (r#""plan":"p""#, r#""plan":"p","plan":"q""#),
        (r#""rate":"a""#, r#""rate":"a","rate":"a""#),
        (r#""model":"per_unit""#, r#""model":"per_unit","model":"per_unit""#),
        (r#""unit_price":"1""#, r#""unit_price":"1","unit_price":"100""#),
        (r#""model":"per_unit""#, r#""unit_price":"2","model":"per_unit""#),
        (r#""plan":"p""#, r#""plan":"p","conversion":{"divide":2,"divide":3}"#),
    ] {
        let document = plan(&[]);
        assert!(document.contains(field), "{document}");
        let error = Plan::read(&document.replace(field, twice)).unwrap_err();
        writeln!(lines, "{twice}\n    {error}").unwrap();
    }
    expect![[r#"
        "plan":"p","plan":"q"
            plan: is given twice; give it once
        "rate":"a","rate":"a"
            rates[0].rate: is given twice; give it once
        "model":"per_unit","model":"per_unit"
            rates[0].price.model: is given twice; give it once
        "unit_price":"1","unit_price":"100"
            rates[0].price.unit_price: is given twice; give it once
        "unit_price":"2","model":"per_unit"
            rates[0].price.unit_price: is given twice; give it once
        "plan":"p","conversion":{"divide":2,"divide":3}
            conversion.divide: is given twice; give it once
    "#]]
    .assert_eq(&lines);
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
fn every_rule_is_broken_by_a_document_above() {
    let plans = FORM.iter().chain(BROKEN).map(|changes| refused_plan(changes));
    let overrides = FORM_OVERRIDES.iter().chain(BROKEN_OVERRIDES);
    let errors = plans.chain(overrides.map(|changes| refused_override(changes)));
    let seen = errors.flat_map(|error| error.faults).map(|fault| name_of(&fault.rule));
    assert_eq!(seen.collect::<BTreeSet<_>>(), RULES.iter().copied().collect());
}

#[test]
fn a_plan_that_is_stored_is_read_whatever_the_order_of_its_fields() {
    for changes in ACCEPTED {
        let read = Plan::read(&plan(changes)).unwrap();
        // The fields of a value are in the order of their names, so that few have the model first.
        let value = serde_json::to_value(&read).unwrap();
        assert_eq!(serde_json::from_value::<Plan>(value).unwrap(), read);
        let text = serde_json::to_string(&read).unwrap();
        assert_eq!(serde_json::from_str::<Plan>(&text).unwrap(), read);
    }
}

#[test]
fn what_is_odd_is_told_by_its_path() {
    let tiers = r#"[{ "up_to": 100, "unit_price": "1" }, { "unit_price": "0.5" }]"#;
    let mut lines = String::new();
    for changes in [
        &[][..],
        &[r#"rates[0].apis = ["taobao.*"]"#],
        &[r#"effective_from = "2015-05-17""#],
        &[r#"maximum = "0""#, r#"rates[0].maximum = "0""#],
        &[r#"rates[0].minimum = "200""#, r#"maximum = "100""#],
        &[
            "free_per_month = 100",
            r#"rates[0].price = { "model": "percentage", "percent": "20", "free_amount": 10 }"#,
            "rates[0].free_per_month = 100",
        ],
        &["free_per_day = 5", r#"rates[0].price = { "model": "percentage", "percent": "20" }"#],
        &[
            r#"rates[0].price = { "model": "package", "size": 100, "price": "1", "free_units": 200 }"#,
            "rates[0].free_per_day = 1000",
        ],
        &[
            &format!(r#"rates[0].price = {{ "model": "graduated", "tiers": {tiers} }}"#),
            "rates[0].free_per_month = 100",
        ],
        &[
            &format!(r#"rates[0].price = {{ "model": "graduated", "tiers": {tiers} }}"#),
            "rates[0].free_per_month = 101",
        ],
        &[&format!(
            r#"rates[0].price = {{ "model": "graduated", "tiers": {tiers}, "flat_fee_at_zero_usage": true }}"#
        )],
        &[&format!(r#"rates[0].price = {{ "model": "volume", "tiers": {tiers} }}"#)],
        &[
            r#"rates[0].price = { "model": "volume", "tiers": [{ "up_to": 100, "unit_price": "1" }, { "unit_price": "0.5", "flat_fee": "50" }] }"#,
        ],
        &[
            r#"rates[0].price = { "model": "block", "policy": "top_tier", "tiers": [{ "size": 10, "blocks": 5, "price": "2" }, { "size": 100, "price": "5" }] }"#,
            "rates[0].free_per_day = 51",
        ],
        &[
            r#"discounts = [{ "discount": "a", "percent": "0" }, { "discount": "b", "percent": "100", "until": "2015-05-01" }]"#,
        ],
        &[
            r#"rates[0].discounts = [{ "discount": "a", "percent": "60", "of": "list" }, { "discount": "b", "percent": "60" }, { "discount": "c", "percent": "50", "of": "list", "from": "2015-06-01" }]"#,
        ],
        &[
            r#"rates[0].discounts = [{ "discount": "a", "percent": "60", "of": "list", "until": "2015-06-01" }, { "discount": "c", "percent": "50", "of": "list", "from": "2015-06-01" }]"#,
        ],
    ] {
        changes.iter().for_each(|change| writeln!(lines, "{change}").unwrap());
        for warning in Plan::read(&plan(changes)).unwrap().warnings() {
            writeln!(lines, "    {warning}").unwrap();
        }
    }
    expect![[r#"
        rates[0].apis = ["taobao.*"]
            rates: no rate covers `*`: calls of other APIs cost nothing and are listed as unpriced
        effective_from = "2015-05-17"
            effective_from: is inside a month: a month that began under another version is rated in two parts, and tiers start again in each
        maximum = "0"
        rates[0].maximum = "0"
            maximum: nothing is ever charged
            rates[0].maximum: nothing is ever charged
        rates[0].minimum = "200"
        maximum = "100"
            maximum: 100 is less than the rates' minimums, which come to 200
        free_per_month = 100
        rates[0].price = { "model": "percentage", "percent": "20", "free_amount": 10 }
        rates[0].free_per_month = 100
            free_per_month: is never used: no rate prices calls
            rates[0].free_per_month: 100 are free, and the price gives 10 more
        free_per_day = 5
        rates[0].price = { "model": "percentage", "percent": "20" }
            free_per_day: is never used: no rate prices calls
        rates[0].price = { "model": "package", "size": 100, "price": "1", "free_units": 200 }
        rates[0].free_per_day = 1000
            rates[0].free_per_day: 1000 are free, and the price gives 200 more
        rates[0].price = { "model": "graduated", "tiers": [{ "up_to": 100, "unit_price": "1" }, { "unit_price": "0.5" }] }
        rates[0].free_per_month = 100
        rates[0].price = { "model": "graduated", "tiers": [{ "up_to": 100, "unit_price": "1" }, { "unit_price": "0.5" }] }
        rates[0].free_per_month = 101
            rates[0].free_per_month: 101 is more than the first tier holds, 100; tiers count from the first unit beyond the allowance
        rates[0].price = { "model": "graduated", "tiers": [{ "up_to": 100, "unit_price": "1" }, { "unit_price": "0.5" }], "flat_fee_at_zero_usage": true }
            rates[0].price.flat_fee_at_zero_usage: has no effect: the first tier has no flat fee
        rates[0].price = { "model": "volume", "tiers": [{ "up_to": 100, "unit_price": "1" }, { "unit_price": "0.5" }] }
            rates[0].price.tiers[1]: costs less to enter than to stay under: ¥100 for 100 units, ¥50.5 for one more
        rates[0].price = { "model": "volume", "tiers": [{ "up_to": 100, "unit_price": "1" }, { "unit_price": "0.5", "flat_fee": "50" }] }
        rates[0].price = { "model": "block", "policy": "top_tier", "tiers": [{ "size": 10, "blocks": 5, "price": "2" }, { "size": 100, "price": "5" }] }
        rates[0].free_per_day = 51
            rates[0].free_per_day: 51 is more than the first tier holds, 50; tiers count from the first unit beyond the allowance
            rates[0].price.tiers[1]: costs less to enter than to stay under: ¥10 for 50 units, ¥5 for one more
        discounts = [{ "discount": "a", "percent": "0" }, { "discount": "b", "percent": "100", "until": "2015-05-01" }]
            discounts[0].percent: takes nothing off
            discounts[1].percent: takes everything off
            discounts[1].until: the discount is over before the plan takes effect on 2015-05-01
        rates[0].discounts = [{ "discount": "a", "percent": "60", "of": "list" }, { "discount": "b", "percent": "60" }, { "discount": "c", "percent": "50", "of": "list", "from": "2015-06-01" }]
            rates[0].discounts[2]: with the discounts `of` the list before it, 110 percent are taken off; no more than everything is
        rates[0].discounts = [{ "discount": "a", "percent": "60", "of": "list", "until": "2015-06-01" }, { "discount": "c", "percent": "50", "of": "list", "from": "2015-06-01" }]
    "#]].assert_eq(&lines);
}

fn rate(name: &str, apis: &[&str]) -> String {
    format!(
        r#"{{ "rate": "{name}", "apis": {apis:?}, "price": {{ "model": "per_unit", "unit_price": "1" }} }}"#
    )
}

#[test]
fn exact_names_win_over_longer_prefixes_and_those_over_shorter_ones() {
    let rates = [
        rate("all", &["*"]),
        rate("trades", &["taobao.trade*", "tmall.order.get"]),
        rate("taobao", &["taobao.*"]),
        rate("one", &["taobao.trade.get"]),
    ];
    let plan = Plan::read(&plan(&[&format!("rates = [{}]", rates.join(","))])).unwrap();
    for (api, expected) in [
        ("taobao.trade.get", "one"),
        ("taobao.trade.gets", "trades"),
        ("taobao.trade", "trades"),
        ("taobao.item.get", "taobao"),
        ("taobao.", "taobao"),
        ("taobao", "all"),
        ("tmall.order.get", "trades"),
        ("tmall.order.gets", "all"),
        ("TAOBAO.trade.get", "all"),
    ] {
        let found = plan.rate_of(&api.parse().unwrap()).map(|rate| rate.rate.as_str());
        assert_eq!(found, Some(expected), "{api}");
    }
}

#[test]
fn an_api_that_no_rate_covers_has_no_rate() {
    let plan = Plan::read(&plan(&[r#"rates[0].apis = ["taobao.*"]"#])).unwrap();
    assert_eq!(plan.rate_of(&"tmall.item.get".parse().unwrap()), None);
}

#[test]
fn the_latest_version_that_has_taken_effect_is_in_force() {
    let version = |day: &str| Plan::read(&plan(&[&format!("effective_from = \"{day}\"")])).unwrap();
    let catalog: Catalog = [version("2015-07-17"), version("2015-05-01")].into_iter().collect();
    let name: Name = "p".parse().unwrap();
    for (day, in_force) in [
        ("2015-04-30", None),
        ("2015-05-01", Some("2015-05-01")),
        ("2015-07-16", Some("2015-05-01")),
        ("2015-07-17", Some("2015-07-17")),
        ("2016-01-01", Some("2015-07-17")),
    ] {
        let found = catalog.in_force(&name, day.parse().unwrap());
        let found = found.map(|plan| plan.effective_from().to_string());
        assert_eq!(found.as_deref(), in_force, "{day}");
    }
    assert!(catalog.has(&name));
    assert!(catalog.version(&name, "2015-07-17".parse().unwrap()).is_some());
    assert_eq!(catalog.version(&name, "2015-07-18".parse().unwrap()), None);
    assert_eq!(catalog.in_force(&"q".parse().unwrap(), "2016-01-01".parse().unwrap()), None);
}

#[test]
fn an_override_changes_what_it_names_and_nothing_else() {
    let applied = |changes: Changes, before: &[&str]| {
        let before = Plan::read(&plan(before)).unwrap();
        let over = Override::read(&over(changes)).unwrap();
        serde_json::to_value(over.applied_to(&before).unwrap()).unwrap()
    };
    let expected =
        |changes: &[&str]| serde_json::to_value(Plan::read(&plan(changes)).unwrap()).unwrap();
    for (changes, before, after) in [
        (&[][..], &[][..], &[r#"rates[0].price.unit_price = "0.5""#][..]),
        (
            &["price", "free_on_top = 5"],
            &["rates[0].free_per_month = 10"],
            &["rates[0].free_per_month = 15"],
        ),
        (
            &["price", "free_on_top = 5"],
            &["rates[0].free_per_day = 10"],
            &["rates[0].free_per_day = 15"],
        ),
        (&["price", "free_on_top = 5"], &[], &["rates[0].free_per_month = 5"]),
        (&["price", "rate", "free_on_top = 5"], &["free_per_day = 1"], &["free_per_day = 6"]),
        (
            &["price", r#"discount_percent = "5""#],
            &[],
            &[r#"rates[0].discounts = [{ "discount": "o", "percent": "5" }]"#],
        ),
        (
            &["price", "rate", r#"discount_percent = "5""#],
            &[r#"discounts = [{ "discount": "a", "percent": "1" }]"#],
            &[
                r#"discounts = [{ "discount": "a", "percent": "1" }, { "discount": "o", "percent": "5" }]"#,
            ],
        ),
    ] {
        assert_eq!(applied(changes, before), expected(after), "{changes:?}");
    }
}

#[test]
fn an_override_holds_from_its_first_day_up_to_the_day_on_which_it_ends() {
    let over = Override::read(&over(&[r#"until = "2015-05-12""#])).unwrap();
    for (day, holds) in
        [("2015-05-09", false), ("2015-05-10", true), ("2015-05-11", true), ("2015-05-12", false)]
    {
        assert_eq!(over.holds_on(day.parse().unwrap()), holds, "{day}");
    }
}
