//! `steelyard plan`: checking, storing, and the schema.

use expect_test::{Expect, expect};

use crate::platform::Platform;
use crate::tool::Folder;

const GOOD: &str = r#"{
  "plan": "good",
  "effective_from": "2015-05-01",
  "rates": [
    { "rate": "calls", "apis": ["*"], "price": { "model": "per_unit", "unit_price": "0.01" } }
  ]
}
"#;

/// Checks what `plan check` ends with, and says on standard error.
fn check(name: &str, document: &str, code: i32, expected: Expect) {
    expected.assert_eq(&checked(name, document, code));
}

/// The standard error of `plan check`.
fn checked(name: &str, document: &str, code: i32) -> String {
    let folder = Folder::new(&format!("check-{name}"));
    folder.write("plan.json", document);
    let ran = folder.run("plan check plan.json");
    assert_eq!(ran.code, code, "{}", ran.err);
    assert_eq!(ran.out.ends_with(" is a good plan\n"), code == 0, "{}", ran.out);
    ran.err
}

#[test]
fn good_plan_is_called_good() {
    check("good", GOOD, 0, expect![[""]]);
}

#[test]
fn what_is_odd_is_told_with_its_line_and_stops_nothing() {
    let odd = GOOD.replace("05-01", "05-11").replace(r#""*""#, r#""trades.*""#);
    check(
        "odd",
        &odd,
        0,
        expect![[r#"
        plan.json:3: warning: effective_from: is inside a month: a month that began under another version is rated in two parts
        plan.json:4: warning: rates: no rate covers `*`: calls of other APIs cost nothing and are listed as unpriced
    "#]],
    );
}

#[test]
fn what_is_odd_for_usage_is_told_too() {
    let folder = Folder::new("plan-check-usage");
    folder.write(
        "plan.json",
        r#"{ "plan": "shop", "effective_from": "2015-05-01", "rates": [
          { "rate": "sales", "apis": ["pay.*"], "price": { "model": "percentage", "percent": "0.5" } },
          { "rate": "sms", "apis": ["sms.send"], "price": { "model": "per_unit", "unit_price": "0.1" } },
          { "rate": "other", "apis": ["*"], "price": { "model": "per_unit", "unit_price": "0" } } ] }"#,
    );
    folder.write(
        "usage.json",
        r#"{ "2015-05-01": { "pay.a": 3, "pay.b": { "calls": 1, "amount": "5" }, "x": 1 },
             "2015-05-02": { "pay.c": 3, "pay.d": 3, "pay.e": 1 } }"#,
    );
    let ran = folder.run("plan check plan.json --usage usage.json");
    assert_eq!((ran.code, ran.out.as_str()), (0, "shop of 2015-05-01 is a good plan\n"));
    expect![[r#"
        plan.json:2: warning: rates[0].price: is a percentage of amounts, and none were reported of `pay.a`, `pay.c`, `pay.d` and 1 others
        plan.json:3: warning: rates[1].apis: no usage is rated under it
    "#]].assert_eq(&ran.err);
}

#[test]
fn every_broken_rule_is_told_with_its_line_and_path() {
    let bad = r#"{
  "plan": "good",
  "effective_from": "2015-05-01",
  "minimum": "20",
  "maximum": "10",
  "rates": [
    { "rate": "calls",
      "apis": [],
      "price": { "model": "per_unit", "unit_price": "-0.01" } },
    { "rate": "calls",
      "apis": ["*"],
      "price": {
        "model": "graduated",
        "tiers": [
          { "up_to": 100, "unit_price": "1" },
          {
            "up_to": 50, "unit_price": "1"
          }
        ]
      }
    }
  ]
}
"#;
    check(
        "bad",
        bad,
        1,
        expect![[r#"
        error: plan.json is refused:
        plan.json:5: maximum: must be at least the minimum, 20
        plan.json:8: rates[0].apis: a rate covers at least one API; `*` covers all
        plan.json:9: rates[0].price.unit_price: -0.01 is negative; a price is nothing or more
        plan.json:17: rates[1].price.tiers[1].up_to: must be left out in the last tier, which has no end
        plan.json:10: rates[1].rate: `calls` is the name of another one already; give each its own
    "#]],
    );
}

#[test]
fn wrong_form_is_told_with_its_line_and_path() {
    let cases = [
        ("number", r#""0.01""#, "0.01"),
        ("unknown", r#""model": "per_unit""#, r#""model": "per_hour""#),
        ("field", r#""rate": "calls""#, r#""rate": "calls", "free": 5"#),
        ("null", r#""2015-05-01""#, "null"),
        ("day", r#""2015-05-01""#, r#""2015-05-32""#),
        ("twice", r#""plan": "good","#, r#""plan": "good", "plan": "better","#),
        ("cut", "  ]\n}\n", ""),
        ("more", "  ]\n}\n", "  ]\n}}\n"),
    ];
    let said = cases.map(|(name, wrong, right)| checked(name, &GOOD.replace(wrong, right), 1));
    expect![[r#"
        error: plan.json is refused:
        plan.json:5: rates[0].price.unit_price: is the number 0.01; must be an amount in yuan as a text such as "0.0001", since a number may have been rounded on its way
        error: plan.json is refused:
        plan.json:5: rates[0].price.model: is "per_hour"; must be one of "per_unit", "package", "graduated", "volume", "block", "percentage", "graduated_percentage"
        error: plan.json is refused:
        plan.json:5: rates[0].free: is not a field here; the fields are rate, apis, conversion, free_per_month, free_per_day, price, charged, discounts, minimum, maximum
        error: plan.json is refused:
        plan.json:3: effective_from: is null; leave it out, or give a text
        error: plan.json is refused:
        plan.json:3: effective_from: `2015-05-32` is not a day such as 2015-05-17
        error: plan.json is refused:
        plan.json:2: plan: is given twice; give it once
        error: plan.json is refused:
        plan.json: is not valid JSON at line 6, column 0: the document ends too early
        error: plan.json is refused:
        plan.json: is not valid JSON at line 7, column 2: something follows the document
    "#]]
    .assert_eq(&said.concat());
}

#[test]
fn missing_file_is_told_by_name() {
    let ran = Folder::new("check-none").run("plan check none.json");
    assert_eq!((ran.code, ran.out.as_str()), (1, ""));
    assert!(ran.err.starts_with("error: cannot read none.json: No such file"), "{}", ran.err);
}

#[test]
fn check_in_json_tells_the_plan() {
    let folder = Folder::new("check-json");
    folder.write("plan.json", GOOD);
    let said = folder.run("plan check plan.json --json").done();
    expect![[r#"
        {
          "effective_from": "2015-05-01",
          "outcome": "is a good plan",
          "plan": "good",
          "warnings": []
        }
    "#]]
    .assert_eq(&said);
}

#[test]
fn schema_is_the_published_one() {
    let schema = Folder::new("schema").run("plan schema").done();
    assert!(schema == include_str!("../../../plans/plan.schema.json"), "{schema}");
}

#[tokio::test]
async fn version_in_force_never_changes_and_one_to_come_may() {
    let platform = Platform::open("add").await;
    platform.set("2015-05-11T12:00");
    let of = |day: &str, price: &str| GOOD.replace("2015-05-01", day).replace("0.01", price);
    for (day, price, said) in [
        ("2015-05-01", "0.01", "good of 2015-05-01 is stored\n"),
        ("2015-05-01", "0.01", "good of 2015-05-01 was stored before\n"),
        ("2015-06-01", "0.02", "good of 2015-06-01 is stored\n"),
        ("2015-06-01", "0.02", "good of 2015-06-01 was stored before\n"),
        (
            "2015-06-01",
            "0.03",
            "good of 2015-06-01 is stored in place of what was to take effect\n",
        ),
        ("2015-05-12", "0.02", "good of 2015-05-12 is stored\n"),
        (
            "2015-05-12",
            "0.03",
            "good of 2015-05-12 is stored in place of what was to take effect\n",
        ),
    ] {
        platform.folder.write("plan.json", &of(day, price));
        assert_eq!(platform.does("plan add plan.json").await, said, "{day} at {price}");
    }
    platform.set("2015-05-12T00:00");
    for day in ["2015-05-01", "2015-05-12"] {
        platform.folder.write("plan.json", &of(day, "0.05"));
        let said = platform.fails("plan add plan.json").await;
        assert!(said.contains(&format!("good of {day} is stored with other prices")), "{said}");
    }
    let list = platform.does("plan list --json").await;
    let list: serde_json::Value = serde_json::from_str(&list).unwrap();
    let stored = list.as_array().unwrap().iter();
    let stored =
        stored.map(|plan| [&plan["effective_from"], &plan["rates"][0]["price"]["unit_price"]]);
    assert_eq!(
        stored.collect::<Vec<_>>(),
        [["2015-05-01", "0.01"], ["2015-05-12", "0.03"], ["2015-06-01", "0.03"]]
    );
}

#[tokio::test]
async fn refused_plan_is_not_stored() {
    let platform = Platform::open("add-refused").await;
    platform.folder.write("plan.json", &GOOD.replace("0.01", "-1"));
    let said = platform.fails("plan add plan.json").await;
    assert!(said.contains("plan.json:5: rates[0].price.unit_price: "), "{said}");
    assert_eq!(platform.does("plan list --json").await, "[]\n");
}

#[test]
fn stack_that_does_not_run_is_told_at_once() {
    let ran = Folder::new("no-stack").run("plan list --endpoint http://127.0.0.1:1");
    assert_eq!((ran.code, ran.out.as_str()), (1, ""));
    assert!(ran.err.starts_with("error: no local stack at http://127.0.0.1:1: "), "{}", ran.err);
}
