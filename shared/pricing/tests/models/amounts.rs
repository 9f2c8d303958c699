//! Prices that are a share of an amount.

use serde_json::json;

use crate::{check, check_days};

#[test]
fn a_share_of_the_amount_is_charged_and_a_fee_for_each_call() {
    // Lago, Stripe's prices as a template: 2.9% and 0.30 for each payment; the amounts are ours.
    check(
        &json!({"price": {"model": "percentage", "percent": "2.9", "fee_per_call": "0.3"}}),
        &[(json!({"calls": 3, "amount": "100"}), "3.8")],
    );
    // Lago, Percentage: 1.2% and 0.10 for each, 500 free. There the first payments are free of the
    // fee too; here each call has its fee, also where the amount is free.
    check(
        &json!({"price": {"model": "percentage", "percent": "1.2", "free_amount": 500,
                          "fee_per_call": "0.1"}}),
        &[
            (json!({"calls": 3, "amount": "500"}), "0.3"),
            (json!({"calls": 4, "amount": "1000"}), "6.4"),
        ],
    );
    // Lago, Percentage with `free_units_per_events`: the first calls have no fee, and their amounts
    // count.
    check(
        &json!({"price": {"model": "percentage", "percent": "1.2", "fee_per_call": "0.1",
                          "free_calls": 3}}),
        &[
            (json!({"calls": 3, "amount": "500"}), "6"),
            (json!({"calls": 4, "amount": "500"}), "6.1"),
        ],
    );
    // Lago, Graduated percentage: what each of three payments adds.
    check_days(
        &json!({"price": {"model": "graduated_percentage", "tiers": [
            {"up_to": 1_000, "percent": "1", "flat_fee": "200"},
            {"up_to": 10_000, "percent": "2", "flat_fee": "300"},
            {"percent": "3", "flat_fee": "400"}]}}),
        &[
            (json!({"calls": 1, "amount": "500"}), "205"),
            (json!({"calls": 1, "amount": "550"}), "306"),
            (json!({"calls": 1, "amount": "4000"}), "80"),
        ],
    );
    // Taobao service market: the platform's share of sales was 30%.
    check(
        &json!({"price": {"model": "percentage", "percent": "30"}}),
        &[(json!({"calls": 1, "amount": "99.9"}), "29.97")],
    );
}
