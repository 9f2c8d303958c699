//! Logs in S3: what was read of them is listed and shown, and one is read again.

use expect_test::expect;
use serde_json::Value;
use steelyard_billing::ObjectName;

use crate::platform::Platform;
use crate::rules::{calls, line, lines, platform};

async fn put(platform: &Platform, key: &str, log: &str) {
    let object = ObjectName::new("logs", key);
    platform.stack.objects.put(&object, log.as_bytes()).await.unwrap();
    platform.stack.drain().await.unwrap();
}

/// Stores the rule of the tests for the logs under a prefix.
async fn store_rule(platform: &Platform, prefix: &str) {
    let rule = platform.folder.path().join("web.json");
    let mut rule: Value = serde_json::from_slice(&std::fs::read(rule).unwrap()).unwrap();
    rule["objects"] = serde_json::json!([{ "bucket": "logs", "prefix": prefix }]);
    platform.folder.write("s3.json", &rule.to_string());
    platform.run("rule add s3.json --replace").await.done();
}

#[tokio::test]
async fn logs_are_listed_shown_and_read_again() {
    let platform = platform("stored-logs").await;
    store_rule(&platform, "web/").await;
    let unknown = line(7).replace("app_key=1021", "app_key=7");
    put(&platform, "web/good.log", &lines(0..5)).await;
    put(&platform, "web/partly.log", &(lines(10..13) + &unknown + "bad\n")).await;
    put(&platform, "other/a.log", &lines(20..24)).await;
    assert_eq!(calls(&platform).await, 8);
    let listed = platform.run("logs list").await;
    assert_eq!(listed.code, 3, "one has no rule: {}", listed.err);
    expect![[r#"
        ┌────────────────┬───────────────┬───────────────┬───────┬───────┬─────────────┐
        │ log            ┆ stored        ┆ state         ┆ lines ┆ calls ┆ not counted │
        ╞════════════════╪═══════════════╪═══════════════╪═══════╪═══════╪═════════════╡
        │ s3://logs/othe ┆ 2015-05-17T20 ┆ no rule names ┆ 0     ┆ 0     ┆ 0           │
        │ r/a.log        ┆ :00:00+08:00  ┆ its bucket    ┆       ┆       ┆             │
        │ s3://logs/web/ ┆ 2015-05-17T20 ┆ read          ┆ 5     ┆ 5     ┆ 0           │
        │ good.log       ┆ :00:00+08:00  ┆               ┆       ┆       ┆             │
        │ s3://logs/web/ ┆ 2015-05-17T20 ┆ read          ┆ 5     ┆ 3     ┆ 2           │
        │ partly.log     ┆ :00:00+08:00  ┆               ┆       ┆       ┆             │
        └────────────────┴───────────────┴───────────────┴───────┴───────┴─────────────┘
    "#]]
    .assert_eq(&listed.out);
    let missing = platform.run("logs list --missing --day 2015-05-17 --json").await;
    let missing: Value = serde_json::from_str(&missing.out).unwrap();
    assert_eq!(missing.as_array().unwrap().len(), 2, "{missing}");
    expect![[r#"
        s3://logs/web/partly.log, 404 bytes of 2015-05-17T20:00:00+08:00
          segments 0 to 1 by rule web: read at 2015-05-17T20:00:00+08:00
        lines 5: 3 calls to bill, 0 free, 1 of unknown callers, 0 no calls, 0 blank, 1 bad
        calls: 3 counted, 0 counted before, 0 withdrawn, 0 in conflict, 0 refused
          1 not counted: not a whole line of an access log (line 5)
          calls of 7, which is no provider: 1
    "#]]
    .assert_eq(&platform.run("logs show s3://logs/web/partly.log").await.done());

    // A rule for the third, and all that lack something are read again.
    let own = platform.folder.path().join("s3.json");
    let own =
        std::fs::read_to_string(own).unwrap().replace("web/", "").replace("\"web\"", "\"all\"");
    platform.folder.write("all.json", &own);
    platform.run("rule add all.json").await.done();
    platform.set("2015-05-17T20:02");
    let again = platform.run("logs again --day 2015-05-17").await.done();
    expect![[r#"
        s3://logs/other/a.log is read again
        s3://logs/web/partly.log is read again
    "#]]
    .assert_eq(&again);
    platform.stack.drain().await.unwrap();
    assert_eq!(calls(&platform).await, 12);
    let listed = platform.run("logs list").await;
    assert_eq!(listed.code, 0, "{}", listed.err);
    let nothing = platform.run("logs show s3://logs/nothing").await;
    assert_eq!(nothing.code, 1);
    assert!(nothing.err.contains("nothing is noted of s3://logs/nothing"), "{}", nothing.err);
    let no_name = platform.run("logs again logs/web").await;
    assert_eq!(no_name.code, 2, "{}", no_name.err);
}

#[tokio::test]
async fn two_rules_cannot_name_the_same_objects() {
    let platform = platform("two-rules").await;
    store_rule(&platform, "web/").await;
    let text = std::fs::read_to_string(platform.folder.path().join("s3.json")).unwrap();
    platform.folder.write("same.json", &text.replace("\"web\"", "\"same\""));
    let refused = platform.run("rule add same.json").await;
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("rule web names s3://logs/web/ too"), "{}", refused.err);
}
