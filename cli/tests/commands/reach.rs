//! `steelyard plan add` of a version that reaches counted usage, `plan diff`, `provider history`.

use expect_test::expect;
use serde_json::Value;

use crate::platform::Platform;

fn plan(from: &str, price: &str) -> String {
    format!(
        r#"{{ "plan": "small", "effective_from": "{from}", "rates": [
        {{ "rate": "calls", "apis": ["*"], "free_per_month": 100,
          "discounts": [{{ "discount": "spring", "percent": "10", "until": "2015-05-16" }}],
          "price": {{ "model": "per_unit", "unit_price": "{price}" }} }} ] }}"#
    )
}

/// A platform on the 20th of May 2015 whose provider is settled to the 19th.
async fn platform(name: &str) -> Platform {
    let platform = Platform::open(name).await;
    platform.add_plan("small.json", &plan("2015-04-01", "0.10")).await;
    platform.add_plan("other.json", &plan("2015-04-01", "0.10").replace("small", "other")).await;
    platform.does("provider add shop --plan small --billed-from 2015-05").await;
    platform.does("provider add elsewhere --plan other --billed-from 2015-05").await;
    platform.set("2015-05-20T12:00");
    for provider in ["shop", "elsewhere"] {
        platform.count("one", provider, "2015-05-17", &[("x", 200)]).await;
        platform.count("two", provider, "2015-05-20", &[("x", 50)]).await;
    }
    platform.settle("2015-05-20").await;
    platform
}

