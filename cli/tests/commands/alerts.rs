//! What a provider is watched by, and which alerts stand.

use expect_test::expect;
use serde_json::Value;

use crate::platform::Platform;

const PLAN: &str = r#"{ "plan": "p", "effective_from": "2015-05-01", "rates": [
    { "rate": "basic", "apis": ["*"], "price": { "model": "per_unit", "unit_price": "0.01" } } ] }"#;

#[tokio::test]
async fn alerts_are_set_shown_and_cleared() {
    let platform = Platform::open("alerts").await;
    platform.add_plan("plan.json", PLAN).await;
    platform.register("shop", "p", "2015-05-01").await;
    platform.set("2015-05-01T23:00");
    expect![[r#"
        2015-05: ¥0.00 so far, no budget
        watched by {"budget":{"percent":[120],"forecast_percent":150}}
        no alert stands
    "#]]
    .assert_eq(&platform.does("alerts show shop").await);
    platform.count("shop", "shop", "2015-05-01", &[("a.get", 2_000)]).await;
    platform.folder.write(
        "alerts.json",
        r#"{ "budget": { "monthly": "10", "percent": [50, 100] }, "cap": "15" }"#,
    );
    expect![[r#"
        2015-05: ¥20.00 so far, budget ¥10.00
        watched by {"budget":{"monthly":"10.00","percent":[50,100]},"cap":"15.00"}
        cap ¥15.00: reached: noticed at 2015-05-01T23:00:00+08:00, and ¥5.00 passed beyond it
        ┌────────┬──────┬─────────┬────────┬────────┬───────────────────────────┐
        │ alert  ┆ rate ┆ percent ┆   line ┆ figure ┆ since                     │
        ╞════════╪══════╪═════════╪════════╪════════╪═══════════════════════════╡
        │ budget ┆      ┆     100 ┆ ¥10.00 ┆ ¥20.00 ┆ 2015-05-01T23:00:00+08:00 │
        │ cap    ┆      ┆     100 ┆ ¥15.00 ┆ ¥20.00 ┆ 2015-05-01T23:00:00+08:00 │
        └────────┴──────┴─────────┴────────┴────────┴───────────────────────────┘
    "#]]
    .assert_eq(&platform.does("alerts set shop alerts.json").await);
    let shown: Value =
        serde_json::from_str(&platform.does("alerts show shop --json").await).unwrap();
    assert_eq!(shown["cap"]["passed_fen"], 500);
    assert_eq!(shown["alerts"][0]["line"], serde_json::json!({ "fen": 1_000 }));
    let listed = platform.does("standing list --json").await;
    let listed: Value = serde_json::from_str(&listed).unwrap();
    let capped = &listed["standings"][0];
    assert_eq!((&capped["blocked"], &capped["because"]["kind"]), (&true.into(), &"capped".into()));
    expect![[r#"
        2015-05: ¥20.00 so far, no budget
        watched by {"budget":{"percent":[120],"forecast_percent":150}}
        no alert stands
    "#]]
    .assert_eq(&platform.does("alerts clear shop").await);
    assert_eq!(platform.does("standing list").await, "every provider is in good standing\n");
}

#[tokio::test]
async fn alerts_that_make_no_sense_are_refused_with_their_place() {
    let platform = Platform::open("alerts-refused").await;
    platform.folder.write("alerts.json", "{\n  \"budget\": {\n    \"percent\": [80, 50]\n  }\n}");
    expect![[r#"
        error: alerts.json is refused:
        alerts.json:3: budget.percent[1]: must be above the percentage before
    "#]]
    .assert_eq(&platform.fails("alerts set shop alerts.json").await);
    platform.folder.write("alerts.json", "{}");
    expect![[r#"
        error: provider `shop` is not registered
    "#]]
    .assert_eq(&platform.fails("alerts set shop alerts.json").await);
}
