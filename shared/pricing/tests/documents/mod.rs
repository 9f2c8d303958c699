//! Documents, written as what changes in a small one.

#![allow(dead_code, reason = "each test that names this module uses a part of it")]

use serde_json::{Value, json};

/// Changes of a document: `path = value`, or `path` alone where it is left out.
pub(crate) type Changes = &'static [&'static str];

/// A plan of one rate, with changes.
pub(crate) fn plan(changes: &[&str]) -> String {
    let plan = json!({
        "plan": "p",
        "effective_from": "2015-05-01",
        "rates": [{ "rate": "a", "apis": ["*"], "price": { "model": "per_unit", "unit_price": "1" } }]
    });
    changed(plan, changes)
}

/// An override of a rate of that plan, with changes.
pub(crate) fn over(changes: &[&str]) -> String {
    let over = json!({
        "override": "o",
        "from": "2015-05-10",
        "rate": "a",
        "price": { "model": "per_unit", "unit_price": "0.5" }
    });
    changed(over, changes)
}

fn changed(mut document: Value, changes: &[&str]) -> String {
    for change in changes {
        let (path, value) = change.split_once(" = ").unwrap_or((change, ""));
        let pointer = format!("/{}", path.replace(['.', '['], "/").replace(']', ""));
        let (parent, field) = pointer.rsplit_once('/').unwrap();
        let parent = document.pointer_mut(parent).unwrap_or_else(|| panic!("{change}"));
        match (parent, value) {
            (Value::Object(fields), "") => drop(fields.remove(field).unwrap()),
            (Value::Object(fields), value) => {
                let value = serde_json::from_str(value).unwrap_or_else(|e| panic!("{change}: {e}"));
                fields.insert(field.to_owned(), value);
            }
            (other, _) => panic!("{change}: {other} has no fields"),
        }
    }
    document.to_string()
}

