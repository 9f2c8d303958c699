//! What is odd about a plan that breaks no rule.

use std::fmt::Write;

use expect_test::expect_file;
use steelyard_pricing::Plan;

use crate::documents::plan;

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
        &[r#"rates[0].price = { "model": "percentage", "percent": "20", "free_calls": 10 }"#],
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
            r#"discounts = [{ "discount": "a", "percent": "0" }, { "discount": "b", "percent": "100", "until": "2015-05-01" },
                            { "discount": "c", "amount": "0" }]"#,
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
    expect_file!["warnings.txt"].assert_eq(&lines);
}
