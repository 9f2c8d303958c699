//! `steelyard usage show`: what was counted, and what the coming night would charge of it.

use serde_json::{Value, json};

use crate::platform::Platform;

/// Calls under `t.` cost a fen beyond the first hundred of a month; others are not priced.
const PLAN: &str = r#"{ "plan": "p", "effective_from": "2015-05-01", "rates": [
    { "rate": "trades", "apis": ["t.*"], "free_per_month": 100,
      "price": { "model": "per_unit", "unit_price": "0.01" } } ] }"#;

/// A platform on the evening of the third of May, whose first of May is settled.
async fn platform(name: &str) -> Platform {
    let platform = Platform::open(name).await;
    platform.add_plan("plan.json", PLAN).await;
    platform.does("provider add shop --plan p --billed-from 2015-05").await;
    platform.set("2015-05-01T20:00");
    platform.count("first", "shop", "2015-05-01", &[("t.get", 150)]).await;
    platform.settle("2015-05-02").await;
    platform.set("2015-05-02T20:00");
    platform.count("second", "shop", "2015-05-02", &[("t.get", 7), ("other", 3)]).await;
    platform.count("late", "shop", "2015-05-01", &[("t.put", 20)]).await;
    platform.set("2015-05-03T20:00");
    platform.count("third", "shop", "2015-05-03", &[("t.put", 1_000)]).await;
    platform
}

/// The groups that are shown: names, calls and reports.
async fn shown(platform: &Platform, line: &str) -> (Value, Value) {
    let shown = platform.does(&format!("usage show shop --json {line}")).await;
    let shown: Value = serde_json::from_str(&shown).unwrap();
    let groups = shown["usage"].as_array().unwrap();
    let groups =
        groups.iter().map(|group| json!([group["name"], group["calls"], group["reports"]]));
    (Value::from_iter(groups), shown["coming"].clone())
}

#[tokio::test]
async fn usage_is_summed_by_what_is_asked_for() {
    let platform = platform("usage-groups").await;
    for (line, expected) in [
        ("", json!([["other", 3, 1], ["t.get", 157, 2], ["t.put", 1_020, 2]])),
        ("--group-by rate", json!([["(unpriced)", 3, 1], ["trades", 1_177, 4]])),
        (
            "--group-by day",
            json!([["2015-05-01", 170, 2], ["2015-05-02", 10, 1], ["2015-05-03", 1_000, 1]]),
        ),
        ("--group-by source", json!([["gateway-1", 1_180, 4]])),
        (
            "--group-by report --from 2015-05-01 --to 2015-05-01",
            json!([["gateway-1 first", 150, 1], ["gateway-1 late", 20, 1]]),
        ),
        ("--from 2015-05-04", json!([])),
    ] {
        if line.contains("05-04") {
            platform.fails(&format!("usage show shop {line}")).await;
            continue;
        }
        assert_eq!(shown(&platform, line).await.0, expected, "{line}");
    }
}

#[tokio::test]
async fn what_is_not_settled_is_rated_as_the_coming_night_rates_it() {
    let platform = platform("usage-coming").await;
    let (_, coming) = shown(&platform, "").await;
    let expected = json!([
        { "statement": "2015-05-02", "charge_fen": 27 },
        { "statement": "2015-05-03", "charge_fen": 1_000 },
    ]);
    assert_eq!(coming, expected);
    let text = platform.does("usage show shop").await;
    let end = "last statement 2015-05-01; what is counted since would cost ¥10.27\n  2015-05-02 \
               ¥0.27\n  2015-05-03 ¥10.00\n";
    assert!(text.ends_with(end), "{text}");
    platform.settle("2015-05-04").await;
    let statements: Value =
        serde_json::from_str(&platform.does("statement shop --json").await).unwrap();
    let charged = statements.as_array().unwrap().iter().skip(1);
    let charged =
        charged.map(|of| json!({ "statement": of["statement"], "charge_fen": of["charge_fen"] }));
    assert_eq!(Value::from_iter(charged), expected, "the night charges what was shown");
    assert_eq!(shown(&platform, "").await.1, json!([]));
}
