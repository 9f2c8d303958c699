//! `steelyard price`: what usage would cost, from files alone.

use expect_test::{Expect, expect};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::tool::Folder;

/// Free to 1,000 units a month, then ¥0.01 each.
const CALLS: &str = r#"{ "plan": "calls", "effective_from": "2015-05-01", "rates": [
  { "rate": "calls", "apis": ["*"], "free_per_month": 1000,
    "price": { "model": "per_unit", "unit_price": "0.00125" } } ] }"#;

/// Prices usage under a plan, in a folder of that name.
fn price(name: &str, plan: &str, usage: &str, options: &str) -> String {
    let folder = Folder::new(&format!("price-{name}"));
    folder.write("plan.json", plan);
    folder.write("usage.json", usage);
    folder.run(&format!("price --plan plan.json --usage usage.json {options}")).done()
}

fn check(name: &str, plan: &str, usage: &str, expected: Expect) {
    expected.assert_eq(&price(name, plan, usage, ""));
}

fn quote(name: &str, plan: &str, usage: &str) -> Value {
    serde_json::from_str(&price(name, plan, usage, "--json")).unwrap()
}

#[test]
fn what_lies_beyond_the_allowance_is_priced_by_tiers() {
    let plan = r#"{ "plan": "tiers", "effective_from": "2015-05-01", "rates": [
      { "rate": "calls", "apis": ["*"], "free_per_month": 500, "price": {
        "model": "graduated", "tiers": [
          { "up_to": 100, "unit_price": "0.03" },
          { "unit_price": "0.00105", "flat_fee": "2" } ] } } ] }"#;
    // 823 − 500 = 323: 100 × 0.03 = 3, and 2 + 223 × 0.00105 = 2.23415.
    let usage = r#"{ "trades.get": 800, "items.get": 23 }"#;
    check(
        "tiers",
        plan,
        usage,
        expect![[r#"
              calls, from 2015-05-01
                items.get: 23 calls
                trades.get: 800 calls
                metered: 0 calls → 823 calls
                free 500: used 0 → 500
                (100 − 0) × ¥0.03 = ¥3.00
                (323 − 100) × ¥0.00105 + ¥2.00 = ¥2.23415
                together ¥5.23415
                ¥5.23415 − ¥0.00 before = ¥5.23415, rounded by −¥0.00415: ¥5.23
            ¥5.23, exactly ¥5.23415
        "#]],
    );
}

#[test]
fn started_packages_are_discounted_and_held_to_the_maximum() {
    let plan = r#"{ "plan": "caps", "effective_from": "2015-05-01", "maximum": "20",
      "discounts": [{ "discount": "partner", "percent": "12.5" }],
      "rates": [
        { "rate": "sms", "apis": ["sms.*"], "discounts": [{ "discount": "welcome", "percent": "50" }],
          "price": { "model": "package", "size": 100, "price": "0.5" } },
        { "rate": "others", "apis": ["trades.*"], "maximum": "30",
          "price": { "model": "per_unit", "unit_price": "0.01" } } ] }"#;
    // 3 packages are 1.5, half of it 0.75; 9,000 calls are 90, held to 30; 12.5% of 30.75 are
    // 3.84375, which leaves 26.90625, held to 20.
    let usage = r#"{ "sms.send": 201, "trades.get": 9000, "items.get": 7 }"#;
    check(
        "caps",
        plan,
        usage,
        expect![[r#"
              sms, from 2015-05-01
                sms.send: 201 calls
                metered: 0 calls → 201 calls
                0 to 201: 3 started packages of 100 × ¥0.5 = ¥1.50
                welcome: 50% of ¥1.50 = −¥0.75
                ¥0.75 − ¥0.00 before = ¥0.75, rounded by ¥0.00: ¥0.75
              others, from 2015-05-01
                trades.get: 9000 calls
                metered: 0 calls → 9000 calls
                (9000 − 0) × ¥0.01 = ¥90.00
                at most ¥30.00
                ¥30.00 − ¥0.00 before = ¥30.00, rounded by ¥0.00: ¥30.00
              all rates together, from 2015-05-01
                together ¥30.75
                partner: 12.5% of ¥30.75 = −¥3.84375
                at most ¥20.00
                ¥20.00 − ¥30.75 of the rates = −¥10.75
                −¥10.75 − ¥0.00 before = −¥10.75, rounded by ¥0.00: −¥10.75
              UNPRICED items.get, from 2015-05-01: 7 calls, no rate covers them
            ¥20.00, exactly ¥20.00
        "#]],
    );
}

#[test]
fn percentage_is_of_the_amount_and_a_fee_of_the_calls() {
    let plan = r#"{ "plan": "sales", "effective_from": "2015-05-01", "rates": [
      { "rate": "sales", "apis": ["*"], "price": { "model": "percentage", "percent": "2.5",
        "free_amount": 100, "fee_per_call": "0.1" } } ] }"#;
    // 2.5% of 345.67 − 100 are 6.14175; 3 calls are 0.3.
    let usage = r#"{ "orders.pay": { "calls": 3, "amount": "345.67" } }"#;
    check(
        "percentage",
        plan,
        usage,
        expect![[r#"
              sales, from 2015-05-01
                orders.pay: 3 calls of ¥345.67
                metered: 0 calls → 3 calls of ¥345.67
                (¥100.00 − ¥0.00) × 0 = ¥0.00
                (¥345.67 − ¥100.00) × 0.025 = ¥6.14175
                3 calls × ¥0.1 = ¥0.30
                together ¥6.44175
                ¥6.44175 − ¥0.00 before = ¥6.44175, rounded by −¥0.00175: ¥6.44
            ¥6.44, exactly ¥6.44175
        "#]],
    );
}

#[test]
fn allowance_of_a_day_is_lost_with_the_day() {
    let plan = r#"{ "plan": "by-day", "effective_from": "2015-05-01", "rates": [
      { "rate": "calls", "apis": ["*"], "free_per_day": 100,
        "price": { "model": "per_unit", "unit_price": "0.007" } } ] }"#;
    // 51 × 0.007 = 0.357, then (51 + 21) × 0.007 = 0.504: 0.36 and 0.50 − 0.36.
    let usage = r#"{ "2015-05-01": { "a": 151 }, "2015-05-02": { "a": 30 }, "2015-05-03": { "a": 101, "b": 20 } }"#;
    check(
        "by-day",
        plan,
        usage,
        expect![[r#"
            2015-05-01: ¥0.36, exactly ¥0.357
              calls, from 2015-05-01
                a: 151 calls
                metered: 0 calls → 151 calls
                free 100 a day: used 0 → 100
                  on 2015-05-01: 151 calls
                (51 − 0) × ¥0.007 = ¥0.357
                ¥0.357 − ¥0.00 before = ¥0.357, rounded by ¥0.003: ¥0.36
            2015-05-02: ¥0.00, exactly ¥0.00
              calls, from 2015-05-01
                a: 30 calls
                metered: 151 calls → 181 calls
                free 100 a day: used 100 → 130
                  on 2015-05-02: 30 calls
                (51 − 0) × ¥0.007 = ¥0.357
                ¥0.357 − ¥0.357 before = ¥0.00, rounded by ¥0.00: ¥0.00
            2015-05-03: ¥0.14, exactly ¥0.147
              calls, from 2015-05-01
                a: 101 calls
                b: 20 calls
                metered: 181 calls → 302 calls
                free 100 a day: used 130 → 230
                  on 2015-05-03: 121 calls
                (72 − 0) × ¥0.007 = ¥0.504
                ¥0.504 − ¥0.357 before = ¥0.147, rounded by −¥0.007: ¥0.14
            ¥0.50, exactly ¥0.504
        "#]],
    );
}

#[test]
fn quote_in_json_has_these_members() {
    let days = r#"{ "2015-05-30": { "a": 1003 }, "2015-06-02": { "b": 1004 } }"#;
    let of_days = quote("json-days", CALLS, days);
    let of_month = quote("json-month", CALLS, r#"{ "a": 1003, "b": 4 }"#);
    for quote in [&of_days, &of_month] {
        let members = quote.as_object().unwrap().keys().collect::<Vec<_>>();
        assert_eq!(members, ["currency", "days", "exact", "lines", "rounded", "unpriced"]);
        for list in ["days", "lines", "unpriced"] {
            assert!(quote[list].is_array(), "{list}: {quote}");
        }
    }
    // 7 × 0.00125; 3 × 0.00125 and 4 × 0.00125.
    let figures = |quote: &Value| [quote["exact"].clone(), quote["rounded"].clone()];
    assert_eq!(figures(&of_month), [json!("0.00875"), json!("0.01")]);
    assert_eq!(figures(&of_days), [json!("0.00875"), json!("0.01")]);
    assert_eq!((&of_days["currency"], &of_month["days"]), (&json!("CNY"), &json!([])));
    let days = of_days["days"].as_array().unwrap();
    let members = days[0].as_object().unwrap().keys().collect::<Vec<_>>();
    assert_eq!(members, ["day", "exact", "lines", "rounded"]);
    assert_eq!([&days[0]["day"], &days[1]["day"]], ["2015-05-30", "2015-06-02"]);
    assert_eq!(
        days.iter().map(figures).collect::<Vec<_>>(),
        [[json!("0.00375"), json!("0.00")], [json!("0.005"), json!("0.01")]]
    );
}

#[test]
fn days_sum_to_the_whole() {
    let usage =
        (1..=31).map(|day| (format!("2015-05-{day:02}"), json!({ "a": 111 + 7 * day, "b": day })));
    let usage = Value::Object(usage.collect()).to_string();
    let quote = quote("sum", CALLS, &usage);
    let sum = |figure: &str| {
        let days = quote["days"].as_array().unwrap().iter();
        days.map(|day| decimal(&day[figure])).sum::<Decimal>()
    };
    // 31 × 111 + 8 × 496 = 7,409 calls, of which 6,409 cost 0.00125.
    assert_eq!(
        (decimal(&quote["exact"]), sum("exact")),
        (Decimal::new(801_125, 5), Decimal::new(801_125, 5))
    );
    assert_eq!(
        (decimal(&quote["rounded"]), sum("rounded")),
        (Decimal::new(801, 2), Decimal::new(801, 2))
    );
    let lines = quote["lines"].as_array().unwrap().iter();
    let charged = lines.map(|line| line["charge_fen"].as_i64().unwrap()).sum::<i64>();
    assert_eq!(charged, 801);
}

fn decimal(text: &Value) -> Decimal {
    text.as_str().unwrap().parse().unwrap()
}

#[test]
fn month_of_counts_without_days_is_that_of_the_plan_or_the_one_given() {
    let usage = r#"{ "a": 1003 }"#;
    for (options, month) in [("", "2015-05-01"), ("--month 2016-02", "2016-02-01")] {
        let text = price("month", CALLS, usage, options);
        assert!(text.starts_with(&format!("  calls, from {month}\n")), "{text}");
    }
}

#[test]
fn what_cannot_be_read_is_told_with_its_file_and_place() {
    let folder = Folder::new("price-refused");
    folder.write("plan.json", CALLS);
    let by_day = r#"{ "plan": "by-day", "effective_from": "2015-05-01", "rates": [
      { "rate": "calls", "apis": ["*"], "free_per_day": 100,
        "price": { "model": "per_unit", "unit_price": "0.007" } } ] }"#;
    folder.write("by-day.json", by_day);
    folder.write("cut.json", "{\n \"plan\": \"cut\",\n \"effective_from\":");
    folder.write("bad.json", &CALLS.replace(r#""0.00125""#, "0.00125"));
    for (file, usage) in [
        ("usage.json", r#"{ "a": 5 }"#),
        ("short.json", "{\n \"a\": 5"),
        ("name.json", r#"{ "a": 5, "b c": 6 }"#),
        ("number.json", r#"{ "2015-05-01": { "a": 5, "b": -6 } }"#),
        ("fraction.json", r#"{ "a": 5, "b": 6.5 }"#),
        ("amount.json", r#"{ "a": { "calls": 5, "amount": 120.5 } }"#),
        ("callless.json", r#"{ "2015-05-01": { "a": { "calls": 0, "amount": "1" } } }"#),
        ("twice.json", r#"{ "a": 5, "a": 7 }"#),
        ("mixed.json", r#"{ "2015-05-01": { "a": 5 }, "a": 6 }"#),
        ("day.json", r#"{ "2015-05-01": { "a": 5 }, "2015-05-32": { "a": 6 } }"#),
    ] {
        folder.write(file, usage);
    }
    for (plan, usage, said) in [
        ("none.json", "usage.json", &["cannot read none.json: No such file"][..]),
        ("plan.json", "none.json", &["cannot read none.json: No such file"]),
        ("cut.json", "usage.json", &["cut.json: is not valid JSON at line 3", "ends too early"]),
        (
            "bad.json",
            "usage.json",
            &["bad.json:3: rates[0].price.unit_price: is the number 0.00125"],
        ),
        (
            "plan.json",
            "callless.json",
            &["callless.json:1: 2015-05-01.a: has an amount and no calls"],
        ),
        ("plan.json", "short.json", &["short.json: is not valid JSON at line 2", "ends too early"]),
        ("plan.json", "name.json", &["name.json:1: b c: an API name may not hold ' '"]),
        ("plan.json", "number.json", &["number.json:1: 2015-05-01.b: is the number -6"]),
        ("plan.json", "fraction.json", &["fraction.json:1: b: is the number 6.5"]),
        ("plan.json", "amount.json", &["amount.json:1: a.amount: ", "as a text"]),
        ("plan.json", "day.json", &["day.json:1: 2015-05-32: `2015-05-32` is not a day"]),
        ("plan.json", "twice.json", &["twice.json:1: a: is given twice"]),
        ("plan.json", "mixed.json", &["mixed.json:1: a: `a` is not a day"]),
        ("by-day.json", "usage.json", &["usage.json: ", "give the usage by day"]),
    ] {
        let ran = folder.run(&format!("price --plan {plan} --usage {usage}"));
        assert_eq!((ran.code, ran.out.as_str()), (1, ""), "{plan} {usage}");
        for part in said {
            assert!(ran.err.contains(part), "`{part}` in: {}", ran.err);
        }
    }
}

#[test]
fn wrong_command_line_is_told_apart() {
    let folder = Folder::new("price-usage");
    for line in
        ["price", "price --plan plan.json", "price --plan p --usage u --month May", "plan", "prize"]
    {
        let ran = folder.run(line);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{line}");
        assert!(ran.err.contains("--help"), "{line}: {}", ran.err);
    }
}

#[test]
fn the_tax_that_prices_include_is_named() {
    let plan = r#"{ "plan": "taxed", "effective_from": "2015-05-01",
      "tax": { "percent": "6", "behavior": "inclusive" }, "rates": [
      { "rate": "calls", "apis": ["*"], "price": { "model": "per_unit", "unit_price": "0.01" } } ] }"#;
    let usage = r#"{ "trades.get": 106000 }"#;
    let told = price("taxed", plan, usage, "");
    assert!(
        told.ends_with("\n¥1060.00, exactly ¥1060.00\ntax of 6%, included: ¥60.00 of it\n"),
        "{told}"
    );
    assert_eq!(quote("taxed-json", plan, usage)["included_tax_fen"], json!(6000));

    // Each day is rounded, as its statement is.
    let days =
        r#"{ "2015-05-01": { "a": 8 }, "2015-05-02": { "a": 8 }, "2015-05-03": { "a": 9 } }"#;
    assert_eq!(quote("taxed-days", plan, days)["included_tax_fen"], json!(1));
    assert_eq!(quote("untaxed", CALLS, usage)["included_tax_fen"], Value::Null);
}