/// Plans that keep every rule, up to its border.
pub(crate) const ACCEPTED: &[Changes] = &[
    &[],
    &[r#"description = "for people""#, r#"effective_from = "2015-05-17""#],
    &[r#"effective_from = "2000-01-01""#],
    &[r#"effective_from = "9998-12-31""#],
    &[r#"plan = "0-_z""#, r#"rates[0].apis = ["taobao.*", "one", "!$%&'()+,-./:;=?@[]^_{|}~"]"#],
    &["free_per_month = 1000000000000000"],
    &[r#"free_per_month = "0.000001""#],
    &["free_per_day = 5", "rates[0].free_per_day = 7"],
    &["free_per_month = 5", "rates[0].free_per_day = 7"],
    &["conversion = {}"],
    &[r#"conversion = { "divide": 1000, "round": "up" }"#],
    &[r#"rates[0].conversion = { "divide": 3, "round": "down" }"#],
    &[r#"rates[0].conversion = { "divide": 3, "round": "half_up" }"#],
    &[r#"rates[0].conversion = { "divide": 3, "round": "half_even" }"#],
    &[r#"rates[0].conversion = { "multiply": 2, "divide": "0.5" }"#, "free_per_day = 3"],
    &[r#"rates[0].conversion = { "divide": 1000000000 }"#],
    &[r#"minimum = "0""#, r#"maximum = "1000000000000.00""#],
    &[r#"rates[0].minimum = "12.34""#, r#"rates[0].maximum = "12.34""#],
    &[r#"rounding = "half_even""#],
    &[r#"deposit = { "amount": "5000", "due_after_days": 30 }"#],
    &[
        r#"deposit = { "amount": "0.01", "due_after_days": 0, "top_up_after_days": 366, "drawn_by_rule": true }"#,
    ],
    &[
        r#"discounts = [{ "discount": "a", "percent": "0" }, { "discount": "b", "percent": "100" }]"#,
    ],
    &[
        r#"rates[0].discounts = [{ "discount": "a", "percent": "33.3333333333", "of": "list", "from": "2015-05-10", "until": "2015-05-11" }]"#,
    ],
    // The highest price whose 10¹¹ calls cost 2.5·10¹⁴ yuan.
    &[r#"rates[0].price.unit_price = "2499.9999999999""#],
    // 10 decimals of the price and 3 of the discount: 13.
    &[
        r#"rates[0].price.unit_price = "1.0000000001""#,
        r#"discounts = [{ "discount": "a", "percent": "12.5" }]"#,
    ],
    // Four discounts of two decimals: 10 + 4 × 4 decimals.
    &[
        r#"rates[0].price.unit_price = "1.0000000001""#,
        r#"discounts = [{ "discount": "a", "percent": "12.34" }, { "discount": "b", "percent": "0.01" },
                        { "discount": "c", "percent": "99.99" }, { "discount": "d", "percent": "33.33" }]"#,
    ],
    // 13 decimals before discounts, and 18 that these add.
    &[
        r#"rates[0].price.unit_price = "1.0000000001""#,
        r#"rates[0].free_per_month = "100000.125""#,
        r#"rates[0].discounts = [{ "discount": "a", "percent": "12.3456789" }, { "discount": "b", "percent": "1.2345678" }]"#,
    ],
    // 10 decimals of the price and 3 of the allowance.
    &[
        r#"rates[0].price.unit_price = "2000.0000000001""#,
        r#"rates[0].free_per_month = "100000.125""#,
    ],
    &[
        r#"rates[0].price = { "model": "package", "size": 100, "price": "0.03", "free_units": 200, "charged": "full" }"#,
    ],
    &[
        r#"rates[0].price = { "tiers": [{ "up_to": "10.5", "unit_price": "1", "flat_fee": "5" }, { "unit_price": "0.5000" }], "model": "graduated", "flat_fee_at_zero_usage": true }"#,
    ],
    &[r#"rates[0].price = { "model": "volume", "tiers": [{ "unit_price": "1" }] }"#],
    &[
        r#"rates[0].price = { "model": "block", "policy": "top_tier", "tiers": [{ "size": 100, "blocks": 3, "price": "1" }, { "size": 10, "price": "0.1" }] }"#,
    ],
    &[
        r#"rates[0].price = { "model": "percentage", "percent": "20", "free_amount": "1000.01", "fee_per_call": "0.1", "free_calls": 100 }"#,
    ],
    &[
        r#"rates[0].price = { "model": "graduated_percentage", "tiers": [{ "up_to": 1000, "percent": "2.5", "flat_fee": "1" }, { "percent": "1" }], "fee_per_call": "0.1", "free_calls": "1000.0" }"#,
    ],
];

/// Plans whose form is not that of a plan.
pub(crate) const FORM: &[Changes] = &[
    // Missing and unknown fields.
    &["plan"],
    &["effective_from"],
    &["rates"],
    &["rates[0].rate"],
    &["rates[0].apis"],
    &["rates[0].price"],
    &["rates[0].price.model"],
    &["rates[0].price.unit_price"],
    &[r#"discounts = [{ "discount": "a" }]"#],
    &[r#"rates[0].price = { "model": "graduated", "tiers": [{ "up_to": 5 }] }"#],
    &["version = 2"],
    &["rates[0].free_per_moth = 5"],
    &["rates[0].price.flat_fee = 5"],
    &[r#"rates[0].price = { "model": "volume", "tiers": [{ "unit_price": "1", "price": "1" }] }"#],
    // Other types than a field has.
    &["rates = {}"],
    &[r#"rates = ["a"]"#],
    &["plan = 5"],
    &["description = true"],
    &["effective_from = 20150501"],
    &[r#"rates[0].apis = "*""#],
    &["rates[0].apis = [5]"],
    &[r#"rates[0].price = "1""#],
    &["rates[0].price = []"],
    &["rates[0].price.model = 5"],
    &["conversion = 1000"],
    &["rounding = 5"],
    &["discounts = {}"],
    &[
        r#"rates[0].price = { "model": "volume", "tiers": [{ "unit_price": "1" }], "flat_fee_at_zero_usage": "yes" }"#,
    ],
    &["maximum = null"],
    &["deposit = 5000"],
    &[r#"deposit = { "amount": "5000" }"#],
    &[r#"deposit = { "amount": 5000, "due_after_days": 30 }"#],
    &[r#"deposit = { "amount": "5000", "due_after_days": -1 }"#],
    &[r#"deposit = { "amount": "5000", "due_after_days": 30, "drawn": true }"#],
    &["description = null"],
    // Prices and percentages.
    &["rates[0].price.unit_price = 0.1"],
    &["rates[0].price.unit_price = 1"],
    &[r#"rates[0].price.unit_price = "a fen""#],
    &[r#"rates[0].price.unit_price = "1e-3""#],
    &[r#"rates[0].price.unit_price = "1_000""#],
    &[r#"rates[0].price.unit_price = "+1""#],
    &[r#"rates[0].price.unit_price = ".5""#],
    &[r#"rates[0].price.unit_price = "1,000""#],
    &[r#"rates[0].price.unit_price = """#],
    &["minimum = 100"],
    &[r#"rates[0].price = { "model": "percentage", "percent": 20 }"#],
    &[r#"rates[0].price = { "model": "percentage", "percent": "100.1" }"#],
    &[r#"rates[0].price = { "model": "percentage", "percent": "-1" }"#],
    &[r#"discounts = [{ "discount": "a", "percent": "0.00000000001" }]"#],
    // Quantities.
    &["rates[0].free_per_month = 0.5"],
    &["rates[0].free_per_month = -1"],
    &["rates[0].free_per_month = 1000000000000001"],
    &["rates[0].free_per_month = 100000000000000000000000"],
    &["rates[0].free_per_month = true"],
    &[r#"rates[0].free_per_month = "0.0000001""#],
    &[r#"rates[0].free_per_month = "500 000""#],
    &[
        r#"rates[0].price = { "model": "graduated", "tiers": [{ "up_to": 10, "unit_price": "1" }, { "up_to": 20.5, "unit_price": "1" }] }"#,
    ],
    &[
        r#"rates[0].price = { "tiers": [{ "unit_price": 0.1 }], "flat_fee_at_zero_usage": true, "model": "volume" }"#,
    ],
    // Names, patterns, days and words.
    &[r#"plan = "Jushita 2014""#],
    &[r#"plan = """#],
    &[r#"rates[0].rate = "a.b""#],
    &[r#"rates[0].apis = ["taobao.*", "a*b"]"#],
    &[r#"rates[0].apis = [""]"#],
    &[r#"rates[0].apis = ["接口"]"#],
    &[r#"effective_from = "2015-5-1""#],
    &[r#"effective_from = "2015-02-29""#],
    &[r#"effective_from = "1999-12-31""#],
    &[r#"discounts = [{ "discount": "a", "percent": "1", "until": "May" }]"#],
    &[r#"rounding = "nearest""#],
    &[r#"conversion = { "round": "nearest" }"#],
    &[r#"rates[0].price.model = "per-unit""#],
    &[
        r#"rates[0].price = { "model": "block", "policy": "all", "tiers": [{ "size": 1, "price": "1" }] }"#,
    ],
];

/// Overrides that fit the plan.
pub(crate) const ACCEPTED_OVERRIDES: &[Changes] = &[
    &[],
    &[r#"until = "2015-05-11""#],
    &["price", "free_on_top = 100"],
    &["price", r#"discount_percent = "12.5""#],
    &["price", "rate", r#"discount_percent = "12.5""#],
    &["price", "rate", r#"free_on_top = "0.5""#],
    &["price", "rate", r#"deposit = { "amount": "0", "due_after_days": 0 }"#],
];

/// Overrides whose form is not that of an override.
pub(crate) const FORM_OVERRIDES: &[Changes] = &[
    &["override"],
    &["from"],
    &["until = null"],
    &["percent = 5"],
    &["free_on_top = 0.5"],
    &["discount_percent = 5"],
    &[r#"rate = "A""#],
    &["price.unit_price = 0.5"],
    &[r#"price = { "model": "volume", "tiers": [{ "unit_price": "1" }, { "unit_price": 1 }] }"#],
];
