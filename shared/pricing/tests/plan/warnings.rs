//! What is odd about a plan that breaks no rule.

use std::fmt::Write;

use expect_test::expect;
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
    expect![[r#"
        rates[0].apis = ["taobao.*"]
            rates: no rate covers `*`: calls of other APIs cost nothing and are listed as unpriced
        effective_from = "2015-05-17"
            effective_from: is inside a month: a month that began under another version is rated in two parts
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
        rates[0].price = { "model": "percentage", "percent": "20", "free_calls": 10 }
            rates[0].price.free_calls: has no effect: there is no fee_per_call
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
        discounts = [{ "discount": "a", "percent": "0" }, { "discount": "b", "percent": "100", "until": "2015-05-01" },
                                    { "discount": "c", "amount": "0" }]
            discounts[0].percent: takes nothing off
            discounts[1].percent: takes everything off
            discounts[1].until: the discount is over before the plan takes effect on 2015-05-01
            discounts[2].amount: takes nothing off
        rates[0].discounts = [{ "discount": "a", "percent": "60", "of": "list" }, { "discount": "b", "percent": "60" }, { "discount": "c", "percent": "50", "of": "list", "from": "2015-06-01" }]
            rates[0].discounts[2]: with the discounts `of` the list before it, 110 percent are taken off; no more than everything is
        rates[0].discounts = [{ "discount": "a", "percent": "60", "of": "list", "until": "2015-06-01" }, { "discount": "c", "percent": "50", "of": "list", "from": "2015-06-01" }]
    "#]].assert_eq(&lines);
}