#[tokio::test]
async fn a_version_that_reaches_counted_usage_is_shown_first_and_stored_with_yes() {
    let platform = platform("reach").await;
    platform.folder.write("new.json", &plan("2015-05-20", "0.30"));
    let before = platform.dump().await;
    let ran = platform.run("plan add new.json").await;
    assert_eq!(ran.code, 1, "{ran:?}");
    // Of the settled day 100 × 0.10; of today 50 × 0.10, or × 0.30. The other plan's provider is
    // not affected.
    expect![[r#"
        ┌──────────┬───────┬───────┬────────┐
        │ provider ┆   now ┆  then ┆ change │
        ╞══════════╪═══════╪═══════╪════════╡
        │ shop     ┆ 15.00 ┆ 25.00 ┆ +10.00 │
        │ all      ┆ 15.00 ┆ 25.00 ┆ +10.00 │
        └──────────┴───────┴───────┴────────┘
        Amounts are yuan, for the usage of 2015-05-01 to 2015-05-20, as if the month ended today.
        Nothing was written.
    "#]]
    .assert_eq(&ran.out);
    expect![[r#"
        error: small of 2015-05-20 holds in a month of which usage is counted already: store it with --yes, or give it an effective_from of a later month
    "#]].assert_eq(&ran.err);
    assert!(platform.dump().await == before, "something was written");
    assert_eq!(platform.does("plan add new.json --yes").await, "small of 2015-05-20 is stored\n");
    assert_eq!(platform.does("plan add new.json").await, "small of 2015-05-20 was stored before\n");
    platform.set("2015-05-21T12:00");
    platform.settle("2015-05-21").await;
    let statements = platform.does("statement shop 2015-05-20 --json").await;
    let statements: Value = serde_json::from_str(&statements).unwrap();
    assert_eq!(statements[0]["charge_fen"], 1500);
}

#[tokio::test]
async fn a_version_of_a_later_month_or_of_a_plan_without_providers_is_stored_at_once() {
    let platform = platform("reach-nobody").await;
    platform.folder.write("later.json", &plan("2015-06-01", "0.30"));
    assert_eq!(platform.does("plan add later.json").await, "small of 2015-06-01 is stored\n");
    platform.folder.write("new.json", &plan("2015-05-20", "0.30").replace("small", "another"));
    assert_eq!(platform.does("plan add new.json").await, "another of 2015-05-20 is stored\n");
}

#[tokio::test]
async fn a_version_that_an_override_does_not_fit_is_never_stored() {
    let platform = platform("reach-misfit").await;
    platform.folder.write(
        "own.json",
        r#"{ "override": "own", "from": "2015-05-20", "rate": "calls",
             "price": { "model": "per_unit", "unit_price": "0.05" } }"#,
    );
    platform.does("provider override add shop own.json").await;
    for day in ["2015-05-20", "2015-07-01"] {
        platform.folder.write("new.json", &plan(day, "0.30").replace(r#""calls""#, r#""all""#));
        for line in ["plan add new.json", "plan add new.json --yes"] {
            let said = platform.fails(line).await;
            assert!(said.contains("providers could not be settled with this version"), "{said}");
            assert!(said.contains("\nshop: "), "{said}");
        }
    }
    platform.does("provider override end shop own --on 2015-07-01").await;
    assert_eq!(platform.does("plan add new.json").await, "small of 2015-07-01 is stored\n");
}

#[tokio::test]
async fn two_plans_are_compared_field_by_field() {
    let platform = platform("diff").await;
    platform.folder.write("new.json", &plan("2015-05-20", "0.30"));
    expect![[r#"
        ┌───────────────────────────────┬────────────┬────────────┐
        │ field                         ┆ before     ┆ after      │
        ╞═══════════════════════════════╪════════════╪════════════╡
        │ effective_from                ┆ 2015-04-01 ┆ 2015-05-20 │
        │ rates[calls].price.unit_price ┆ 0.1        ┆ 0.3        │
        └───────────────────────────────┴────────────┴────────────┘
    "#]]
    .assert_eq(&platform.does("plan diff small new.json").await);
    assert_eq!(platform.does("plan diff small small@2015-05-02").await, "nothing differs\n");
    expect![[r#"
        error: plan `small` takes effect on 2015-04-01
    "#]]
    .assert_eq(&platform.fails("plan diff small@2015-03-31 small").await);
    expect![[r#"
        error: there is no plan `nothing`
    "#]]
    .assert_eq(&platform.fails("plan diff nothing small").await);
}

#[tokio::test]
async fn the_terms_of_a_provider_are_listed_day_by_day() {
    let platform = platform("history").await;
    platform.folder.write("new.json", &plan("2015-06-01", "0.30"));
    platform.does("plan add new.json").await;
    platform.folder.write(
        "half.json",
        r#"{ "override": "half", "from": "2015-05-21", "until": "2015-05-26", "discount_percent": "50" }"#,
    );
    platform.does("provider override add shop half.json").await;
    platform.does("provider assign shop --plan other --from 2015-06-11").await;
    expect![[r#"
        ┌────────────┬────────────┬────────────┬──────────────────────┬────────────┐
        │ from       ┆ until      ┆ plan       ┆ overrides, discounts ┆ settled to │
        ╞════════════╪════════════╪════════════╪══════════════════════╪════════════╡
        │ 2015-05-01 ┆ 2015-05-16 ┆ small of   ┆ spring               ┆ 2015-05-15 │
        │            ┆            ┆ 2015-04-01 ┆                      ┆            │
        │ 2015-05-16 ┆ 2015-05-21 ┆ small of   ┆                      ┆ 2015-05-17 │
        │            ┆            ┆ 2015-04-01 ┆                      ┆            │
        │ 2015-05-21 ┆ 2015-05-26 ┆ small of   ┆ half                 ┆            │
        │            ┆            ┆ 2015-04-01 ┆                      ┆            │
        │ 2015-05-26 ┆ 2015-06-01 ┆ small of   ┆                      ┆            │
        │            ┆            ┆ 2015-04-01 ┆                      ┆            │
        │ 2015-06-01 ┆ 2015-06-11 ┆ small of   ┆                      ┆            │
        │            ┆            ┆ 2015-06-01 ┆                      ┆            │
        │ 2015-06-11 ┆            ┆ other of   ┆                      ┆            │
        │            ┆            ┆ 2015-04-01 ┆                      ┆            │
        └────────────┴────────────┴────────────┴──────────────────────┴────────────┘
    "#]]
    .assert_eq(&platform.does("provider history shop").await);
    let periods: Value =
        serde_json::from_str(&platform.does("provider history shop --json").await).unwrap();
    assert_eq!(periods[2]["overrides"][0], "half");
}

#[tokio::test]
async fn settled_days_are_listed_with_the_terms_by_which_they_were_settled() {
    let platform = platform("history-kept").await;
    platform.folder.write("back.json", &plan("2015-05-11", "0.30"));
    platform.does("plan add back.json --yes").await;
    let periods: Value =
        serde_json::from_str(&platform.does("provider history shop --json").await).unwrap();
    let shown = periods.as_array().unwrap().iter().map(|period| {
        format!("{} {} {}", period["from"], period["version"], period["settled_through"])
            .replace('"', "")
    });
    // The last statement is of the 17th.
    let expected = [
        "2015-05-01 2015-04-01 2015-05-15",
        "2015-05-16 2015-04-01 2015-05-17",
        "2015-05-18 2015-05-11 null",
    ];
    assert_eq!(shown.collect::<Vec<_>>(), expected);
}
