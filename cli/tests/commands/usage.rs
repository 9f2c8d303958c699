//! `steelyard usage show`: what was counted, and what the coming night would charge of it.

use serde_json::{Value, json};

use crate::clock::http_get;
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

/// The groups that are shown: names, calls, those that are charged, and reports.
async fn shown(platform: &Platform, line: &str) -> (Value, Value) {
    let shown = platform.does(&format!("usage show shop --json {line}")).await;
    let shown: Value = serde_json::from_str(&shown).unwrap();
    let groups = shown["groups"].as_array().unwrap().iter();
    let groups = groups.map(|group| {
        json!([group["name"], group["calls"], group["settled"]["calls"], group["reports"]])
    });
    (Value::from_iter(groups), shown["coming"].clone())
}

#[tokio::test]
async fn usage_is_summed_by_what_is_asked_for() {
    let platform = platform("usage-groups").await;
    for (line, expected) in [
        ("", json!([["other", 3, 0, null], ["t.get", 157, 150, null], ["t.put", 1_020, 0, null]])),
        ("--group-by rate", json!([["(unpriced)", 3, 0, null], ["trades", 1_177, 150, null]])),
        (
            "--group-by day",
            json!([
                ["2015-05-01", 170, 150, null],
                ["2015-05-02", 10, 0, null],
                ["2015-05-03", 1_000, 0, null]
            ]),
        ),
        ("--group-by source", json!([["gateway-1", 1_180, null, 4]])),
        (
            "--group-by report --from 2015-05-01 --to 2015-05-01",
            json!([["gateway-1 first", 150, null, 1], ["gateway-1 late", 20, null, 1]]),
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
async fn api_answers_what_the_tool_prints() {
    let platform = platform("usage-http").await;
    for by in ["api", "rate", "day", "source"] {
        let (status, answer) =
            http_get(platform.stack.address, &format!("/v1/usage/shop?group_by={by}")).await;
        assert_eq!(status, "HTTP/1.1 200 OK", "{by}");
        let printed = platform.does(&format!("usage show shop --json --group-by {by}")).await;
        let [answer, printed]: [Value; 2] =
            [answer, printed].map(|text| serde_json::from_str(&text).unwrap());
        assert_eq!(answer, printed, "{by}");
    }
}

#[tokio::test]
async fn usage_of_expired_reports_is_summed_from_statements_and_not_simulated() {
    let platform = platform("usage-expired").await;
    platform.set("2016-08-01T00:30");
    platform.does("settle").await;
    let (_, coming) = shown(&platform, "--from 2015-05-01 --to 2015-05-31").await;
    assert_eq!(coming, json!([]));
    let line = "usage show shop --group-by source --from 2015-05-01 --to 2015-06-01";
    let ran = platform.run(line).await;
    assert_eq!(
        (ran.code, ran.err.as_str()),
        (0, "reports of days before 2015-06-01 have expired\n")
    );
    let line = "plan simulate --plan plan.json --from 2015-05-31 --to 2015-06-30";
    let refused = platform.fails(line).await;
    assert!(refused.contains("before 2015-06-01 have expired"), "{refused}");
    platform.does(&line.replace("2015-05-31", "2015-06-01")).await;
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

#[tokio::test]
async fn void_is_shown_before_it_is_made_and_the_night_credits_what_was_shown() {
    let platform = platform("usage-void").await;
    platform.settle("2015-05-04").await;
    platform.set("2015-05-04T20:00");
    let line = "usage void gateway-1 first --provider shop --reason twice --by li";
    let shown = platform.does(&format!("{line} --dry-run")).await;
    let change = "the coming statements of shop charge −¥1.50 in place of ¥0.00: −¥1.50\n";
    assert_eq!(shown, format!("2015-05-01: 150 calls to be withdrawn\n{change}"));
    assert_eq!(platform.does(&format!("{line} --dry-run")).await, shown, "nothing changed");
    assert_eq!(platform.does(line).await, format!("2015-05-01: 150 calls withdrawn\n{change}"));
    let again = platform.does(line).await;
    assert!(again.starts_with("2015-05-01: 150 calls withdrawn before\n"), "{again}");
    let by_report = "usage show shop --group-by report --from 2015-05-01 --to 2015-05-01";
    let text = platform.does(&format!("{by_report} --json")).await;
    let shown: Value = serde_json::from_str(&text).unwrap();
    let first = &shown["groups"][0];
    assert_eq!((&first["name"], &first["calls"]), (&json!("gateway-1 first"), &json!(150)));
    assert_eq!(first["withdrawn"]["by"], "li");
    assert!(platform.does(by_report).await.contains("WITHDRAWN"), "the table shows it");
    platform.settle("2015-05-05").await;
    let explained = platform.does("statement shop 2015-05-04 --explain").await;
    assert!(explained.contains("trades, withdrawn, from 2015-05-01"), "{explained}");
    assert!(explained.contains("of 2015-05-01 were withdrawn: 150 calls"), "{explained}");
    assert!(platform.does("statement shop").await.contains("−150"), "the table shows fewer calls");
    platform.does("audit").await;
}

#[tokio::test]
async fn report_is_replaced_by_another_one() {
    let platform = platform("usage-replace").await;
    platform.settle("2015-05-04").await;
    platform.set("2015-05-04T20:00");
    let right = |id: &str, provider: &str, day: &str| {
        json!({ "source": "gateway-1", "id": id, "records": [
            { "provider": provider, "api": "t.get", "day": day, "count": 140 }] })
    };
    let day = "2015-05-01";
    for (id, provider, day) in
        [("first", "shop", day), ("right", "other", day), ("right", "shop", "2015-03-01")]
    {
        platform.folder.write("right.json", &right(id, provider, day).to_string());
        platform.fails(&replace()).await;
    }
    platform.folder.write("right.json", &right("right", "shop", day).to_string());
    let replaced = platform.does(&replace()).await;
    let change = "the coming statements of shop charge −¥0.10 in place of ¥0.00: −¥0.10\n";
    let became = "2015-05-01: 150 calls withdrawn\n2015-05-01: counted in its place\n";
    assert_eq!(replaced, format!("{became}{change}"));
    platform.does(&replace()).await;
    platform.settle("2015-05-05").await;
    let statement = platform.does("statement shop 2015-05-04 --json").await;
    let statement: Value = serde_json::from_str(&statement).unwrap();
    assert_eq!(statement[0]["charge_fen"], -10);
    platform.set("2015-06-08T20:00");
    let again = platform.does(&replace()).await;
    let became =
        "2015-05-01: 150 calls withdrawn before\n2015-05-01: was counted in its place before\n";
    assert!(again.starts_with(became), "{again}");
    platform.settle("2015-06-09").await;
    platform.does("audit").await;
}

fn replace() -> String {
    "usage replace gateway-1 first --provider shop --reason twice --with right.json".to_owned()
}

#[tokio::test]
async fn void_that_makes_no_sense_fails_by_name() {
    let platform = platform("usage-void-refused").await;
    for (line, told) in [
        ("gateway-1 none --provider shop --reason r", "has no report none about shop"),
        ("gateway-1 first --provider nobody --reason r", "provider `nobody` is not registered"),
        ("gateway-1 first --provider shop --reason r --day 2015-03-01", "is closed"),
    ] {
        let error = platform.fails(&format!("usage void {line}")).await;
        assert!(error.contains(told), "{error}");
    }
    let without_reason = platform.run("usage void gateway-1 first --provider shop").await;
    assert_eq!(without_reason.code, 2, "{}", without_reason.err);
}
