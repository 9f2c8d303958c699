//! Rules of imports: tried, stored, and used.

use std::time::{Duration, Instant};

use expect_test::expect;
use serde_json::Value;
use steelyard_pricing::BillingDay;

use crate::platform::Platform;
use crate::tool::Folder;

const PLAN: &str = r#"{ "plan": "flat", "effective_from": "2015-01-01", "rates": [
    { "rate": "all", "apis": ["*"], "price": { "model": "per_unit", "unit_price": "0.01" } } ] }"#;

const RULE: &str = r#"{
  "rule": "web",
  "caller": "query:app_key",
  "callers": {
    "10*": "shop"
  },
  "segments": 2
}
"#;

/// A platform with a provider and a rule, in the evening of the day of the log.
pub(crate) async fn platform(name: &str) -> Platform {
    let platform = Platform::open(name).await;
    platform.add_plan("plan.json", PLAN).await;
    platform.register("shop", "flat", "2015-05-01").await;
    platform.set("2015-05-17T20:00");
    platform.folder.write("web.json", RULE);
    platform
}

/// A line of an access log; no two numbers have the same.
pub(crate) fn line(number: u64) -> String {
    let (minute, second) = (number / 60 % 60, number % 60);
    format!(
        "192.0.2.7 - - [17/May/2015:10:{minute:02}:{second:02} +0800] \"GET /v1/%74rades/{number}?app_key=1021 HTTP/1.1\" 200 5 \"-\" \"A\"\n"
    )
}

/// Lines of an access log.
pub(crate) fn lines(numbers: std::ops::Range<u64>) -> String {
    numbers.map(line).collect()
}

/// The calls of the provider that are counted.
pub(crate) async fn calls(platform: &Platform) -> u64 {
    let [from, through] =
        ["2015-05-01", "2015-05-31"].map(|day| day.parse::<BillingDay>().unwrap());
    let days =
        platform.stack.tables.usage.days(&"shop".parse().unwrap(), from, through).await.unwrap();
    days.values().map(|day| day.usage.total().unwrap().calls.get()).sum()
}

/// Waits until so many calls are counted, and no more.
pub(crate) async fn until(platform: &Platform, wanted: u64) {
    let begin = Instant::now();
    while calls(platform).await < wanted && begin.elapsed() < Duration::from_secs(20) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(calls(platform).await, wanted);
}

#[tokio::test]
async fn a_rule_is_tried_stored_and_gone_by() {
    let platform = platform("rules").await;
    let log = lines(0..3) + &line(3).replace("app_key=1021", "app_key=7") + "bad\n";
    platform.folder.write("web.log", &log);
    let tried = platform.run("rule try web.json web.log").await;
    assert_eq!(tried.code, 3);
    expect![[r#"
        5 lines: 3 billable, 1 of unknown callers, 1 refused
        refused 1 line: not a whole line of an access log
          line 5: no request in quotation marks: not a whole line of the Common or Combined Log Format
        callers that are no provider; write their providers behind them, for --map:
        caller,provider
        # 1 call
        7,
        ┌──────────┬────────────┬───────────┬───────┐
        │ provider ┆ day        ┆ api       ┆ calls │
        ╞══════════╪════════════╪═══════════╪═══════╡
        │ shop     ┆ 2015-05-17 ┆ v1/trades ┆ 3     │
        └──────────┴────────────┴───────────┴───────┘
    "#]].assert_eq(&tried.out);
    assert_eq!(calls(&platform).await, 0, "nothing is counted");
    for outcome in ["is stored", "was stored before"] {
        assert_eq!(platform.does("rule add web.json").await, format!("web {outcome}\n"));
    }
    assert_eq!(platform.does("rule list").await, "web\n");
    assert_eq!(platform.does("rule show web").await, RULE);
    platform.folder.write("web.json", &RULE.replace("\"segments\": 2", "\"segments\": 1"));
    expect![[r#"
        error: another rule web is stored: see `steelyard rule show web`; --replace puts this one in its place
    "#]].assert_eq(&platform.fails("rule add web.json").await);
    let replaced = platform.does("rule add web.json --replace").await;
    assert_eq!(replaced, "web is stored in place of another\n");
    platform.folder.write("web.json", &RULE.replace("\"segments\": 2", "\"combined\": true"));
    let refused = platform.fails("rule add web.json --replace").await;
    assert!(refused.starts_with("error: `combined` of rule web cannot change"), "{refused}");
    platform.folder.write("other.json", RULE);
    for (rule, counted) in [("other.json", 3), ("web", 3)] {
        platform.run(&format!("import web.log --source {} --rule {rule}", &rule[..3])).await;
        assert_eq!(calls(&platform).await % 3, 0);
        assert!(calls(&platform).await >= counted);
    }
    assert_eq!(calls(&platform).await, 6);
    expect![[r#"
        error: there is no file `none`, and no stored rule of this name: see `steelyard rule list`
    "#]]
    .assert_eq(&platform.fails("import web.log --rule none").await);
}

#[test]
fn options_make_the_document_and_faults_are_named_by_line() {
    let folder = Folder::new("rule-documents");
    folder.write("callers.csv", "caller,provider\n10*,shop\n");
    let made =
        folder.run("rule make web --caller query:app_key --map callers.csv --segments 2").done();
    assert_eq!(made, RULE);
    folder.write("web.json", &made);
    assert_eq!(folder.run("rule check web.json").done(), "web is a good rule\n");
    folder.write("bad.json", &RULE.replace("query:app_key", "agent"));
    expect![[r#"
        error: bad.json is refused:
        bad.json:3: caller: give `host`, `domain`, `user`, `query:NAME` or `extra:N` with N from 1
    "#]]
    .assert_eq(&folder.run("rule check bad.json").err);
    folder.write(
        "bad.json",
        &RULE.replace("\"segments\": 2", "\"window_s\": 0, \"provider_prefix\": \"x\""),
    );
    expect![[r#"
        error: bad.json is refused:
        bad.json:7: provider_prefix: give either callers or provider_prefix
        bad.json:7: window_s: must be 1 to 3600 seconds
    "#]]
    .assert_eq(&folder.run("rule check bad.json").err);
    assert_eq!(folder.run("import a.log --rule web --segments 2").code, 2);
    let schema: Value = serde_json::from_str(&folder.run("rule schema").done()).unwrap();
    let published = include_str!("../../../rules/rule.schema.json");
    assert_eq!(schema, serde_json::from_str::<Value>(published).unwrap());
}
