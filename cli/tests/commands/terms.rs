//! `steelyard provider assign` and `override`: terms that change inside a month.

use expect_test::expect;
use serde_json::{Value, json};

use crate::platform::Platform;

/// Free to 310 calls a month, then one price each.
fn plan(name: &str, price: &str) -> String {
    format!(
        r#"{{ "plan": "{name}", "effective_from": "2015-05-01", "rates": [
        {{ "rate": "calls", "apis": ["*"], "free_per_month": 310,
          "price": {{ "model": "per_unit", "unit_price": "{price}" }} }} ] }}"#
    )
}

/// A platform with plans `old` and `new`, and a provider on the old one whose days are settled to
/// the 5th of May 2015.
async fn platform(name: &str) -> Platform {
    let platform = Platform::open(name).await;
    platform.add_plan("old.json", &plan("old", "0.01")).await;
    platform.add_plan("new.json", &plan("new", "0.02")).await;
    platform.does("provider add shop --plan old --billed-from 2015-05").await;
    platform.set("2015-05-05T12:00");
    platform.count("first", "shop", "2015-05-05", &[("x", 400)]).await;
    platform.settle("2015-05-06").await;
    platform
}

/// Checks the segments of a statement, each as its first day, its plan and its overrides, and what
/// the statement charges in fen.
async fn check(platform: &Platform, day: &str, segments: &[&str], charge: i64) {
    let statements = platform.does(&format!("statement shop {day} --json")).await;
    let statements: Value = serde_json::from_str(&statements).unwrap();
    let of = |segment: &Value| {
        let overrides = segment["overrides"].as_array().into_iter().flatten();
        let overrides = overrides.map(|name| format!(" {}", name.as_str().unwrap()));
        let text = |field: &str| segment[field].as_str().unwrap().to_owned();
        format!("{} {}{}", text("from"), text("plan"), overrides.collect::<String>())
    };
    let found = statements[0]["segments"].as_array().unwrap().iter().map(of);
    assert_eq!(found.collect::<Vec<_>>(), segments, "{day}");
    assert_eq!(statements[0]["charge_fen"], charge, "{day}: {statements}");
}

#[tokio::test]
async fn assignment_inside_a_month_cuts_it() {
    let platform = platform("assign").await;
    check(&platform, "2015-05-05", &["2015-05-01 old"], 90).await;
    assert_eq!(
        platform.does("provider assign shop --plan new --from 2015-05-11").await,
        "shop is updated\n"
    );
    platform.set("2015-05-12T12:00");
    platform.count("second", "shop", "2015-05-12", &[("x", 260)]).await;
    platform.settle("2015-05-13").await;
    // 10 days give 100: 300 × 0.01 = 3.00, of which 0.90 were charged. 21 days give 210: 50 × 0.02.
    check(&platform, "2015-05-12", &["2015-05-01 old", "2015-05-11 new"], 310).await;
}

#[tokio::test]
async fn settled_day_keeps_its_terms() {
    let platform = platform("settled").await;
    let before = platform.dump().await;
    platform.folder.write(
        "early.json",
        r#"{ "override": "early", "from": "2015-05-05", "discount_percent": "5" }"#,
    );
    for line in [
        "provider assign shop --plan new --from 2015-05-05",
        "provider override add shop early.json",
    ] {
        let said = platform.fails(line).await;
        assert_eq!(
            said,
            "error: 2015-05-05 is settled already; change the terms from a later day\n"
        );
    }
    assert!(platform.dump().await == before, "something was written");
    platform.does("provider assign shop --plan new --from 2015-05-06").await;
}

#[tokio::test]
async fn override_holds_from_its_first_day_until_it_is_ended() {
    let platform = platform("override").await;
    platform.folder.write(
        "half.json",
        r#"{ "override": "half", "from": "2015-05-11", "discount_percent": "50" }"#,
    );
    platform.does("provider override add shop half.json").await;
    // One that never holds is refused, and not stored for nothing.
    for (name, fields, fault) in [
        (
            "never",
            r#""from": "2015-05-20", "until": "2015-05-20", "discount_percent": "5""#,
            "until",
        ),
        (
            "rate",
            r#""from": "2015-05-20", "until": "2015-05-10", "rate": "nope", "free_on_top": 1"#,
            "no rate `nope`",
        ),
    ] {
        let file = format!("{name}.json");
        platform.folder.write(&file, &format!(r#"{{ "override": "{name}", {fields} }}"#));
        let said = platform.fails(&format!("provider override add shop {file}")).await;
        assert!(said.contains(fault), "{said}");
    }
    let said = platform.fails("provider override add shop half.json").await;
    assert_eq!(said, "error: there is an override `half` already; give this one another name\n");
    platform.set("2015-05-12T12:00");
    platform.count("second", "shop", "2015-05-12", &[("x", 260)]).await;
    platform.settle("2015-05-13").await;
    // The allowance was used up by the 400 calls before; half of 260 × 0.01.
    check(&platform, "2015-05-12", &["2015-05-01 old", "2015-05-11 old half"], 130).await;

    let said = platform.fails("provider override end shop half --on 2015-05-12").await;
    assert!(said.contains("2015-05-12 is settled already"), "{said}");
    platform.does("provider override end shop half --on 2015-05-21").await;
    let said = platform.fails("provider override end shop half --on 2015-05-25").await;
    assert!(said.contains("override `half` ends on 2015-05-21 already"), "{said}");
    let said = platform.fails("provider override end shop other --on 2015-05-25").await;
    assert!(said.contains("there is no override `other`"), "{said}");

    platform.set("2015-05-22T12:00");
    platform.count("third", "shop", "2015-05-22", &[("x", 210)]).await;
    platform.settle("2015-05-23").await;
    // Earlier charges do not change. New: 210 × 0.01.
    let segments = ["2015-05-01 old", "2015-05-11 old half", "2015-05-21 old"];
    check(&platform, "2015-05-22", &segments, 210).await;
    assert!(platform.does("audit").await.contains("audit passed"));
    expect![[r#"
        ┌──────────┬────────────┬────────────┬─────────┐
        │ override ┆ from       ┆ until      ┆ terms   │
        ╞══════════╪════════════╪════════════╪═════════╡
        │ half     ┆ 2015-05-11 ┆ 2015-05-21 ┆ 50% off │
        └──────────┴────────────┴────────────┴─────────┘
    "#]]
    .assert_eq(&platform.does("provider override list shop").await);
    let listed = platform.does("provider override list shop --json").await;
    let listed: Value = serde_json::from_str(&listed).unwrap();
    let written = json!({ "override": "half", "from": "2015-05-11", "until": "2015-05-21", "discount_percent": "50" });
    assert_eq!(listed, json!([written]));
}

#[tokio::test]
async fn override_that_fits_no_plan_is_refused_with_its_place() {
    let platform = platform("override-refused").await;
    platform.folder.write(
        "price.json",
        "{\n \"override\": \"o\",\n \"from\": \"2015-05-11\",\n \"discount_percent\": 50\n}",
    );
    let said = platform.fails("provider override add shop price.json").await;
    assert!(said.contains("\nprice.json:4: discount_percent: is the number 50"), "{said}");
    platform.folder.write(
        "rate.json",
        r#"{ "override": "o", "from": "2015-05-11", "rate": "sms", "free_on_top": 5 }"#,
    );
    let said = platform.fails("provider override add shop rate.json").await;
    assert!(said.contains("override does not fit the plan"), "{said}");
    assert!(said.contains("rate: the plan has no rate `sms`"), "{said}");
}
