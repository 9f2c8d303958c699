//! What comes before a price model and after it: conversions, allowances, discounts and limits.

use serde_json::json;

use crate::{check, check_days};

#[test]
fn a_month_is_converted_and_rounded_as_a_whole() {
    // Stripe, Transform quantities, divided by 1,000 and rounded up: rounded for the month, so that
    // 1,400 and 1,300 calls are three units and not four.
    check_days(
        &json!({"conversion": {"divide": 1_000, "round": "up"},
                "price": {"model": "per_unit", "unit_price": "10"}}),
        &[(json!(1_400), "20"), (json!(1_300), "10")],
    );
    check(
        &json!({"conversion": {"divide": 1_000, "round": "down"},
                "price": {"model": "per_unit", "unit_price": "10"}}),
        &[(json!(999), "0"), (json!(2_700), "20")],
    );
    // Meteroid, Unit conversion: tokens priced by the million; the counts are ours.
    check(
        &json!({"conversion": {"divide": 1_000_000},
                "price": {"model": "per_unit", "unit_price": "1.25"}}),
        &[(json!(1_500_000), "1.875")],
    );
}

#[test]
fn allowance_then_price_then_discounts_then_limits() {
    // OpenMeter, Discounts: 500 units off, over three bills of one period.
    check_days(
        &json!({"free_per_month": 500, "price": {"model": "per_unit", "unit_price": "1"}}),
        &[(json!(300), "0"), (json!(250), "50"), (json!(100), "100")],
    );
    // OpenMeter, the same page: discounts come before the maximum. 35 were charged, 65 are left;
    // the figures are ours.
    check_days(
        &json!({"discounts": [{"discount": "half", "percent": "50"}], "maximum": "100",
                "price": {"model": "per_unit", "unit_price": "10"}}),
        &[(json!(7), "35"), (json!(20), "65"), (json!(1), "0")],
    );
    // And before the minimum.
    check(
        &json!({"discounts": [{"discount": "half", "percent": "50"}], "minimum": "100",
                "price": {"model": "per_unit", "unit_price": "10"}}),
        &[(json!(0), "100"), (json!(20), "100"), (json!(21), "105")],
    );
    // Odoo, Account invoice triple discount: each of three halves of 600 is of what the one before
    // left. SAP, DiscountGroupRelations, has it and the sum of all, up to the whole, as two ways.
    let discounts = |of: &str| {
        json!({"discounts": [{"discount": "a", "percent": "50", "of": of},
                             {"discount": "b", "percent": "50", "of": of},
                             {"discount": "c", "percent": "50", "of": of}],
               "price": {"model": "per_unit", "unit_price": "600"}})
    };
    check(&discounts("remaining"), &[(json!(1), "75")]);
    check(&discounts("list"), &[(json!(1), "0")]);
}
